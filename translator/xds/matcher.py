"""A matcher tree in place of a long list of routes: Envoy finds the route of a path as fast among 50,000 as among one.

Envoy walks a list of routes from its beginning; a `prefix_match_map` over `:path` goes straight to the longest key that
the path begins with. It does not come back to a shorter one, so each leaf has every route that could still match there:
those whose beginning is the key or a beginning of it, and those of which no beginning is known, all in the one true
order. A leaf that is still long goes on by what else its routes ask (`translator.xds.conditions`). Source: Envoy,
"Matching API", `MatcherTree.prefix_match_map`; `:path` holds the query too, which changes nothing: what the path begins
with, it begins with as well.
"""

from collections.abc import Sequence
from typing import NamedTuple

from envoyapi.xds_type_matcher_v3 import Matcher, MatcherMatcherTree, MatcherMatcherTreeMatchMap, MatcherOnMatch
from translator import ir
from translator.xds.beginnings import beginning_of
from translator.xds.conditions import Asked, asked_of, look_up, routed
from translator.xds.predicates import asks, either, fits, header_input, listed


class Place(NamedTuple):
    """Where in a tree a route stands: what its path begins with, and what else it asks."""

    beginning: str
    asked: Asked = ()


Entry = tuple[Place, bytes]
"""A route's place and its encoded Route message, in a sequence that is in the order of evaluation."""

LONGEST_LIST = 100
GREATEST_GROWTH = 4


def place_of(match: ir.RouteMatch) -> Place:
    """The place of the routes with this match."""
    return Place(beginning_of(match.path), asked_of(match))


def matcher_of(entries: Sequence[Entry], *, greatest_growth: int = GREATEST_GROWTH) -> Matcher | None:
    """The tree for these routes, or None where a plain list serves as well or better.

    A list is kept when it is short, and when so many routes overlap that the leaves together would hold more than
    `greatest_growth` times what the list holds; as many may be added where leaves go on.
    """
    if len(entries) <= LONGEST_LIST:
        return None
    routes = [(place.asked, route) for place, route in entries]
    room = 2 * greatest_growth * len(entries)
    leaves, unbound = _leaves(entries)
    total = len(unbound) + sum([len(positions) for positions in leaves.values()])
    if not leaves or total > greatest_growth * len(entries):
        return look_up(routes, room)

    def leaf(positions: list[int]) -> MatcherOnMatch:
        return routed([routes[position] for position in positions], room * len(positions) / total)

    by_key = MatcherMatcherTreeMatchMap(map={key: leaf(positions) for key, positions in leaves.items()})
    return Matcher(
        matcher_tree=MatcherMatcherTree(input=header_input(":path"), prefix_match_map=by_key),
        on_no_match=leaf(unbound) if unbound else None,
    )


def behind(path: str, answer: bytes, matcher: Matcher) -> Matcher:
    """The matcher, but for paths (with their query) that match a regular expression: these have the route `answer`."""
    return either(asks(":path", fits(path)), listed([answer]), MatcherOnMatch(matcher=matcher))


def _leaves(entries: Sequence[Entry]) -> tuple[dict[str, list[int]], list[int]]:
    """The positions of the routes of each leaf, in order, and of those of which no beginning is known."""
    own: dict[str, list[int]] = {}
    for position, (place, _) in enumerate(entries):
        own.setdefault(place.beginning, []).append(position)
    unbound = own.pop("", [])
    leaves: dict[str, list[int]] = {}
    above: list[str] = []
    for key in sorted(own):
        # In this order a key's beginnings are the last keys before it that it still begins with.
        while above and not key.startswith(above[-1]):
            above.pop()
        inherited = leaves[above[-1]] if above else unbound
        leaves[key] = sorted(inherited + own[key]) if inherited else own[key]
        above.append(key)
    return leaves, unbound
