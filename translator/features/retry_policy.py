"""Sending a failed request again."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from envoyapi.config_route_v3 import RetryPolicy as EnvoyRetryPolicy
from envoyapi.wire import duration_ms

MOST_KEPT: Final = 1_048_576
"""Of a body that may have to be sent again, in bytes: what Envoy keeps where connections have no limit of their own."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When a request is sent again, and how often.

    `conditions` are Envoy's words. Source: Envoy, "Router", `x-envoy-retry-on` and `x-envoy-retry-grpc-on`.
    `retries` None is Envoy's default, 1; `per_try_timeout_ms` None is the timeout of the whole request.
    `body_limit`: how much of a body is kept for the next try, in bytes, and a larger one is sent once; None is as much
    as of the client's connection.
    """

    conditions: tuple[str, ...]
    retries: int | None = None
    per_try_timeout_ms: int | None = None
    body_limit: int | None = MOST_KEPT


def action_fields(policy: RetryPolicy) -> dict[str, object]:
    """What Envoy's RouteAction says of it."""
    limit = policy.per_try_timeout_ms
    return {
        "retry_policy": EnvoyRetryPolicy(
            retry_on=",".join(policy.conditions),
            num_retries=policy.retries,
            per_try_timeout=None if limit is None else duration_ms(limit),
        )
    }


def body_limit_of(features: Iterable[object]) -> int | None:
    """How much Envoy's Route keeps of a body beyond what a connection may."""
    return next((each.body_limit for each in features if isinstance(each, RetryPolicy)), None)
