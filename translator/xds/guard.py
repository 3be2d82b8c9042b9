"""What a virtual host with a wide name must not answer for, although its domains include it: asked before its routes.

Envoy's domains cannot say `*.example.com` with any port behind it, so such a request finds `*`. Nor do they refuse
what is no name: someone before a `@`, or empty labels, which a service may read as another name than Envoy does.
It is a matcher of its own round the routes, so that neither a list nor a tree of them holds it more than once.
"""

from collections.abc import Iterable, Iterator, Sequence

from envoyapi.config_route_v3 import DirectResponseAction, Route, RouteMatch
from envoyapi.xds_type_matcher_v3 import (
    Matcher,
    MatcherMatcherList,
    MatcherMatcherListFieldMatcher,
    MatcherMatcherListPredicate,
    MatcherMatcherListPredicatePredicateList,
    MatcherOnMatch,
    StringMatcher,
)
from translator import ir
from translator.filters import ANSWERED_BY_US
from translator.xds.predicates import asks, fits, listed

LONGEST_ALTERNATIVES = 600
"""So many characters are in one regular expression at most: its program has some more steps, and Envoy takes 1,000."""


def guarded(guards: Sequence[ir.Guard], rest: MatcherOnMatch | None, inherited: bytes = b"") -> Matcher:
    """What is behind the guards, after them; `inherited` is what their answers say of others' sake."""
    matchers = [_first(guard, inherited) for guard in guards]
    return Matcher(matcher_list=MatcherMatcherList(matchers=matchers), on_no_match=rest)


def _first(guard: ir.Guard, inherited: bytes) -> MatcherMatcherListFieldMatcher:
    answer = Route(
        match=RouteMatch(prefix="/"),
        direct_response=DirectResponseAction(status=guard.status),
        typed_per_filter_config=ANSWERED_BY_US,
    )
    return MatcherMatcherListFieldMatcher(
        predicate=_either(_forbidden(guard.globs)), on_match=listed([answer + inherited])
    )


def _forbidden(globs: Sequence[str]) -> Iterator[MatcherMatcherListPredicate]:
    yield _is(StringMatcher(contains="@"))
    yield _is(StringMatcher(contains=".."))
    for alternatives in _portions([glob for glob in globs if glob.startswith("*")]):
        yield _both(_is(StringMatcher(contains=":")), _matches(rf".+(?:{alternatives})\.?:.*"))
    for alternatives in _portions([glob for glob in globs if not glob.startswith("*")]):
        yield _matches(f"(?:{alternatives}).*")


def _matches(regex: str) -> MatcherMatcherListPredicate:
    return _is(fits(regex))


def _portions(globs: Sequence[str]) -> Iterator[str]:
    """What globs say besides the star, as alternatives, in expressions that are short enough."""
    portion: list[str] = []
    for glob in globs:
        if portion and sum(map(len, portion)) + len(glob) > LONGEST_ALTERNATIVES:
            yield "|".join(map(_any_case, portion))
            portion = []
        portion.append(glob.strip("*"))
    if portion:
        yield "|".join(map(_any_case, portion))


def _any_case(text: str) -> str:
    r"""A text in any case. Not by `(?i)`: for RE2 that is more than ASCII, at several steps a letter."""
    return "".join(f"[{sign}{sign.upper()}]" if sign.isalpha() else f"[{sign}]" for sign in text)


def _is(text: StringMatcher) -> MatcherMatcherListPredicate:
    return asks(":authority", text)


def _both(*predicates: MatcherMatcherListPredicate) -> MatcherMatcherListPredicate:
    return MatcherMatcherListPredicate(and_matcher=MatcherMatcherListPredicatePredicateList(predicate=predicates))


def _either(predicates: Iterable[MatcherMatcherListPredicate]) -> MatcherMatcherListPredicate:
    return MatcherMatcherListPredicate(or_matcher=MatcherMatcherListPredicatePredicateList(predicate=predicates))
