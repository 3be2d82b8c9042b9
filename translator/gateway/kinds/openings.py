"""What can be read of listeners that are wrong: which names they open at which ports.

A listener that its own mistake stops is shut, and so are its names: who has wider ones must not answer in its place.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Annotated, Any, ClassVar, Final

from translator.checks import Port
from translator.decode import Problem, Rule, decode, join, step
from translator.gateway.kinds.gateway import MOST_LISTENERS, AllowedListeners, ListenerNamespaces, ListenerSpec
from translator.gateway.kinds.shared import (
    UNKNOWN,
    Hostname,
    SectionName,
    listed,
    names_in,
    readable,
)
from translator.kubernetes.shapes import unread
from translator.values import dataclass

UNCLEAR: Final = "unclear"
"""Stands for a protocol that cannot be read."""
_LAST_PORT: Final = 65_535
_DIGITS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opening:
    """What a listener takes from others, and nothing else of it."""

    OPEN: ClassVar[bool] = True

    name: SectionName
    hostname: Hostname | None = None
    port: Port
    protocol: Annotated[str, Rule(min_size=1, max_size=255)]


def allowed_left(document: Mapping[str, Any]) -> ListenerNamespaces:
    """Which ListenerSets may attach to a Gateway that is stopped; where that cannot be read, any may be meant."""
    spec = document.get("spec")
    said = spec.get("allowedListeners") if isinstance(spec, dict) else None
    if said is None:
        return ListenerNamespaces(source="All" if unread(document) else "None")
    found = decode(AllowedListeners, said).value
    return ListenerNamespaces(source="All") if found is None else found.namespaces


def openings_of(spec: dict[str, Any]) -> tuple[ListenerSpec, ...]:
    """What can be read of listeners where something else, or one of them, cannot.

    Of one of which it is not clear what it opens, the names are left, at its port.
    """
    found: dict[str, ListenerSpec] = {}
    for place, _, each in _given(spec):
        whole = next(iter(readable(_Opening, [each])), None)
        if whole is not None and whole.name not in found:
            opened = ListenerSpec(name=whole.name, hostname=whole.hostname, port=whole.port, protocol=whole.protocol)
            found[whole.name] = opened
            continue
        port, names = (_port_in(each.get("port")), _names_in(each)) if isinstance(each, dict) else (None, ())
        for number, hostname in enumerate(names) if port else ():
            name = f"{UNCLEAR}-{place}-{number}"
            found[name] = ListenerSpec(name=name, hostname=hostname or None, port=port or 0, protocol=UNCLEAR)
    return tuple(found.values())


def unknown_openings(spec: dict[str, Any]) -> Iterator[Problem]:
    """That a listener tells no name, or no port, which would be shut."""
    for _, path, each in _given(spec):
        if isinstance(each, dict) and not _names_in(each):
            yield Problem(f"{path}.hostname", UNKNOWN, stops=False)
        elif isinstance(each, dict) and not _port_in(each.get("port")):
            said = "tells no port, so that no name is shut: what was meant may be answered by who has wider ones"
            yield Problem(f"{path}.port", said, stops=False)


def _given(spec: dict[str, Any]) -> Iterator[tuple[int, str, object]]:
    """The listeners as they are written, each with its place; they may be in a mapping by mistake."""
    given = spec.get("listeners")
    if isinstance(given, dict):
        for place, (name, each) in enumerate(islice(given.items(), MOST_LISTENERS)):
            yield place, join("spec.listeners", step(name)), each
    else:
        for place, each in enumerate(listed(spec, "listeners")):
            yield place, f"spec.listeners[{place}]", each


def _names_in(listener: dict[str, Any]) -> tuple[str, ...]:
    written = listener.get("hostname")
    return ("",) if written is None else names_in(written)


def _port_in(given: object) -> int | None:
    """The port that can be read in something."""
    if isinstance(given, str) and len(given) <= _DIGITS and given.isascii() and given.isdigit():
        given = int(given)
    return given if type(given) is int and 0 < given <= _LAST_PORT else None
