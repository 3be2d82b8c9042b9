"""Listeners that only answer how a request would be served: `dragoman why` asks Envoy there, and nobody else does.

A copy of a listener has its filter chains, with the very route configurations and scopes that Envoy has for it, so that
Envoy decides as it does for a client. What it has instead of filters lets nothing out: a script binds every request to
an address that no cluster has, which Envoy's router takes for a cluster without healthy hosts; that is after it has
chosen the cluster and rewritten the request, and before it opens a connection or copies the request for anybody.
Redirects and direct responses it answers itself, as ever. Another filter then says in headers of the answer what Envoy
made of the request.

Two more listeners have routes of their own, made of the same words: one says which virtual host a request belongs to,
one which rules of it hold, one after the other, since each request says which ones were told already.

Sources: envoy/extensions/filters/http/lua/v3/lua.proto, setUpstreamOverrideHost (strict); see
docs/decisions/0053-why-is-asked-of-envoy.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from envoyapi.config_common_mutation_rules_v3 import HeaderMutation as Mutation
from envoyapi.config_core_v3 import (
    DataSource,
    HeaderValue,
    HeaderValueOption,
    HeaderValueOptionHeaderAppendAction,
)
from envoyapi.config_listener_v3 import Filter, Listener
from envoyapi.config_route_v3 import (
    DirectResponseAction,
    HeaderMatcher,
    Route,
    RouteConfiguration,
    RouteMatch,
    VirtualHost,
)
from envoyapi.http_header_mutation_v3 import HeaderMutation, Mutations
from envoyapi.http_lua_v3 import Lua
from envoyapi.http_router_v3 import Router
from envoyapi.network_direct_response_v3 import Config
from envoyapi.network_http_connection_manager_v3 import HttpFilter
from envoyapi.type_matcher_v3 import StringMatcher
from envoyapi.wire import any_of
from translator import ir
from translator.xds.listener import Instead, encode_filter_chain, encode_private_listener, wants
from translator.xds.route import encode_route

TOLD: Final = "x-dragoman-why-"
"""Begins the headers of an answer that say what Envoy made of a request."""

PASSED: Final = f"{TOLD}passed"
"""The header in which a request says which rules were told already: their numbers, each between semicolons."""

CHAIN: Final = f"{TOLD}chain: ".encode()
"""Begins what a connection is told where only its chain is asked for: the name, and the end of a line."""

HEADER: Final = f"{TOLD}header-"
"""Begins those that say what a header of the request became."""

_WORDS: Final = {
    "chain": "%FILTER_CHAIN_NAME%",
    "route": "%ROUTE_NAME%",
    "cluster": "%UPSTREAM_CLUSTER_RAW%",
    "details": "%RESPONSE_CODE_DETAILS%",
    "method": "%REQ(:METHOD)%",
    "authority": "%REQ(:AUTHORITY)%",
    "path": "%REQ(:PATH)%",
    "original-path": "%REQ(X-ENVOY-ORIGINAL-PATH)%",
    "server-name": "%REQUESTED_SERVER_NAME%",
}

_NOWHERE: Final = """
function envoy_on_request(handle)
  handle:setUpstreamOverrideHost("0.0.0.0:1", true)
end
"""
"""Nobody can be at port 1 of no address; `true`: no other host will do."""


def _says(name: str, value: str) -> Mutation:
    return Mutation(
        append=HeaderValueOption(
            header=HeaderValue(key=name, value=value),
            append_action=HeaderValueOptionHeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
        )
    )


def _filters(headers: Iterable[str] = ()) -> tuple[HttpFilter, ...]:
    """What answers, and says as well what these headers of a request became."""
    told = [_says(f"{TOLD}{word}", value) for word, value in _WORDS.items()]
    told += [_says(f"{HEADER}{name}", f"%REQ({name.upper()})%") for name in headers]
    return (
        HttpFilter(
            name="dragoman.filters.http.tell",
            typed_config=any_of(HeaderMutation(mutations=Mutations(response_mutations=told))),
        ),
        HttpFilter(
            name="dragoman.filters.http.nowhere",
            typed_config=any_of(Lua(default_source_code=DataSource(inline_string=_NOWHERE))),
        ),
        HttpFilter(
            name="envoy.filters.http.router", typed_config=any_of(Router(dynamic_stats=False))
        ),  # else the errors of nobody's requests would be counted among a cluster's
    )


def copy_of(
    listener: ir.Listener, chains: Iterable[ir.FilterChain], indexes: Mapping[str, str], headers: Iterable[str] = ()
) -> Listener:
    """A listener with these chains of a listener; `indexes` are the scopes of those that have one, by their names."""
    instead = Instead(_filters(headers))
    nothing = replace(instead, routes=RouteConfiguration(name="nothing"))
    found = {}
    for chain in chains:
        is_http = isinstance(chain.body, ir.HttpChain)
        encoded = encode_filter_chain(_open(chain), indexes.get(chain.name), instead if is_http else nothing)
        found[chain.name] = wants(chain) if is_http or chain.tls else "anything", encoded
    return encode_private_listener(listener, found)


def chains_of(listener: ir.Listener, chains: Iterable[ir.FilterChain]) -> Listener:
    """A listener that tells connections the name of their chain: at once and as it is, or where TLS ends by HTTP.

    What Envoy writes at once it does not write in TLS: it reads no more, and so ends no handshake.
    """
    found = {}
    for chain in chains:
        if chain.tls:
            answering = replace(_open(chain), body=ir.HttpChain(ir.HttpOptions(), ()))
            instead = Instead(_filters(), RouteConfiguration(name="nothing"))
        else:
            answer = Config(response=DataSource(inline_bytes=CHAIN + chain.name.encode() + b"\n"))
            tell = Filter(name="envoy.filters.network.direct_response", typed_config=any_of(answer))
            answering, instead = chain, Instead(whole=tell)
        found[chain.name] = wants(chain), encode_filter_chain(answering, instead=instead)
    return encode_private_listener(listener, found)


def hosts_of(listener: ir.Listener, chain: ir.FilterChain) -> Listener:
    """A listener where the name of a request's route is the number of its virtual host among those of the chain."""
    body = _open(chain).body
    hosts = [
        VirtualHost(name=str(number), domains=[host.hostname, *host.also], routes=[_answer(str(number))])
        for number, host in enumerate(body.virtual_hosts if isinstance(body, ir.HttpChain) else ())
    ]
    any_port = True if isinstance(body, ir.HttpChain) and body.any_port else None
    return _with_routes(
        listener, chain, RouteConfiguration(name="hosts", virtual_hosts=hosts, ignore_port_in_host_matching=any_port)
    )


def rules_of(listener: ir.Listener, chain: ir.FilterChain, routes: Sequence[ir.Route]) -> Listener:
    """A listener where the name of a request's route is the number of the first of these routes that holds for it.

    A share of requests holds for all.
    """
    ours = [_rule(number, route) for number, route in enumerate(routes)]
    host = VirtualHost(name="rules", domains=["*"], routes=ours)
    return _with_routes(listener, chain, RouteConfiguration(name="rules", virtual_hosts=[host]))


def _rule(number: int, route: ir.Route) -> Route:
    whole = encode_route(replace(route, match=replace(route.match, share=None)))
    not_told = HeaderMatcher(
        name=PASSED,
        string_match=StringMatcher(contains=f";{number};"),
        invert_match=True,
        treat_missing_header_as_empty=True,
    )
    match = RouteMatch.of(whole.match + RouteMatch(headers=[not_told]))
    return Route(name=str(number), match=match, direct_response=DirectResponseAction(status=200))


def _answer(name: str) -> Route:
    return Route(name=name, match=RouteMatch(prefix="/"), direct_response=DirectResponseAction(status=200))


def _with_routes(listener: ir.Listener, chain: ir.FilterChain, routes: RouteConfiguration) -> Listener:
    encoded = encode_filter_chain(_open(chain), instead=Instead(_filters(), routes))
    return encode_private_listener(listener, {chain.name: (wants(chain), encoded)})


def _open(chain: ir.FilterChain) -> ir.FilterChain:
    """The chain for whom has no certificate to show; one that passes connections on as they are answers itself."""
    body = chain.body if isinstance(chain.body, ir.HttpChain) else ir.HttpChain(ir.HttpOptions(), ())
    tls = chain.tls and replace(chain.tls, client_ca=None, client_revocations=None, require_client_certificate=False)
    return replace(chain, tls=tls, body=body)
