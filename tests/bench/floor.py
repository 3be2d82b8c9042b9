"""The least that any Python control plane must do for the same objects: parse them, encode Envoy's messages, hash them.

Nothing is checked, nothing is remembered and nothing is incremental: no precedence, no TLS options, no statuses. The
messages are protobuf's own (upb), made from descriptors, so that a slower encoder of ours shows as well. What a change
costs is its Host encoded anew and one cluster. `tests.bench.guard` holds the translator against it.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson
from google.protobuf.message import Message

from envoyapi import canonical

_CONFIG = "envoy.config"
_MANAGER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_TLS = "envoy.extensions.transport_sockets.tls.v3"
_ADS = {"ads": {}, "resource_api_version": 2, "initial_fetch_timeout": {}}


class Made(NamedTuple):
    """A resource: its version and its bytes."""

    version: str
    body: bytes


@cache
def _class_of(full_name: str) -> type[Message]:
    return type(canonical.parse(full_name, b""))


def _new(full_name: str, **fields: Any) -> Any:
    return _class_of(full_name)(**fields)


def _any(message: Message) -> dict[str, Any]:
    url = f"type.googleapis.com/{message.DESCRIPTOR.full_name}"
    return {"type_url": url, "value": message.SerializeToString()}


def _made(message: Message) -> Made:
    body = message.SerializeToString()
    return Made(blake2b(body, digest_size=8).hexdigest(), body)


def translate(bodies: Iterable[bytes]) -> dict[str, Made]:
    """Envoy's resources for Listeners, Hosts with TLS, their Mappings and Secrets, from nothing."""
    kinds: dict[str, list[Any]] = {}
    for body in bodies:
        document = orjson.loads(body)
        kinds.setdefault(document["kind"], []).append(document)
    by_host: dict[str, list[Any]] = {}
    for mapping in kinds.get("Mapping", ()):
        by_host.setdefault(mapping["spec"]["hostname"], []).append(mapping)
    made = {f"route/{name}": routes_of(name, mappings) for name, mappings in by_host.items()}
    forwards = [each["spec"] for each in kinds.get("Mapping", ()) if not each["spec"].get("host_redirect")]
    for service in {spec["service"] for spec in forwards}:
        made[f"cluster/{service}"] = cluster_of(service)
    for secret in kinds.get("Secret", ()):
        made[f"secret/{secret['metadata']['name']}"] = _secret_of(secret)
    for listener in kinds.get("Listener", ()):
        made["route/clear"] = _clear_text(kinds["Host"])
        made[f"listener/{listener['metadata']['name']}"] = _listener_of(listener, kinds["Host"])
    return made


def change(mappings: Mapping[str, Any], body: bytes) -> tuple[Made, Made]:
    """One of the Mappings of a Host (parsed, by name) is another: its Host and its cluster."""
    changed = orjson.loads(body)
    found = {**mappings, changed["metadata"]["name"]: changed}
    return routes_of(changed["spec"]["hostname"], found.values()), cluster_of(changed["spec"]["service"])


def routes_of(name: str, mappings: Iterable[Any]) -> Made:
    """The route configuration of one Host: the longest prefix first."""
    configuration = _new(f"{_CONFIG}.route.v3.RouteConfiguration", name=name)
    host = configuration.virtual_hosts.add(name=name, domains=[name])
    for mapping in sorted(mappings, key=lambda each: -len(each["spec"]["prefix"])):
        spec = mapping["spec"]
        match = {"prefix": spec["prefix"]}
        if spec.get("host_redirect"):
            redirect = {"host_redirect": spec["service"]}
            host.routes.add(name=mapping["metadata"]["name"], match=match, redirect=redirect)
            continue
        action = {"cluster": spec["service"], "prefix_rewrite": "/", "timeout": {"seconds": 3}}
        route = host.routes.add(name=mapping["metadata"]["name"], match=match, route=action)
        for key, value in spec.get("add_request_headers", {}).items():
            route.request_headers_to_add.add(header={"key": key, "value": value["value"]})
    return _made(configuration)


def cluster_of(service: str) -> Made:
    """The cluster of one address."""
    address, _, port = service.partition(":")
    cluster = _new(f"{_CONFIG}.cluster.v3.Cluster", name=service, connect_timeout={"seconds": 3})
    cluster.load_assignment.cluster_name = service
    endpoint = cluster.load_assignment.endpoints.add().lb_endpoints.add().endpoint
    endpoint.address.socket_address.address = address
    endpoint.address.socket_address.port_value = int(port or 80)
    return _made(cluster)


def _clear_text(hosts: Iterable[Any]) -> Made:
    configuration = _new(f"{_CONFIG}.route.v3.RouteConfiguration", name="clear")
    for each in hosts:
        name = each["spec"]["hostname"]
        host = configuration.virtual_hosts.add(name=name, domains=[name])
        host.routes.add(match={"prefix": "/"}, redirect={"https_redirect": True})
    return _made(configuration)


def _secret_of(secret: Any) -> Made:
    made = _new(f"{_TLS}.Secret", name=secret["metadata"]["name"])
    made.tls_certificate.certificate_chain.inline_string = secret["data"]["tls.crt"]
    made.tls_certificate.private_key.inline_string = secret["data"]["tls.key"]
    return _made(made)


def _listener_of(listener: Any, hosts: Iterable[Any]) -> Made:
    """A filter chain for each Host, and one for clear text."""
    made = _new(f"{_CONFIG}.listener.v3.Listener", name=listener["metadata"]["name"])
    made.address.socket_address.address = "0.0.0.0"
    made.address.socket_address.port_value = listener["spec"]["port"]
    made.filter_chains.add(filters=[{"name": "http", "typed_config": _manager("clear")}])
    for each in hosts:
        name, secret = each["spec"]["hostname"], each["spec"]["tlsSecret"]["name"]
        chain = made.filter_chains.add(
            name=name,
            filter_chain_match={"server_names": [name]},
            filters=[{"name": "http", "typed_config": _manager(name)}],
        )
        named = {"tls_certificate_sds_secret_configs": [{"name": secret, "sds_config": _ADS}]}
        context = _new(f"{_TLS}.DownstreamTlsContext", common_tls_context=named)
        chain.transport_socket.CopyFrom(
            _new(f"{_CONFIG}.core.v3.TransportSocket", name="tls", typed_config=_any(context))
        )
    return _made(made)


def _manager(routes: str) -> dict[str, Any]:
    router = _any(_new("envoy.extensions.filters.http.router.v3.Router"))
    manager = _new(
        _MANAGER,
        stat_prefix="http",
        rds={"route_config_name": routes, "config_source": _ADS},
        http_filters=[{"name": "router", "typed_config": router}],
    )
    return _any(manager)
