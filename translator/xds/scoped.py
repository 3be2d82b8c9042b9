"""Two look-ups for a request instead of one: an index says which shard it belongs to, and the shard has its route.

The HTTP connection manager has scoped routes, and takes the scope from a header that it writes itself: first the
index's. Two filters that come before all others then write the name of the index's route in its place, and have Envoy
look again: that name is the scope of a shard. Nobody behind Envoy sees the header, and no client can say it.

Which filters run, and what a connection may change to, Envoy decides by the first route alone. So the index has on what
any route may have on, and says all protocols; and a shard refuses those that its route does not have.

Sources: envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto (ScopedRoutes),
envoy/extensions/filters/http/set_filter_state/v3/set_filter_state.proto (clear_route_cache).
"""

from collections.abc import Iterator, Mapping
from typing import Final

from envoyapi.config_common_mutation_rules_v3 import HeaderMutation as Mutation
from envoyapi.config_core_v3 import (
    HeaderValue,
    HeaderValueOption,
    HeaderValueOptionHeaderAppendAction,
    TypedExtensionConfig,
)
from envoyapi.config_route_v3 import (
    FilterConfig,
    Route,
    RouteAction,
    RouteActionUpgradeConfig,
    RouteMatch,
    ScopedRouteConfiguration,
    ScopedRouteConfigurationKey,
    ScopedRouteConfigurationKeyFragment,
    VirtualHost,
)
from envoyapi.http_early_header_mutation_header_mutation_v3 import HeaderMutation as EarlyHeaderMutation
from envoyapi.http_header_mutation_v3 import HeaderMutation, Mutations
from envoyapi.http_set_filter_state_v3 import Config as SetFilterState
from envoyapi.network_http_connection_manager_v3 import (
    HttpFilter,
    ScopedRds,
    ScopedRoutes,
    ScopedRoutesScopeKeyBuilder,
    ScopedRoutesScopeKeyBuilderFragmentBuilder,
    ScopedRoutesScopeKeyBuilderFragmentBuilderHeaderValueExtractor,
)
from envoyapi.wire import Any, any_of
from translator import ir
from translator.checks import SCOPE_HEADER
from translator.resources import Resource, resource
from translator.xds.matcher import Entry, Place, matcher_of
from translator.xds.shards import Led, Protocols, Shard
from translator.xds.sources import ADS

NO_CLUSTER: Final = "-"
"""Where the index sends: nowhere, so that a request which is not looked up again is refused (503)."""

_JUMP: Final = "dragoman.filters.http.scope"
_LOOK_AGAIN: Final = "dragoman.filters.http.look_again"


def _writes(value: str) -> Mutation:
    return Mutation(
        append=HeaderValueOption(
            header=HeaderValue(key=SCOPE_HEADER, value=value),
            append_action=HeaderValueOptionHeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
        )
    )


FILTERS: Final = (
    HttpFilter(
        name=_JUMP,
        typed_config=any_of(
            HeaderMutation(mutations=Mutations(request_mutations=[_writes("%ROUTE_NAME%")])),
        ),
    ),
    HttpFilter(name=_LOOK_AGAIN, typed_config=any_of(SetFilterState(clear_route_cache=True))),
)
"""What comes before all other filters."""

ROUTES: Final = ScopedRoutes(
    name="scopes",
    scope_key_builder=ScopedRoutesScopeKeyBuilder(
        fragments=[
            ScopedRoutesScopeKeyBuilderFragmentBuilder(
                header_value_extractor=ScopedRoutesScopeKeyBuilderFragmentBuilderHeaderValueExtractor(
                    name=SCOPE_HEADER, index=0
                )
            )
        ]
    ),
    rds_config_source=ADS,
    scoped_rds=ScopedRds(scoped_rds_config_source=ADS),
)
"""Where a connection manager has its routes: the same for all of them, so that Envoy has every scope once."""

_HERE: Final = any_of(FilterConfig(disabled=True))
_STAYS: Final = VirtualHost(typed_per_filter_config={_JUMP: _HERE, _LOOK_AGAIN: _HERE})


def starts_at(index: str) -> TypedExtensionConfig:
    """What writes the scope of an index, before anything looks at a request."""
    return TypedExtensionConfig(
        name="envoy.http.early_header_mutation.header_mutation",
        typed_config=any_of(EarlyHeaderMutation(mutations=[_writes(index.replace("%", "%%"))])),
    )


def encode_scope(name: str) -> Resource:
    """The scope of an index or a shard; the resource says whose routes it has, so that they go out together."""
    key = ScopedRouteConfigurationKey(fragments=[ScopedRouteConfigurationKeyFragment(string_key=name)])
    return resource(ScopedRouteConfiguration(name=name, route_configuration_name=name, key=key), routes=name)


def staying(host: VirtualHost, inherited: Mapping[str, Any]) -> VirtualHost:
    """A virtual host of which the index has all that there is: nothing is looked up again."""
    said = VirtualHost(typed_per_filter_config=inherited) if inherited else b""
    return VirtualHost.of(host + _STAYS + said)


def encode_led(host: ir.VirtualHost, led: Led) -> VirtualHost:
    """A virtual host of the index: which requests to it belong to which shard; what begins with more comes first."""
    longest_first = sorted(led, key=lambda each: (-len(each[0]), each[0]))
    entries: list[Entry] = [
        (Place(prefix or "/"), _to(prefix, shard, protocols)) for prefix, shard, protocols in longest_first
    ]
    matcher = matcher_of(entries)
    routes = [Route.of(route) for _, route in entries] if matcher is None else None
    return VirtualHost(name=host.hostname, domains=[host.hostname, *host.also], matcher=matcher, routes=routes)


def encode_shared(shard: Shard) -> Iterator[VirtualHost]:
    """The virtual hosts of a shard that stand there whole, in the index: one for all of them that say the same.

    To Envoy a virtual host costs as much as thirty names of one.
    """
    domains: dict[Protocols, list[str]] = {}
    for part in shard.parts:
        domains.setdefault(part.protocols, []).extend((part.host.hostname, *part.host.also))
    for protocols, names in domains.items():
        yield VirtualHost(name=names[0], domains=names, routes=[_to("", shard.name, protocols)])


def _to(prefix: str, shard: str, protocols: Protocols) -> Route:
    upgrades = [RouteActionUpgradeConfig(upgrade_type=protocol) for protocol in protocols]
    return Route(
        name=shard,
        match=RouteMatch(prefix=prefix or "/"),
        route=RouteAction(cluster=NO_CLUSTER, upgrade_configs=upgrades),
    )
