"""Clusters: one for each backend that is different in anything at all."""

from typing import Any

from envoyapi.config_cluster_v3 import (
    Cluster,
    ClusterDiscoveryType,
    ClusterDnsLookupFamily,
    ClusterEdsClusterConfig,
)
from envoyapi.config_core_v3 import Address, Http1ProtocolOptions, Http2ProtocolOptions, Pipe, SocketAddress
from envoyapi.config_core_v3 import HttpProtocolOptions as CommonHttpOptions
from envoyapi.config_endpoint_v3 import ClusterLoadAssignment, Endpoint, LbEndpoint, LocalityLbEndpoints
from envoyapi.upstreams_http_v3 import HttpProtocolOptions, HttpProtocolOptionsExplicitHttpConfig
from envoyapi.wire import SIZE, any_of, duration_ms, tag
from envoyapi.wire import Any as AnyMessage
from translator.features.labels import label
from translator.features.upstream import part_of
from translator.features.upstream.part import Part
from translator.ir import Addresses, Backend, ConsulService, DnsName, Found, LocalSocket, ServicePort, Several, Target
from translator.resources import Resource, resource
from translator.xds.names import assignment_name, cluster_name
from translator.xds.paths import CHECKED
from translator.xds.sources import ADS
from translator.xds.tls import upstream_tls

HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"

_FIRST_FIELD = tag(1, 2)
"""In an LbEndpoint its Endpoint, in that its Address, in that the SocketAddress."""

_HTTP2 = HttpProtocolOptionsExplicitHttpConfig(http2_protocol_options=Http2ProtocolOptions())


def encode_cluster(backend: Backend) -> Resource:
    """The cluster of a backend. One with EDS notes the name of its endpoints, which must be sent again with it."""
    name = cluster_name(backend)
    target = backend.target
    found = found_in(target)
    eds = assignment_name(*found) if found else None
    part = part_of(backend.features)
    fields: dict[str, Any] = {
        "type": _discovery_type(backend),
        "dns_lookup_family": ClusterDnsLookupFamily.V4_PREFERRED if is_asked_of_dns(target) else None,
        "alt_stat_name": label(name) if "." in name else None,
        **part.cluster,
    }
    cluster = Cluster(
        name=name,
        eds_cluster_config=ClusterEdsClusterConfig(eds_config=ADS, service_name=eds) if eds else None,
        connect_timeout=duration_ms(backend.connect_timeout_ms),
        per_connection_buffer_limit_bytes=32_768,
        load_assignment=_inline_assignment(name, target),
        transport_socket=upstream_tls(backend.tls) if backend.tls else None,
        typed_extension_protocol_options=_http_options(backend, part),
        **fields,
    )
    return resource(cluster, endpoints=eds) if eds else resource(cluster)


def _http_options(backend: Backend, part: Part) -> dict[str, AnyMessage] | None:
    """How HTTP is spoken with the backend; None for Envoy's defaults, HTTP/1.1."""
    common: dict[str, Any] = part.http
    if not common and not part.http1 and not backend.checked and backend.protocol != "http2":
        return None
    options = HttpProtocolOptions(
        common_http_protocol_options=CommonHttpOptions(**common) if common else None,
        explicit_http_config=_HTTP2 if backend.protocol == "http2" else _http1(part.http1),
        http_filters=CHECKED if backend.checked else (),
    )
    return {HTTP_OPTIONS: any_of(options)}


def _http1(fields: dict[str, Any]) -> HttpProtocolOptionsExplicitHttpConfig:
    return HttpProtocolOptionsExplicitHttpConfig(http_protocol_options=Http1ProtocolOptions(**fields))


def _discovery_type(backend: Backend) -> ClusterDiscoveryType:
    if found_in(backend.target):
        return ClusterDiscoveryType.EDS
    return ClusterDiscoveryType.STRICT_DNS if is_asked_of_dns(backend.target) else ClusterDiscoveryType.STATIC


def found_in(target: Target) -> tuple[Found, ...]:
    """Whose endpoints are those of a target, on a path of their own."""
    targets = target.targets if isinstance(target, Several) else (target,)
    return tuple([each for each in targets if isinstance(each, Found)])


def is_asked_of_dns(target: Target) -> bool:
    """Whether Envoy resolves names for it."""
    return isinstance(target, DnsName) or (
        isinstance(target, Several) and any(isinstance(each, DnsName) for each in target.targets)
    )


def _inline_assignment(name: str, target: Target) -> ClusterLoadAssignment | None:
    match target:
        case ServicePort() | ConsulService():
            return None
        case Several():
            pairs = tuple([pair for each in target.targets for pair in _pairs_of(each)])
            return encode_assignment(name, pairs) if pairs else None
        case Addresses() | DnsName():
            return encode_assignment(name, _pairs_of(target))
        case LocalSocket():
            at = Address(pipe=Pipe(path=target.path))
            return _assignment(name, [LbEndpoint(endpoint=Endpoint(address=at))])


def _pairs_of(target: Target) -> tuple[tuple[str, int], ...]:
    match target:
        case Addresses():
            return target.pairs
        case DnsName():
            return ((target.name, target.port),)
    return ()


def encode_assignment(name: str, addresses: tuple[tuple[str, int], ...]) -> ClusterLoadAssignment:
    """Endpoints under the name that their cluster asks for; none at all is a valid answer (503 for its requests)."""
    return _assignment(name, [_lb_endpoint(SocketAddress(address=at, port_value=port)) for at, port in addresses])


def _lb_endpoint(at: SocketAddress) -> LbEndpoint:
    """An endpoint that is an address and nothing else: by the constructors of all levels it takes twice as long."""
    address = _FIRST_FIELD + SIZE[len(at)] + at
    endpoint = _FIRST_FIELD + SIZE[len(address)] + address
    return LbEndpoint.of(_FIRST_FIELD + SIZE[len(endpoint)] + endpoint)


def _assignment(name: str, endpoints: list[LbEndpoint]) -> ClusterLoadAssignment:
    return ClusterLoadAssignment(
        cluster_name=name, endpoints=[LocalityLbEndpoints(lb_endpoints=endpoints)] if endpoints else None
    )
