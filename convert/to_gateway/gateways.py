"""The Gateways themselves, their redirects, and what their Secrets take. Pure."""

from collections.abc import Iterator
from typing import Any, Final

from convert.to_gateway.doors import ACTION, Door, Doors
from convert.values import At, Document, Field, Made, at, without_nothing
from convert.world import World
from translator.gateway.names import CONTROLLER, GATEWAY_CLASS, GROUP
from translator.ir import ObjectKey

VERSION: Final = f"{GROUP}/v1"
GRANTS: Final = f"{GROUP}/v1beta1"
CLASS: Final = "dragoman"
_MOST_PARENTS: Final = 32


def class_of(world: World) -> tuple[str, list[Made]]:
    """The GatewayClass: one of ours that is there, else a new one."""
    for key in world.of_kind(GATEWAY_CLASS):
        if world.spec(key).get("controllerName") == CONTROLLER:
            return key.rpartition("/")[2], []
    name = world.free("GatewayClass", world.options.namespace, CLASS)
    document = {
        "apiVersion": VERSION,
        "kind": "GatewayClass",
        "metadata": {"name": name},
        "spec": {"controllerName": CONTROLLER},
    }
    return name, [Made(document, ())]


def gateways_of(world: World, found: Doors, class_name: str, *, from_elsewhere: bool) -> Iterator[Made]:
    """The Gateways; `from_elsewhere`: routes of other namespaces come to them."""
    by_gateway: dict[tuple[str, str], list[Door]] = {}
    for door in found.doors:
        by_gateway.setdefault(door.gateway, []).append(door)
    told: set[ObjectKey] = set()
    for (space, name), doors in by_gateway.items():
        listeners = list(dict.fromkeys(door.listener for door in doors if door.listener))
        alone = listeners[0] if len(listeners) == 1 else ""
        metadata = world.metadata(alone, name) if alone else _metadata(world, space, name)
        spec = {
            "gatewayClassName": class_name,
            "listeners": [_listener(door, space, told, from_elsewhere=from_elsewhere) for door in doors],
        }
        document = {"apiVersion": VERSION, "kind": "Gateway", "metadata": metadata, "spec": spec}
        hosts = dict.fromkeys(door.host.key for door in doors if door.host.is_declared and not door.host.is_closed)
        yield Made(document, (*listeners, *hosts))
        yield from _grants(world, doors, space)
        yield from _redirect(world, doors, space, name)


def _metadata(world: World, space: str, name: str) -> Document:
    return {"name": name, **({"namespace": space} if space != world.options.namespace else {})}


def _listener(door: Door, space: str, told: set[ObjectKey], *, from_elsewhere: bool) -> At:
    host, listener = door.host, door.listener
    secret = host.certificate
    tls = None
    if door.by_tls and secret is not None:
        other = {} if secret.namespace == space else {"namespace": secret.namespace}
        name = at(secret.name, host.key, "spec.tlsSecret.name")
        tls = at({"certificateRefs": [{"name": name, **other}]}, host.key, "spec.tlsSecret")
    protocol: tuple[Field, ...] = ((listener, "spec.protocol"), (listener, "spec.securityModel"))
    if not door.by_tls and door.does == "route":
        protocol += ((host.key, ACTION),)
    said: dict[str, Any] = {
        "name": door.name,
        "port": at(door.port, listener, "spec.port"),
        "protocol": At("HTTPS" if door.by_tls else "HTTP", protocol),
        "hostname": at(door.hostname, host.key, "spec.hostname") if door.hostname else None,
        "tls": tls,
        "allowedRoutes": {"namespaces": {"from": "All"}} if from_elsewhere and door.does == "route" else None,
    }
    heads = tuple([(key, path) for key in (listener, host.key) if key not in told for path in ("", "apiVersion")])
    told.update((listener, host.key))
    return At(without_nothing(said), heads)


def _grants(world: World, doors: list[Door], space: str) -> Iterator[Made]:
    """What lets a Gateway use the Secrets of other namespaces."""
    for other in sorted({door.host.certificate.namespace for door in doors if door.by_tls and door.host.certificate}):
        if other != space:
            yield grant(world, other, ("Gateway", space), "Secret")


def grant(world: World, namespace: str, source: tuple[str, str], kind: str) -> Made:
    """A ReferenceGrant: objects of a kind and a namespace may name others here."""
    one, space = source
    document = {
        "apiVersion": GRANTS,
        "kind": "ReferenceGrant",
        "metadata": {
            "name": world.free("ReferenceGrant", namespace, f"{one.lower()}s-of-{space}"),
            **({"namespace": namespace} if namespace != world.options.namespace else {}),
        },
        "spec": {"from": [{"group": GROUP, "kind": one, "namespace": space}], "to": [{"group": "", "kind": kind}]},
    }
    return Made(document, ())


def _redirect(world: World, doors: list[Door], space: str, name: str) -> Iterator[Made]:
    """The route that sends clear text to https."""
    redirecting = [door for door in doors if door.does == "redirect"]
    for host in {door.host.key: door.host for door in redirecting}.values():
        said = "who names a port in the Host header is redirected to 443, and not to that port"
        world.notes.otherwise(host.key, ACTION, said, "nothing")
    for start in range(0, len(redirecting), _MOST_PARENTS):
        part = redirecting[start : start + _MOST_PARENTS]
        called = world.free("HTTPRoute", space, f"{name}-to-https")
        parents = [at({"name": name, "sectionName": door.name}, door.host.key, ACTION) for door in part]
        filters = [{"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}]
        document = {
            "apiVersion": VERSION,
            "kind": "HTTPRoute",
            "metadata": _metadata(world, space, called),
            "spec": {"parentRefs": parents, "rules": [{"filters": filters}]},
        }
        yield Made(document, tuple(dict.fromkeys(door.host.key for door in part if door.host.is_declared)))
