"""Listeners and Hosts of Gateways. Pure.

A port is a Listener, and a hostname a Host: with the certificate of its listener of HTTPS, and of clear text what
routes do there. A route that does nothing but send clear text to https is the Host's request policy.
"""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from convert.to_emissary.reading import Attached, Routes
from convert.values import At, Document, Field, Made, at
from convert.world import World
from translator.gateway.kinds.gateway import GatewaySpec, ListenerSpec
from translator.gateway.kinds.shared import Object
from translator.ir import ObjectKey

VERSION: Final = "getambassador.io/v3alpha1"
_EVERYWHERE: Final = {"namespace": {"from": "ALL"}}


@dataclass(slots=True)
class _Host:
    """A hostname: its certificate, and what becomes of clear text."""

    namespace: str
    name: str
    hostname: str
    of: dict[ObjectKey, None] = field(default_factory=dict)
    fields: list[Field] = field(default_factory=list)
    secret: tuple[str, str | None, Field] | None = None
    action: str = "Reject"


def ports_and_hosts(
    world: World, gateways: Iterable[Object[GatewaySpec]], routes: Routes, connections: Container[int]
) -> Iterator[Made]:
    """The Listeners and Hosts of all Gateways; `connections`: the ports of TCP that routes have."""
    ports: dict[int, Made] = {}
    hosts: dict[str, _Host] = {}
    for gateway in gateways:
        for place, listener in enumerate(gateway.spec.listeners if gateway.spec else ()):
            where = f"spec.listeners[{place}]"
            if listener.protocol not in {"HTTP", "HTTPS"}:
                if listener.protocol != "TCP" or listener.port not in connections:
                    said = f"a listener of {listener.protocol} is a TCPMapping's port"
                    world.notes.lost(gateway.key, f"{where}.protocol", said, "write a TCPMapping")
                continue
            if listener.port not in ports:
                ports[listener.port] = _port(world, gateway, listener, where)
            for hostname in routes.hostnames(gateway, listener):
                name = listener.name if hostname == "*" else hostname.replace("*", "any").replace(".", "-")
                host = hosts.setdefault(hostname, _Host(gateway.namespace, name, hostname))
                _add(world, gateway, listener, where, host)
        _tell(world, gateway)
    for host in hosts.values():
        host.action = _in_clear(world, host, routes)
    yield from ports.values()
    yield from (_host(world, each) for each in hosts.values())


def _in_clear(world: World, host: _Host, routes: Routes) -> str:
    """What becomes of clear text."""
    does = routes.in_clear("" if host.hostname == "*" else host.hostname)
    redirecting = [each for each in does if is_to_https(each)]
    if redirecting and len(redirecting) < len(does):
        said = f"some of the clear text of {host.hostname} is sent to https and some is served; a Host says it of all"
        world.notes.lost(next(iter(host.of)), "spec.listeners", said, "serve all of it, or none")
        return "Redirect"
    return "Redirect" if redirecting else "Route" if does else "Reject"


def _port(world: World, gateway: Object[GatewaySpec], listener: ListenerSpec, where: str) -> Made:
    name = world.free("Listener", gateway.namespace, listener.name)
    spec: Document = {
        "port": at(listener.port, gateway.key, f"{where}.port"),
        "protocol": at(listener.protocol, gateway.key, f"{where}.protocol"),
        "securityModel": "XFP",
        "hostBinding": _EVERYWHERE,
    }
    metadata = {"name": name, **_space(world, gateway.namespace)}
    document = {
        "apiVersion": VERSION,
        "kind": "Listener",
        "metadata": metadata,
        "spec": At(spec, ((gateway.key, where),)),
    }
    return Made(document, (gateway.key,))


def _add(
    world: World,
    gateway: Object[GatewaySpec],
    listener: ListenerSpec,
    where: str,
    host: _Host,
) -> None:
    """What a listener says of a hostname."""
    host.of[gateway.key] = None
    host.fields.append((gateway.key, f"{where}.hostname"))
    if listener.protocol == "HTTP":
        return
    refs = listener.tls.certificate_refs if listener.tls else ()
    if refs and host.secret is None:
        path = f"{where}.tls.certificateRefs[0].name"
        host.secret = (refs[0].name, refs[0].namespace, (gateway.key, path))
    if len(refs) > 1:
        said = "a Host shows one certificate"
        world.notes.lost(gateway.key, f"{where}.tls.certificateRefs", said, "have one Secret for all names")
    if listener.tls is not None and listener.tls.options:
        world.notes.lost(gateway.key, f"{where}.tls.options", "are not understood", "say it in a TLSContext")


def is_to_https(route: Attached) -> bool:
    """Whether a route does nothing but send to https all that comes."""
    rules = getattr(route.spec, "rules", ())
    for rule in rules:
        filters = rule.filters
        redirect = filters[0].request_redirect if len(filters) == 1 else None
        plain = redirect is not None and redirect.scheme == "https" and not (redirect.hostname or redirect.path)
        if not plain or rule.backend_refs:
            return False
    return bool(rules)


def _host(world: World, host: _Host) -> Made:
    spec: dict[str, Any] = {"hostname": At(host.hostname, tuple(host.fields))}
    if host.secret is not None:
        name, namespace, said = host.secret
        space = {"namespace": namespace} if namespace and namespace != host.namespace else {}
        spec["tlsSecret"] = {"name": At(name, (said,)), **space}
    spec["requestPolicy"] = {"insecure": {"action": host.action}}
    metadata = {"name": world.free("Host", host.namespace, host.name), **_space(world, host.namespace)}
    return Made({"apiVersion": VERSION, "kind": "Host", "metadata": metadata, "spec": spec}, tuple(host.of))


def _space(world: World, namespace: str) -> Document:
    return {} if namespace == world.options.namespace else {"namespace": namespace}


def _tell(world: World, gateway: Object[GatewaySpec]) -> None:
    """What of a Gateway no Listener and no Host says."""
    raw = world.spec(gateway.key)
    for name, reason in (
        ("addresses", "a Listener has no address of its own"),
        ("infrastructure", "nothing is made for a Listener"),
        ("allowedListeners", "nobody adds to a Listener"),
        ("defaultScope", "a Mapping finds its Hosts by their names"),
    ):
        if raw.get(name):
            world.notes.lost(gateway.key, f"spec.{name}", reason, "keep the Gateway")
    said = "a Mapping of any namespace may be served at a Host of its name"
    world.notes.otherwise(gateway.key, "spec.listeners", said, "say mappingSelector in the Host")
