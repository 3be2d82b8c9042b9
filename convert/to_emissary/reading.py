"""Gateways, routes and policies as the translator's own kinds read them, and which routes come where. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from convert.world import World
from translator.gateway.hostnames import covers, intersection, specificity
from translator.gateway.kinds.gateway import GatewaySpec, ListenerSpec
from translator.gateway.kinds.grpc_route import GRPCRouteSpec
from translator.gateway.kinds.http_route import HTTPRouteSpec
from translator.gateway.kinds.shared import Object, ParentRef, read_object
from translator.gateway.names import CONTROLLER, GATEWAY, GATEWAY_CLASS, GRPC_ROUTE, HTTP_ROUTE
from translator.ir import ObjectKey

T = TypeVar("T")
OF_CALLS: Final = GRPC_ROUTE

Attached = Object[Any]
"""An HTTPRoute or a GRPCRoute."""
Opened = tuple[Object[GatewaySpec], ListenerSpec]
"""A listener of a Gateway."""


def read(world: World, kind: str, spec: type[T]) -> Iterator[Object[T]]:
    """The objects of a kind that can be read; of the others it is told why not."""
    for key in sorted(world.of_kind(kind), key=world.place):
        found = read_object(spec, key, world.bodies[key])
        if found.spec is None:
            problem = next((each for each in found.problems if each.stops), None)
            path, message = (problem.path, problem.message) if problem else ("", "cannot be read")
            world.notes.lost(key, path, f"{message}: the object is stopped", "mend it first: dragoman lint")
        else:
            yield found


def gateways_of(world: World) -> list[Object[GatewaySpec]]:
    """The Gateways that are ours, for all that these objects tell of their classes."""
    classes = {key.rpartition("/")[2]: world.spec(key).get("controllerName") for key in world.of_kind(GATEWAY_CLASS)}
    found = []
    for each in read(world, GATEWAY, GatewaySpec):
        name = each.spec.gateway_class_name if each.spec else ""
        if classes.get(name, CONTROLLER) == CONTROLLER:
            found.append(each)
        else:
            world.notes.otherwise(each.key, "spec.gatewayClassName", "is another controller's: it stays", "nothing")
    return found


@dataclass(frozen=True, slots=True)
class Routes:
    """The routes, and where they come."""

    routes: tuple[Attached, ...]
    gateways: tuple[Object[GatewaySpec], ...]

    @classmethod
    def of(cls, world: World, gateways: list[Object[GatewaySpec]]) -> "Routes":
        """All of them."""
        every: list[Attached] = [*read(world, HTTP_ROUTE, HTTPRouteSpec), *read(world, GRPC_ROUTE, GRPCRouteSpec)]
        return cls(tuple(sorted(every, key=lambda each: world.place(each.key))), tuple(gateways))

    def listeners(self, route: Attached) -> list[Opened]:
        """The listeners by which requests of a route come."""
        return [
            (gateway, listener)
            for gateway in self.gateways
            for listener in (gateway.spec.listeners if gateway.spec else ())
            if any(_names(route, parent, gateway, listener) for parent in route.parents) and _meets(listener, route)
        ]

    def hostnames(self, gateway: Object[GatewaySpec], listener: ListenerSpec) -> list[str]:
        """The hostnames for which requests come by a listener, `*` for every one: what its routes name of its own."""
        own = listener.hostname or ""
        found: dict[str, None] = {}
        for route in self.routes:
            if (gateway, listener) in self.listeners(route):
                for each in hostnames_of(route) or (own,):
                    name = intersection(own, each)
                    if name is not None:
                        found[name] = None
        return [name or "*" for name in found or {own: None}]

    def in_clear(self, hostname: str) -> list[Attached]:
        """The routes that answer clear text for a hostname: those that name it most exactly, who are asked first."""
        found: dict[tuple[int, int], dict[ObjectKey, Attached]] = {}
        for route in self.routes:
            asked = [specificity(each) for each in hostnames_of(route) or ("",) if covers(each, hostname)]
            for _, listener in self.listeners(route):
                if asked and listener.protocol == "HTTP" and covers(listener.hostname or "", hostname):
                    found.setdefault(min(asked), {})[route.key] = route
        return list(found[min(found)].values()) if found else []


def spec_of(route: Attached) -> Any:
    """The spec of a route, which was read."""
    return route.spec


def hostnames_of(route: Attached) -> tuple[str, ...]:
    """The hostnames that a route names."""
    return tuple(spec_of(route).hostnames)


def _names(route: Attached, parent: ParentRef, gateway: Object[GatewaySpec], listener: ListenerSpec) -> bool:
    is_it = parent.kind == "Gateway" and parent.name == gateway.name
    is_there = (parent.namespace or route.namespace) == gateway.namespace
    is_section = parent.section_name in {None, listener.name} and parent.port in {None, listener.port}
    return is_it and is_there and is_section


def _meets(listener: ListenerSpec, route: Attached) -> bool:
    named = hostnames_of(route) or ("",)
    return any(intersection(listener.hostname or "", each) is not None for each in named)
