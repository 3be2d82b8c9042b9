"""Many routes of one path, told apart by what they ask besides: a look-up in place of a walk through all of them.

Where routes want a header, the method or the host to have exactly some value, a map from the value leads to the routes
that want it, with those that do not ask, in the one true order; so each request still meets every route that it could
take. A look-up sees a request a little differently than a route does: it sees the lines of a header joined by commas,
where a route sees each, and it has one spelling of a host, where a route takes any case. Where that could make a
difference, a request gets the list. Query parameters have no look-up, but something near: `translator.xds.halves`.
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
from translator.xds.halves import LONGEST_NAME, half_of, more_than_once, paths_with
from translator.xds.predicates import asks, either, fits, header_input, listed

Asked = tuple[tuple[str, str], ...]
"""What headers must be exactly, by their names, and query parameters, by their names behind a `?`."""

Conditioned = tuple[Asked, bytes]
"""A route by what it asks besides its path, in a sequence that is in the order of evaluation."""

SHORTEST_LIST: Final = 32
"""Up to so many routes are walked through as fast as they are looked up."""

SHORTEST_HALF: Final = 16
"""The same of routes that are told apart by halves: many ask for a query parameter, which Envoy reads anew for each."""

_AUTHORITY: Final = ":authority"
_DECIDED_ELSEWHERE: Final = "x-forwarded-proto"
"""Some virtual hosts look at it themselves, and then their routes do not."""


def asked_of(match: ir.RouteMatch) -> Asked:
    """What a route asks besides its path, as far as a look-up can tell it."""
    if not match.headers and not match.queries:
        return ()
    found: dict[str, str] = {}
    for each in match.headers:
        name, value = each.name.lower(), each.value
        if value is None or not _is_telling(value) or each.inverted or name == _DECIDED_ELSEWHERE:
            continue
        if not value.ignore_case:
            found[name] = value.text
        elif name == _AUTHORITY:
            found[name] = value.text.lower()
    for query in match.queries:
        value = query.value
        if value is not None and _is_telling(value) and not value.ignore_case and len(query.name) <= LONGEST_NAME:
            found[f"?{query.name}"] = value.text
    return tuple(found.items())


def _is_telling(value: ir.TextMatch) -> bool:
    return value.kind == "exact" and value.text != "" and value.text.isascii()


def routed(routes: Sequence[Conditioned], room: float) -> MatcherOnMatch:
    """These routes, by look-ups where that is faster; see `look_up` for the room."""
    found = look_up(routes, room) if len(routes) > SHORTEST_LIST else None
    return _list_of(routes) if found is None else MatcherOnMatch(matcher=found)


def look_up(routes: Sequence[Conditioned], room: float) -> Matcher | None:
    """The look-up for these routes, or None where a list serves as well.

    Args:
        routes: in their order.
        room: how many routes there may be in all its lists together.
    """
    name = _most_telling(routes) if len(routes) > SHORTEST_LIST else None
    if name is None:
        return None
    different = _different(name)
    room -= len(routes) if different is not None else 0
    found = None if name.startswith("?") else _map(routes, name, room)
    if found is None:
        found = _halves(routes, name, room)
    if found is None or different is None:
        return found
    return either(different, _list_of(routes), MatcherOnMatch(matcher=found))


def _most_telling(routes: Sequence[Conditioned]) -> str | None:
    """What leaves the shortest lists, if they are a good deal shorter."""
    counts: dict[str, Counter[str]] = {}
    for asked, _ in routes:
        for name, value in asked:
            counts.setdefault(name, Counter())[value] += 1
    # In the longest list are those of the commonest value, and those that do not ask.
    longest = {name: len(routes) - found.total() + max(found.values()) for name, found in counts.items()}
    best = min(longest, key=lambda name: (longest[name], name.startswith("?"), name), default=None)
    return best if best is not None and _is_shorter(longest[best], routes) else None


def _is_shorter(length: int, routes: Sequence[Conditioned]) -> bool:
    return 4 * length <= 3 * len(routes)


def _different(name: str) -> MatcherMatcherListPredicate | None:
    """Which requests are seen differently than by a route."""
    if name.startswith("?"):
        return asks(":path", fits(more_than_once(name[1:])))
    if name == _AUTHORITY:
        return asks(name, fits(".*[A-Z].*"))
    return None if name == ":method" else asks(name, StringMatcher(contains=","))


def _map(routes: Sequence[Conditioned], name: str, room: float) -> Matcher | None:
    """A map from the values of a header."""
    own: dict[str, list[int]] = {}
    others: list[int] = []
    for position, route in enumerate(routes):
        value = _value(route, name)
        (others if value is None else own.setdefault(value, [])).append(position)
    lists = {value: [routes[each] for each in sorted(others + positions)] for value, positions in own.items()}
    rest = [routes[each] for each in others]
    total = len(rest) + sum([len(each) for each in lists.values()])
    if total > room:
        return None
    share = room / total
    leaves = {value: routed(each, share * len(each)) for value, each in lists.items()}
    return Matcher(
        matcher_tree=MatcherMatcherTree(
            input=header_input(name), exact_match_map=MatcherMatcherTreeMatchMap(map=leaves)
        ),
        on_no_match=routed(rest, share * len(rest)) if rest else None,
    )


def _halves(routes: Sequence[Conditioned], name: str, room: float) -> Matcher | None:
    """Questions about a value, each of which leaves half of the routes.

    For query parameters; and for headers where many routes do not ask, since these stand once in each list.
    """
    valued = [(route, _value(route, name)) for route in routes]
    half = half_of([value for _, value in valued if value is not None])
    if half is None:
        return None
    inside = [route for route, value in valued if value is None or value in half.values]
    outside = [route for route, value in valued if value is None or value not in half.values]
    total = len(inside) + len(outside)
    if total > room or not _is_shorter(max(len(inside), len(outside)), routes):
        return None
    share = room / total
    return either(
        asks(":path", fits(paths_with(name[1:], half.regex))) if name.startswith("?") else asks(name, fits(half.regex)),
        _half(inside, name, share * len(inside)),
        _half(outside, name, share * len(outside)),
    )


def _half(routes: Sequence[Conditioned], name: str, room: float) -> MatcherOnMatch:
    found = _halves(routes, name, room) if len(routes) > SHORTEST_HALF else None
    if found is not None:
        return MatcherOnMatch(matcher=found)
    return routed([(tuple([each for each in asked if each[0] != name]), route) for asked, route in routes], room)


def _value(route: Conditioned, name: str) -> str | None:
    return next((value for asked, value in route[0] if asked == name), None)


def _list_of(routes: Sequence[Conditioned]) -> MatcherOnMatch:
    return listed([route for _, route in routes])
