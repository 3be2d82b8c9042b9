"""BackendTLSPolicy: that a Service is spoken with by TLS, and whose certificate it must show.

Source: Gateway API v1.7.0, BackendTLSPolicy v1.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Annotated, Any, ClassVar, Final, Literal

from translator.checks import plain_text
from translator.decode import FrozenMap, Problem, Rule, rule
from translator.gateway.kinds.shared import (
    Group,
    Hostname,
    Kind,
    ObjectName,
    PreciseHostname,
    SectionName,
    listed,
    readable,
)
from translator.values import dataclass

OWN_OPTIONS: Final = "getambassador.io/"
"""Begins the names of options that would be ours."""

_SERVICE: Final = {"group": "", "kind": "Service"}
_MOST_LEFT: Final = 1024
"""Targets that are looked for in a policy that is stopped."""

_DNS: Final = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_WELL_KNOWN: Final = rf"System|{_DNS}/([A-Za-z0-9][-A-Za-z0-9_.]{{0,61}})?[A-Za-z0-9]"
_IPV4: Final = re.compile(r"[0-9]+(?:\.[0-9]+){3}")
_URI: Final = r"[^:/?#]+://[^/?#]*[^?#]*(\?[^#]*)?(#.*)?"


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRef:
    """Which Service the policy is about, or which of its ports."""

    OPEN: ClassVar[bool] = True

    group: Group
    kind: Kind
    name: ObjectName
    section_name: SectionName | None = field(default=None, metadata=rule(name="sectionName"))

    @property
    def is_service(self) -> bool:
        """Whether it names a Service."""
        return self.group in {"", "core"} and self.kind == "Service"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalRef:
    """Another object of the same namespace."""

    OPEN: ClassVar[bool] = True

    group: Group
    kind: Kind
    name: ObjectName


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectAltName:
    """A name that the certificate may have."""

    OPEN: ClassVar[bool] = True

    type: Literal["Hostname", "URI"]
    hostname: Hostname | None = None
    uri: (
        Annotated[str, Rule(min_size=1, max_size=253, pattern=_URI, check=plain_text, hint="a URI with its scheme")]
        | None
    ) = None

    def cross_check(self) -> Iterable[Problem]:
        """The field that belongs to the type is there, and no other."""
        for name, value in (("Hostname", self.hostname), ("URI", self.uri)):
            if name == self.type and value is None:
                yield Problem(name.lower(), f"must be given with the type {name}")
            if name != self.type and value is not None:
                yield Problem(name.lower(), f"must not be given with the type {self.type}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """Whose certificate the Service must show."""

    OPEN: ClassVar[bool] = True

    ca_certificate_refs: Annotated[tuple[LocalRef, ...], Rule(max_size=8)] = field(
        default=(), metadata=rule(name="caCertificateRefs")
    )
    well_known: (
        Annotated[
            str, Rule(min_size=1, max_size=253, pattern=_WELL_KNOWN, hint="System, or a name with a domain before it")
        ]
        | None
    ) = field(default=None, metadata=rule(name="wellKnownCACertificates"))
    hostname: PreciseHostname
    subject_alt_names: Annotated[tuple[SubjectAltName, ...], Rule(max_size=5)] = field(
        default=(), metadata=rule(name="subjectAltNames")
    )

    def cross_check(self) -> Iterable[Problem]:
        """One way to say which CAs; and no certificate has an address as its name."""
        if _IPV4.fullmatch(self.hostname):
            yield Problem("hostname", "must be a name, not an address")
        if self.ca_certificate_refs and self.well_known:
            yield Problem("wellKnownCACertificates", "must not be given beside caCertificateRefs")
        if not self.ca_certificate_refs and not self.well_known:
            yield Problem("caCertificateRefs", "must be given, or wellKnownCACertificates")


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendTLSPolicySpec:
    """What a BackendTLSPolicy says."""

    OPEN: ClassVar[bool] = True

    target_refs: Annotated[tuple[TargetRef, ...], Rule(min_size=1, max_size=16)] = field(
        metadata=rule(name="targetRefs", required=True)
    )
    validation: Validation
    options: Annotated[Mapping[str, object], Rule(max_size=16)] = FrozenMap()

    def cross_check(self) -> Iterable[Problem]:
        """Targets are there once, and several of one Service are all of its ports."""
        seen: dict[object, list[TargetRef]] = {}
        for place, target in enumerate(self.target_refs):
            same = seen.setdefault((target.group, target.kind, target.name), [])
            if any(each.section_name == target.section_name for each in same):
                yield Problem(f"targetRefs[{place}]", "is there twice")
            elif any((each.section_name is None) != (target.section_name is None) for each in same):
                yield Problem(f"targetRefs[{place}].sectionName", "must be given where a target is named several times")
            same.append(target)


def targets_of(spec: dict[str, Any]) -> tuple[TargetRef, ...]:
    """The targets of a policy of which something else, or one of them, cannot be read.

    Of what has no more than a name that can be read, that is taken for a Service, and for all of its ports.
    """
    given = spec.get("targetRefs")
    every = [given] if isinstance(given, dict) else listed(spec, "targetRefs", _MOST_LEFT)
    return tuple([found for each in every for found in readable(TargetRef, (each, _at_least(each)))[:1]])


def _at_least(given: Any) -> dict[str, Any]:
    is_none = not isinstance(given, dict) or given.get("kind", _SERVICE["kind"]) != _SERVICE["kind"]
    return {} if is_none else {**_SERVICE, "name": given.get("name")}
