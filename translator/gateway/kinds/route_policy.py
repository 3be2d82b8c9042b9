"""RoutePolicy: what becomes of the requests of a Gateway, a listener, a route or a rule beside what a route can say.

Its fields are those of a Mapping, and of the Module. What is not said is as a policy for more says it, else as it is.
A field that nobody knows may be a guard whose name is misspelled, or one of another version: it stops the policy, and
what may be meant by it is closed like a guard that cannot be used.
"""

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any, ClassVar, Final

from translator.checks import Milliseconds, PlainText
from translator.decode import Problem, Validation, nearest, rule
from translator.decoding.shapes import fields_of
from translator.fields.access_log import LogOfSome
from translator.fields.address_rules import Ranges
from translator.fields.buffer import BufferOfSome
from translator.fields.cors import Cors
from translator.fields.error_overrides import ErrorOverrides
from translator.fields.labels import Labels
from translator.fields.priority import Priority
from translator.fields.retry_policy import RetryPolicy
from translator.gateway.kinds.targets import ONCE, OVERRIDE, RouteTarget, RouteTargets, targets_left, twice
from translator.values import dataclass

ADDRESSES: Final = ("ip_allow", "ip_deny")
AUTHORIZATION: Final = ("external_auth", "auth_context_extensions")
"""The fields on which security hangs: where one of them cannot be used, requests are refused."""
GUARDS: Final = (*ADDRESSES, *AUTHORIZATION)
_MOST_LOOKED_AT: Final = 64
"""Fields that nobody knows, of which it is looked for what was meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutePolicySpec:
    """What becomes of requests."""

    STRICT: ClassVar[bool] = True
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
    override: bool = field(
        default=False,
        metadata=rule(
            "Whether what it says is the last word: no policy for less, and no route, can say otherwise. Else it holds"
            " until they do."
        ),
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
    buffer: BufferOfSome | None = field(
        default=None, metadata=rule("Whether requests wait for the end of their bodies, and how large these may be.")
    )
    error_response_overrides: ErrorOverrides | None = field(
        default=None, metadata=rule("What clients read instead of the bodies of errors; an empty list: nothing else.")
    )

    access_log: LogOfSome | None = field(default=None, metadata=rule("What is logged of the requests, and whether."))

    def cross_check(self) -> Iterable[Problem]:
        """What no field can see alone."""
        yield from twice(self.target_refs)
        if self.auth_context_extensions is not None and not self.external_auth:
            yield Problem("auth_context_extensions", "must not be given without external_auth: true")


def targets_of(spec: dict[str, Any]) -> tuple[RouteTarget | str, ...]:
    """The targets of a policy that is stopped; by their names the fields of it on which security hangs, and OVERRIDE.

    A field that nobody knows is what it is likest to. One that is like none may be any of those.
    """
    guards = {name for name in GUARDS if spec.get(name) is not None}
    overrides = spec.get(OVERRIDE) is not None and spec[OVERRIDE] is not False
    names = [each.name for each in fields_of(RoutePolicySpec)]
    unknown = [name for name in spec if name not in names and spec[name] is not None]
    for name in unknown[:_MOST_LOOKED_AT]:
        meant = nearest(name, names)
        guards.update(GUARDS if meant is None else {meant} & set(GUARDS))
        overrides = overrides or (meant == OVERRIDE and spec[name] is not False)
    if len(unknown) > _MOST_LOOKED_AT:
        guards.update(GUARDS)
    return (*targets_left(RouteTarget, spec), *sorted(guards), *((OVERRIDE,) if overrides else ()))
