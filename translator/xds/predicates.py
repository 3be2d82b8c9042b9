"""What matchers are made of: the part of a request that is looked at, what it must be, and the routes to try then."""

from collections.abc import Iterable

from envoyapi.config_route_v3 import RouteList
from envoyapi.type_matcher_v3 import HttpRequestHeaderMatchInput
from envoyapi.wire import SIZE, any_of, tag
from envoyapi.xds_core_v3 import TypedExtensionConfig
from envoyapi.xds_type_matcher_v3 import (
    Matcher,
    MatcherMatcherList,
    MatcherMatcherListFieldMatcher,
    MatcherMatcherListPredicate,
    MatcherMatcherListPredicateSinglePredicate,
    MatcherOnMatch,
    RegexMatcher,
    RegexMatcherGoogleRe2,
    StringMatcher,
)

_LIST_ENTRY = tag(1, 2)


def header_input(name: str) -> TypedExtensionConfig:
    """A header: its lines, joined by commas."""
    config = any_of(HttpRequestHeaderMatchInput(header_name=name))
    return TypedExtensionConfig(name="envoy.matching.inputs.request_headers", typed_config=config)


def asks(name: str, value: StringMatcher) -> MatcherMatcherListPredicate:
    """What a header must be."""
    single = MatcherMatcherListPredicateSinglePredicate(input=header_input(name), value_match=value)
    return MatcherMatcherListPredicate(single_predicate=single)


def fits(regex: str) -> StringMatcher:
    """A regular expression that the whole text must match."""
    return StringMatcher(safe_regex=RegexMatcher(google_re2=RegexMatcherGoogleRe2(), regex=regex))


def either(predicate: MatcherMatcherListPredicate, then: MatcherOnMatch, otherwise: MatcherOnMatch) -> Matcher:
    """What to do with requests of which a predicate holds, and with all others."""
    asked = MatcherMatcherListFieldMatcher(predicate=predicate, on_match=then)
    return Matcher(matcher_list=MatcherMatcherList(matchers=[asked]), on_no_match=otherwise)


def listed(routes: Iterable[bytes]) -> MatcherOnMatch:
    """Routes that are tried one after the other."""
    listed = RouteList.of(b"".join([_LIST_ENTRY + SIZE[len(route)] + route for route in routes]))
    return MatcherOnMatch(action=TypedExtensionConfig(name="routes", typed_config=any_of(listed)))
