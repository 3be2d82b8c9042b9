"""What one HTTP filter says of itself: a file of this folder makes one, `translator.filters` lists them in order."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from typing import Any, Final

from envoyapi.config_route_v3 import FilterConfig
from envoyapi.wire import Any as AnyMessage
from envoyapi.wire import Message
from translator.ir import Backend
from translator.values import dataclass

NameOf = Callable[[Backend], str]
"""The name of a backend's cluster."""

AS_CONFIGURED: Final = FilterConfig(config=AnyMessage())
"""Switches a filter on with the configuration that it has in the HTTP connection manager."""


def _no_backends(_: Any) -> Iterable[Backend]:
    return ()


@dataclass(frozen=True, slots=True)
class Discovered:
    """The configuration of a filter that Envoy is given apart (ECDS), so that it changes without its listeners.

    `kind` is the class of its values, `encode` Envoy's words for one, `backends` those that it sends requests to.
    """

    kind: type
    encode: Callable[[Any, NameOf], Message]
    backends: Callable[[Any], Iterable[Backend]] = _no_backends


@dataclass(frozen=True, slots=True)
class Asking:
    """What a route says whose filter sends requests of its own: Envoy's words, and where those go.

    `inside` is the name of a filter that stands in it, and is told these words instead.
    """

    encode: Callable[[Any, NameOf], Message]
    backends: Callable[[Any], Iterable[Backend]]
    inside: str = ""


@dataclass(frozen=True, slots=True)
class HttpFilter:
    """A filter of every HTTP connection manager, where it stands switched off, unless it is `always_on`.

    `idle` is its configuration as long as nobody says another. `switches` are the classes of values that a route, or
    all routes of a chain, may have, each with Envoy's words for it: what is said there switches the filter on. One that
    is always on does nothing while it is idle, and is for requests that no route wants, too. `off` is what a route says
    that is not for the filter although it runs; None where it then does nothing that matters. `acts_idle`: it does
    something to requests also as it is configured while nobody says anything.

    `asking` are further such classes, of routes alone, whose filter sends requests of its own.

    `inside` is the name of a filter that stands in this one, and what it is told of such values. `room` is what an
    index says so that routes behind it can say the rest, where that is more than that the filter runs.
    """

    name: str
    idle: Message
    switches: Mapping[type, Callable[[Any], Message]] = field(default_factory=dict)
    discovered: Discovered | None = None
    always_on: bool = False
    off: Message | None = None
    acts_idle: bool = False
    inside: tuple[str, Callable[[Any], Message]] | None = None
    room: Message | None = None
    asking: Mapping[type, Asking] = field(default_factory=dict)
