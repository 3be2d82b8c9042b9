"""Routes that allow another protocol, where the Module has whole bodies gathered before a request goes on.

What follows a request for a WebSocket is no body that ends, so that who waits for its end waits for ever. So a route
that allows it stands twice: for requests that ask for such a protocol, whose bodies are not gathered, and for the rest.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from translator import ir
from translator.features.upgrades import Upgrades
from translator.filters.buffering import AsItComes

BESIDE: Final = "#upgrade"
"""Ends the name of a route for requests that ask for another protocol."""

_ASKED: Final = ir.HeaderMatch("connection", ir.TextMatch("regex", r"(?i)(.*,)?\s*upgrade\s*(,.*)?"))


def with_upgrades(routes: Sequence[ir.Route]) -> tuple[ir.Route, ...]:
    """The routes of a group, and before all of them those for the protocols that they allow."""
    return (*_upgrading(routes), *routes)


def _upgrading(routes: Sequence[ir.Route]) -> Iterator[ir.Route]:
    """The shares are the same, so each of them must be looked at before the first one of the rest."""
    for route in routes:
        protocols = _protocols(route.action)
        if protocols:
            names = "|".join(map(re.escape, protocols))
            asked = ir.HeaderMatch("upgrade", ir.TextMatch("regex", f"(?i)({names})"))
            match = replace(route.match, headers=(*route.match.headers, _ASKED, asked))
            order, place = route.order[:-1], route.order[-1]
            yield replace(
                route,
                name=route.name + BESIDE,
                match=match,
                order=(*order, -1, place),
                filters=(*route.filters, AsItComes()),
            )


def _protocols(action: ir.Forward | ir.Redirect | ir.DirectResponse) -> tuple[str, ...]:
    features = action.features if isinstance(action, ir.Forward) else ()
    return next((feature.protocols for feature in features if isinstance(feature, Upgrades)), ())
