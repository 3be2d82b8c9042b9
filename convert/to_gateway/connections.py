"""TCPRoutes of TCPMappings, and the Gateways whose ports they are. Pure.

A port's connections are one TCPRoute's, so all TCPMappings of a port become one, or stay together: where one of them
says what decides who gets in, or where connections go, and no TCPRoute says it, all of them stay as they are.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from convert.fields import TCP_SAID, TCP_UNSAID, tell_unsaid
from convert.to_gateway.backends import Backends, Reached, reference
from convert.to_gateway.gateways import VERSION
from convert.values import Document, Made, at, called
from convert.world import World
from translator.emissary.grouping import arrival
from translator.emissary.kinds.listener import ListenerSpec
from translator.emissary.kinds.tcp_mapping import TCPMappingSpec
from translator.emissary.service_names import parse
from translator.emissary.weights import shares_of, single_weights
from translator.ir import ObjectKey

NAME: Final = "connections"
"""The name of a Gateway whose ports are connections'."""
_STAYS: Final = "; the TCPMapping is not converted"
_GUARDING: Final = ("host", "address", "tls", "resolver")
"""Without what these say, connections would come from elsewhere, or go elsewhere."""
_MOST_LISTENERS: Final = 64


@dataclass(slots=True)
class Connections:
    """What is made, what it takes the place of, and the ports."""

    made: list[Made] = field(default_factory=list)
    replaced: set[ObjectKey] = field(default_factory=set)
    ports: dict[int, list[ObjectKey]] = field(default_factory=dict)


def connections_of(world: World, backends: Backends, class_name: str) -> Connections:
    """All that TCPMappings become."""
    found = Connections()
    by_port: dict[int, list[ObjectKey]] = {}
    for key in sorted(world.tcp, key=lambda each: arrival(*each.split("/")[2:4])):
        by_port.setdefault(_spec(world, key).port, []).append(key)
    others = {row.value.port: key for key, row in world.listeners.items() if row.value and not _is_plain(row.value)}
    spaces: dict[str, list[int]] = {}
    for port, keys in sorted(by_port.items()):
        reached = _reached(world, backends, keys, others.get(port, ""))
        if reached:
            found.ports[port] = keys
            spaces.setdefault(keys[0].split("/")[2], []).append(port)
            found.replaced.update(keys)
    for space, ports in spaces.items():
        for start in range(0, len(ports), _MOST_LISTENERS):
            name = world.free("Gateway", space, NAME)
            part = ports[start : start + _MOST_LISTENERS]
            found.made.append(_gateway(world, class_name, space, name, {port: by_port[port][0] for port in part}))
            found.made += [_route(world, backends, name, port, by_port[port]) for port in part]
    return found


def _is_plain(spec: ListenerSpec) -> bool:
    """Whether a Listener passes on what comes as it is: no HTTP, TLS or PROXY protocol."""
    return tuple(spec.protocol_stack or (spec.protocol,)) == ("TCP",)


def _spec(world: World, key: ObjectKey) -> TCPMappingSpec:
    spec = world.tcp[key].value
    assert spec is not None  # noqa: S101 -- those that cannot be read are not there
    return spec


def _reached(world: World, backends: Backends, keys: list[ObjectKey], other: ObjectKey) -> dict[ObjectKey, Reached]:
    """The Services of a port's TCPMappings; none where one of them stays."""
    stays, found = False, {}
    for key in keys:
        tell_unsaid(world.notes, key, world.spec(key), TCP_SAID.union(_GUARDING), TCP_UNSAID)
        said = [name for name in _GUARDING if world.spec(key).get(name) not in (None, "")]
        for name in said:
            world.notes.lost(key, f"spec.{name}", TCP_UNSAID[name][0] + _STAYS, TCP_UNSAID[name][1])
        if parse(_spec(world, key).service).scheme == "https":
            reason, instead = TCP_UNSAID["tls"]
            world.notes.lost(key, "spec.service", reason + _STAYS, instead)
            said.append("service")
        if other:
            text = f"the port is that of {called(other)}, which does more than pass connections on{_STAYS}"
            world.notes.lost(key, "spec.port", text, "give it a port of its own")
            said.append("port")
        reached = None if said else backends.of_connections(key, _spec(world, key).service, keys[0].split("/")[2])
        if reached is None:
            stays = True
        else:
            found[key] = reached
    if stays:
        for key in found:
            text = f"another TCPMapping of the port stays, and a port's connections are one route's{_STAYS}"
            world.notes.lost(key, "spec.port", text, "see what is said of the other one")
        return {}
    return found


def _gateway(world: World, class_name: str, space: str, name: str, ports: Mapping[int, ObjectKey]) -> Made:
    listeners = [
        {"name": f"tcp-{port}", "port": at(port, key, "spec.port"), "protocol": "TCP"} for port, key in ports.items()
    ]
    spec = {"gatewayClassName": class_name, "listeners": listeners}
    metadata = {"name": name, **({"namespace": space} if space != world.options.namespace else {})}
    return Made({"apiVersion": VERSION, "kind": "Gateway", "metadata": metadata, "spec": spec}, ())


def _route(world: World, backends: Backends, gateway: str, port: int, keys: list[ObjectKey]) -> Made:
    first = keys[0]
    space = first.split("/")[2]
    shares = shares_of([_spec(world, key).weight for key in keys])
    for place in shares.refused:
        text = "is beyond the 100 % that TCPMappings of a port may have together, and gets nothing"
        world.notes.lost(keys[place], "spec.weight", text, "mend the weights first")
    weights = single_weights(shares)
    refs = [
        reference(backends.connections[keys[place]], space, keys[place], weights[place] if len(weights) > 1 else None)
        for place in sorted(weights)
    ]
    metadata: Document = {**world.metadata(first), "name": world.free("TCPRoute", space, first.rpartition("/")[2])}
    spec = {
        "parentRefs": [{"name": gateway, "sectionName": at(f"tcp-{port}", first, "spec.port")}],
        "rules": [{"backendRefs": refs}],
    }
    return Made({"apiVersion": VERSION, "kind": "TCPRoute", "metadata": metadata, "spec": spec}, tuple(keys))


def listeners_of(world: World, ports: Mapping[int, list[ObjectKey]]) -> Iterator[ObjectKey]:
    """The Listeners for connections whose port a Gateway has."""
    for key, row in world.listeners.items():
        if row.value is not None and row.value.port in ports and _is_plain(row.value):
            yield key
