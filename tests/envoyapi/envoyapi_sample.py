"""A listener and clusters that use much of what we can encode, for a real Envoy to judge."""

from envoyapi import (
    access_loggers_file_v3,
    access_loggers_stream_v3,
    http_router_v3,
    listener_proxy_protocol_v3,
    listener_tls_inspector_v3,
    network_tcp_proxy_v3,
    type_v3,
    upstreams_http_v3,
    xds_core_v3,
    xds_type_matcher_v3,
)
from envoyapi import config_cluster_v3 as clusters
from envoyapi import config_core_v3 as core
from envoyapi import config_endpoint_v3 as endpoints
from envoyapi import config_listener_v3 as listeners
from envoyapi import config_route_v3 as routes
from envoyapi import network_http_connection_manager_v3 as hcm
from envoyapi import transport_sockets_tls_v3 as tls
from envoyapi import type_matcher_v3 as matchers
from envoyapi.config_accesslog_v3 import AccessLog
from envoyapi.wire import any_of, duration_ms, duration_s, struct


def access_logs() -> list[AccessLog]:
    line = core.SubstitutionFormatString(
        json_format=struct({"path": "%REQ(:PATH)%", "ms": "%DURATION%"}), omit_empty_values=True
    )
    text = core.SubstitutionFormatString(text_format_source=core.DataSource(inline_string="%RESPONSE_CODE%\n"))
    return [
        AccessLog(
            name="f", typed_config=any_of(access_loggers_file_v3.FileAccessLog(path="/dev/null", log_format=line))
        ),
        AccessLog(name="s", typed_config=any_of(access_loggers_stream_v3.StdoutAccessLog(log_format=text))),
    ]


def header_tree() -> xds_type_matcher_v3.Matcher:
    """Routes by a header's value."""
    one = routes.Route(match=routes.RouteMatch(prefix="/"), route=routes.RouteAction(cluster="eds"))
    action = xds_core_v3.TypedExtensionConfig(name="route", typed_config=any_of(one))
    on_match = xds_type_matcher_v3.MatcherOnMatch(action=action)
    header = any_of(matchers.HttpRequestHeaderMatchInput(header_name="x-tenant"))
    tree = xds_type_matcher_v3.MatcherMatcherTree(
        input=xds_core_v3.TypedExtensionConfig(name="header", typed_config=header),
        exact_match_map=xds_type_matcher_v3.MatcherMatcherTreeMatchMap(map={"a": on_match, "b": on_match}),
    )
    return xds_type_matcher_v3.Matcher(matcher_tree=tree, on_no_match=on_match)


def routes_of_all_kinds() -> list[routes.Route]:
    weights = [
        routes.WeightedClusterClusterWeight(name="eds", weight=90),
        routes.WeightedClusterClusterWeight(name="static", weight=10),
    ]
    retry = routes.RetryPolicy(
        retry_on="5xx,connect-failure",
        num_retries=3,
        per_try_timeout=duration_ms(250),
        retry_back_off=routes.RetryPolicyRetryBackOff(base_interval=duration_ms(25), max_interval=duration_s(1)),
    )
    mirror = routes.RouteActionRequestMirrorPolicy(
        cluster="static",
        runtime_fraction=core.RuntimeFractionalPercent(
            default_value=type_v3.FractionalPercent(
                numerator=5, denominator=type_v3.FractionalPercentDenominatorType.HUNDRED
            )
        ),
    )
    action = routes.RouteAction(
        weighted_clusters=routes.WeightedCluster(clusters=weights),
        timeout=duration_ms(3000),
        idle_timeout=duration_s(60.5),
        retry_policy=retry,
        prefix_rewrite="/new",
        host_rewrite_literal="upstream.example",
        request_mirror_policies=[mirror],
        hash_policy=[routes.RouteActionHashPolicy(header=routes.RouteActionHashPolicyHeader(header_name="x-user"))],
        upgrade_configs=[routes.RouteActionUpgradeConfig(upgrade_type="websocket", enabled=True)],
        max_stream_duration=routes.RouteActionMaxStreamDuration(max_stream_duration=duration_s(3600)),
        priority=core.RoutingPriority.HIGH,
    )
    match = routes.RouteMatch(
        path_separated_prefix="/a",
        headers=[
            routes.HeaderMatcher(name="x-a", string_match=matchers.StringMatcher(exact="1", ignore_case=True)),
            routes.HeaderMatcher(name="x-b", present_match=False, invert_match=True),
            routes.HeaderMatcher(name="x-c", range_match=type_v3.Int64Range(start=-5, end=5)),
        ],
        query_parameters=[routes.QueryParameterMatcher(name="q", present_match=True)],
        grpc=routes.RouteMatchGrpcRouteMatchOptions(),
    )
    append = core.HeaderValueOptionHeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD
    header = core.HeaderValueOption(header=core.HeaderValue(key="x-d", value="%PROTOCOL%"), append_action=append)
    regex = matchers.RegexMatcher(regex="/old/(.*)")
    rewrite = matchers.RegexMatchAndSubstitute(pattern=regex, substitution="/new/\\1")
    direct = routes.DirectResponseAction(status=404, body=core.DataSource(inline_string="no"))
    return [
        routes.Route(name="r", match=match, route=action, request_headers_to_add=[header]),
        routes.Route(
            match=routes.RouteMatch(safe_regex=regex),
            redirect=routes.RedirectAction(regex_rewrite=rewrite, strip_query=True),
        ),
        routes.Route(match=routes.RouteMatch(path="/none"), direct_response=direct),
    ]


def http_filter_chain() -> listeners.FilterChain:
    virtual_hosts = [
        routes.VirtualHost(name="flat", domains=["a.example"], routes=routes_of_all_kinds()),
        routes.VirtualHost(name="tree", domains=["*"], matcher=header_tree()),
    ]
    router = hcm.HttpFilter(name="envoy.filters.http.router", typed_config=any_of(http_router_v3.Router()))
    manager = hcm.HttpConnectionManager(
        stat_prefix="http",
        codec_type=hcm.HttpConnectionManagerCodecType.AUTO,
        route_config=routes.RouteConfiguration(name="all", virtual_hosts=virtual_hosts),
        http_filters=[router],
        access_log=access_logs(),
        use_remote_address=True,
        xff_num_trusted_hops=1,
        normalize_path=True,
        common_http_protocol_options=core.HttpProtocolOptions(idle_timeout=duration_s(300)),
        http2_protocol_options=core.Http2ProtocolOptions(max_concurrent_streams=100),
        upgrade_configs=[hcm.HttpConnectionManagerUpgradeConfig(upgrade_type="websocket", enabled=False)],
        server_header_transformation=hcm.HttpConnectionManagerServerHeaderTransformation.PASS_THROUGH,
    )
    name = "envoy.filters.network.http_connection_manager"
    return listeners.FilterChain(filters=[listeners.Filter(name=name, typed_config=any_of(manager))])


def tls_filter_chain() -> listeners.FilterChain:
    secret = tls.SdsSecretConfig(
        name="certificate", sds_config=core.ConfigSource(path_config_source=core.PathConfigSource(path="/dev/null"))
    )
    common = tls.CommonTlsContext(
        tls_certificate_sds_secret_configs=[secret],
        alpn_protocols=["h2", "http/1.1"],
        tls_params=tls.TlsParameters(tls_minimum_protocol_version=tls.TlsParametersTlsProtocol.TLSv1_2),
    )
    context = tls.DownstreamTlsContext(common_tls_context=common, require_client_certificate=False)
    proxy = network_tcp_proxy_v3.TcpProxy(stat_prefix="tcp", cluster="static", idle_timeout=duration_s(3600))
    return listeners.FilterChain(
        filter_chain_match=listeners.FilterChainMatch(server_names=["b.example"], transport_protocol="tls"),
        filters=[listeners.Filter(name="envoy.filters.network.tcp_proxy", typed_config=any_of(proxy))],
        transport_socket=core.TransportSocket(name="envoy.transport_sockets.tls", typed_config=any_of(context)),
    )


def listener() -> listeners.Listener:
    inspector = any_of(listener_tls_inspector_v3.TlsInspector())
    proxy_protocol = any_of(listener_proxy_protocol_v3.ProxyProtocol())
    return listeners.Listener(
        name="all",
        address=address(0),
        listener_filters=[
            listeners.ListenerFilter(name="envoy.filters.listener.proxy_protocol", typed_config=proxy_protocol),
            listeners.ListenerFilter(name="envoy.filters.listener.tls_inspector", typed_config=inspector),
        ],
        filter_chains=[tls_filter_chain(), http_filter_chain()],
        enable_reuse_port=True,
        per_connection_buffer_limit_bytes=32768,
        socket_options=[core.SocketOption(level=1, name=9, int_value=1)],
        traffic_direction=core.TrafficDirection.INBOUND,
    )


def address(port: int) -> core.Address:
    return core.Address(socket_address=core.SocketAddress(address="127.0.0.1", port_value=port))


def clusters_of_all_kinds() -> list[clusters.Cluster]:
    file = core.ConfigSource(path_config_source=core.PathConfigSource(path="/dev/null"))
    http2 = upstreams_http_v3.HttpProtocolOptionsExplicitHttpConfig(http2_protocol_options=core.Http2ProtocolOptions())
    http = upstreams_http_v3.HttpProtocolOptions(explicit_http_config=http2)
    names = [
        tls.SubjectAltNameMatcher(
            san_type=tls.SubjectAltNameMatcherSanType.DNS, matcher=matchers.StringMatcher(suffix=".example")
        )
    ]
    context = tls.UpstreamTlsContext(
        sni="b.example",
        common_tls_context=tls.CommonTlsContext(
            validation_context=tls.CertificateValidationContext(
                trusted_ca=core.DataSource(filename="/etc/ssl/certs/ca-certificates.crt"),
                match_typed_subject_alt_names=names,
            )
        ),
    )
    breakers = clusters.CircuitBreakersThresholds(max_connections=10, max_requests=0, track_remaining=True)
    endpoint = endpoints.LbEndpoint(
        endpoint=endpoints.Endpoint(address=address(9)),
        health_status=core.HealthStatus.HEALTHY,
        load_balancing_weight=3,
    )
    assignment = endpoints.ClusterLoadAssignment(
        cluster_name="static", endpoints=[endpoints.LocalityLbEndpoints(lb_endpoints=[endpoint], priority=0)]
    )
    return [
        clusters.Cluster(
            name="eds",
            type=clusters.ClusterDiscoveryType.EDS,
            eds_cluster_config=clusters.ClusterEdsClusterConfig(eds_config=file, service_name="x"),
            connect_timeout=duration_ms(3000),
            lb_policy=clusters.ClusterLbPolicy.LEAST_REQUEST,
            least_request_lb_config=clusters.ClusterLeastRequestLbConfig(choice_count=4),
            circuit_breakers=clusters.CircuitBreakers(thresholds=[breakers]),
            outlier_detection=clusters.OutlierDetection(consecutive_5xx=7, interval=duration_s(10)),
            typed_extension_protocol_options={"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": any_of(http)},
            upstream_connection_options=clusters.UpstreamConnectionOptions(
                tcp_keepalive=core.TcpKeepalive(keepalive_time=60)
            ),
        ),
        clusters.Cluster(
            name="static",
            type=clusters.ClusterDiscoveryType.STATIC,
            load_assignment=assignment,
            common_lb_config=clusters.ClusterCommonLbConfig(healthy_panic_threshold=type_v3.Percent(value=12.5)),
            transport_socket=core.TransportSocket(name="envoy.transport_sockets.tls", typed_config=any_of(context)),
        ),
    ]
