"""Listeners and their filter chains. Routes and certificates are given apart, so that listeners rarely change.

The defaults are those that Envoy advises for a proxy at the edge. Source: Envoy, "Configuring Envoy as an edge proxy".
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from envoyapi.config_core_v3 import (
    Address,
    ExtensionConfigSource,
    Http2ProtocolOptions,
    Http3ProtocolOptions,
    HttpProtocolOptions,
    HttpProtocolOptionsHeadersWithUnderscoresAction,
    QuicProtocolOptions,
    SocketAddress,
    SocketAddressProtocol,
    TypedExtensionConfig,
    UdpSocketConfig,
)
from envoyapi.config_listener_v3 import (
    AdditionalAddress,
    Filter,
    FilterChain,
    FilterChainMatch,
    Listener,
    ListenerFilter,
    UdpListenerConfig,
)
from envoyapi.config_listener_v3 import QuicProtocolOptions as ListenersQuicOptions
from envoyapi.config_route_v3 import RouteConfiguration
from envoyapi.http_router_v3 import Router
from envoyapi.listener_proxy_protocol_v3 import ProxyProtocol
from envoyapi.listener_tls_inspector_v3 import TlsInspector
from envoyapi.network_http_connection_manager_v3 import (
    HttpConnectionManager,
    HttpConnectionManagerCodecType,
    HttpConnectionManagerPathWithEscapedSlashesAction,
    HttpFilter,
    Rds,
)
from envoyapi.wire import SIZE, any_of, duration_ms, tag, type_url
from translator import ir
from translator.features.http import part_of
from translator.features.labels import label
from translator.filters import FILTERS
from translator.filters.part import HttpFilter as ListedFilter
from translator.resources import Resource, resource
from translator.values import dataclass
from translator.xds import scoped
from translator.xds.believed import removal
from translator.xds.client_address import position_of, without_port
from translator.xds.layer4 import LONGEST_DATAGRAM, tcp_filter, udp_filter
from translator.xds.names import cluster_name
from translator.xds.sources import ADS
from translator.xds.tls import downstream_tls, quic_tls

PRIVATE = "private"
"""Begins the statistics of connections that ask for reasons, so that they are nobody else's."""

BUFFER_LIMIT = 32_768
STREAM_WINDOW = 65_536
CONNECTION_WINDOW = 1_048_576
STREAM_IDLE_MS = 300_000
FIRST_WORD_MS = 1_000
"""How long a client may be silent where a server may be the one who speaks first, but others ask for names in TLS."""


def _listed(each: ListedFilter) -> HttpFilter:
    """A filter as every HTTP connection manager has it: switched off, but for those that are idle by themselves."""
    disabled = not each.always_on
    if each.discovered is None:
        return HttpFilter(name=each.name, typed_config=any_of(each.idle), disabled=disabled)
    discovery = ExtensionConfigSource(config_source=ADS, type_urls=[type_url(type(each.idle))])
    return HttpFilter(name=each.name, config_discovery=discovery, disabled=disabled)


_FILTER_CHAINS = tag(3, 2)
_NOT_BELIEVED = removal()
_LISTED = tuple(map(_listed, FILTERS))
_TLS_INSPECTOR = ListenerFilter(name="envoy.filters.listener.tls_inspector", typed_config=any_of(TlsInspector()))
_PROXY_PROTOCOL = ListenerFilter(name="envoy.filters.listener.proxy_protocol", typed_config=any_of(ProxyProtocol()))
_QUIC = UdpListenerConfig(
    quic_options=ListenersQuicOptions(), downstream_socket_config=UdpSocketConfig(prefer_gro=True)
)
_DATAGRAMS = UdpListenerConfig(downstream_socket_config=UdpSocketConfig(max_rx_datagram_size=LONGEST_DATAGRAM))
_TRANSPORTS = {"tls": "tls", "clear text": "raw_buffer", "anything": None}
_SLASHES = {
    "keep": HttpConnectionManagerPathWithEscapedSlashesAction.KEEP_UNCHANGED,
    "reject": HttpConnectionManagerPathWithEscapedSlashesAction.REJECT_REQUEST,
    "redirect": HttpConnectionManagerPathWithEscapedSlashesAction.UNESCAPE_AND_REDIRECT,
    "forward": HttpConnectionManagerPathWithEscapedSlashesAction.UNESCAPE_AND_FORWARD,
}
_UNDERSCORES = {
    "allow": HttpProtocolOptionsHeadersWithUnderscoresAction.ALLOW,
    "reject": HttpProtocolOptionsHeadersWithUnderscoresAction.REJECT_REQUEST,
    "drop": HttpProtocolOptionsHeadersWithUnderscoresAction.DROP_HEADER,
}


Wants = Literal["tls", "clear text", "anything", "datagrams"]
"""What connections a chain is for."""


def wants(chain: ir.FilterChain) -> Wants:
    """What a chain is for. TCP that is passed on as it is, to whomever, may well begin with a TLS hello."""
    if isinstance(chain.body, ir.UdpChain):
        return "datagrams"
    if chain.tls or chain.passthrough:
        return "tls"
    return "anything" if isinstance(chain.body, ir.TcpChain) and not chain.server_names else "clear text"


@dataclass(frozen=True, slots=True)
class Instead:
    """What a private copy of a chain has instead of filters, logs and traces: it answers, and sends nothing on.

    `routes` None: those of the chain itself. `whole`: what stands in the place of all that looks into a connection.
    """

    filters: tuple[HttpFilter, ...] = ()
    routes: RouteConfiguration | None = None
    whole: Filter | None = None


def encode_filter_chain(
    chain: ir.FilterChain, index: str | None = None, instead: Instead | None = None
) -> FilterChain | ListenerFilter:
    """One filter chain; clear text is what is left when the connection does not begin with a TLS hello.

    Of datagrams it is a filter of the listener. `index`: the scope where its requests are looked up first, if they are
    looked up twice.
    """
    body = chain.body
    if isinstance(body, ir.UdpChain):
        return udp_filter(body)
    transport = "quic" if chain.quic else _TRANSPORTS[wants(chain)]
    last = instead.whole if instead else None
    if last is None:
        last = _http_filter(chain, body, index, instead) if isinstance(body, ir.HttpChain) else tcp_filter(body)
    return FilterChain(
        name=chain.name,
        filter_chain_match=FilterChainMatch(server_names=chain.server_names, transport_protocol=transport),
        filters=[last],
        transport_socket=(quic_tls(chain.tls) if chain.quic else downstream_tls(chain.tls)) if chain.tls else None,
    )


def _http_filter(chain: ir.FilterChain, body: ir.HttpChain, index: str | None, instead: Instead | None) -> Filter:
    options = body.options
    part = part_of(options.features, cluster_name)
    fields: dict[str, Any] = part.manager
    own = instead.routes if instead else None
    if instead:
        fields = {name: value for name, value in fields.items() if name != "tracing"}
    manager = HttpConnectionManager(
        stat_prefix=PRIVATE if instead else label(options.stat_prefix),
        codec_type=HttpConnectionManagerCodecType.HTTP3 if chain.quic else None,
        route_config=own,
        rds=None if index or own is not None else Rds(config_source=ADS, route_config_name=chain.name),
        scoped_routes=scoped.ROUTES if index else None,
        http_filters=[
            *(scoped.FILTERS if index else ()),
            *(instead.filters if instead else (*_LISTED, _router(part.router))),
        ],
        common_http_protocol_options=HttpProtocolOptions(
            idle_timeout=duration_ms(options.idle_timeout_ms),
            headers_with_underscores_action=_UNDERSCORES[options.underscores],
        ),
        http2_protocol_options=Http2ProtocolOptions(
            max_concurrent_streams=options.max_concurrent_streams,
            initial_stream_window_size=STREAM_WINDOW,
            initial_connection_window_size=CONNECTION_WINDOW,
        ),
        http3_protocol_options=_http3(options) if chain.quic else None,
        server_name=options.server_name,
        use_remote_address=options.use_remote_address,
        xff_num_trusted_hops=options.trusted_hops,
        stream_idle_timeout=duration_ms(STREAM_IDLE_MS),
        normalize_path=True,
        merge_slashes=options.merge_slashes,
        path_with_escaped_slashes_action=_SLASHES[options.escaped_slashes],
        strip_matching_host_port=options.strip_matching_host_port,
        preserve_external_request_id=options.preserve_external_request_id,
        early_header_mutation_extensions=list(_first_of_all(options, index)),
        access_log=None if instead else part.access_log,
        **fields,
    )
    return Filter(name="envoy.filters.network.http_connection_manager", typed_config=any_of(manager))


def _first_of_all(options: ir.HttpOptions, index: str | None) -> Iterator[TypedExtensionConfig]:
    """What is done with a request's headers before anything looks at them."""
    found = without_port(position_of(options)) if options.trusts_a_proxy else _NOT_BELIEVED
    if found:
        yield found
    if index:
        yield scoped.starts_at(index)


def _router(fields: dict[str, Any]) -> HttpFilter:
    return HttpFilter(name="envoy.filters.http.router", typed_config=any_of(Router(**fields)))


def _http3(options: ir.HttpOptions) -> Http3ProtocolOptions:
    streams = QuicProtocolOptions(max_concurrent_streams=options.max_concurrent_streams)
    return Http3ProtocolOptions(quic_protocol_options=streams)


def _socket_address(listener: ir.Listener, address: str) -> Address:
    """Where it listens; `::` is every address of both families."""
    both = True if address == "::" else None
    protocol = SocketAddressProtocol.UDP if listener.quic or listener.by_datagrams else None
    place = SocketAddress(protocol=protocol, address=address, port_value=listener.port, ipv4_compat=both)
    return Address(socket_address=place)


def _more_addresses(listener: ir.Listener) -> list[AdditionalAddress]:
    return [AdditionalAddress(address=_socket_address(listener, each)) for each in listener.more_addresses]


def encode_listener(listener: ir.Listener, chains: Mapping[str, tuple[Wants, bytes]]) -> Resource:
    """The listener, joined from its chains: for each name what it is for, and its bytes.

    Where a proxy says who the client is, nobody goes on who has not heard it. A listener of datagrams has no chains for
    Envoy, but a filter.
    """
    if listener.by_datagrams:
        return _encode_datagrams(listener, chains)
    wanted = {each for each, _ in chains.values()}
    filters = [*([_PROXY_PROTOCOL] if listener.proxy_protocol else []), *_inspector(listener, wanted)]
    goes_on = wanted >= {"tls", "anything"} and not listener.proxy_protocol
    head = Listener(
        name=listener.name,
        address=_socket_address(listener, listener.address),
        additional_addresses=_more_addresses(listener),
        listener_filters=filters,
        udp_listener_config=_QUIC if listener.quic else None,
        per_connection_buffer_limit_bytes=BUFFER_LIMIT if listener.buffer_limit is None else listener.buffer_limit,
        listener_filters_timeout=duration_ms(FIRST_WORD_MS) if goes_on else None,
        continue_on_listener_filters_timeout=goes_on,
    )
    return resource(head + _joined(chains))


def _encode_datagrams(listener: ir.Listener, chains: Mapping[str, tuple[Wants, bytes]]) -> Resource:
    """A listener whose datagrams are passed on by the filter that its only chain is."""
    [(_, body)] = chains.values()
    head = Listener(
        name=listener.name,
        address=_socket_address(listener, listener.address),
        additional_addresses=_more_addresses(listener),
        listener_filters=[ListenerFilter.of(body)],
        udp_listener_config=_DATAGRAMS,
    )
    return resource(head)


def encode_private_listener(listener: ir.Listener, chains: Mapping[str, tuple[Wants, bytes]]) -> Listener:
    """A copy of a listener that has no name and no address yet; who connects says for whom, by the PROXY protocol."""
    filters = [_PROXY_PROTOCOL, *_inspector(listener, {each for each, _ in chains.values()})]
    return Listener.of(Listener(listener_filters=filters) + _joined(chains))


def _inspector(listener: ir.Listener, wanted: set[Wants]) -> list[ListenerFilter]:
    return [_TLS_INSPECTOR] if "tls" in wanted and not listener.quic else []


def _joined(chains: Mapping[str, tuple[Wants, bytes]]) -> bytes:
    return b"".join([_FILTER_CHAINS + SIZE[len(body)] + body for _, (_, body) in sorted(chains.items())])
