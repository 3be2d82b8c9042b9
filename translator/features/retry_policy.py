"""Sending a failed request again."""

from dataclasses import dataclass

from envoyapi.config_route_v3 import RetryPolicy as EnvoyRetryPolicy
from envoyapi.wire import duration_ms


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When a request is sent again, and how often.

    `conditions` are Envoy's words. Source: Envoy, "Router", `x-envoy-retry-on` and `x-envoy-retry-grpc-on`.
    `retries` None is Envoy's default, 1; `per_try_timeout_ms` None is the timeout of the whole request.
    """

    conditions: tuple[str, ...]
    retries: int | None = None
    per_try_timeout_ms: int | None = None


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
