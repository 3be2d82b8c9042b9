"""Envoy resources for tests, small and complete, as the bytes that the translator would publish.

Everything comes over ADS: listeners name their routes, clusters their endpoints, with a first fetch that waits for
ever, as in the product.
"""

from collections.abc import Iterable, Mapping
from hashlib import blake2b

from envoyapi.config_cluster_v3 import Cluster, ClusterDiscoveryType, ClusterEdsClusterConfig
from envoyapi.config_core_v3 import (
    Address,
    AggregatedConfigSource,
    ApiVersion,
    ConfigSource,
    DataSource,
    SocketAddress,
    TransportSocket,
)
from envoyapi.config_endpoint_v3 import ClusterLoadAssignment, Endpoint, LbEndpoint, LocalityLbEndpoints
from envoyapi.config_listener_v3 import Filter, FilterChain, FilterChainMatch, Listener, ListenerFilter
from envoyapi.config_route_v3 import (
    DirectResponseAction,
    Route,
    RouteAction,
    RouteConfiguration,
    RouteMatch,
    VirtualHost,
)
from envoyapi.http_router_v3 import Router
from envoyapi.listener_tls_inspector_v3 import TlsInspector
from envoyapi.network_http_connection_manager_v3 import (
    HttpConnectionManager,
    HttpConnectionManagerUpgradeConfig,
    HttpFilter,
    Rds,
)
from envoyapi.network_tcp_proxy_v3 import TcpProxy
from envoyapi.transport_sockets_tls_v3 import (
    CommonTlsContext,
    DownstreamTlsContext,
    SdsSecretConfig,
    Secret,
    TlsCertificate,
)
from envoyapi.wire import any_of, duration_ms
from snapshot import JSON, Record


def record(message: bytes, **notes: JSON) -> Record:
    """A resource's record: its version is the hash of its bytes."""
    return Record(blake2b(message, digest_size=8).hexdigest(), bytes(message), notes)


def from_ads(timeout_ms: int | None = 0) -> ConfigSource:
    """Comes over ADS; the first fetch waits for ever (0), or for so many milliseconds."""
    waits = None if timeout_ms is None else duration_ms(timeout_ms)
    return ConfigSource(ads=AggregatedConfigSource(), resource_api_version=ApiVersion.V3, initial_fetch_timeout=waits)


def cluster(name: str, *, connect_ms: int = 1000, endpoints: str | None = None) -> Record:
    """An EDS cluster; `endpoints` is the name of its load assignment (its own name)."""
    wanted = endpoints or name
    eds = ClusterEdsClusterConfig(eds_config=from_ads(), service_name=wanted)
    message = Cluster(
        name=name,
        type=ClusterDiscoveryType.EDS,
        eds_cluster_config=eds,
        connect_timeout=duration_ms(connect_ms),
    )
    return record(message, endpoints=wanted)


def address(port: int, host: str = "127.0.0.1") -> Address:
    """A TCP address."""
    return Address(socket_address=SocketAddress(address=host, port_value=port))


def endpoints(name: str, *ports: int, host: str = "127.0.0.1") -> Record:
    """A load assignment of ports of a host."""
    hosts = [LbEndpoint(endpoint=Endpoint(address=address(port, host))) for port in ports]
    return record(ClusterLoadAssignment(cluster_name=name, endpoints=[LocalityLbEndpoints(lb_endpoints=hosts)]))


def direct(prefix: str, body: str, status: int = 200) -> Route:
    """A route that Envoy answers itself."""
    answer = DirectResponseAction(status=status, body=DataSource(inline_string=body))
    return Route(match=RouteMatch(prefix=prefix), direct_response=answer)


def forward(prefix: str, to: str) -> Route:
    """A route to a cluster."""
    return Route(match=RouteMatch(prefix=prefix), route=RouteAction(cluster=to))


def routes(name: str, *entries: Route) -> Record:
    """A route configuration with one virtual host for every authority."""
    return record(RouteConfiguration(name=name, virtual_hosts=[VirtualHost(name="all", domains=["*"], routes=entries)]))


def secret(name: str, certificate: bytes, key: bytes) -> Record:
    """A certificate with its key, both PEM."""
    pair = TlsCertificate(
        certificate_chain=DataSource(inline_bytes=certificate), private_key=DataSource(inline_bytes=key)
    )
    return record(Secret(name=name, tls_certificate=pair))


def tls(secret_name: str) -> TransportSocket:
    """TLS for a filter chain, the certificate from ADS."""
    named = SdsSecretConfig(name=secret_name, sds_config=from_ads())
    context = DownstreamTlsContext(common_tls_context=CommonTlsContext(tls_certificate_sds_secret_configs=[named]))
    return TransportSocket(name="envoy.transport_sockets.tls", typed_config=any_of(context))


def listener(
    name: str, port: int, *, rds: str, stat_prefix: str = "test", sds: str | None = None, host: str = "127.0.0.1"
) -> Record:
    """An HTTP listener on `host` with its routes from ADS; `sds` names the secret with which it speaks TLS."""
    chain = FilterChain(filters=[http(rds, stat_prefix)], transport_socket=tls(sds) if sds else None)
    return record(Listener(name=name, address=address(port, host), filter_chains=[chain]))


def http(rds: str, stat_prefix: str = "test") -> Filter:
    """HTTP, and WebSockets, by routes from ADS."""
    manager = HttpConnectionManager(
        stat_prefix=stat_prefix,
        rds=Rds(config_source=from_ads(), route_config_name=rds),
        http_filters=[HttpFilter(name="router", typed_config=any_of(Router()))],
        upgrade_configs=[HttpConnectionManagerUpgradeConfig(upgrade_type="websocket")],
    )
    return Filter(name="http", typed_config=any_of(manager))


def tls_listener(
    name: str, port: int, *, rds: str | Mapping[str, str], secrets: Mapping[str, str], backlog: int = 128
) -> Record:
    """A listener with a filter chain for each server name in TLS: its secret, and its routes, one for all or by name.

    Another `backlog` is another listener for Envoy, with the same filter chains.
    """
    chains = [
        FilterChain(
            name=server_name,
            filter_chain_match=FilterChainMatch(server_names=[server_name]),
            filters=[http(rds if isinstance(rds, str) else rds[server_name])],
            transport_socket=tls(secret_name),
        )
        for server_name, secret_name in secrets.items()
    ]
    inspector = ListenerFilter(name="tls", typed_config=any_of(TlsInspector()))
    return record(
        Listener(
            name=name,
            address=address(port),
            listener_filters=[inspector],
            filter_chains=chains,
            tcp_backlog_size=backlog,
        )
    )


def tcp_listener(name: str, port: int, *, to: str) -> Record:
    """A listener that passes all connections on to a cluster."""
    proxy = Filter(name="tcp", typed_config=any_of(TcpProxy(stat_prefix="test", cluster=to)))
    return record(Listener(name=name, address=address(port), filter_chains=[FilterChain(filters=[proxy])]))


def keyed(**kinds: Mapping[str, Record] | Iterable[tuple[str, Record]]) -> dict[str, Record]:
    """Records by snapshot key: `keyed(cluster={"a": cluster("a")})`."""
    return {f"{kind}/{name}": each for kind, named in kinds.items() for name, each in dict(named).items()}
