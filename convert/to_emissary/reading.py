"""Gateways, routes and policies as the translator's own kinds read them, and which routes come where. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from convert.world import World
from translator.gateway.hostnames import best, covers, intersection, specificity
from translator.gateway.kinds.gateway import GatewaySpec, ListenerSpec
from translator.gateway.kinds.grpc_route import GRPCRouteSpec
from translator.gateway.kinds.http_route import HTTPRouteSpec
from translator.gateway.kinds.shared import Object, ParentRef, read_object
from translator.gateway.kinds.tls_route import TLSRouteSpec
from translator.gateway.listeners import KINDS
from translator.gateway.names import (
    CONTROLLER,
    GATEWAY,
    GATEWAY_CLASS,
    GROUP,
    GRPC_ROUTE,
    HTTP_ROUTE,
    NAME_LABEL,
    NAMESPACE,
    TLS_ROUTE,
)
from translator.ir import ObjectKey
from translator.kubernetes.selectors import LabelSelector, selects

T = TypeVar("T")
OF_CALLS: Final = GRPC_ROUTE

Attached = Object[Any]
"""A route, of whatever kind."""
Opening = Object[Any]
"""Who declares listeners: a Gateway, or a ListenerSet for one."""
Opened = tuple[Opening, ListenerSpec]
"""A listener, and who declares it."""


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
    """The routes, and where they come.

    `passing` are those of TLS. `openings` are Gateways, then ListenerSets; `gateway_of` is the Gateway of each. `shut`
    are listeners that are not converted. `found` keeps what was looked up, route by route.
    """

    world: World
    routes: tuple[Attached, ...]
    passing: tuple[Attached, ...]
    openings: tuple[Opening, ...]
    gateway_of: Mapping[ObjectKey, Object[GatewaySpec]] = field(default_factory=dict)
    shut: frozenset[tuple[ObjectKey, str]] = frozenset()
    found: dict[ObjectKey, list[Opened]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        world: World,
        openings: Iterable[Opening],
        gateway_of: Mapping[ObjectKey, Object[GatewaySpec]],
        shut: frozenset[tuple[ObjectKey, str]] = frozenset(),
    ) -> "Routes":
        """All of them."""
        every: list[Attached] = [*read(world, HTTP_ROUTE, HTTPRouteSpec), *read(world, GRPC_ROUTE, GRPCRouteSpec)]
        ordered = tuple(sorted(every, key=lambda each: world.place(each.key)))
        return cls(world, ordered, tuple(read(world, TLS_ROUTE, TLSRouteSpec)), tuple(openings), gateway_of, shut)

    def opened(self) -> Iterator[tuple[Opening, ListenerSpec, str]]:
        """The listeners that are open, each with its path."""
        for opening in self.openings:
            for place, listener in enumerate(opening.spec.listeners if opening.spec else ()):
                if (opening.key, listener.name) not in self.shut:
                    yield opening, listener, f"spec.listeners[{place}]"

    def listeners(self, route: Attached) -> list[Opened]:
        """The listeners by which what is a route's comes."""
        if route.key not in self.found:
            self.found[route.key] = [
                (opening, listener)
                for opening, listener, _ in self.opened()
                if any(_names(route, parent, opening, listener) for parent in route.parents)
                and _meets(listener, route)
                and takes(self.world, opening, listener, route)
            ]
        return self.found[route.key]

    def hostnames(self, opening: Opening, listener: ListenerSpec) -> list[str]:
        """The hostnames for which requests come by a listener, `*` for every one: what its routes name of its own."""
        own = listener.hostname or ""
        found: dict[str, None] = {}
        for route in self.routes:
            if (opening, listener) in self.listeners(route):
                for each in hostnames_of(route) or (own,):
                    name = intersection(own, each)
                    if name is not None:
                        found[name] = None
        return [name or "*" for name in found or {own: None}]

    def in_clear(self, hostname: str) -> list[Attached]:
        """The routes that answer clear text for a hostname: those that name it most exactly, who are asked first.

        At each port it is asked for at the listener that names it most exactly, whatever comes by the others.
        """
        names: dict[int, set[str]] = {}
        for _, listener, _ in self.opened():
            if listener.protocol == "HTTP":
                names.setdefault(listener.port, set()).add(listener.hostname or "")
        found: dict[tuple[int, int], dict[ObjectKey, Attached]] = {}
        for route in self.routes:
            asked = [specificity(each) for each in hostnames_of(route) or ("",) if covers(each, hostname)]
            for _, listener in self.listeners(route):
                is_clear = listener.protocol == "HTTP"
                if asked and is_clear and (listener.hostname or "") == best(hostname, names[listener.port]):
                    found.setdefault(min(asked), {})[route.key] = route
        return list(found[min(found)].values()) if found else []


def spec_of(route: Attached) -> Any:
    """The spec of a route, which was read."""
    return route.spec


def hostnames_of(route: Attached) -> tuple[str, ...]:
    """The hostnames that a route names."""
    return tuple(spec_of(route).hostnames)


def takes(world: World, opening: Opening, listener: ListenerSpec, route: Attached) -> bool:
    """Whether a listener lets a route come: by its protocol, and by what it says of namespaces and kinds."""
    allowed = listener.allowed_routes
    named = [each.kind for each in allowed.kinds if each.group == GROUP] if allowed.kinds else [route.kind]
    if route.kind not in named or route.kind not in KINDS.get(listener.protocol, ()):
        return False
    return lets(world, allowed.namespaces, opening.namespace, route.namespace)


def lets(world: World, said: Any, own: str, other: str) -> bool:
    """Whether `from`, and its selector, let what is of another namespace come."""
    if said.source == "Selector":
        selector: LabelSelector | None = said.selector
        return selector is not None and selects(selector.wanted, _labels_of(world, other))
    return bool(said.source == "All" or (said.source == "Same" and own == other))


def _labels_of(world: World, namespace: str) -> Mapping[str, str]:
    for key in world.of_kind(NAMESPACE):
        if key.rpartition("/")[2] == namespace:
            return {**(world.document(key)["metadata"].get("labels") or {}), NAME_LABEL: namespace}
    return {NAME_LABEL: namespace}


def _names(route: Attached, parent: ParentRef, opening: Opening, listener: ListenerSpec) -> bool:
    is_it = (parent.group, parent.kind, parent.name) == (GROUP, opening.kind, opening.name)
    is_there = (parent.namespace or route.namespace) == opening.namespace
    is_section = parent.section_name in {None, listener.name} and parent.port in {None, listener.port}
    return is_it and is_there and is_section


def _meets(listener: ListenerSpec, route: Attached) -> bool:
    named = hostnames_of(route) or ("",)
    return any(intersection(listener.hostname or "", each) is not None for each in named)
