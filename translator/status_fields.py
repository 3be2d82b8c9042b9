"""What the statuses of Emissary's kinds say: what is written, and the schema that the CRDs carry, from one definition.

The condition is Kubernetes' own (`metav1.Condition`); the other fields are Emissary's, for who looks at them already.
"""

from dataclasses import field
from typing import Any, Final, Literal, TypeAlias

from translator.decode import Reason, rule
from translator.decoding.shapes import fields_of
from translator.values import dataclass

ConditionType: TypeAlias = Literal["Accepted", "ResolvedRefs", "Programmed"]
ConditionReason: TypeAlias = (
    Reason | Literal["Accepted", "Warned", "Resolved", "Programmed", "Pending", "RefusedByEnvoy", "NotAccepted"]
)
"""The reasons of all conditions; docs/statuses.md says what each means and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One thing that is so or not."""

    type: str = field(metadata=rule("What: Accepted, ResolvedRefs or Programmed.", max_size=316))
    status: Literal["True", "False", "Unknown"] = field(metadata=rule("Whether it is so."))
    reason: str = field(metadata=rule("Why, in a word for programs.", min_size=1, max_size=1024))
    message: str = field(metadata=rule("Why, in sentences for people.", max_size=32768))
    observed_generation: int | None = field(
        default=None,
        metadata=rule(
            "The metadata.generation that this is about.",
            name="observedGeneration",
            minimum=0,
            schema={"format": "int64"},
        ),
    )
    last_transition_time: str | None = field(
        default=None,
        metadata=rule(
            "When `status` last became another.",
            name="lastTransitionTime",
            required=True,
            schema={"format": "date-time"},
        ),
    )


_CONDITIONS: Final = rule(
    "What is so: each type of condition once; other writers' conditions stay.",
    schema={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StateStatus:
    """What became of it; written by Dragoman."""

    conditions: tuple[Condition, ...] = field(default=(), metadata=_CONDITIONS)
    state: Literal["Running", "Inactive"] | None = field(
        default=None, metadata=rule("Running, or Inactive when a problem stops it.", schema={"type": "string"})
    )
    reason: str | None = field(default=None, metadata=rule("Why it is Inactive: the first of its problems."))


@dataclass(frozen=True, slots=True, kw_only=True)
class HostStatus:
    """What became of it; written by Dragoman."""

    conditions: tuple[Condition, ...] = field(default=(), metadata=_CONDITIONS)
    state: Literal["Initial", "Pending", "Ready", "Error"] | None = field(
        default=None, metadata=rule("Ready; Pending until Envoy has taken it; Error when a problem stops it.")
    )
    tls_certificate_source: Literal["Unknown", "None", "Other", "ACME"] | None = field(
        default=None,
        metadata=rule(name="tlsCertificateSource", doc="Where the certificate comes from: Other is a Secret's."),
    )
    phase_completed: str | None = field(
        default=None, metadata=rule(name="phaseCompleted", doc="The last step towards a certificate by ACME.")
    )
    phase_pending: str | None = field(
        default=None, metadata=rule(name="phasePending", doc="The next step towards a certificate by ACME.")
    )
    error_reason: str | None = field(default=None, metadata=rule(name="errorReason", doc="Why the state is Error."))
    error_timestamp: str | None = field(
        default=None,
        metadata=rule(name="errorTimestamp", doc="When it became so.", schema={"format": "date-time"}),
    )
    error_backoff: str | None = field(
        default=None, metadata=rule(name="errorBackoff", doc="How long until the next try of ACME.")
    )


AnyStatus: TypeAlias = StateStatus | HostStatus


def written(status: AnyStatus | Condition) -> dict[str, Any]:
    """The JSON of a status: what is None is absent. Times are absent too: who writes it knows what was there before."""
    found: dict[str, Any] = {}
    kind: type = type(status)  # functools.cache takes no union of types for hashable
    for each in fields_of(kind):
        value = getattr(status, each.attribute)
        if each.attribute == "conditions":
            found[each.name] = [written(condition) for condition in value]
        elif value is not None:
            found[each.name] = value
    return found
