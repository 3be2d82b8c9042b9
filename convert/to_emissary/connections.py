"""TCPMappings of TCPRoutes, and the Listeners of their ports. Pure."""

from typing import Final

from convert.to_emissary.backend_tls import BackendTls
from convert.to_emissary.reading import Attached, Opening, Routes, read, spec_of
from convert.values import At, Document, Made, at
from convert.world import World
from translator.gateway.kinds.gateway import ListenerSpec
from translator.gateway.kinds.tcp_route import TCPRouteSpec
from translator.gateway.names import TCP_ROUTE
from translator.ir import ObjectKey

VERSION: Final = "getambassador.io/v3alpha1"
_EVERYWHERE: Final = {"namespace": {"from": "ALL"}}


def connections_of(world: World, routes: Routes, secured: BackendTls) -> tuple[list[Made], set[ObjectKey]]:
    """What TCPRoutes become, and those that are converted. Of two for one port the older is served."""
    made: list[Made] = []
    replaced: set[ObjectKey] = set()
    taken: dict[int, ObjectKey] = {}
    places = {(opening.key, listener.name): where for opening, listener, where in routes.opened()}
    for route in sorted(read(world, TCP_ROUTE, TCPRouteSpec), key=lambda each: (each.created, world.place(each.key))):
        opened = routes.listeners(route)
        mine = [each for each in opened if taken.setdefault(each[1].port, route.key) == route.key]
        if not opened:
            said = "attaches to no listener of TCP that is converted, and is not converted"
            world.notes.lost(route.key, "spec.parentRefs", said, "convert them together")
        for _, listener in opened:
            if taken[listener.port] != route.key:
                said = f"port {listener.port} has a TCPRoute before it, and TCPMappings of a port share its connections"
                world.notes.lost(route.key, "spec.parentRefs", said, "give it a port of its own")
        said_ = 0
        for opening, listener in mine:
            mappings = mappings_of(world, route, listener.port, secured, alone=len(mine) == 1)
            if mappings:
                said_ += 1
                where = places[opening.key, listener.name]
                made += [port_of(world, opening, listener, where, "TCP"), *mappings]
        if mine and said_ == len(opened):
            replaced.add(route.key)
    return made, replaced


def ports_of(routes: Routes, world: World) -> frozenset[int]:
    """The ports whose connections a TCPRoute has."""
    found = (routes.listeners(route) for route in read(world, TCP_ROUTE, TCPRouteSpec))
    return frozenset(listener.port for opened in found for _, listener in opened)


def port_of(world: World, opening: Opening, listener: ListenerSpec, where: str, protocol: str) -> Made:
    """The Listener of a port of connections."""
    spec: Document = {
        "port": at(listener.port, opening.key, f"{where}.port"),
        "protocol": at(protocol, opening.key, f"{where}.protocol"),
        "securityModel": "XFP",
        "hostBinding": _EVERYWHERE,
    }
    space = {"namespace": opening.namespace} if opening.namespace != world.options.namespace else {}
    name = world.free("Listener", opening.namespace, listener.name)
    document = {
        "apiVersion": VERSION,
        "kind": "Listener",
        "metadata": {"name": name, **space},
        "spec": At(spec, ((opening.key, where),)),
    }
    return Made(document, (opening.key,))


def mappings_of(
    world: World, route: Attached, port: int, secured: BackendTls, *, host: At | None = None, alone: bool = True
) -> list[Made]:
    """A TCPMapping for each backend; the first has no weight, and gets what the others leave. None: not all is said."""
    refs = [(place, ref) for place, ref in enumerate(spec_of(route).rules[0].backend_refs) if ref.weight]
    if not refs:
        said = "has no backend: connections are closed, and a TCPMapping leads somewhere; it is not converted"
        world.notes.lost(route.key, "spec.rules[0].backendRefs", said, "name a Service")
    whole = sum(ref.weight for _, ref in refs)
    found: list[Made] = []
    for number, (place, ref) in enumerate(refs):
        where = f"spec.rules[0].backendRefs[{place}]"
        spoken = secured.spoken(ref.namespace or route.namespace, ref.name, ref.port, route.namespace)
        if spoken is None:
            said = "leads to a Service whose BackendTLSPolicy cannot be said; it is not converted"
            world.notes.lost(route.key, where, said, "see what is said of the policy")
            return []
        elsewhere = f".{ref.namespace}" if ref.namespace and ref.namespace != route.namespace else ""
        service_port = f":{ref.port}" if spoken.scheme or ref.port not in {None, 80} else ""
        service = f"{spoken.scheme}{ref.name}{elsewhere}{service_port}"
        spec: Document = {
            "port": at(port, route.key, "spec.parentRefs"),
            **({"host": host} if host is not None else {}),
            "service": at(service, route.key, f"{where}.name", where),
            **spoken.tls,
        }
        if number:
            share = round(100 * ref.weight / whole)
            if 100 * ref.weight != share * whole:
                said = f"{ref.weight} of {whole} is {share} %"
                world.notes.otherwise(route.key, "spec.rules", said, "nothing")
            spec["weight"] = at(share, route.key, f"{where}.weight")
        name = route.name if alone else f"{route.name}-{port}"
        called = world.free("TCPMapping", route.namespace, f"{name}-{ref.name}" if number else name)
        metadata = world.metadata(route.key, called)
        document = {"apiVersion": VERSION, "kind": "TCPMapping", "metadata": metadata, "spec": spec}
        found.append(Made(document, (route.key, *spoken.of)))
    return found
