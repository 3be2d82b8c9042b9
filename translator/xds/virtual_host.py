"""Virtual hosts and route configurations: joined from routes that were encoded once.

A virtual host decides what becomes of requests that did not come by TLS (Emissary's insecure action). Where Envoy
itself knows the answer it costs nothing: on a TLS chain every request is secure, on a clear text chain none is. A
virtual host that only redirects needs a few routes, whatever its Mappings are: a changed Mapping touches nothing there.
"""

from collections.abc import Iterable, Mapping

from envoyapi.config_core_v3 import HeaderValueOption
from envoyapi.config_route_v3 import (
    DirectResponseAction,
    HeaderMatcher,
    RedirectAction,
    Route,
    RouteConfiguration,
    RouteMatch,
    VirtualHost,
)
from envoyapi.type_matcher_v3 import StringMatcher
from envoyapi.wire import SIZE, tag
from envoyapi.xds_type_matcher_v3 import MatcherOnMatch
from translator import ir
from translator.checks import VIA_HEADER
from translator.dot_segments import ANYWHERE
from translator.filters import ANSWERED_BY_US, switches_of
from translator.resources import Resource, resource
from translator.xds.guard import guarded
from translator.xds.headers import header_options
from translator.xds.matcher import Entry, Place, behind, matcher_of
from translator.xds.paths import REFUSED
from translator.xds.predicates import listed
from translator.xds.route import PROTO_HEADER, EncodedRoute

ACME_PREFIX = "/.well-known/acme-challenge/"
"""Challenges of certificate authorities come in clear text, whatever the policy for insecure requests says."""

_VIA = header_options([ir.HeaderValue(VIA_HEADER, "1", append=False)])
_ROUTES = tag(3, 2)
_VIRTUAL_HOSTS = tag(2, 2)
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


def encode_virtual_host(host: ir.VirtualHost, routes: Iterable[EncodedRoute]) -> VirtualHost:
    """The virtual host with those of its routes that its policy lets through, in their order."""
    entries = list(_entries(host, sorted(routes, key=lambda route: route.order)))
    listing = [route for _, route in entries]
    if any(place is not _EVERY_PATH for place, _ in entries):
        listing.insert(0, REFUSED)
    tree = matcher_of(entries)
    matcher = behind(ANYWHERE, REFUSED, tree) if tree is not None else None
    if host.guards:
        rest = listed(listing) if matcher is None else MatcherOnMatch(matcher=matcher)
        matcher = guarded(host.guards, rest if entries else None)
    head = VirtualHost(name=host.hostname, domains=[host.hostname, *host.also], matcher=matcher)
    if matcher is not None:
        return head
    return VirtualHost.of(head + b"".join([_ROUTES + SIZE[len(route)] + route for route in listing]))


def _entries(host: ir.VirtualHost, routes: list[EncodedRoute]) -> Iterable[Entry]:
    if host.insecure == "misdirected":
        yield _EVERY_PATH, _MISDIRECTED
        return
    if host.secure == "always" or (host.secure == "never" and host.insecure == "route"):
        for route in routes:
            yield route.place, route.plain
        return
    for route in routes:
        acme = route.path.kind != "regex" and route.path.text.startswith(ACME_PREFIX)
        if acme or (host.secure == "forwarded" and host.insecure == "route"):
            yield route.place, route.when(None)
        elif host.secure == "forwarded":
            yield route.place, route.when(_SECURE)
    if host.insecure == "redirect":
        yield _EVERY_PATH, _to_https(host)


def _to_https(host: ir.VirtualHost) -> bytes:
    if host.secure == "never":
        return _TO_HTTPS
    insecure = HeaderMatcher(name=PROTO_HEADER, string_match=StringMatcher(exact="https"), invert_match=True)
    return Route(
        match=RouteMatch(prefix="/", headers=[insecure]),
        redirect=RedirectAction(https_redirect=True),
        typed_per_filter_config=ANSWERED_BY_US,
    )


def encode_route_configuration(chain: ir.FilterChain, hosts: Mapping[ir.VirtualHost, VirtualHost]) -> Resource:
    """The route configuration of an HTTP chain, from its virtual hosts."""
    body = chain.body
    if not isinstance(body, ir.HttpChain):
        raise TypeError(f"chain {chain.name} has no routes: it does not speak HTTP")
    head = RouteConfiguration(
        name=chain.name,
        request_headers_to_add=_VIA,
        response_headers_to_add=_alternatives(body.http3_port) if body.http3_port else None,
        # Else what is added here would win over what a Mapping says of the same header.
        most_specific_header_mutations_wins=True,
        typed_per_filter_config=switches_of(body.filters),
    )
    joined = b"".join(
        [_VIRTUAL_HOSTS + SIZE[len(hosts[host])] + hosts[host] for host in body.virtual_hosts if host in hosts]
    )
    return resource(head + joined)


def _alternatives(port: int) -> list[HeaderValueOption]:
    """Where the same is served by HTTP/3, for a day: RFC 7838. Behind a Service its port is the usual one."""
    said = ", ".join([f'h3=":{number}"; ma=86400' for number in dict.fromkeys((port, 443))])
    return header_options([ir.HeaderValue("alt-svc", said, append=False)])
