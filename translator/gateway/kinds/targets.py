"""What policies of ours attach to: targets in their own namespace, by GEP-713."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import field
from typing import Annotated, Any, ClassVar, Final, Literal, Protocol, get_args

from translator.decode import Problem, Rule, Validation, rule
from translator.decoding.shapes import fields_of
from translator.gateway.kinds.shared import ObjectName, SectionName, listed, readable
from translator.gateway.names import PARENTS, ROUTES
from translator.ir import ObjectKey
from translator.values import dataclass

_MOST_LEFT: Final = 1024
"""Targets that are looked for in a policy that is stopped."""

OVERRIDE: Final = "override"
"""The field of kinds that have overrides: nobody may say otherwise."""


class Target(Protocol):
    """What a policy names."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def section_name(self) -> str | None: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def group(self) -> str: ...  # noqa: D102
    @property
    def kind_key(self) -> str:
        """Group and kind, as keys of objects begin."""
        ...


Place = tuple[ObjectKey, str]
"""An object, and a section of it; empty: all of it."""


RouteKind = Literal["Gateway", "ListenerSet", "HTTPRoute", "GRPCRoute"]
_KINDS: Final = {kind.lower(): kind for kind in (*get_args(RouteKind), "Service")}


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteTarget:
    """Whose requests the policy is about: those of a Gateway or a ListenerSet, of a route, or of a section of it."""

    STRICT: ClassVar[bool] = True

    group: Literal["gateway.networking.k8s.io"] = field(
        default="gateway.networking.k8s.io", metadata=rule("The API group of the target.")
    )
    kind: RouteKind = field(metadata=rule("The kind of the target."))
    name: ObjectName = field(metadata=rule("The name of the target, which is in the policy's own namespace."))
    section_name: SectionName | None = field(
        default=None,
        metadata=rule("Only this listener of a Gateway or a ListenerSet, or this rule of a route.", name="sectionName"),
    )

    @property
    def kind_key(self) -> str:
        """Group and kind, as keys of objects begin."""
        return {**PARENTS, **ROUTES}[self.kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceTarget:
    """The Service that the policy is about, or one of its ports."""

    STRICT: ClassVar[bool] = True

    group: Literal["", "core"] = field(default="", metadata=rule("The API group of the target: the empty one."))
    kind: Literal["Service"] = field(default="Service", metadata=rule("The kind of the target."))
    name: ObjectName = field(metadata=rule("The name of the Service, which is in the policy's own namespace."))
    section_name: SectionName | None = field(
        default=None, metadata=rule("Only the port of this name.", name="sectionName")
    )

    @property
    def kind_key(self) -> str:
        """Group and kind, as keys of objects begin."""
        return "core/Service"


RouteTargets = Annotated[tuple[RouteTarget, ...], Rule(min_size=1, max_size=16)]
ServiceTargets = Annotated[tuple[ServiceTarget, ...], Rule(min_size=1, max_size=16)]


def _said(field: str) -> str:
    """That two targets say the same in a field."""
    one, other = (f"(has({each}.{field}) ? {each}.{field} : '')" for each in ("one", "other"))
    return f"{one} == {other}"


ONCE: Final = Validation(
    "self.targetRefs.all(one, self.targetRefs.exists_one(other, "
    f"{' && '.join(map(_said, ('kind', 'name', 'sectionName')))}))",
    "targetRefs must not name a target twice",
    touched=("targetRefs",),
)


class Targeting(Protocol):
    """The spec of a policy."""

    @property
    def target_refs(self) -> tuple[Any, ...]: ...  # noqa: D102


def twice(targets: Iterable[Target]) -> Iterable[Problem]:
    """What is wrong where a target is there several times."""
    seen: set[object] = set()
    for place, each in enumerate(targets):
        named = (each.kind, each.name, each.section_name)
        if named in seen:
            yield Problem(f"targetRefs[{place}]", "is there twice")
        seen.add(named)


def targets_left(cls: type[Any], spec: Mapping[str, Any]) -> tuple[Any, ...]:
    """The targets of a policy of which something else, or one of them, cannot be read.

    Of what names a section that cannot be read, all of it is the target. A kind is the one that it is in another case.
    """
    given = spec.get("targetRefs")
    every = [given] if isinstance(given, dict) else listed(dict(spec), "targetRefs", _MOST_LEFT)
    plain: type = cls  # functools.cache takes no type[Any] for hashable
    names = {each.name for each in fields_of(plain)}
    found = [readable(cls, (_of(each, names), _of(each, names - {"sectionName"})))[:1] for each in every]
    return tuple([target for one in found for target in one])


def _of(given: Any, names: Container[str]) -> Any:
    """The fields of these names, where what is given has fields. A section whose name is misspelled is none."""
    if not isinstance(given, dict):
        return given
    kind = given.get("kind")
    meant = {"kind": _KINDS.get(kind.lower(), kind)} if isinstance(kind, str) else {}
    return {name: value for name, value in {**given, **meant}.items() if name in names}


def place_of(target: Target, namespace: str) -> Place:
    """What a target of a policy in a namespace is."""
    return f"{target.kind_key}/{namespace}/{target.name}", target.section_name or ""
