"""RoutePolicy: what becomes of the requests of a Gateway, a listener, a route or a rule beside what a route can say.

Its fields are those of a Mapping, and of the Module. What is not said is as a policy for more says it, else as it is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any, ClassVar, Final

from translator.checks import Milliseconds, PlainText
from translator.decode import Problem, Validation, rule
from translator.fields.address_rules import Ranges
from translator.fields.cors import Cors
from translator.fields.labels import Labels
from translator.fields.priority import Priority
from translator.fields.retry_policy import RetryPolicy
from translator.gateway.kinds.targets import ONCE, RouteTarget, RouteTargets, targets_left, twice
from translator.values import dataclass

ADDRESSES: Final = ("ip_allow", "ip_deny")
AUTHORIZATION: Final = ("external_auth", "auth_context_extensions")
"""The fields on which security hangs: where one of them cannot be used, requests are refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutePolicySpec:
    """What becomes of requests."""

    SILENT: ClassVar[frozenset[str]] = frozenset()
    VALIDATIONS: ClassVar[tuple[Validation, ...]] = (
        ONCE,
        Validation(
            "!has(self.auth_context_extensions) || has(self.external_auth) && self.external_auth",
            "auth_context_extensions must not be given without external_auth: true",
            touched=("auth_context_extensions", "external_auth"),
        ),
    )

    target_refs: RouteTargets = field(
        metadata=rule("Whose requests it is about: of objects of its own namespace.", name="targetRefs")
    )
    timeout_ms: Milliseconds | None = field(
        default=None,
        metadata=rule("How long a whole request may take where its rule does not say it; 0 is no limit."),
    )
    idle_timeout_ms: Milliseconds | None = field(
        default=None, metadata=rule("How long a request may be silent; 0 is no limit.")
    )
    retry_policy: RetryPolicy | None = field(
        default=None, metadata=rule("When to try again, where the rule does not say it.")
    )
    priority: Priority | None = field(
        default=None, metadata=rule("`HIGH`: the circuit breakers of high priority count for the requests.")
    )
    cors: Cors | None = field(
        default=None,
        metadata=rule("Which pages of other sites may read answers, where the rule has no filter that says it."),
    )
    labels: Labels | None = field(
        default=None,
        metadata=rule(
            "What a RateLimitService counts the requests by: for each domain a list of groups, each a name and its"
            " entries; an empty list: not even the Module's default_labels."
        ),
    )
    ip_allow: Ranges | None = field(
        default=None, metadata=rule("Only clients of these addresses get in; the others are answered 403.")
    )
    ip_deny: Ranges | None = field(default=None, metadata=rule("Clients of these addresses are answered 403."))
    external_auth: bool | None = field(
        default=None,
        metadata=rule("Whether the AuthServices are asked about the requests; as long as nobody says it they are not."),
    )
    auth_context_extensions: Mapping[str, PlainText] | None = field(
        default=None, metadata=rule("What an AuthService that speaks gRPC is told besides.")
    )

    compress: bool | None = field(
        default=None,
        metadata=rule(
            "Whether answers are compressed, as the Module's `gzip` says how; not as long as nobody says it."
        ),
    )

    def cross_check(self) -> Iterable[Problem]:
        """What no field can see alone."""
        yield from twice(self.target_refs)
        if self.auth_context_extensions is not None and not self.external_auth:
            yield Problem("auth_context_extensions", "must not be given without external_auth: true")


def targets_of(spec: dict[str, Any]) -> tuple[RouteTarget | str, ...]:
    """The targets of a policy that is stopped, and the fields of it on which security hangs, by their names."""
    guards = [name for name in (*ADDRESSES, *AUTHORIZATION) if spec.get(name) is not None]
    return (*targets_left(RouteTarget, spec), *guards)
