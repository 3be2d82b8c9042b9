"""Virtual hosts: joined from routes that were encoded once.

A virtual host decides what becomes of requests that did not come by TLS (Emissary's insecure action). Where Envoy
itself knows the answer it costs nothing: on a TLS chain every request is secure, on a clear text chain none is. A
virtual host that only redirects needs a few routes, whatever its Mappings are: a changed Mapping touches nothing there.
"""

from collections.abc import Iterable
from operator import attrgetter

from envoyapi.config_route_v3 import (
    DirectResponseAction,
    HeaderMatcher,
    RedirectAction,
    Route,
    RouteMatch,
    VirtualHost,
)
from envoyapi.type_matcher_v3 import StringMatcher
from envoyapi.wire import SIZE, tag
from envoyapi.xds_type_matcher_v3 import MatcherOnMatch
from translator import ir
from translator.dot_segments import ANYWHERE
from translator.filters import ANSWERED_BY_US, switched_off
from translator.values import dataclass
from translator.xds.guard import guarded
from translator.xds.matcher import Entry, Place, behind, matcher_of
from translator.xds.paths import REFUSED
from translator.xds.predicates import listed
from translator.xds.route import PROTO_HEADER, EncodedRoute

ACME_PREFIX = "/.well-known/acme-challenge/"
"""Challenges of certificate authorities come in clear text, whatever the policy for insecure requests says."""

_ROUTES = tag(3, 2)
_EVERY_PATH = Place("/")
_SECURE = HeaderMatcher(name=PROTO_HEADER, string_match=StringMatcher(exact="https"))
_TO_HTTPS = Route(
    match=RouteMatch(prefix="/"), redirect=RedirectAction(https_redirect=True), typed_per_filter_config=ANSWERED_BY_US
)
_MISDIRECTED = Route(
    match=RouteMatch(prefix="/"),
    direct_response=DirectResponseAction(status=421),
    typed_per_filter_config=ANSWERED_BY_US,
)


@dataclass(frozen=True, slots=True)
class Behind:
    """What an index has on for all routes behind it: protocols to change to, and filters, by their names.

    `inherited` are the fields that a route has which does not say them itself, encoded; `of_answers` those of routes
    that answer by themselves. `refrained` are fields that stand before a route's own, so that these win: Envoy takes
    the last of two words to one filter.
    """

    protocols: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    inherited: bytes = b""
    of_answers: bytes = b""
    refrained: bytes = b""


IN_FRONT = Behind()
_ORDER = attrgetter("order")


def encode_virtual_host(
    host: ir.VirtualHost, routes: Iterable[EncodedRoute], behind_index: Behind = IN_FRONT
) -> VirtualHost:
    """The virtual host with those of its routes that its policy lets through, in their order.

    Behind an index it refuses what Envoy would have refused by itself, and leaves what no route wants to no filter.
    """
    entries = list(_entries(host, sorted(routes, key=_ORDER), behind_index))
    refused = REFUSED + behind_index.of_answers
    if behind_index.filters:
        entries.append((_EVERY_PATH, _nobodys(behind_index)))
    listing = [route for _, route in entries]
    if any(place is not _EVERY_PATH for place, _ in entries):
        listing.insert(0, refused)
    tree = matcher_of(entries)
    matcher = behind(ANYWHERE, refused, tree) if tree is not None else None
    if host.guards:
        rest = listed(listing) if matcher is None else MatcherOnMatch(matcher=matcher)
        matcher = guarded(host.guards, rest if entries else None, behind_index.of_answers)
    head = VirtualHost(name=host.hostname, domains=[host.hostname, *host.also], matcher=matcher)
    if matcher is not None:
        return head
    return VirtualHost.of(head + b"".join([_ROUTES + SIZE[len(route)] + route for route in listing]))


def _entries(host: ir.VirtualHost, routes: list[EncodedRoute], front: Behind) -> Iterable[Entry]:
    if host.insecure == "misdirected":
        yield _EVERY_PATH, _MISDIRECTED
        return
    if host.secure == "always" or (host.secure == "never" and host.insecure == "route"):
        if not front.protocols:
            inherited, before = front.inherited, front.refrained
            for route in routes:
                whole = before + route.whole if before else route.whole
                yield route.place, whole if route.disinherited else whole + inherited
            return
        for route in routes:
            yield from _entry(route, route.match, front)
        return
    for route in routes:
        acme = route.path.kind != "regex" and route.path.text.startswith(ACME_PREFIX)
        if acme or (host.secure == "forwarded" and host.insecure == "route"):
            yield from _entry(route, route.when(None), front)
        elif host.secure == "forwarded":
            yield from _entry(route, route.when(_SECURE), front)
    if host.insecure == "redirect":
        yield _EVERY_PATH, _to_https(host) + front.of_answers


def _entry(route: EncodedRoute, match: bytes, front: Behind) -> Iterable[Entry]:
    """A route, and before it what refuses to change to those protocols that only others have."""
    if front.protocols and not set(front.protocols) <= set(route.protocols):
        yield route.place, route.refusing(match) + front.of_answers
    yield route.place, front.refrained + route.with_match(match) + (b"" if route.disinherited else front.inherited)


def _nobodys(front: Behind) -> bytes:
    """The answer to what no route wants: as from Envoy itself, of which no filter hears."""
    answer = Route(
        match=RouteMatch(prefix="/"),
        direct_response=DirectResponseAction(status=404),
        typed_per_filter_config=switched_off(front.filters),
    )
    return answer + front.inherited


def _to_https(host: ir.VirtualHost) -> bytes:
    if host.secure == "never":
        return _TO_HTTPS
    insecure = HeaderMatcher(name=PROTO_HEADER, string_match=StringMatcher(exact="https"), invert_match=True)
    return Route(
        match=RouteMatch(prefix="/", headers=[insecure]),
        redirect=RedirectAction(https_redirect=True),
        typed_per_filter_config=ANSWERED_BY_US,
    )
