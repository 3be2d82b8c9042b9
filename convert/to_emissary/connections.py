"""TCPMappings of TCPRoutes, and the Listeners of their ports. Pure."""

from collections.abc import Iterator
from typing import Final

from convert.to_emissary.gateways import VERSION
from convert.to_emissary.reading import Attached, Opened, Routes, read, spec_of
from convert.values import Document, Made, at
from convert.world import World
from translator.gateway.kinds.tcp_route import TCPRouteSpec
from translator.gateway.names import TCP_ROUTE
from translator.ir import ObjectKey

_EVERYWHERE: Final = {"namespace": {"from": "ALL"}}


def connections_of(world: World, routes: Routes) -> tuple[list[Made], set[ObjectKey]]:
    """What TCPRoutes become, and those that are converted. Of two for one port the first is served, as written."""
    made: list[Made] = []
    replaced: set[ObjectKey] = set()
    taken: dict[int, ObjectKey] = {}
    for route in read(world, TCP_ROUTE, TCPRouteSpec):
        opened = [each for each in routes.listeners(route) if each[1].protocol == "TCP"]
        mine = [each for each in opened if taken.setdefault(each[1].port, route.key) == route.key]
        if not opened:
            said = "attaches to no listener of TCP that is converted, and is not converted"
            world.notes.lost(route.key, "spec.parentRefs", said, "convert them together")
        for _, listener in opened:
            if taken[listener.port] != route.key:
                said = f"port {listener.port} has a TCPRoute before it, and TCPMappings of a port share its connections"
                world.notes.lost(route.key, "spec.parentRefs", said, "give it a port of its own")
        for each in mine:
            made += [_listener(world, each), *_mappings(world, route, each, alone=len(mine) == 1)]
        if mine and len(mine) == len(opened):
            replaced.add(route.key)
    return made, replaced


def ports_of(routes: Routes, world: World) -> frozenset[int]:
    """The ports whose connections a TCPRoute has."""
    found = (routes.listeners(route) for route in read(world, TCP_ROUTE, TCPRouteSpec))
    return frozenset(listener.port for opened in found for _, listener in opened if listener.protocol == "TCP")


def _listener(world: World, opened: Opened) -> Made:
    gateway, listener = opened
    spec: Document = {
        "port": at(listener.port, gateway.key, "spec.listeners"),
        "protocol": "TCP",
        "securityModel": "XFP",
        "hostBinding": _EVERYWHERE,
    }
    space = {"namespace": gateway.namespace} if gateway.namespace != world.options.namespace else {}
    name = world.free("Listener", gateway.namespace, listener.name)
    document = {"apiVersion": VERSION, "kind": "Listener", "metadata": {"name": name, **space}, "spec": spec}
    return Made(document, (gateway.key,))


def _mappings(world: World, route: Attached, opened: Opened, *, alone: bool) -> Iterator[Made]:
    """A TCPMapping for each backend; the first has no weight, and gets what the others leave."""
    _, listener = opened
    rule = spec_of(route).rules[0]
    refs = [(place, ref) for place, ref in enumerate(rule.backend_refs) if ref.weight]
    if not refs:
        said = "has no backend: connections are closed, and a TCPMapping leads somewhere; it is not converted"
        world.notes.lost(route.key, "spec.rules[0].backendRefs", said, "name a Service")
    whole = sum(ref.weight for _, ref in refs)
    for number, (place, ref) in enumerate(refs):
        where = f"spec.rules[0].backendRefs[{place}]"
        elsewhere = f".{ref.namespace}" if ref.namespace and ref.namespace != route.namespace else ""
        port = f":{ref.port}" if ref.port not in {None, 80} else ""
        spec: Document = {
            "port": at(listener.port, route.key, "spec.parentRefs"),
            "service": at(f"{ref.name}{elsewhere}{port}", route.key, f"{where}.name", where),
        }
        if number:
            share = round(100 * ref.weight / whole)
            if 100 * ref.weight != share * whole:
                said = f"{ref.weight} of {whole} is {share} %"
                world.notes.otherwise(route.key, "spec.rules", said, "nothing")
            spec["weight"] = at(share, route.key, f"{where}.weight")
        name = route.name if alone else f"{route.name}-{listener.port}"
        called = world.free("TCPMapping", route.namespace, f"{name}-{ref.name}" if number else name)
        metadata = world.metadata(route.key, called)
        yield Made({"apiVersion": VERSION, "kind": "TCPMapping", "metadata": metadata, "spec": spec}, (route.key,))
