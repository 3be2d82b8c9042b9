"""`retry_policy`: send a failed request again."""

from collections.abc import Iterable
from dataclasses import field
from typing import Literal

from translator.checks import Count, Duration
from translator.decode import rule
from translator.features import retry_policy
from translator.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """When to send a request again, and how often."""

    retry_on: Literal[
        "5xx", "gateway-error", "connect-failure", "retriable-4xx", "refused-stream", "retriable-status-codes"
    ] = field(metadata=rule("What counts as a failure."))
    num_retries: Count | None = field(default=None, metadata=rule("How often at most; 1 when absent."))
    per_try_timeout: Duration | None = field(
        default=None, metadata=rule("How long each try may take, such as 1.5s; as long as the request when absent.")
    )


def retry_policy_of(
    own: Iterable[RetryPolicy | None], default: RetryPolicy | None, *, is_limited: bool = False
) -> retry_policy.RetryPolicy | None:
    """The policy of a group: the last of its members' own ones, else the Module's.

    `is_limited`: whether the Module says how much is kept of a connection, and so of a body that is sent again.
    """
    policy = default
    for given in own:
        policy = given or policy
    if policy is None:
        return None
    kept = None if is_limited else retry_policy.MOST_KEPT
    return retry_policy.RetryPolicy((policy.retry_on,), policy.num_retries, policy.per_try_timeout, kept)
