"""TCPRoutes and TLSRoutes of TCPMappings, and the Gateways whose ports they are. Pure.

A port's connections are one TCPRoute's, and those that ask for a name in TLS one TLSRoute's, with the certificate of
the name's Host or TLSContext. All TCPMappings of a port are converted, or stay together: where one of them says what
decides who gets in, or where connections go, and no route says it, all of them stay as they are.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from convert.fields import TCP_SAID, TCP_UNSAID, tell_unsaid
from convert.resolvers import leads_to_pods
from convert.to_gateway.backends import Backends, Reached, reference
from convert.to_gateway.ending import Ended, Endings
from convert.to_gateway.gateways import VERSION, grant
from convert.values import At, Document, Made, at, called
from convert.world import World
from translator.emissary.grouping import arrival
from translator.emissary.kinds.listener import ListenerSpec
from translator.emissary.kinds.tcp_mapping import TCPMappingSpec
from translator.emissary.service_names import parse
from translator.emissary.weights import shares_of, single_weights
from translator.ir import ObjectKey

NAME: Final = "connections"
"""The name of a Gateway whose ports are connections'."""
STAYS: Final = "; the TCPMapping is not converted"
_GUARDING: Final = ("address", "tls", "resolver")
"""Without what these say, connections would come from elsewhere, or go elsewhere."""
_MOST_LISTENERS: Final = 64


@dataclass(frozen=True, slots=True)
class Spot:
    """Connections that are alike: of a port, or of a name in TLS there. `keys` are its TCPMappings, in their order."""

    port: int
    host: str
    keys: tuple[ObjectKey, ...]
    ended: Ended | None

    @property
    def space(self) -> str:
        """The namespace of its first TCPMapping, where its route is."""
        return self.keys[0].split("/")[2]

    @property
    def kind(self) -> str:
        """The kind of its route."""
        return "TLSRoute" if self.host else "TCPRoute"


@dataclass(slots=True)
class Connections:
    """What is made, what it takes the place of, and the ports."""

    made: list[Made] = field(default_factory=list)
    replaced: set[ObjectKey] = field(default_factory=set)
    ports: dict[int, list[ObjectKey]] = field(default_factory=dict)


def connections_of(world: World, backends: Backends, endings: Endings, class_name: str) -> Connections:
    """All that TCPMappings become."""
    found = Connections()
    by_port: dict[int, list[ObjectKey]] = {}
    for key in sorted(world.tcp, key=lambda each: arrival(*each.split("/")[2:4])):
        by_port.setdefault(_spec(world, key).port, []).append(key)
    by_space: dict[str, list[Spot]] = {}
    for port, keys in sorted(by_port.items()):
        spots = _spots(world, backends, endings, port, keys)
        if spots:
            found.ports[port] = keys
            found.replaced.update(keys)
        for spot in spots:
            by_space.setdefault(spot.space, []).append(spot)
    for space, spots in by_space.items():
        for start in range(0, len(spots), _MOST_LISTENERS):
            part = _named(spots[start : start + _MOST_LISTENERS])
            name = world.free("Gateway", space, NAME)
            found.made.append(_gateway(world, class_name, space, name, part))
            others = {each.ended.secret[0] for each in part.values() if each.ended} - {space}
            found.made += [grant(world, other, ("Gateway", space), "Secret") for other in sorted(others)]
            found.made += [_route(world, backends, name, section, spot) for section, spot in part.items()]
    return found


def _is_plain(spec: ListenerSpec) -> bool:
    """Whether a Listener passes on what comes as it is: no HTTP, TLS or PROXY protocol."""
    return _stack(spec) == ("TCP",)


def _is_of_connections(spec: ListenerSpec) -> bool:
    """Whether a Listener is for connections alone, in TLS or not."""
    return _stack(spec) in {("TCP",), ("TLS",), ("TLS", "TCP")}


def _stack(spec: ListenerSpec) -> tuple[str, ...]:
    return tuple(spec.protocol_stack or (spec.protocol or "",))


def _spec(world: World, key: ObjectKey) -> TCPMappingSpec:
    spec = world.tcp[key].value
    assert spec is not None  # noqa: S101 -- those that cannot be read are not there
    return spec


def _spots(world: World, backends: Backends, endings: Endings, port: int, keys: list[ObjectKey]) -> list[Spot]:
    """The connections of a port; none where one of its TCPMappings stays."""
    hosts: dict[str, list[ObjectKey]] = {}
    for key in keys:
        hosts.setdefault(_spec(world, key).host or "", []).append(key)
    spots = [
        Spot(port, host, tuple(those), endings.of(host, port, those) if host else None) for host, those in hosts.items()
    ]
    stays = [key for spot in spots for key in spot.keys if _stays(world, endings, spot, key, mixed=len(hosts) > 1)]
    reached: dict[ObjectKey, Reached | None] = {
        key: backends.of_connections(key, _spec(world, key).service, spot.space, spot.kind)
        for spot in spots
        for key in spot.keys
        if key not in stays
    }
    if not stays and all(reached.values()):
        return spots
    for key, service in reached.items():
        if service is not None:
            text = f"another TCPMapping of the port stays, and a port's connections are told apart by one API{STAYS}"
            world.notes.lost(key, "spec.port", text, "see what is said of the other one")
    return []


def _stays(world: World, endings: Endings, spot: Spot, key: ObjectKey, *, mixed: bool) -> bool:
    """Whether a TCPMapping says what no route says, and so stays, which is told."""
    notes = world.notes
    tell_unsaid(notes, key, world.spec(key), TCP_SAID.union(_GUARDING), TCP_UNSAID)
    raw = world.spec(key)
    guards = [name for name in _GUARDING if raw.get(name) not in (None, "")]
    if "resolver" in guards and leads_to_pods(world, raw["resolver"], key.split("/")[2]):
        guards.remove("resolver")
    said = [(f"spec.{name}", *TCP_UNSAID[name]) for name in guards]
    if parse(_spec(world, key).service).scheme == "https":
        said.append(("spec.service", *TCP_UNSAID["tls"]))
    if mixed and not spot.host:
        text = "has what the names in TLS leave, and in Gateway API a port of TCP is for one listener"
        said.append(("spec.port", text, "give it a port of its own"))
    if spot.host and spot.ended is None:
        said.append(("spec.host", *endings.why(spot.host)))
    other = _other(world, spot)
    if other:
        text = f"the port is that of {called(other)}, which does more than pass connections on"
        said.append(("spec.port", text, "give it a port of its own"))
    for path, reason, instead in said:
        notes.lost(key, path, reason + STAYS, instead)
    return bool(said)


def _other(world: World, spot: Spot) -> ObjectKey:
    """The Listener of a port that no Gateway's listeners say; names in TLS may stand beside those of Hosts."""
    for key, row in world.listeners.items():
        if row.value is None or row.value.port != spot.port or _is_plain(row.value):
            continue
        stack = _stack(row.value)
        if not spot.host or not (_is_of_connections(row.value) or stack in {("HTTPS",), ("TLS", "HTTP", "TCP")}):
            return key
    return ""


def _named(spots: list[Spot]) -> dict[str, Spot]:
    """The spots by the names of their listeners."""
    found: dict[str, Spot] = {}
    for spot in spots:
        at_port = sum(each.port == spot.port for each in spots)
        number = sum(each.port == spot.port for each in found.values()) + 1
        word = f"{'tls' if spot.host else 'tcp'}-{spot.port}"
        found[f"{word}-{number}" if at_port > 1 else word] = spot
    return found


def _gateway(world: World, class_name: str, space: str, name: str, spots: Mapping[str, Spot]) -> Made:
    listeners = [_listener(section, space, spot) for section, spot in spots.items()]
    spec = {"gatewayClassName": class_name, "listeners": listeners}
    metadata = {"name": name, **({"namespace": space} if space != world.options.namespace else {})}
    return Made({"apiVersion": VERSION, "kind": "Gateway", "metadata": metadata, "spec": spec}, ())


def _listener(section: str, space: str, spot: Spot) -> Document:
    port = at(spot.port, spot.keys[0], "spec.port")
    if spot.ended is None:
        return {"name": section, "port": port, "protocol": "TCP"}
    namespace, secret = spot.ended.secret
    elsewhere = {} if namespace == space else {"namespace": namespace}
    refs: list[Document] = [{"name": at(secret, spot.ended.owner, spot.ended.field), **elsewhere}]
    return {
        "name": section,
        "port": port,
        "protocol": "TLS",
        "hostname": at(spot.host, spot.keys[0], "spec.host"),
        "tls": At({"mode": "Terminate", "certificateRefs": refs}, ()),
    }


def _route(world: World, backends: Backends, gateway: str, section: str, spot: Spot) -> Made:
    first, keys = spot.keys[0], spot.keys
    shares = shares_of([_spec(world, key).weight for key in keys])
    for place in shares.refused:
        text = "is beyond the 100 % that TCPMappings for the same connections may have together, and gets nothing"
        world.notes.lost(keys[place], "spec.weight", text, "mend the weights first")
    weights = single_weights(shares)
    refs = [
        reference(
            backends.connections[keys[place]], spot.space, keys[place], weights[place] if len(weights) > 1 else None
        )
        for place in sorted(weights)
    ]
    metadata: Document = {
        **world.metadata(first),
        "name": world.free(spot.kind, spot.space, first.rpartition("/")[2]),
    }
    spec: Document = {
        "parentRefs": [{"name": gateway, "sectionName": at(section, first, "spec.port")}],
        **({"hostnames": [at(spot.host, first, "spec.host")]} if spot.host else {}),
        "rules": [{"backendRefs": refs}],
    }
    return Made({"apiVersion": VERSION, "kind": spot.kind, "metadata": metadata, "spec": spec}, keys)


def listeners_of(world: World, ports: Mapping[int, list[ObjectKey]]) -> Iterator[ObjectKey]:
    """The Listeners for connections whose port a Gateway has."""
    for key, row in world.listeners.items():
        if row.value is not None and row.value.port in ports and _is_of_connections(row.value):
            yield key
