"""Why of two routes that both hold for a request one goes first, in the words of the API that ordered them. Pure."""

from collections.abc import Sequence
from typing import Any, Final

from translator import ir

_EMISSARY: Final = (
    "its precedence is lower",
    "its prefix is shorter",
    "it asks less of headers",
    "it asks less of query parameters",
    "it comes later by its texts",
    "an exact path goes before a regular expression, and that before a prefix",
    "it comes later by its name",
)
"""By the places of `translator.emissary.precedence.order_of`; what is behind them is the order in a group."""

_HOSTNAME: Final = ("its hostname is less specific", "its hostname is less specific")
_AGE: Final = ("it is younger", "its namespace comes later", "its name comes later")
_CALLS_FIRST: Final = "calls are looked for among GRPCRoutes first"
_HTTP: Final = (
    *_HOSTNAME,
    _CALLS_FIRST,
    "an exact path goes before a regular expression, and that before a prefix",
    "its path is shorter",
    "it asks for no method",
    "it asks for fewer headers",
    "it asks for fewer query parameters",
    *_AGE,
)
"""By the places of `translator.gateway.matches.order`, for HTTPRoutes; behind them is the place in the object."""
_CALLS: Final = (
    *_HOSTNAME,
    _CALLS_FIRST,
    "its service is shorter, or any",
    "its method is shorter, or any",
    "it asks for fewer headers",
    *_HTTP[6:8],
    *_AGE,
)
_INGRESS: Final = (
    "an exact path goes before a prefix, and that before the default backend",
    "its path is shorter",
    "a prefix goes before a regular expression that begins as it does",
    "its pathType comes later",
    *_AGE,
    "its regular expression is shorter",
    "it stands later in the same object",
    "it is for what the first leaves of the requests for this path",
)
"""By the places of `translator.ingress.paths.order`."""
_OF_GRPC: Final = 0
_OF_ONE: Final = "it stands later in the same object"
_GATEWAY: Final = ("HTTPRoute/", "GRPCRoute/")
"""Begin the names of routes that Gateway API has."""
_OF_INGRESS: Final = "networking.k8s.io/Ingress/"
"""Begins the first origin of routes that an Ingress of a class of ours has; those of Emissary's class are Mappings."""
_GROUP: Final = "it shares the requests of the first, and is drawn after it"


def reason(first: ir.Route, second: ir.Route) -> str:
    """Why the first goes first."""
    place = _place(first.order, second.order)
    if first.order > second.order:
        return "it would go first, but Envoy did not take it: it has a share of the requests, or was only just changed"
    if first.origins and first.origins[0].startswith(_OF_INGRESS):
        return _INGRESS[min(place, len(_INGRESS) - 1)]
    if not first.name.startswith(_GATEWAY):
        is_one = first.origins[:1] == second.origins[:1]
        return _EMISSARY[place] if place < len(_EMISSARY) else _OF_ONE if is_one else _GROUP
    words = _CALLS if first.order[len(_HOSTNAME)] == _OF_GRPC else _HTTP
    return words[place] if place < len(words) else _OF_ONE


def _place(first: Sequence[Any], second: Sequence[Any]) -> int:
    """The first place in which two keys differ."""
    pairs = zip(first, second, strict=False)
    return next((place for place, (one, other) in enumerate(pairs) if one != other), min(len(first), len(second)))
