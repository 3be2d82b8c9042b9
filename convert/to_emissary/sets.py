"""ListenerSets: the listeners that they add to a Gateway, after its own. Pure."""

from collections.abc import Iterable

from convert.to_emissary.reading import Opening, lets, read
from convert.values import called
from convert.world import World
from translator.gateway.kinds.gateway import GatewaySpec
from translator.gateway.kinds.listener_set import ListenerSetSpec
from translator.gateway.kinds.shared import Object
from translator.gateway.names import GATEWAY, GROUP, LISTENER_SET, gateway_key
from translator.ir import ObjectKey

_UDP = "UDP"


def sets_of(
    world: World, gateways: Iterable[Object[GatewaySpec]]
) -> dict[ObjectKey, tuple[Object[ListenerSetSpec], Object[GatewaySpec]]]:
    """The ListenerSets that their Gateways take, the older first, each with its Gateway."""
    by_key = {each.key: each for each in gateways}
    found = {}
    for each in sorted(read(world, LISTENER_SET, ListenerSetSpec), key=lambda one: one.age):
        ref = each.spec.parent_ref if each.spec else None
        if ref is None:
            continue
        key = gateway_key(ref.namespace or each.namespace, ref.name)
        gateway = by_key.get(key)
        if (ref.group, ref.kind) != (GROUP, "Gateway") or gateway is None or gateway.spec is None:
            if not any(one.startswith(f"{GATEWAY}/") and one == key for one in world.bodies):
                said = "is for a Gateway that is not among these objects, and is not converted"
                world.notes.lost(each.key, "spec.parentRef", said, "convert them together")
            continue
        if not lets(world, gateway.spec.allowed_listeners.namespaces, gateway.namespace, each.namespace):
            said = f"{called(key)} takes no ListenerSets of this namespace: nothing of it is served"
            world.notes.otherwise(each.key, "spec.parentRef", said, "nothing, or say allowedListeners in the Gateway")
            continue
        found[each.key] = (each, gateway)
    return found


def without_a_place(world: World, openings: Iterable[Opening]) -> frozenset[tuple[ObjectKey, str]]:
    """The listeners of ListenerSets that want what another one has already: its port and hostname, or its port."""
    taken: dict[tuple[bool, int], dict[str, tuple[str, ObjectKey]]] = {}
    shut = set()
    for opening in openings:
        for place, listener in enumerate(opening.spec.listeners if opening.spec else ()):
            there = taken.setdefault((listener.protocol == _UDP, listener.port), {})
            hostname = listener.hostname or ""
            others = [owner for protocol, owner in there.values() if not _share(protocol, listener.protocol)]
            owner = there[hostname][1] if hostname in there else others[0] if others else None
            if owner is None:
                there[hostname] = (listener.protocol, opening.key)
            elif opening.kind == "ListenerSet":
                said = f"{called(owner)} has {hostname or 'every name'} at port {listener.port} already"
                world.notes.otherwise(opening.key, f"spec.listeners[{place}]", f"{said}: it is not served", "nothing")
                shut.add((opening.key, listener.name))
    return frozenset(shut)


def _share(one: str, other: str) -> bool:
    """Whether listeners of two protocols may be at one port, for different names."""
    return one == other == "HTTP" or {one, other} <= {"HTTPS", "TLS"}
