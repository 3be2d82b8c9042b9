"""Listeners and Hosts of Gateways. Pure.

A port is a Listener, and a hostname a Host: with the certificate of its listener of HTTPS, and of clear text what
routes do there. A route that does nothing but send clear text to https is the Host's request policy.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from convert.to_emissary.reading import Attached, Opening, Routes
from convert.values import At, Document, Field, Made, at
from convert.world import World
from translator.gateway.hostnames import best
from translator.gateway.kinds.gateway import ListenerSpec
from translator.gateway.listeners import KINDS
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
    ports: set[int] = field(default_factory=set)

    @property
    def server(self) -> str:
        """Its hostname, empty for every one."""
        return "" if self.hostname == "*" else self.hostname

    @property
    def certificate(self) -> "Certificate | None":
        """Its certificate, if it has one."""
        if self.secret is None:
            return None
        name, namespace, _ = self.secret
        secret = (namespace or self.namespace, name)
        return Certificate(self.hostname, self.namespace, secret, frozenset(self.ports))


@dataclass(frozen=True, slots=True)
class Certificate:
    """The certificate of a Host: its Secret's namespace and name. `ports` are those where it is shown."""

    hostname: str
    namespace: str
    secret: tuple[str, str]
    ports: frozenset[int]


@dataclass(frozen=True, slots=True)
class Certificates:
    """The certificates of Hosts by hostname, empty for every one."""

    by_hostname: Mapping[str, Certificate]

    def of(self, name: str) -> Certificate | None:
        """The one that is shown for a name."""
        found = best(name, self.by_hostname)
        return None if found is None else self.by_hostname[found]


def ports_and_hosts(
    world: World, routes: Routes, connections: Container[int]
) -> tuple[list[Made], dict[int, Made], Certificates]:
    """The Listeners and Hosts of all Gateways; the Listeners by their ports, and the Hosts' certificates.

    `connections`: the ports of TCP that routes have.
    """
    ports: dict[int, Made] = {}
    hosts: dict[str, _Host] = {}
    for opening, listener, where in routes.opened():
        if listener.protocol not in {"HTTP", "HTTPS"}:
            _tell_of_connections(world, routes, opening, listener, where, connections)
            continue
        if listener.port not in ports:
            ports[listener.port] = _port(world, opening, listener, where)
        for hostname in routes.hostnames(opening, listener):
            name = listener.name if hostname == "*" else hostname.replace("*", "any").replace(".", "-")
            host = hosts.setdefault(hostname, _Host(opening.namespace, name, hostname))
            _add(world, opening, listener, where, host)
    for opening in routes.openings:
        _tell(world, opening)
    for host in hosts.values():
        host.action = _in_clear(world, host, routes)
    made = [*ports.values(), *(_host(world, each) for each in hosts.values())]
    return made, ports, Certificates({each.server: found for each in hosts.values() if (found := each.certificate)})


def _tell_of_connections(
    world: World,
    routes: Routes,
    opening: Opening,
    listener: ListenerSpec,
    where: str,
    connections: Container[int],
) -> None:
    """Of listeners of other protocols without a route that becomes something."""
    path, protocol = f"{where}.protocol", listener.protocol
    if protocol == "UDP":
        said = "a listener of UDP: none of Emissary's kinds passes datagrams on"
        world.notes.lost(opening.key, path, said, "keep a Gateway with this listener alone, and its UDPRoute")
    elif protocol == "TCP" and listener.port not in connections:
        world.notes.lost(opening.key, path, "a listener of TCP is a TCPMapping's port", "write a TCPMapping")
    elif protocol == "TLS" and not any((opening, listener) in routes.listeners(route) for route in routes.passing):
        said = "a listener of TLS is the port of TCPMappings with host, and no TLSRoute is there"
        world.notes.lost(opening.key, path, said, "write a TCPMapping")
    elif protocol not in KINDS:
        world.notes.lost(opening.key, path, f"{protocol} is not served", "nothing")


def _in_clear(world: World, host: _Host, routes: Routes) -> str:
    """What becomes of clear text."""
    does = routes.in_clear(host.server)
    redirecting = [each for each in does if is_to_https(each)]
    if redirecting and len(redirecting) < len(does):
        said = f"some of the clear text of {host.hostname} is sent to https and some is served; a Host says it of all"
        world.notes.lost(next(iter(host.of)), "spec.listeners", said, "serve all of it, or none")
        return "Redirect"
    return "Redirect" if redirecting else "Route" if does else "Reject"


def _port(world: World, gateway: Opening, listener: ListenerSpec, where: str) -> Made:
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
    gateway: Opening,
    listener: ListenerSpec,
    where: str,
    host: _Host,
) -> None:
    """What a listener says of a hostname."""
    host.of[gateway.key] = None
    host.fields.append((gateway.key, f"{where}.hostname"))
    if listener.protocol == "HTTP":
        return
    host.ports.add(listener.port)
    refs = listener.tls.certificate_refs if listener.tls else ()
    if refs and host.secret is None:
        path = f"{where}.tls.certificateRefs[0].name"
        host.secret = (refs[0].name, refs[0].namespace or gateway.namespace, (gateway.key, path))
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


def _tell(world: World, gateway: Opening) -> None:
    """What of a Gateway no Listener and no Host says."""
    raw = world.spec(gateway.key)
    if (raw.get("tls") or {}).get("backend"):
        said = "no Listener says what is shown to services"
        world.notes.lost(gateway.key, "spec.tls.backend", said, "say secret in the TLSContexts of the services")
    for name, reason in (
        ("addresses", "a Listener has no address of its own"),
        ("infrastructure", "nothing is made for a Listener"),
        ("defaultScope", "a Mapping finds its Hosts by their names"),
    ):
        if raw.get(name):
            world.notes.lost(gateway.key, f"spec.{name}", reason, "keep the Gateway")
    said = "a Mapping of any namespace may be served at a Host of its name"
    world.notes.otherwise(gateway.key, "spec.listeners", said, "say mappingSelector in the Host")
