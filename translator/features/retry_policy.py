"""Sending a failed request again."""

from collections.abc import Iterable
from typing import Final

from envoyapi.config_route_v3 import RetryPolicy as EnvoyRetryPolicy
from envoyapi.config_route_v3 import RetryPolicyRetryBackOff
from envoyapi.wire import duration_ms
from translator.values import dataclass

MOST_KEPT: Final = 1_048_576
"""Of a body that may have to be sent again, in bytes: what Envoy keeps where connections have no limit of their own."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When a request is sent again, and how often.

    `conditions` are Envoy's words. Source: Envoy, "Router", `x-envoy-retry-on` and `x-envoy-retry-grpc-on`.
    `retries` None is Envoy's default, 1; `per_try_timeout_ms` None is the timeout of the whole request.
    `body_limit`: how much of a body is kept for the next try, in bytes, and a larger one is sent once; None is as much
    as of the client's connection. `codes` are the statuses that the condition `retriable-status-codes` means.
    `idle_timeout_ms`: how long nothing may come from the backend during a try.
    `backoff_ms`: how long is waited before the second retry, at most; ever longer before each next one.
    """

    conditions: tuple[str, ...]
    retries: int | None = None
    per_try_timeout_ms: int | None = None
    body_limit: int | None = MOST_KEPT
    codes: tuple[int, ...] = ()
    backoff_ms: int | None = None
    idle_timeout_ms: int | None = None


def action_fields(policy: RetryPolicy) -> dict[str, object]:
    """What Envoy's RouteAction says of it."""
    limit = policy.per_try_timeout_ms
    return {
        "retry_policy": EnvoyRetryPolicy(
            retry_on=",".join(policy.conditions) or None,
            num_retries=policy.retries,
            per_try_timeout=None if limit is None else duration_ms(limit),
            per_try_idle_timeout=None if policy.idle_timeout_ms is None else duration_ms(policy.idle_timeout_ms),
            retriable_status_codes=policy.codes,
            retry_back_off=_back_off(policy.backoff_ms) if policy.backoff_ms else None,
        )
    }


def _back_off(milliseconds: int) -> RetryPolicyRetryBackOff:
    return RetryPolicyRetryBackOff(base_interval=duration_ms(milliseconds))


def body_limit_of(features: Iterable[object]) -> int | None:
    """How much Envoy's Route keeps of a body beyond what a connection may."""
    return next((each.body_limit for each in features if isinstance(each, RetryPolicy)), None)
