"""Scoped routes in the shape that the translator gives them: an index whose routes are called after scopes.

A listener writes the name of its index in a header, the index names the request's scope, two filters write that in the
header and have the request routed again.
"""

from envoyapi.config_common_mutation_rules_v3 import HeaderMutation
from envoyapi.config_core_v3 import (
    HeaderValue,
    HeaderValueOption,
    HeaderValueOptionHeaderAppendAction,
    TypedExtensionConfig,
)
from envoyapi.config_listener_v3 import Filter, FilterChain, Listener
from envoyapi.config_route_v3 import (
    Route,
    RouteAction,
    RouteConfiguration,
    RouteMatch,
    ScopedRouteConfiguration,
    ScopedRouteConfigurationKey,
    ScopedRouteConfigurationKeyFragment,
    VirtualHost,
)
from envoyapi.http_early_header_mutation_header_mutation_v3 import HeaderMutation as EarlyHeaderMutation
from envoyapi.http_header_mutation_v3 import HeaderMutation as HeaderMutationFilter
from envoyapi.http_header_mutation_v3 import Mutations
from envoyapi.http_router_v3 import Router
from envoyapi.http_set_filter_state_v3 import Config as SetFilterState
from envoyapi.network_http_connection_manager_v3 import (
    HttpConnectionManager,
    HttpFilter,
    ScopedRds,
    ScopedRoutes,
    ScopedRoutesScopeKeyBuilder,
    ScopedRoutesScopeKeyBuilderFragmentBuilder,
    ScopedRoutesScopeKeyBuilderFragmentBuilderHeaderValueExtractor,
)
from envoyapi.wire import Message, any_of
from snapshot import Record
from tests.support.resources import address, from_ads, record

HEADER = "x-scope"


def scope(name: str, routes: str, *, key: str | None = None) -> Record:
    """A scope with its key (its own name), and the route configuration that it leads to."""
    fragments = [ScopedRouteConfigurationKeyFragment(string_key=key or name)]
    message = ScopedRouteConfiguration(
        name=name, route_configuration_name=routes, key=ScopedRouteConfigurationKey(fragments=fragments)
    )
    return record(message, routes=routes)


def index(name: str, hosts: dict[str, str]) -> Record:
    """The route configuration that chooses a scope by the request's host."""
    virtual_hosts = [
        VirtualHost(
            name=host,
            domains=[host],
            routes=[Route(name=key, match=RouteMatch(prefix="/"), route=RouteAction(cluster="-"))],
        )
        for host, key in hosts.items()
    ]
    return record(RouteConfiguration(name=name, virtual_hosts=virtual_hosts))


def scoped_listener(name: str, port: int, *, first: str) -> Record:
    """An HTTP listener whose requests are routed first by the scope with the key `first`."""
    extractor = ScopedRoutesScopeKeyBuilderFragmentBuilderHeaderValueExtractor(name=HEADER, index=0)
    fragment = ScopedRoutesScopeKeyBuilderFragmentBuilder(header_value_extractor=extractor)
    manager = HttpConnectionManager(
        stat_prefix="test",
        scoped_routes=ScopedRoutes(
            name="scopes",
            scope_key_builder=ScopedRoutesScopeKeyBuilder(fragments=[fragment]),
            rds_config_source=from_ads(),
            scoped_rds=ScopedRds(scoped_rds_config_source=from_ads()),
        ),
        early_header_mutation_extensions=[_extension("first", EarlyHeaderMutation(mutations=[_writes(first)]))],
        http_filters=[
            _filter("jump", HeaderMutationFilter(mutations=Mutations(request_mutations=[_writes("%ROUTE_NAME%")]))),
            _filter("clear", SetFilterState(clear_route_cache=True)),
            _filter("router", Router()),
        ],
    )
    chain = FilterChain(filters=[Filter(name="http", typed_config=any_of(manager))])
    return record(Listener(name=name, address=address(port), filter_chains=[chain]))


def _writes(value: str) -> HeaderMutation:
    option = HeaderValueOption(
        header=HeaderValue(key=HEADER, value=value),
        append_action=HeaderValueOptionHeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
    )
    return HeaderMutation(append=option)


def _extension(name: str, message: Message) -> TypedExtensionConfig:
    return TypedExtensionConfig(name=name, typed_config=any_of(message))


def _filter(name: str, message: Message) -> HttpFilter:
    return HttpFilter(name=name, typed_config=any_of(message))
