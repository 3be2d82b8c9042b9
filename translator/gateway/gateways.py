"""The tables of who opens ports: GatewayClasses, Gateways and ListenerSets that are ours, and their listeners.

A ListenerSet is its Gateway's if that lets it: whether it does depends on the namespace, whose labels are here as well.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final

import orjson

from translator import ir
from translator.decode import FrozenMap
from translator.gateway.attachment import Place, places_of
from translator.gateway.conditions import Condition, false
from translator.gateway.dedicated import DEDICATED, PROVISIONED, SHARED, Port, Ways, addresses_said, wrong_with
from translator.gateway.kinds.gateway import Frontend, GatewaySpec, ListenerNamespaces, ListenerSpec
from translator.gateway.kinds.gateway_class import GatewayClassSpec
from translator.gateway.kinds.listener_set import ListenerSetSpec, parent_of
from translator.gateway.kinds.openings import allowed_left, openings_of, unknown_openings
from translator.gateway.kinds.shared import Object, read_object
from translator.gateway.listeners import (
    KINDS,
    SPEAKING_HTTP,
    UNREAD,
    Listener,
    ListenerKey,
    Owner,
    listeners_of,
    port_of,
)
from translator.gateway.names import (
    CONTROLLER,
    GATEWAY,
    GATEWAY_CLASS,
    GROUP,
    LISTENER_SET,
    NAME_LABEL,
    NAMESPACE,
    gateway_key,
)
from translator.gateway.statuses import class_conditions, refusal_of
from translator.ir import ObjectKey
from translator.kubernetes.selectors import selects
from translator.kubernetes.shapes import metadata_of
from translator.kubernetes.tables import KubernetesTables, name_of
from translator.options import Options
from translator.tables import Table, Tables, read
from translator.values import dataclass

HELD: Final = "Envoy refused it"
_OF_CLASS: Final = "its GatewayClass {} is not accepted: {}"
_MOST_CLASSES: Final = 8


@dataclass(frozen=True, slots=True)
class _Class:
    """What a GatewayClass of ours says of its Gateways: which addresses they have, and why none of them is served."""

    addresses: str
    stopped: str = ""


@dataclass(frozen=True, slots=True)
class ListenerSet:
    """A ListenerSet for a Gateway of ours, and whether that takes it."""

    found: Object[ListenerSetSpec]
    gateway: ObjectKey
    is_allowed: bool


class Gateways:
    """GatewayClasses, Gateways and ListenerSets that are ours, as they were read.

    `listeners` are those of both, `places` the same as routes see them, by who declares them. `defaults` are Gateways
    that take routes without being named, by the scope that both say. `wanted` are the ports that they want, by number,
    with one of them for people: who opens ports without being asked leaves these alone. `wishes` are names that they
    would share with others.
    """

    def __init__(self, tables: Tables, kubernetes: KubernetesTables, options: Options) -> None:
        kinds = (GATEWAY_CLASS, GATEWAY, LISTENER_SET, NAMESPACE)
        objects: dict[str, Table[ObjectKey, bytes]] = {kind: tables.source(f"{kind} objects") for kind in kinds}
        self.sources: Mapping[str, Table[ObjectKey, bytes]] = objects
        labels = tables.group("labels of namespaces by name", objects[NAMESPACE], _labels_of)
        self._labels = tables.each("labels of namespaces", labels, lambda _, them: them[min(them)])
        self.classes = tables.each("gateway classes", objects[GATEWAY_CLASS], _read_class)
        self._addresses = tables.each(
            "addresses of gateway classes", objects[GATEWAY_CLASS], lambda _, body: addresses_said(body)
        )
        named = tables.group("gateway classes by name", self.classes, self._named)
        self._names: Table[str, _Class] = tables.each(
            "names of gateway classes", named, lambda _, them: min(them.values(), key=lambda each: each.stopped != "")
        )
        self.ways = Ways(tables, kubernetes, options)
        self._in_cluster = options.in_cluster
        self._alone = gateway_key(*options.gateway.split("/")) if options.gateway else None
        self._classes: Table[ObjectKey, _Class] = tables.each("classes of gateways", objects[GATEWAY], self._class_of)
        self.all: Table[ObjectKey, Object[GatewaySpec]] = tables.each("gateways", objects[GATEWAY], self._read)
        self.sets: Table[ObjectKey, ListenerSet] = tables.each("listener sets", objects[LISTENER_SET], self._read_set)
        listed = tables.union(
            "listeners listed",
            tables.group("listeners of gateways listed", self.all, self._own_listeners),
            tables.group("listeners of sets listed", self.sets, lambda _, row: self._listeners_of_set(row)),
        )
        self.listeners: Table[ListenerKey, Listener] = tables.each(
            "listeners of gateways", listed, lambda _, them: next(iter(them.values()))
        )
        self.places: Table[ObjectKey, tuple[Place, ...]] = tables.union(
            "listeners for routes",
            tables.each("gateways for routes", self.all, lambda _, row: _places_of(row)),
            tables.each("sets for routes", self.sets, lambda _, row: _places_of(row.found) if row.is_allowed else ()),
        )
        taking = tables.group("gateways by default scope", self.all, _taking)
        self.defaults: Table[str, tuple[ObjectKey, ...]] = tables.each(
            "default gateways", taking, lambda _, them: tuple(sorted(them))
        )
        ports = tables.group("ports of gateways", self.listeners, _port_of)
        self.wanted: Table[int, str] = tables.each("ports that gateways want", ports, lambda _, them: them[min(them)])
        wishing = tables.group("listeners that would share names", self.listeners, lambda _, row: self._wishes_of(row))
        self.wishes: Table[ir.Wish, bool] = tables.each("names that would be shared", wishing, lambda _, __: True)
        self._own_ports: Table[ObjectKey, Mapping[ListenerKey, Port]] = tables.group(
            "ports of services of gateways", self.listeners, self._own_port_of
        )

    def labels_of(self, namespace: str) -> Mapping[str, str]:
        """The labels of a namespace; its name is always one of them. For rules."""
        labels = read(self._labels, namespace)
        return {**labels, NAME_LABEL: namespace} if labels else {NAME_LABEL: namespace}

    def is_there(self, key: ObjectKey) -> bool:
        """Whether there is an object of one of these kinds, be it another controller's. For rules."""
        group, kind, _ = key.split("/", 2)
        return read(self.sources[f"{group}/{kind}"], key) is not None

    def class_conditions(self, row: Object[GatewayClassSpec]) -> tuple[Condition, ...]:
        """What is said of a GatewayClass of ours. For rules."""
        wrong = wrong_with(self._addresses_said(row.key))
        return class_conditions(row) if wrong is None else (wrong,)

    def is_dedicated(self, gateway: ObjectKey) -> bool:
        """Whether a Gateway of ours has addresses of its own; in a folder, without Services, none has. For rules."""
        return self._in_cluster and self._addresses_of(gateway) == DEDICATED

    def wish_of(self, listener: Listener) -> ir.Wish | None:
        """The name that a listener may have with somebody of another API. For rules.

        A wide name has many hosts, and so has a listener without one: whoever has one of them is not asked.
        """
        spec = listener.spec
        if spec.protocol not in SPEAKING_HTTP or not listener.opened or self.has_service(listener.gateway):
            return None
        if not spec.hostname or spec.hostname.startswith("*"):
            return None
        return ir.Wish(listener.opened, spec.hostname, listener.namespace, spec.protocol == "HTTPS")

    def is_provisioned(self, gateway: ObjectKey) -> bool:
        """Whether a Gateway of ours has pods of its own, which are others than we are. For rules."""
        return self._in_cluster and self._addresses_of(gateway) == PROVISIONED

    def has_service(self, gateway: ObjectKey) -> bool:
        """Whether there is to be a Service for a Gateway of ours alone. For rules."""
        return self.is_dedicated(gateway) or self.is_provisioned(gateway)

    def may_be_made(self, gateway: Object[GatewaySpec]) -> bool:
        """Whether it is known what a Gateway asks to be made for it, by a class that is well. For rules."""
        of_class = read(self._classes, gateway.key)
        return gateway.spec is not None and of_class is not None and not of_class.stopped

    def own_ports(self, gateway: ObjectKey) -> frozenset[Port]:
        """The ports that the Service of a Gateway is to have. For rules."""
        return frozenset((read(self._own_ports, gateway) or {}).values())

    def refusal_of(self, gateway: Object[GatewaySpec]) -> Condition | None:
        """Why a Gateway of ours is not served as a whole, if it is not. For rules."""
        of_class = read(self._classes, gateway.key)
        if of_class is not None and of_class.stopped and gateway.spec is not None:
            return false("Accepted", "Invalid", of_class.stopped, "spec.gatewayClassName")
        return refusal_of(gateway)

    def _stopped(self, gateway: Object[GatewaySpec]) -> str:
        """The same in words, for its listeners; empty: it is served."""
        if gateway.spec is None:
            return UNREAD
        refusal = self.refusal_of(gateway)
        return HELD if gateway.is_held else refusal.message if refusal else ""

    def _read(self, key: ObjectKey, body: bytes) -> Object[GatewaySpec] | None:
        """A Gateway, if its class is ours; of one that cannot be read, that is all that is asked."""
        if read(self._classes, key) is None:
            return None
        return read_object(GatewaySpec, key, body, openings_of, unknown_openings)

    def _class_of(self, key: ObjectKey, body: bytes) -> _Class | None:
        if self._alone is not None and key != self._alone:
            return None
        spec = orjson.loads(body).get("spec")
        named = spec.get("gatewayClassName") if isinstance(spec, dict) else None
        found = next((of_class for name in _classes_in(named) if (of_class := read(self._names, name))), None)
        return found and replace(found, addresses=SHARED) if self._alone else found  # its Service leads to us, as it is

    def _addresses_of(self, gateway: ObjectKey) -> str | None:
        """Which addresses a Gateway has: where its class says what cannot be, those that it has."""
        found = read(self._classes, gateway)
        if found is None:
            return None
        if wrong_with(found.addresses) is None:
            return found.addresses
        way = self.ways.of(gateway)
        return PROVISIONED if way.is_provisioned else DEDICATED if way.targets else SHARED

    def _named(self, key: ObjectKey, row: Object[GatewayClassSpec]) -> dict[str, _Class]:
        accepted, name = self.class_conditions(row)[0], name_of(key)[1]
        wrong = f"{accepted.path} {accepted.message}".strip()
        said = "" if accepted.status == "True" else _OF_CLASS.format(name, wrong)
        return {name: _Class(self._addresses_said(key), said)}

    def _addresses_said(self, key: ObjectKey) -> str:
        said = read(self._addresses, key)
        return SHARED if said is None else said

    def _opened(self, gateway: ObjectKey) -> Callable[[ListenerSpec], int]:
        """The port of Envoy for each listener of a Gateway."""
        if not self.is_dedicated(gateway):
            return lambda spec: spec.port
        way = self.ways.of(gateway)
        targets = {} if way.is_provisioned else way.targets  # the ports that it had in pods of its own
        return lambda spec: targets.get(port_of(spec.protocol, spec.port), 0)

    def _wishes_of(self, row: Listener) -> dict[ir.Wish, bool]:
        wish = self.wish_of(row)
        return {wish: True} if wish is not None else {}

    def _own_port_of(self, _: ListenerKey, row: Listener) -> dict[ObjectKey, Port]:
        if row.spec.protocol not in KINDS or not self.has_service(row.gateway):
            return {}
        return {row.gateway: port_of(row.spec.protocol, row.spec.port)}

    def _apart(self, gateway: ObjectKey) -> tuple[ObjectKey, bool]:
        """The Gateway itself where it has pods of its own, and whether none of these serves yet."""
        is_apart = self.is_provisioned(gateway)
        return (gateway, not self.ways.serves(gateway)) if is_apart else ("", False)

    def _own_listeners(self, key: ObjectKey, row: Object[GatewaySpec]) -> dict[ListenerKey, Listener]:
        frontend = row.spec.tls.frontend if row.spec else Frontend()
        owner = Owner(row, key, (*row.age, key, 0), frontend, self._stopped(row), *self._apart(key))
        return _by_key(listeners_of(owner, declared(row), self._opened(key)))

    def _read_set(self, key: ObjectKey, body: bytes) -> ListenerSet | None:
        """A ListenerSet, if its Gateway is ours."""
        found = read_object(ListenerSetSpec, key, body, openings_of, unknown_openings)
        ref = found.spec.parent_ref if found.spec else parent_of(body)
        if ref is None or (ref.group, ref.kind) != (GROUP, "Gateway"):
            return None
        gateway = gateway_key(ref.namespace or found.namespace, ref.name)
        parent = read(self.all, gateway)
        return None if parent is None else ListenerSet(found, gateway, self._allows(parent, found.namespace))

    def _allows(self, gateway: Object[GatewaySpec], namespace: str) -> bool:
        """Whether a Gateway takes ListenerSets of a namespace."""
        allowed = gateway.spec.allowed_listeners.namespaces if gateway.spec else self._allowed_left(gateway.key)
        if allowed.source == "None":
            return False
        if allowed.source == "Selector":
            return allowed.selector is not None and selects(allowed.selector.wanted, self.labels_of(namespace))
        return allowed.source == "All" or namespace == gateway.namespace

    def _allowed_left(self, gateway: ObjectKey) -> ListenerNamespaces:
        """The same of a Gateway that cannot be read, whose ListenerSets keep their names as it does."""
        body = read(self.sources[GATEWAY], gateway)
        return ListenerNamespaces() if body is None else allowed_left(orjson.loads(body))

    def _listeners_of_set(self, row: ListenerSet) -> dict[ListenerKey, Listener]:
        gateway = read(self.all, row.gateway)
        if not row.is_allowed or gateway is None:
            return {}
        frontend = gateway.spec.tls.frontend if gateway.spec else Frontend()
        stopped = self._stopped(gateway) or (HELD if row.found.is_held else "" if row.found.spec else UNREAD)
        rank = (*gateway.age, gateway.key, 1, *row.found.age)
        owner = Owner(row.found, row.gateway, rank, frontend, stopped, *self._apart(row.gateway))
        return _by_key(listeners_of(owner, declared(row.found), self._opened(row.gateway)))


def declared(row: Object[GatewaySpec] | Object[ListenerSetSpec]) -> tuple[ListenerSpec, ...]:
    """The listeners of a Gateway or a ListenerSet, be it that no more of them can be read."""
    return row.spec.listeners if row.spec else row.left


def _classes_in(named: object) -> list[str]:
    """The names of classes in what may be none, so that a Gateway is told of it whose class is in a list."""
    given = named if isinstance(named, list) else [*named.values()] if isinstance(named, dict) else [named]
    return [name for name in given[:_MOST_CLASSES] if isinstance(name, str)]


def _taking(_: ObjectKey, row: Object[GatewaySpec]) -> dict[str, bool]:
    scope = row.spec.default_scope if row.spec else "None"
    return {scope: True} if scope != "None" else {}


def _by_key(listeners: Iterable[Listener]) -> dict[ListenerKey, Listener]:
    return {each.key: each for each in listeners}


def _places_of(row: Object[GatewaySpec] | Object[ListenerSetSpec]) -> tuple[Place, ...]:
    return places_of(row, row.spec.listeners if row.spec else ())


def _read_class(key: ObjectKey, body: bytes) -> Object[GatewayClassSpec] | None:
    """A GatewayClass that says that it is ours, whatever else is wrong with it.

    The API server lets none be without a controller. In a folder, of one that names none that can be read nobody knows
    whose it is: it is taken for ours, so that its Gateways are stopped and keep their names.
    """
    spec = orjson.loads(body).get("spec")
    named = spec.get("controllerName") if isinstance(spec, dict) else None
    return None if isinstance(named, str) and named != CONTROLLER else read_object(GatewayClassSpec, key, body)


def _port_of(_: ListenerKey, row: Listener) -> dict[int, str]:
    return {row.opened: row.called} if row.opened and row.spec.protocol != "UDP" and not row.apart else {}


def _labels_of(key: ObjectKey, body: bytes) -> dict[str, Mapping[str, str]]:
    metadata = metadata_of(orjson.loads(body)).value
    return {name_of(key)[1]: (metadata and metadata.labels) or FrozenMap()}
