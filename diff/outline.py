"""A configuration as a list of things with names: what a person would say that Envoy has. Pure.

The things are made from the IR and from the resources, so whatever is told is what Envoy is given. Each has a `value`
that is compared, the objects that it is of, and JSON that is made only when somebody wants to see it. What the list
does not hold (the order of routes apart) is in the resources themselves, which are looked at where the list is equal.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from envoyapi import canonical
from translator import ir
from translator.derived import owner_of
from translator.ir import ObjectKey
from translator.pipeline import Pipeline
from translator.provenance import owners_of
from translator.resources import Resource
from translator.wording import asked_of
from translator.xds.listener import encode_filter_chain
from translator.xds.names import cluster_name
from translator.xds.route import encode_route

Key = tuple[str, str]
"""The sort of a thing, and its name among its sort."""

SORTS: Final = (
    "listener",
    "chain",
    "host",
    "route",
    "order",
    "cluster",
    "endpoints",
    "certificate",
    "filter",
    "runtime",
    "resource",
)
"""In the order in which they are told."""

MESSAGES: Final = {
    "cluster": "envoy.config.cluster.v3.Cluster",
    "endpoint": "envoy.config.endpoint.v3.ClusterLoadAssignment",
    "extension": "envoy.config.core.v3.TypedExtensionConfig",
    "listener": "envoy.config.listener.v3.Listener",
    "route": "envoy.config.route.v3.RouteConfiguration",
    "runtime": "envoy.service.runtime.v3.Runtime",
    "scope": "envoy.config.route.v3.ScopedRouteConfiguration",
    "secret": "envoy.extensions.transport_sockets.tls.v3.Secret",
}
_OF_RESOURCES: Final = {
    "cluster": "cluster",
    "endpoint": "endpoints",
    "secret": "certificate",
    "extension": "filter",
    "runtime": "runtime",
}
_ROUTE: Final = "envoy.config.route.v3.Route"
_CHAIN: Final = "envoy.config.listener.v3.FilterChain"


def _nobody() -> tuple[ObjectKey, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Item:
    """A thing. `about` says for people which one it is; `value` is compared, and `encoded` where that is another.

    `encoded` gives the bytes for Envoy, which may be the same for two values; None: the value is all.
    """

    sort: str
    name: str
    about: str
    value: Any
    shown: Callable[[], Any]
    objects: Callable[[], tuple[ObjectKey, ...]] = _nobody
    encoded: Callable[[], bytes] | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """A route, and the names of its virtual hosts."""

    route: ir.Route
    hosts: tuple[str, ...]
    row: str
    drawn: bool
    """Whether a request that it matches may be drawn for another route of its row."""


@dataclass(frozen=True, slots=True)
class Outline:
    """The things of a configuration by sort and name; its routes; and those of each virtual host, in their order."""

    pipeline: Pipeline
    items: Mapping[Key, Item]
    routes: Mapping[str, Placed]
    orders: Mapping[str, tuple[str, ...]]
    resources: Mapping[str, Resource]
    hostnames: Mapping[str, str] = field(default_factory=dict)
    """Of virtual hosts, by their names."""


def outline(pipeline: Pipeline, absent: Collection[str] = ()) -> Outline:
    """The outline of what a pipeline has made; `absent` are certificates, by name, for which another stands in."""
    hostnames = {host.name: host.hostname for _, host in _hosts(pipeline) if host.name}
    routes = _routes(pipeline)
    resources = pipeline.resources()
    found = [*_listeners(pipeline), *_chains(pipeline), *_virtual_hosts(pipeline)]
    found += [_route(name, placed, hostnames) for name, placed in routes.items()]
    found += _of_resources(pipeline, resources, absent)
    items = {(item.sort, item.name): item for item in found}
    return Outline(pipeline, items, routes, _orders(routes), resources, hostnames)


def _listeners(pipeline: Pipeline) -> Iterator[Item]:
    for listener in pipeline.intent.listeners.view().values():
        addresses = (listener.address, *listener.more_addresses)
        protocol = "QUIC" if listener.quic else "UDP" if listener.by_datagrams else "TCP"
        value = (addresses, listener.port, protocol, listener.proxy_protocol, listener.buffer_limit)
        said = {
            "addresses": list(addresses),
            "port": listener.port,
            "protocol": protocol,
            "proxy_protocol": listener.proxy_protocol,
            "buffer_limit": listener.buffer_limit,
        }
        about = f"port {listener.port}" + ("" if protocol == "TCP" else f" ({protocol})")
        yield Item("listener", listener.name, about, value, _just(said), _written(listener.origins))


def _chains(pipeline: Pipeline) -> Iterator[Item]:
    for chain in pipeline.intent.chains.view().values():
        if isinstance(chain.body, ir.UdpChain):
            yield Item("chain", chain.name, "datagrams", chain.body.backends, _just({}), _written(chain.origins))
            continue
        encoded = bytes(encode_filter_chain(chain))
        names = ", ".join(chain.server_names) or "any name"
        about = f"{names} in TLS" if chain.tls or chain.passthrough else "clear text"
        origins = chain.origins
        if isinstance(chain.body, ir.HttpChain):
            origins += (*owners_of(chain.body), *chain.body.options.origins)
        yield Item("chain", chain.name, about, encoded, _json(_CHAIN, encoded), _written(origins))


def _hosts(pipeline: Pipeline) -> Iterator[tuple[ir.FilterChain, ir.VirtualHost]]:
    for chain in pipeline.intent.chains.view().values():
        if isinstance(chain.body, ir.HttpChain):
            yield from ((chain, host) for host in chain.body.virtual_hosts)


def _virtual_hosts(pipeline: Pipeline) -> Iterator[Item]:
    """One for each listener and hostname that has routes: in clear text and in TLS it is the same host.

    What only keeps requests from others' names (guards, connections for another name) follows from the rest.
    """
    ports = {listener.name: listener.port for listener in pipeline.intent.listeners.view().values()}
    found: dict[tuple[str, str], list[tuple[ir.FilterChain, ir.VirtualHost]]] = {}
    for chain, host in _hosts(pipeline):
        if host.name:
            found.setdefault((chain.listener, host.hostname), []).append((chain, host))
    for (listener, hostname), those in found.items():
        said: dict[str, Any] = {}
        for chain, host in those:
            kept = said.setdefault("in TLS" if chain.tls else "in clear text", {"also": set(), "policy": set()})
            kept["also"].update(host.also)
            kept["policy"].add(_policy(host))
        shown = {
            where: {name: sorted(texts) for name, texts in kept.items() if texts}
            for where, kept in sorted(said.items())
        }
        origins = tuple(dict.fromkeys(key for _, host in those for key in host.origins))
        about = f"{hostname} at port {ports.get(listener)}"
        yield Item("host", f"{listener} {hostname}", about, shown, _just(shown), _written(origins))


def _policy(host: ir.VirtualHost) -> str:
    """What becomes of requests."""
    if host.secure == "always":
        return "route"
    return host.insecure if host.secure == "never" else f"{host.insecure}, unless x-forwarded-proto is https"


def _routes(pipeline: Pipeline) -> dict[str, Placed]:
    found: dict[str, Placed] = {}
    hosts_of = pipeline.intent.hosts_of.view()
    for row, routes in pipeline.intent.routes.view().items():
        drawn = any(route.match.share is not None for route in routes)
        for route in routes:
            name, number = route.name, 1
            while name in found:  # nobody's rules give one name twice; what would be lost here would be told wrongly
                number += 1
                name = f"{route.name}#{number}"
            found[name] = Placed(route, tuple(sorted(hosts_of.get(row, ()))), row, drawn)
    return found


def _route(name: str, placed: Placed, hostnames: Mapping[str, str]) -> Item:
    route = placed.route
    names = tuple(sorted({hostnames.get(host, host) for host in placed.hosts}))
    hosts = placed.hosts if route.origins else ()  # our own are on all of them
    value = (hosts, route.match, route.action, route.headers, route.filters)

    def encoded() -> bytes:
        return "\n".join(hosts).encode() + b"\0" + encode_route(route).whole

    def shown() -> Any:
        return {
            **({"hosts": list(names)} if hosts else {}),
            **canonical.to_json(_ROUTE, bytes(encode_route(route).whole)),
        }

    about = f"{', '.join(names) or 'no host'}, {asked_of(route.match)}{_leads_to(route.action)}"
    return Item("route", name, about, value, shown, _written(route.origins), encoded)


def _leads_to(action: ir.Forward | ir.Redirect | ir.DirectResponse) -> str:
    if isinstance(action, ir.Forward):
        names = [cluster_name(each.backend) if each.backend else "nowhere" for each in action.backends]
        return f" to {', '.join(dict.fromkeys(names)) or 'nowhere'}"
    return f", redirects ({action.code})" if isinstance(action, ir.Redirect) else f", answers {action.status}"


def _orders(routes: Mapping[str, Placed]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[tuple[tuple[Any, ...], str]]] = {}
    for name, placed in routes.items():
        for host in placed.hosts:
            found.setdefault(host, []).append((placed.route.order, name))
    return {host: tuple(name for _, name in sorted(those)) for host, those in found.items()}


def _of_resources(pipeline: Pipeline, resources: Mapping[str, Resource], absent: Collection[str]) -> Iterator[Item]:
    for key, row in resources.items():
        kind, _, name = key.partition("/")
        if kind not in _OF_RESOURCES:
            continue
        about = "" if kind in ("extension", "runtime") else name
        objects = _provenance(pipeline, key)
        if kind == "secret" and any(name == each or name.startswith(f"{each}/") for each in absent):
            yield Item("certificate", name, f"{name}, which is not among these objects", "", _just({}), objects)
            continue
        yield Item(_OF_RESOURCES[kind], name, about, row.version, _json(MESSAGES[kind], row.body), objects)


def as_resource(made: Outline, key: str) -> Item:
    """A resource as it is, where nothing else tells what is different about it."""
    kind, row = key.partition("/")[0], made.resources[key]
    return Item("resource", key, "", row.version, _json(MESSAGES[kind], row.body), _provenance(made.pipeline, key))


def _provenance(pipeline: Pipeline, key: str) -> Callable[[], tuple[ObjectKey, ...]]:
    return lambda: pipeline.provenance.of(key)


def _written(origins: tuple[ObjectKey, ...]) -> Callable[[], tuple[ObjectKey, ...]]:
    return lambda: tuple(dict.fromkeys(map(owner_of, origins)))


def _just(said: Any) -> Callable[[], Any]:
    return lambda: said


def _json(message: str, body: bytes) -> Callable[[], Any]:
    return lambda: canonical.to_json(message, bytes(body))
