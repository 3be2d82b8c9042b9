"""All of Emissary's kinds that Gateway API can say. Pure."""

from typing import Final

from convert.to_gateway.backends import Backends
from convert.to_gateway.connections import connections_of, listeners_of
from convert.to_gateway.doors import doors_of
from convert.to_gateway.ending import Endings
from convert.to_gateway.gateways import class_of, gateways_of
from convert.to_gateway.groups import asked_hostnames, groups_of
from convert.to_gateway.policies import AUTH, policies_of
from convert.to_gateway.routes import Routes
from convert.values import Converted, Made
from convert.world import CARRIED, EMISSARY, World
from translator.ir import ObjectKey

_NOT_YET: Final = {
    "DevPortal": "nothing serves it",
    "ConsulResolver": "keep it for the Mappings that stay",
    "KubernetesServiceResolver": "keep it for the Mappings that stay",
}


def to_gateway(world: World) -> Converted:
    """Gateways, routes and policies of Listeners, Hosts and Mappings."""
    _tell_others(world)
    if not (world.mappings or world.hosts or world.listeners or world.tcp):
        return Converted((), world.notes.told, frozenset())
    found = doors_of(world)
    groups = sorted(groups_of(world, found), key=lambda group: world.place(group.first))
    backends = Backends(world)
    has_auth = bool(world.of_kind(AUTH))
    class_name, classes = class_of(world)
    connected = connections_of(world, backends, Endings(world, found), class_name)
    closed = {*connected.replaced, *listeners_of(world, connected.ports)}
    routes = Routes(world, found, backends, asked_hostnames(groups), has_auth)
    made: list[Made] = []
    replaced: set[ObjectKey] = set()
    for group in groups:
        objects, keys = routes.of(group)
        made += objects
        replaced.update(keys)
    if not found.doors or not (replaced or world.hosts or world.listeners):
        alone = [*classes, *connected.made, *backends.objects()] if connected.made else []
        return Converted((*alone, *made), world.notes.told, frozenset(replaced | closed), backends.same)
    spaces = {key.split("/")[2] for key in replaced}
    from_elsewhere = bool(spaces - {door.gateway[0] for door in found.doors})
    gateways = list(gateways_of(world, found, class_name, from_elsewhere=from_elsewhere))
    names = list(dict.fromkeys(door.gateway for door in found.doors))
    if replaced and not has_auth:
        said = "no AuthService is among these objects: routes are asked about where a policy says so, and by none here"
        instead = f"where there is one, say external_auth: true in the RoutePolicy {names[0][1]}"
        world.notes.otherwise(min(replaced, key=world.place), "", said, instead)
    policies = list(policies_of(world, names, has_auth=has_auth))
    for door in found.doors:
        replaced.update(key for key in (door.listener, door.host.key) if key in world.bodies and key not in found.left)
    replaced.update(host.key for host in found.hosts if host.key in world.bodies)
    every = [*classes, *gateways, *connected.made, *policies, *made, *backends.objects()]
    return Converted(tuple(every), world.notes.told, frozenset(replaced | closed), backends.same)


def _tell_others(world: World) -> None:
    """What is not converted at all."""
    for key in sorted(world.bodies):
        kind = key.split("/")[1]
        if key.startswith(EMISSARY) and kind in _NOT_YET:
            world.notes.lost(key, "", "is not converted", _NOT_YET[kind])
        elif key.startswith(EMISSARY) and kind == "KubernetesEndpointResolver":
            said = "says nothing that routes do not do anyway, which lead to the pods of Services"
            world.notes.otherwise(key, "", said, "remove it when no Mapping names it any more")
        carried = b"carried" in world.bodies[key] and world.document(key).get("carried")
        if carried:
            said = "carries objects in its annotation, which are not converted"
            world.notes.lost(key, f'metadata.annotations["{CARRIED}"]', said, "make them objects of their own first")
