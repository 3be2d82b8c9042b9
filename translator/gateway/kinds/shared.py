"""What the kinds have in common: their objects, the types of their fields, and references to other objects."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import field
from typing import Annotated, Any, ClassVar, Final, Generic, Literal, TypeVar

import orjson

from translator.checks import Port
from translator.decode import Problem, Rule, decode, few, rule
from translator.discerning import discerned
from translator.gateway.names import GROUP
from translator.ir import ObjectKey
from translator.kubernetes.shapes import metadata_of, unread
from translator.kubernetes.tables import name_of
from translator.unserved import wrong_version
from translator.values import dataclass

T = TypeVar("T")

HELD: Final = "heldBack"
"""Marks what is left of an object that Envoy refused: it keeps its place, and is not served."""

UNKNOWN: Final = "tells no name, so that none is shut: what was meant may be answered by who has wider ones"

MOST_LEFT: Final = 64
"""Names that are looked for in what is stopped."""
_MOST_PARENTS: Final = 32
_LONGEST_NAME: Final = 253
_PARTS: Final = ("group", "kind", "namespace", "sectionName", "port")
"""The fields of a reference to a parent beside its name."""

_LABEL: Final = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_DNS: Final = rf"{_LABEL}(\.{_LABEL})*"
_HOSTNAME: Final = re.compile(rf"(\*\.)?{_DNS}")

SectionName = Annotated[str, Rule(min_size=1, max_size=253, pattern=_DNS, hint="a name in lower case")]
ObjectName = Annotated[str, Rule(min_size=1, max_size=253)]
Namespace = Annotated[str, Rule(min_size=1, max_size=63, pattern=_LABEL, hint="the name of a namespace")]
Group = Annotated[str, Rule(max_size=253, pattern=rf"({_DNS})?", hint="an API group")]
Kind = Annotated[str, Rule(min_size=1, max_size=63, pattern="[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?", hint="a kind")]
Hostname = Annotated[
    str, Rule(min_size=1, max_size=253, pattern=rf"(\*\.)?{_DNS}", hint="a hostname in lower case, or *. and one")
]

DefaultScope = Literal["All", "None"]
"""Which Gateways a route attaches to without naming them, and which routes a Gateway takes that do not name it."""

PreciseHostname = Annotated[str, Rule(min_size=1, max_size=253, pattern=_DNS, hint="a hostname in lower case")]
"""One that is written into requests and answers, so that it cannot stand for others."""


@dataclass(frozen=True, slots=True)
class Object(Generic[T]):
    """An object as it was read; `spec` is None when a problem stops it. `created` is in RFC 3339, or empty.

    `parents` are what a route refers to, also where nothing else of it can be read: it is told there what is wrong.
    `wants_defaults`: it asks for all Gateways that take routes without being named.
    `left` is what can be read of the names of an object that is stopped, so that nobody else gets them by a mistake:
    the listeners of a Gateway or a ListenerSet, the hostnames of a route.
    """

    key: ObjectKey
    namespace: str
    name: str
    created: str
    spec: T | None
    problems: tuple[Problem, ...] = ()
    is_held: bool = False
    parents: tuple["ParentRef", ...] = ()
    left: tuple[Any, ...] = ()
    wants_defaults: bool = False

    @property
    def age(self) -> tuple[str, str, str]:
        """The order in which those that want the same come: the oldest, then the first by its name."""
        return self.created, self.namespace, self.name

    @property
    def kind(self) -> str:
        """Its kind, without the group."""
        return self.key.split("/", 2)[1]

    @property
    def called(self) -> str:
        """Its name for people."""
        return f"{self.kind} {self.namespace}/{self.name}"


def read_object(
    spec: type[T],
    key: ObjectKey,
    body: bytes,
    names_of: Callable[[dict[str, Any]], tuple[Any, ...]] | None = None,
    unknown_of: Callable[[dict[str, Any]], Iterable[Problem]] = lambda _: (),
) -> Object[T]:
    """Read an object of a kind; the API server has checked it, a folder of YAML has not.

    `names_of` finds what is left of a spec that is stopped, and `unknown_of` says which names nobody can know.
    """
    document: dict[str, Any] = orjson.loads(body)
    metadata, read = metadata_of(document), decode(spec, document.get("spec"))
    problems = few((*unread(document), *wrong_version(document), *metadata.problems, *read.problems))
    value = None if any(problem.stops for problem in problems) else read.value
    created = (metadata.value and metadata.value.creation_timestamp) or ""
    given = document.get("spec")
    said: dict[str, Any] = given if isinstance(given, dict) else {}
    left = names_of(said) if names_of is not None and value is None else ()
    problems = few((*problems, *unknown_of(said))) if value is None else problems
    return Object(
        key,
        *name_of(key),
        created,
        value,
        problems,
        document.get(HELD) is True,
        tuple(dict.fromkeys(_parents_of(said))),
        left,
        said.get("useDefaultGateways") == "All",
    )


def names_in(written: object) -> tuple[str, ...]:
    """The hostnames in what may be none; an empty one is every name."""
    return discerned(written, _hostname, "")


def _hostname(text: str) -> str | None:
    name = text.lower().removesuffix(".")
    return "" if name == "*" else name if len(name) <= _LONGEST_NAME and _HOSTNAME.fullmatch(name) else None


def hostnames_of(spec: dict[str, Any], most: int = MOST_LEFT) -> tuple[str, ...]:
    """The hostnames of a route of which something else, or one of them, cannot be read."""
    given = spec.get("hostnames")
    every = given[:most] if isinstance(given, list) else [] if given is None else [given]
    return tuple(dict.fromkeys(name for each in every for name in names_in(each)))


def unknown_hostnames(spec: dict[str, Any]) -> Iterator[Problem]:
    """That something among the hostnames of a route tells no name."""
    given = spec.get("hostnames")
    every = given[:MOST_LEFT] if isinstance(given, list) else [] if given is None else [given]
    for place, each in enumerate(every):
        if not names_in(each):
            path = f"spec.hostnames[{place}]" if isinstance(given, list) else "spec.hostnames"
            yield Problem(path, UNKNOWN, stops=False)


def _parents_of(spec: dict[str, Any]) -> Iterator["ParentRef"]:
    """What a route refers to, as far as that can be read."""
    given = spec.get("parentRefs")
    for each in listed(spec, "parentRefs", _MOST_PARENTS) if isinstance(given, list) else [given]:
        found = read_reference(ParentRef, each)
        if found is not None:
            yield found


def read_reference(cls: type[T], given: object) -> T | None:
    """A reference of which a part may be wrong: where it is not clear to which section, it is to all of it."""
    said = {"name": given} if isinstance(given, str) else given
    found = decode(cls, said).value
    if found is not None or not isinstance(said, dict) or "name" not in said:
        return found
    parts = [(name, said[name]) for name in _PARTS if name in said]
    fit = {name: value for name, value in parts if decode(cls, {"name": "x", name: value}).value is not None}
    return decode(cls, {"name": said["name"], **fit}).value


def listed(spec: dict[str, Any], field: str, most: int = MOST_LEFT) -> list[Any]:
    """The beginning of a list, if it is one."""
    given = spec.get(field)
    return given[:most] if isinstance(given, list) else []


def readable(cls: type[T], given: Iterable[Any]) -> list[T]:
    """Those that can be read."""
    return [found for each in given if (found := decode(cls, each).value) is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParentRef:
    """What a route attaches to."""

    OPEN: ClassVar[bool] = True

    group: Group = GROUP
    kind: Kind = "Gateway"
    namespace: Namespace | None = None
    name: ObjectName
    section_name: SectionName | None = field(default=None, metadata=rule(name="sectionName"))
    port: Port | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it is about all listeners."""
        return self.section_name is None and self.port is None

    def json(self) -> dict[str, Any]:
        """The reference as it stands in a status."""
        said = {
            "group": self.group,
            "kind": self.kind,
            "namespace": self.namespace,
            "name": self.name,
            "sectionName": self.section_name,
            "port": self.port,
        }
        return {name: value for name, value in said.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRef:
    """Another object; which group and kind it is of when nothing is said, its user knows."""

    OPEN: ClassVar[bool] = True

    group: Group = ""
    kind: Kind | None = None
    namespace: Namespace | None = None
    name: ObjectName


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendObjectRef:
    """Where requests go."""

    OPEN: ClassVar[bool] = True

    group: Group = ""
    kind: Kind = "Service"
    namespace: Namespace | None = None
    name: ObjectName
    port: Port | None = None

    @property
    def is_service(self) -> bool:
        """Whether it names a Service."""
        return self.group in {"", "core"} and self.kind == "Service"

    def cross_check(self) -> Iterable[Problem]:
        """A Service is asked at a port."""
        if self.is_service and self.port is None:
            yield Problem("port", "must be given for a Service")


def unique_names(names: Iterable[tuple[int, str | None]], where: str) -> Iterable[Problem]:
    """What is wrong where names are there twice; each is given with its place in the list."""
    seen: dict[str, int] = {}
    for place, name in names:
        if name is not None and name in seen:
            yield Problem(f"{where}[{place}].name", f"{name} is the name of {where}[{seen[name]}] already")
        elif name is not None:
            seen[name] = place


def checked_parents(parents: Iterable[ParentRef]) -> Iterable[Problem]:
    """The rules about several references to one parent: each names another section, or another port."""
    seen: dict[object, list[ParentRef]] = {}
    for place, parent in enumerate(parents):
        same = seen.setdefault((parent.group, parent.kind, parent.namespace, parent.name), [])
        if any((parent.section_name, parent.port) == (each.section_name, each.port) for each in same):
            yield Problem(f"parentRefs[{place}]", "is there twice: sectionName or port must tell them apart")
        same.append(parent)
