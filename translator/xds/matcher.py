"""A matcher tree in place of a long list of routes: Envoy finds the route of a path as fast among 50,000 as among one.

Envoy walks a list of routes from its beginning; a `prefix_match_map` over `:path` goes straight to the longest key that
the path begins with. It does not come back to a shorter one, so each leaf is a list with every route that could still
match there: those whose prefix is the key or a beginning of it, and those that are bound to no prefix (regexes, paths
without regard to case), all in the one true order. Source: Envoy, "Matching API", `MatcherTree.prefix_match_map`;
`:path` holds the query too, which changes nothing, since no route's path may hold a `?`.
"""

from collections.abc import Iterable, Sequence

from envoyapi.config_route_v3 import RouteList
from envoyapi.type_matcher_v3 import HttpRequestHeaderMatchInput
from envoyapi.wire import SIZE, any_of, sized, tag, utf8
from envoyapi.xds_core_v3 import TypedExtensionConfig
from envoyapi.xds_type_matcher_v3 import (
    Matcher,
    MatcherMatcherList,
    MatcherMatcherListFieldMatcher,
    MatcherMatcherListPredicate,
    MatcherMatcherListPredicateSinglePredicate,
    MatcherMatcherTree,
    MatcherMatcherTreeMatchMap,
    MatcherOnMatch,
    RegexMatcher,
    RegexMatcherGoogleRe2,
    StringMatcher,
)
from translator.ir import PathMatch

Entry = tuple[PathMatch, bytes]
"""A route's path and its encoded Route message, in a sequence that is in the order of evaluation."""

LONGEST_LIST = 100
GREATEST_GROWTH = 4

_INPUT = TypedExtensionConfig(
    name="envoy.matching.inputs.request_headers",
    typed_config=any_of(HttpRequestHeaderMatchInput(header_name=":path")),
)
_LIST_ENTRY = tag(1, 2)


def matcher_of(entries: Sequence[Entry], *, greatest_growth: int = GREATEST_GROWTH) -> Matcher | None:
    """The tree for these routes, or None where a plain list serves as well or better.

    A list is kept when it is short, and when so many routes overlap that the leaves together would hold more than
    `greatest_growth` times what the list holds.
    """
    if len(entries) <= LONGEST_LIST:
        return None
    leaves, unbound = _leaves(entries)
    total = sum(len(positions) for positions in leaves.values())
    if total > greatest_growth * len(entries):
        return None
    return Matcher(
        matcher_tree=MatcherMatcherTree(
            input=_INPUT,
            prefix_match_map=_match_map(
                (key, [entries[position][1] for position in positions]) for key, positions in leaves.items()
            ),
        ),
        on_no_match=listed([entries[position][1] for position in unbound]) if unbound else None,
    )


def behind(first: str, answer: bytes, matcher: Matcher) -> Matcher:
    """The matcher, but for paths (with their query) that match a regular expression: these have the route `answer`."""
    regex = RegexMatcher(google_re2=RegexMatcherGoogleRe2(), regex=first)
    asked = MatcherMatcherListPredicateSinglePredicate(input=_INPUT, value_match=StringMatcher(safe_regex=regex))
    before = MatcherMatcherListFieldMatcher(
        predicate=MatcherMatcherListPredicate(single_predicate=asked), on_match=listed([answer])
    )
    return Matcher(matcher_list=MatcherMatcherList(matchers=[before]), on_no_match=MatcherOnMatch(matcher=matcher))


def _key_of(path: PathMatch) -> str | None:
    """What a path must begin with to match, or None when that cannot be told."""
    if path.kind == "regex" or not path.case_sensitive:
        return None
    key = path.text.rstrip("/") if path.kind == "segments" else path.text
    return key or None


def _leaves(entries: Sequence[Entry]) -> tuple[dict[str, list[int]], list[int]]:
    """The positions of the routes of each leaf, in order, and of those that are bound to no prefix."""
    own: dict[str, list[int]] = {}
    unbound: list[int] = []
    for position, (path, _) in enumerate(entries):
        key = _key_of(path)
        (unbound if key is None else own.setdefault(key, [])).append(position)
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


def _match_map(leaves: Iterable[tuple[str, list[bytes]]]) -> MatcherMatcherTreeMatchMap:
    # Joined by hand: `map` is a map field, so each entry is a message of its own with key = 1 and value = 2.
    parts: list[bytes] = []
    for key, routes in leaves:
        on_match = listed(routes)
        parts.append(b"\n" + sized(b"\n" + utf8(key) + b"\x12" + SIZE[len(on_match)] + on_match))
    return MatcherMatcherTreeMatchMap.of(b"".join(parts))


def listed(routes: Iterable[bytes]) -> MatcherOnMatch:
    """Routes that are tried one after the other."""
    listed = RouteList.of(b"".join([_LIST_ENTRY + SIZE[len(route)] + route for route in routes]))
    return MatcherOnMatch(action=TypedExtensionConfig(name="routes", typed_config=any_of(listed)))
