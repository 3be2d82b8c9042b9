"""Routes: each is encoded once, in two parts, so that a virtual host can add a condition by joining bytes.

Repeated fields may stand anywhere in a message (protobuf's encoding), so one more header matcher is some bytes more at
the end of the match, and a route is its match and the rest.
"""

from collections.abc import Callable
from typing import Any

import re2

from envoyapi.config_core_v3 import (
    DataSource,
)
from envoyapi.config_route_v3 import (
    DirectResponseAction,
    HeaderMatcher,
    QueryParameterMatcher,
    RedirectAction,
    RedirectActionRedirectResponseCode,
    Route,
    RouteMatch,
)
from envoyapi.type_matcher_v3 import RegexMatcher, StringMatcher
from envoyapi.wire import sized, tag, utf8
from translator import ir
from translator.features.retry_policy import body_limit_of
from translator.features.upgrades import Upgrades
from translator.filters import ANSWERED_BY_US, NAMED, names_of, switches_of
from translator.remembering import remembered, text_size
from translator.values import dataclass
from translator.xds.forward import encode_forward, in_envoys_words
from translator.xds.headers import header_options
from translator.xds.matcher import Place, place_of
from translator.xds.matches import encode_share, encode_substitution, encode_text_match
from translator.xds.names import cluster_name
from translator.xds.paths import guards_of

PROTO_HEADER = "x-forwarded-proto"

_MATCH = tag(1, 2)
_MATCH_HEADERS = tag(6, 2)
_MATCH_PREFIX = tag(1, 2)
_ROUTE = tag(2, 2)
_NAME = tag(14, 2)
_STAT_PREFIX = tag(19, 2)
_REFUSED = Route(direct_response=DirectResponseAction(status=403), typed_per_filter_config=ANSWERED_BY_US)
_CODES = {
    301: RedirectActionRedirectResponseCode.MOVED_PERMANENTLY,
    302: RedirectActionRedirectResponseCode.FOUND,
    303: RedirectActionRedirectResponseCode.SEE_OTHER,
    307: RedirectActionRedirectResponseCode.TEMPORARY_REDIRECT,
    308: RedirectActionRedirectResponseCode.PERMANENT_REDIRECT,
}


Counted = Callable[[ir.ObjectKey], str | None]
"""Under which name the requests for an object are counted; None: they are not."""


@dataclass(frozen=True, slots=True)
class EncodedRoute:
    """A route as bytes. `forwarded_match` is the match without what it says of x-forwarded-proto.

    `protocols`: what its connections may change to. `disinherited`: whether it says itself what others may inherit.
    """

    order: tuple[Any, ...]
    path: ir.PathMatch
    place: Place
    match: bytes
    forwarded_match: bytes
    whole: bytes
    """The Route message, as nearly every virtual host has it."""
    protocols: tuple[str, ...] = ()
    disinherited: bool = False

    def with_match(self, match: bytes) -> bytes:
        """The Route message with this match, which the route's own or the forwarded one begins."""
        if match is self.match:
            return self.whole
        return _MATCH + sized(match) + self.whole[len(_MATCH) + len(sized(self.match)) :]

    def when(self, condition: HeaderMatcher | None) -> bytes:
        """The match for a virtual host that itself decides by x-forwarded-proto."""
        if condition is None:
            return self.forwarded_match
        return self.forwarded_match + _MATCH_HEADERS + sized(condition)

    def refusing(self, match: bytes) -> bytes:
        """The Route message that refuses, of the requests for this one, those to change to other protocols."""
        return _MATCH + sized(match + _upgrades_but(self.protocols)) + _REFUSED


def encode_route(route: ir.Route, counted: Counted | None = None) -> EncodedRoute:
    """One route of the IR as bytes."""
    guards = b"".join([_MATCH_HEADERS + sized(guard) for guard in guards_of(route)])
    headers = route.match.headers
    others = tuple([header for header in headers if header.name != PROTO_HEADER]) if headers else headers
    match = encode_match(route.match) + guards
    unforwarded = len(others) == len(headers)
    return EncodedRoute(
        order=route.order,
        path=route.match.path,
        place=place_of(route.match),
        match=match,
        forwarded_match=match if unforwarded else encode_match(route.match, others) + guards,
        whole=_MATCH + sized(match) + _rest_of(route) + _counted(route, counted),
        protocols=_protocols_of(route.action),
        disinherited=bool(route.filters) and any(NAMED[name].inside for name in names_of(route.filters)),
    )


def _counted(route: ir.Route, counted: Counted | None) -> bytes:
    """Where Envoy counts the requests; what it answers by itself it counts for no route."""
    if counted is None or not route.origins or not isinstance(route.action, ir.Forward):
        return b""
    name = counted(route.origins[0])
    return _STAT_PREFIX + utf8(name) if name else b""


def _protocols_of(action: ir.Forward | ir.Redirect | ir.DirectResponse) -> tuple[str, ...]:
    features = action.features if isinstance(action, ir.Forward) else ()
    if not features:
        return ()
    return tuple([name for each in features if isinstance(each, Upgrades) for name in each.protocols])


def _size(protocols: tuple[str, ...]) -> int:
    return sum([text_size(protocol) for protocol in protocols])


@remembered(_size)
def _upgrades_but(protocols: tuple[str, ...]) -> bytes:
    """What Envoy takes for a request to change the protocol, but for these protocols."""
    matchers = [
        HeaderMatcher(name="connection", string_match=StringMatcher(contains="upgrade", ignore_case=True)),
        HeaderMatcher(name="upgrade", present_match=True),
    ]
    if protocols:
        regex = f"(?i:{'|'.join(map(re2.escape, protocols))})"
        allowed = StringMatcher(safe_regex=RegexMatcher(regex=regex))
        matchers.append(HeaderMatcher(name="upgrade", string_match=allowed, invert_match=True))
    return b"".join([_MATCH_HEADERS + sized(matcher) for matcher in matchers])


def _rest_of(route: ir.Route) -> Route:
    action = route.action
    edits = route.headers
    if isinstance(action, ir.Forward) and edits is ir.NO_EDITS and not (route.filters or action.features):
        return Route.of(_ROUTE + sized(encode_forward(action, route.match.path)) + _NAME + utf8(route.name))
    return Route(
        name=route.name,
        route=encode_forward(action, route.match.path) if isinstance(action, ir.Forward) else None,
        redirect=_redirect(action, route.match.path) if isinstance(action, ir.Redirect) else None,
        direct_response=_direct(action) if isinstance(action, ir.DirectResponse) else None,
        request_headers_to_add=header_options(edits.add_request),
        request_headers_to_remove=edits.remove_request,
        response_headers_to_add=header_options(edits.add_response),
        response_headers_to_remove=edits.remove_response,
        request_body_buffer_limit=body_limit_of(action.features) if isinstance(action, ir.Forward) else None,
        typed_per_filter_config=switches_of(route.filters, cluster_name) if route.filters else None,
    )


def encode_match(match: ir.RouteMatch, headers: tuple[ir.HeaderMatch, ...] | None = None) -> RouteMatch:
    """What a request must be; `headers` instead of the match's own."""
    path, text = match.path, match.path.text
    if path.kind == "prefix" and path.case_sensitive and not (match.headers or match.queries or match.share):
        return RouteMatch.of(_MATCH_PREFIX + utf8(text or "/"))
    kind = "prefix" if path.kind == "segments" and not text.rstrip("/") else path.kind
    return RouteMatch(
        prefix=(text or "/") if kind == "prefix" else None,
        path=text if kind == "exact" else None,
        path_separated_prefix=text.rstrip("/") if kind == "segments" else None,
        safe_regex=RegexMatcher(regex=text) if kind == "regex" else None,
        case_sensitive=None if path.case_sensitive else False,
        headers=[_header(header) for header in (match.headers if headers is None else headers)],
        query_parameters=[_query(query) for query in match.queries],
        runtime_fraction=encode_share(match.share) if match.share else None,
    )


def _header(header: ir.HeaderMatch) -> HeaderMatcher:
    return HeaderMatcher(
        name=header.name,
        string_match=encode_text_match(header.value) if header.value else None,
        present_match=None if header.value else True,
        invert_match=header.inverted,
    )


def _query(query: ir.QueryMatch) -> QueryParameterMatcher:
    if query.value is None:
        return QueryParameterMatcher(name=query.name, present_match=True)
    return QueryParameterMatcher(name=query.name, string_match=encode_text_match(query.value))


def _redirect(redirect: ir.Redirect, path: ir.PathMatch) -> RedirectAction:
    rewrite = redirect.rewrite
    if rewrite is not None and rewrite.kind == "joined":
        rewrite = in_envoys_words(rewrite, path)
    secure = redirect.scheme == "https" and redirect.port is None
    return RedirectAction(
        https_redirect=True if secure else None,
        scheme_redirect=redirect.scheme if redirect.scheme and not secure else None,
        host_redirect=redirect.host,
        port_redirect=redirect.port,
        path_redirect=rewrite.text if rewrite and rewrite.kind == "whole" else None,
        prefix_rewrite=rewrite.text if rewrite and rewrite.kind == "matched" else None,
        regex_rewrite=encode_substitution(rewrite) if rewrite and rewrite.kind == "regex" else None,
        response_code=_CODES[redirect.code],
        strip_query=redirect.strip_query,
    )


def _direct(answer: ir.DirectResponse) -> DirectResponseAction:
    return DirectResponseAction(
        status=answer.status, body=DataSource(inline_string=answer.body) if answer.body else None
    )
