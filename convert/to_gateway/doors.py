"""Where clients come in: of Listeners and Hosts, the listeners of Gateways. Pure.

A Host is served at the Listeners that it is bound to: by TLS where it names a certificate, and in clear text as its
request policy says. Each becomes a listener of a Gateway, of the Host's name and the Listener's port. Where clear text
is redirected, a route says so, and no other comes there; where it is rejected, there is none, unless that of a wider
name would have its requests: then there is one to which nothing leads. So it is with a Host that stays.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from convert.fields import HOST_SAID, HOST_UNSAID, LISTENER_SAID, LISTENER_UNSAID, tell_unsaid
from convert.values import Field, first_free
from convert.world import World
from translator.emissary.association import HostEntry
from translator.emissary.hostnames import server_of
from translator.emissary.hosts import DEFAULT_HOST, FALLBACK_SECRET, KEY_PREFIX
from translator.emissary.kinds.host import HostSpec, wants_no_certificate
from translator.emissary.kinds.tls_context import TlsSettings
from translator.emissary.listeners import Binding, OpenPort, default_ports, open_port
from translator.emissary.objects import Read
from translator.emissary.secret_names import secret_ref
from translator.emissary.security import ACTIONS, Action
from translator.gateway.hostnames import EVERY, covers
from translator.ir import ObjectKey, SecretRef
from translator.kubernetes.selectors import selects

GATEWAY: Final = "gateway"
"""The name of a Gateway that several Listeners become."""
MOST_LISTENERS: Final = 64
ACTION: Final = "spec.requestPolicy.insecure.action"
LISTENER: Final = "getambassador.io/Listener/"

OF_CLIENTS: Final = ("ca_secret", "cacert_chain_file", "crl_secret", "cert_required")
"""What asks clients for certificates: a Host that says it is not opened without."""
OF_TLS: Final = (*OF_CLIENTS, "min_tls_version", "max_tls_version", "cipher_suites", "ecdh_curves", "sni")


@dataclass(frozen=True, slots=True)
class Served:
    """A Host as it is served: its certificate, if it has one, and what becomes of clear text."""

    key: ObjectKey
    namespace: str
    name: str
    labels: Mapping[str, str]
    hostname: str
    entry: HostEntry
    certificate: SecretRef | None
    action: Action
    is_declared: bool = True
    is_closed: bool = False
    """It asks clients for what no listener asks for, and stays: nobody else may have its name."""


@dataclass(frozen=True, slots=True)
class Door:
    """A listener of a Gateway. `does`: routes of Mappings come there, or one that redirects clear text, or none."""

    gateway: tuple[str, str]
    name: str
    port: int
    by_tls: bool
    host: Served
    does: Literal["route", "redirect", "reject"]
    fields: tuple[Field, ...]
    listener: ObjectKey

    @property
    def hostname(self) -> str:
        """Its hostname; empty for every one."""
        return "" if self.host.hostname == "*" else server_of(self.host.hostname)

    @property
    def is_wide(self) -> bool:
        """Whether it stands for several hosts; only such a one may have the requests of another."""
        return self.hostname == EVERY or self.hostname.startswith("*.")


@dataclass(frozen=True, slots=True)
class Doors:
    """All of them, in the order of their Gateways; the Hosts that are converted, and those that are not."""

    doors: tuple[Door, ...]
    hosts: tuple[Served, ...]
    left: frozenset[ObjectKey]


def doors_of(world: World) -> Doors:
    """The listeners that Listeners and Hosts become."""
    ports = _ports(world)
    left: set[ObjectKey] = set()
    hosts: list[Served] = []
    closed: list[Served] = []
    for key, row in world.hosts.items():
        served = _served(world, key, row)
        if served is None or served.is_closed:
            left.add(key)
        if served is not None:
            (closed if served.is_closed else hosts).append(served)
    if not world.hosts and not any(key.startswith(KEY_PREFIX) for key in world.bodies):
        hosts.append(_default_host(world))
    found: list[Door] = []
    taken: dict[tuple[int, str], Served] = {}
    names = {port.name: port.origins[0] if port.origins else "" for port in ports}
    by_tls = {
        port.name: any(host.certificate for host in hosts if _is_bound(port.binding, host))
        for port in ports
        if port.tls
    }
    for host in [*hosts, *closed]:
        for port in ports:
            for door in _of(world, port, host, names[port.name], by_tls=by_tls.get(port.name, False)):
                owner = taken.setdefault((port.port, door.hostname), host)
                if owner is host:
                    found.append(door)
    wide = [door for door in found if door.is_wide]
    found = [door for door in found if door.does != "reject" or any(_is_wider(each, door) for each in wide)]
    for key in dict.fromkeys(door.host.key for door in found if door.does == "reject" and not door.host.is_closed):
        said = "the listener for its clear text has no route, so that none of a wider name takes what is rejected"
        world.notes.otherwise(key, "spec.requestPolicy", said, "nothing")
    return Doors(tuple(_named(world, found, ports)), tuple(hosts), frozenset(left))


def _ports(world: World) -> list[OpenPort]:
    """The ports where HTTP is spoken."""
    found = []
    connections = {row.value.port for row in world.tcp.values() if row.value is not None}
    for key, row in world.listeners.items():
        spec = row.value
        if spec is None:
            continue
        tell_unsaid(world.notes, key, world.spec(key), LISTENER_SAID, LISTENER_UNSAID)
        port = open_port(f"{row.namespace}/{row.name}", key, row.namespace, spec, world.options.bind_address)
        stack = "spec.protocolStack" if spec.protocol_stack else "spec.protocol"
        if port.quic:
            world.notes.lost(key, stack, "Gateway API knows no HTTP/3", "keep this Listener")
        elif not port.http:
            if port.port not in connections:
                said = "is for connections, and no TCPMapping of these objects has the port"
                world.notes.lost(key, stack, said, "keep this Listener")
        elif port.proxy_protocol:
            world.notes.lost(key, stack, "no Gateway takes the PROXY protocol", "keep this Listener, and its Hosts")
        else:
            found.append(port)
            trusts = spec.l7_depth > 0 or not world.module.use_remote_address
            if spec.security_model == "XFP" and trusts:
                said = "a proxy in front says by x-forwarded-proto what is secure, and a Gateway does not ask"
                world.notes.lost(
                    key, "spec.securityModel", said, "have the proxy redirect, or speak TLS to the Gateway"
                )
            elif spec.l7_depth:
                said = "no Gateway says how many proxies are in front"
                world.notes.lost(key, "spec.l7Depth", said, "keep the Listener, and its Hosts")
    if not any(key.startswith(LISTENER) for key in world.bodies):
        return list(default_ports(world.options))
    return found


def _served(world: World, key: ObjectKey, row: Read[HostSpec]) -> Served | None:
    """A Host, if Gateway API can say who gets in."""
    spec, notes = row.value, world.notes
    if spec is None:
        return None
    wants_none = {"acmeProvider"} if wants_no_certificate(world.spec(key).get("acmeProvider")) else set()
    tell_unsaid(notes, key, world.spec(key), HOST_SAID | wants_none, HOST_UNSAID)
    if "*" in spec.hostname and spec.hostname != "*" and not spec.hostname.startswith("*."):
        said = f"{spec.hostname} is no hostname of Gateway API: * stands for whole labels, at the beginning"
        notes.lost(key, "spec.hostname", f"{said}; the Host is not converted", "name the hostnames")
        return None
    settings, where, certificate = _tls(world, spec, row)
    for name in OF_TLS:
        if settings is not None and getattr(settings, name):
            asks = name in OF_CLIENTS
            said = "a Gateway asks for certificates of clients at a whole port, with the CA in a ConfigMap"
            reason = f"{said}; the Host is not converted" if asks else "a Gateway does not say how TLS is spoken"
            instead = (
                "say tls.frontend in a Gateway for the port"
                if asks
                else "keep the Host, with the listener as its guest"
            )
            notes.lost(key, f"{where}.{name}", reason, instead)
    asks = settings is not None and any(getattr(settings, name) for name in OF_CLIENTS)
    entry = HostEntry(f"{row.namespace}/{row.name}", spec.hostname, spec.selector)
    action = ACTIONS[spec.request_policy.insecure.action]
    labels = dict(row.labels)
    return Served(key, row.namespace, row.name, labels, spec.hostname, entry, certificate, action, is_closed=asks)


def _tls(world: World, spec: HostSpec, row: Read[HostSpec]) -> tuple[TlsSettings | None, str, SecretRef | None]:
    """What a Host says of TLS, where, and its certificate."""
    name = spec.tls_context.name if spec.tls_context else f"{row.name}-context"
    context = world.contexts.get(f"getambassador.io/TLSContext/{row.namespace}/{name}")
    settings: TlsSettings | None = spec.tls or (context.value if context is not None else None)
    where = "spec.tls" if spec.tls else "spec.tlsContext"
    if spec.tls_secret is None:
        if settings is not None and settings.certificate_files:
            said = "a listener's certificate is in a Secret, and in no file"
            world.notes.lost(f"{KEY_PREFIX}{row.namespace}/{row.name}", where, said, "make a Secret of the files")
        return settings, where, None
    if spec.tls_secret.namespace:
        return settings, where, SecretRef(spec.tls_secret.namespace, spec.tls_secret.name)
    whole = SecretRef(row.namespace, spec.tls_secret.name)
    namespacing = world.module.defaults.tls_secret_namespacing
    split = secret_ref(spec.tls_secret.name, row.namespace, namespacing=namespacing)
    is_split = f"core/Secret/{split.namespace}/{split.name}" in world.bodies
    is_whole = f"core/Secret/{whole.namespace}/{whole.name}" in world.bodies
    return settings, where, split if is_split and not is_whole else whole


def _default_host(world: World) -> Served:
    """What is served where there is no Host: every name, in clear text and by the gateway's own certificate."""
    own = world.options.namespace
    secret = SecretRef(own, FALLBACK_SECRET)
    entry = HostEntry(f"{own}/{DEFAULT_HOST}", "*", declared=False)
    key = f"{KEY_PREFIX}{own}/{DEFAULT_HOST}"
    return Served(key, own, DEFAULT_HOST, {}, "*", entry, secret, "route", is_declared=False)


def _of(world: World, port: OpenPort, host: Served, listener: ObjectKey, *, by_tls: bool) -> Iterator[Door]:
    """The listener that a Host has at a port, if it is served there.

    Where no Host of a port for TLS has a certificate, clear text is all that is spoken there.
    """
    if not _is_bound(port.binding, host):
        return
    space = port.origins[0].split("/")[2] if port.origins else world.options.namespace
    fields = ((host.key, "spec.hostname"),) if host.is_declared else ()
    door = Door((space, ""), "", port.port, by_tls, host, "route", fields, listener)
    if port.tls and port.model == "INSECURE" and host.action != "route":
        said = f"no request at port {port.port} is secure, also by TLS; the Host is not converted for that port"
        world.notes.lost(listener, "spec.securityModel", said, "say XFP or SECURE")
        return
    if by_tls and host.certificate is not None:
        yield replace(door, does="reject") if host.is_closed else door
        return
    if port.tls and not host.is_closed:
        said = f"names no certificate, so that the HTTPS of port {port.port} has nothing for it"
        after = "clear text at that port is not served any more" if by_tls else "clear text is spoken there, as before"
        world.notes.otherwise(host.key, "spec.tlsSecret", said, f"name one: {after}")
    if by_tls:
        return
    action = "route" if port.model == "SECURE" else host.action
    yield replace(door, does="reject" if host.is_closed else action)


def is_in_vain(door: Door, asked: Collection[str], doors: Iterable[Door]) -> bool:
    """Whether other listeners of its port have all requests for these hostnames before it."""
    if not (asked and door.is_wide):
        return False
    narrower = [each.hostname for each in doors if _is_wider(door, each)]
    return all(any(covers(each, name) for each in narrower) for name in asked)


def _is_wider(one: Door, other: Door) -> bool:
    """Whether one would have the requests of another, were that not there."""
    is_other = (one.port, one.by_tls) == (other.port, other.by_tls) and one.hostname != other.hostname
    return is_other and covers(one.hostname, other.hostname)


def _is_bound(binding: Binding | None, host: Served) -> bool:
    if binding is None or binding.namespace not in {None, host.namespace}:
        return False
    return binding.selector is None or selects(binding.selector, host.labels)


def _named(world: World, doors: list[Door], ports: list[OpenPort]) -> Iterator[Door]:
    """With their names, and their Gateways: one for each namespace of Listeners, or some where that is too small."""
    spaces = dict.fromkeys(door.gateway[0] for door in doors)
    named = {port.name: port.name.partition("/")[2] for port in ports if port.origins}
    for space in spaces:
        mine = [door for door in doors if door.gateway[0] == space]
        listeners = dict.fromkeys(door.listener for door in mine)
        alone = [name.rpartition("/")[2] for name in listeners if name]
        base = alone[0] if len(listeners) == 1 and alone else GATEWAY
        names = [world.free("Gateway", space, base) for _ in range(0, len(mine), MOST_LISTENERS)]
        at_port: dict[int, int] = {}
        for door in mine:
            at_port[door.port] = at_port.get(door.port, 0) + 1
        taken: set[str] = set()
        for place, door in enumerate(mine):
            if place % MOST_LISTENERS == 0:
                taken = set()
            gateway = names[place // MOST_LISTENERS]
            begin = named.get("/".join(door.listener.split("/")[2:]), "https" if door.by_tls else "http")
            name = first_free(begin if at_port[door.port] == 1 else f"{begin}-{door.host.name}", taken)
            taken.add(name)
            yield replace(door, gateway=(space, gateway), name=name)
