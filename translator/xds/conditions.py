"""Many routes of one path, told apart by what they ask besides: a look-up in place of a walk through all of them.

Where routes want a header, the method or the host to have exactly some value, a map from the value leads to the routes
that want it, with those that do not ask, in the one true order; so each request still meets every route that it could
take. A look-up sees a request a little differently than a route does: it sees the lines of a header joined by commas,
where a route sees each, and it has one spelling of a host, where a route takes any case. Where that could make a
difference, a request gets the list. For query parameters there is none: in a route table Envoy looks up headers alone.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from envoyapi.xds_type_matcher_v3 import (
    Matcher,
    MatcherMatcherListPredicate,
    MatcherMatcherTree,
    MatcherMatcherTreeMatchMap,
    MatcherOnMatch,
    StringMatcher,
)
from translator import ir
from translator.xds.predicates import asks, first, fits, header_input, listed

Asked = tuple[tuple[str, str], ...]
"""What headers must be exactly: their names and values."""

Conditioned = tuple[Asked, bytes]
"""A route by what it asks besides its path, in a sequence that is in the order of evaluation."""

SHORTEST_LIST: Final = 32
"""Up to so many routes are walked through as fast as they are looked up."""

_AUTHORITY: Final = ":authority"
_DECIDED_ELSEWHERE: Final = "x-forwarded-proto"
"""Some virtual hosts look at it themselves, and then their routes do not."""


def asked_of(match: ir.RouteMatch) -> Asked:
    """What a route asks besides its path, as far as a look-up can tell it."""
    found: dict[str, str] = {}
    for each in match.headers:
        name, value = each.name.lower(), each.value
        if value is None or value.kind != "exact" or not value.text or each.inverted or name == _DECIDED_ELSEWHERE:
            continue
        if not value.ignore_case:
            found[name] = value.text
        elif name == _AUTHORITY and value.text.isascii():
            found[name] = value.text.lower()
    return tuple(found.items())


def routed(routes: Sequence[Conditioned], room: float) -> MatcherOnMatch:
    """These routes, by look-ups where that is faster; see `look_up` for the room."""
    found = look_up(routes, room)
    return listed([route for _, route in routes]) if found is None else MatcherOnMatch(matcher=found)


def look_up(routes: Sequence[Conditioned], room: float) -> Matcher | None:
    """The look-up for these routes, or None where a list serves as well.

    Args:
        routes: in their order.
        room: how many routes there may be in all its lists together.
    """
    name = _best_header(routes) if len(routes) > SHORTEST_LIST else None
    if name is None:
        return None
    lists, rest = _by_value(routes, name)
    different = _different(name)
    room -= len(routes) if different is not None else 0
    total = len(rest) + sum([len(each) for each in lists.values()])
    if total > room:
        return None
    share = room / total
    leaves = {value: routed(each, share * len(each)) for value, each in lists.items()}
    found = Matcher(
        matcher_tree=MatcherMatcherTree(
            input=header_input(name), exact_match_map=MatcherMatcherTreeMatchMap(map=leaves)
        ),
        on_no_match=routed(rest, share * len(rest)) if rest else None,
    )
    return found if different is None else first(different, [route for _, route in routes], found)


def _best_header(routes: Sequence[Conditioned]) -> str | None:
    """What leaves the shortest lists, if they are a good deal shorter."""
    counts: dict[str, Counter[str]] = {}
    for asked, _ in routes:
        for name, value in asked:
            counts.setdefault(name, Counter())[value] += 1
    # In the longest list are those of the commonest value, and those that do not ask.
    longest = {name: len(routes) - found.total() + max(found.values()) for name, found in counts.items()}
    best = min(longest, key=lambda name: (longest[name], name), default=None)
    return best if best is not None and 4 * longest[best] <= 3 * len(routes) else None


def _by_value(routes: Sequence[Conditioned], name: str) -> tuple[dict[str, list[Conditioned]], list[Conditioned]]:
    """The routes for each value of a header, and those for all other values, each in order."""
    own: dict[str, list[int]] = {}
    rest: list[int] = []
    for position, (asked, _) in enumerate(routes):
        value = next((text for header, text in asked if header == name), None)
        (rest if value is None else own.setdefault(value, [])).append(position)
    lists = {value: [routes[each] for each in sorted(rest + positions)] for value, positions in own.items()}
    return lists, [routes[each] for each in rest]


def _different(name: str) -> MatcherMatcherListPredicate | None:
    """Which requests a look-up could see differently than a route does."""
    if name == _AUTHORITY:
        return asks(name, fits(".*[A-Z].*"))
    return None if name == ":method" else asks(name, StringMatcher(contains=","))
