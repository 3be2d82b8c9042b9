"""Which listeners a route attaches to, and what is said where it does not. Pure.

A parent is asked for the listeners that the route names, then for those that take its kind, then its namespace, then
its hostnames; where none is left, that is what the route is told. A listener's own troubles do not count here.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from translator.decode import Problem
from translator.gateway.conditions import Condition, false, true
from translator.gateway.conditions import named as listed
from translator.gateway.hostnames import EVERY, intersection, specificity
from translator.gateway.kinds.gateway import AllowedRoutes, From, ListenerSpec
from translator.gateway.kinds.shared import Object, ParentRef
from translator.gateway.listeners import KINDS, ListenerKey
from translator.gateway.names import GROUP
from translator.gateway.problems import in_words
from translator.kubernetes.selectors import Selector, selects
from translator.values import dataclass

LabelsOf = Callable[[str], Mapping[str, str]]
"""The labels of a namespace."""


@dataclass(frozen=True, slots=True)
class Place:
    """A listener, as far as routes are concerned."""

    key: ListenerKey
    port: int
    protocol: str
    hostname: str
    kinds: tuple[str, ...]
    source: From
    selector: Selector | None
    namespace: str


@dataclass(frozen=True, slots=True)
class Name:
    """A hostname that a route has at a listener, and the one that it was written as; empty: every one."""

    effective: str
    original: str


@dataclass(frozen=True, slots=True)
class Spot:
    """A listener that a route is attached to, with the names that it has there."""

    key: ListenerKey
    port: int
    listener: str
    names: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class Attachment:
    """What became of one reference to a parent."""

    ref: ParentRef
    accepted: Condition
    spots: tuple[Spot, ...] = ()

    @property
    def is_accepted(self) -> bool:
        """Whether the parent takes the route."""
        return self.accepted.status == "True"


def kinds_of(protocol: str, allowed: AllowedRoutes) -> tuple[str, ...]:
    """The kinds of routes that a listener takes."""
    served = KINDS.get(protocol, ())
    if not allowed.kinds:
        return served
    wanted = {each.kind for each in allowed.kinds if each.group == GROUP}
    return tuple([kind for kind in served if kind in wanted])


def places_of(owner: Object[Any], listeners: Iterable[ListenerSpec]) -> tuple[Place, ...]:
    """The listeners of a Gateway or a ListenerSet for routes."""
    found = []
    for each in listeners:
        allowed = each.allowed_routes
        chosen = allowed.namespaces.selector
        found.append(
            Place(
                (owner.key, each.name),
                each.port,
                each.protocol,
                each.hostname or EVERY,
                kinds_of(each.protocol, allowed),
                allowed.namespaces.source,
                chosen.wanted if chosen else None,
                owner.namespace,
            )
        )
    return tuple(found)


def attach(
    kind: str,
    namespace: str,
    hostnames: Iterable[str],
    ref: ParentRef,
    places: Iterable[Place],
    labels_of: LabelsOf,
    path: str,
) -> Attachment:
    """Attach a route of a kind and a namespace, with these hostnames, to those of a parent's listeners that it names.

    `path` is where the reference stands.
    """

    def refused(reason: str, message: str) -> Attachment:
        return Attachment(ref, false("Accepted", reason, message, path))

    named = [each for each in places if is_named(each, ref)]
    if not named:
        asked = [f"{what} {value}" for what, value in (("name", ref.section_name), ("port", ref.port)) if value]
        if not asked:
            return refused(
                "NotAllowedByListeners", f"{ref.kind} {ref.namespace or namespace}/{ref.name} has no listeners"
            )
        said = f"{ref.kind} {ref.namespace or namespace}/{ref.name} has no listener of the {' and the '.join(asked)}"
        return refused("NoMatchingParent", said)
    taking = [each for each in named if kind in each.kinds]
    if not taking:
        return refused("NotAllowedByListeners", f"{_those(named)} no {kind}")
    open_ = [each for each in taking if _is_open(each, namespace, labels_of)]
    if not open_:
        return refused("NotAllowedByListeners", f"{_those(taking)} no routes of the namespace {namespace}")
    wanted = tuple(hostnames) or (EVERY,)
    ordered = sorted(wanted, key=lambda each: (specificity(each), each))
    spots = [Spot(each.key, each.port, each.hostname, names) for each in open_ if (names := _names(each, ordered))]
    if not spots:
        said = f"{_those(open_)} none of the hostnames {listed(wanted)}"
        return refused("NoMatchingListenerHostname", said)
    return Attachment(ref, true("Accepted"), tuple(spots))


def unread(found: Attachment, problems: Iterable[Problem]) -> Attachment:
    """The same of a route that cannot be read: its parent is told so. It keeps its hostnames, where nothing is then."""
    return replace(found, accepted=false("Accepted", "UnsupportedValue", in_words(problems)))


def unserved(found: Attachment, said: str, path: str = "spec.rules") -> Attachment:
    """The same of a route that is not served as a whole, with what is to blame."""
    return replace(found, accepted=false("Accepted", "UnsupportedValue", said, path))


def is_named(place: Place, ref: ParentRef) -> bool:
    """Whether a reference names a listener."""
    return ref.section_name in {None, place.key[1]} and ref.port in {None, place.port}


def _is_open(place: Place, namespace: str, labels_of: LabelsOf) -> bool:
    if place.source == "Selector":
        return place.selector is not None and selects(place.selector, labels_of(namespace))
    return place.source == "All" or place.namespace == namespace


def _names(place: Place, hostnames: Iterable[str]) -> tuple[Name, ...]:
    """The names at a listener; of several, the most specific first, that shrink to one the first."""
    found: dict[str, str] = {}
    for original in hostnames:
        effective = intersection(place.hostname, original)
        if effective is not None:
            found.setdefault(effective, original)
    return tuple([Name(effective, original) for effective, original in found.items()])


def _those(places: Iterable[Place]) -> str:
    names = sorted(each.key[1] for each in places)
    return f"the listener {names[0]} takes" if len(names) == 1 else f"the listeners {', '.join(names)} take"
