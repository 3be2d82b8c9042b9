r"""The map of Gateway API: every table from its objects to the IR, and to their statuses.

GatewayClass -> classes --+
Gateway ---------------> gateways --> listeners --> ports settled --> verdicts --> served --> chains, listeners
ReferenceGrant -> grants            |                                    ^            |
HTTPRoute, GRPCRoute --> routes ----+-> attachments --> names ------------------------+
                            |               |       \-> attached (how many)
                            +-> understood -+--> routes, hosts_of
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from translator import ir
from translator.decode import FrozenMap, Problem
from translator.gateway.attachment import Attachment, Place, attach, places_of
from translator.gateway.backends import Backends
from translator.gateway.chains import Served, chain_of, listener_name, overlapping, virtual_host_name
from translator.gateway.conditions import Condition
from translator.gateway.grants import Grants
from translator.gateway.kinds.gateway import GatewaySpec
from translator.gateway.kinds.gateway_class import GatewayClassSpec
from translator.gateway.kinds.grpc_route import GRPCRouteSpec
from translator.gateway.kinds.http_route import HTTPRouteSpec
from translator.gateway.kinds.reference_grant import ReferenceGrantSpec
from translator.gateway.kinds.shared import Object, ParentRef, read_object
from translator.gateway.listeners import Claim, Listener, ListenerKey, Refusal, claim_of, listeners_of, settle
from translator.gateway.matches import order
from translator.gateway.names import (
    CONTROLLER,
    GATEWAY,
    GATEWAY_CLASS,
    GROUP,
    GRPC_ROUTE,
    HTTP_ROUTE,
    NAME_LABEL,
    NAMESPACE,
    REFERENCE_GRANT,
    gateway_key,
)
from translator.gateway.problems import problems_of
from translator.gateway.rules import variants
from translator.gateway.statuses import (
    Addresses,
    addresses_of,
    class_conditions,
    class_status,
    gateway_conditions,
    gateway_status,
    given,
    refusal_of,
    route_status,
)
from translator.gateway.termination import Terminations
from translator.gateway.understanding import Understanding, Understood
from translator.gateway.verdicts import Verdict, judge
from translator.ir import ObjectKey
from translator.kubernetes.own_services import OwnServices
from translator.kubernetes.shapes import metadata_of
from translator.kubernetes.tables import KubernetesTables, name_of
from translator.options import Options
from translator.tables import Table, Tables, read

HELD: Final = "Envoy refused its Gateway"
Route = Object[Any]
Problems = Table[ObjectKey, tuple[Problem, ...]]


class Gateways:
    """GatewayClasses and Gateways that are ours, as they were read.

    `wanted` are the ports that they want, by number: who opens ports without being asked leaves these alone.
    """

    def __init__(self, tables: Tables) -> None:
        classes: Table[ObjectKey, bytes] = tables.source("gateway class objects")
        gateways: Table[ObjectKey, bytes] = tables.source("gateway objects")
        self.sources: Mapping[str, Table[ObjectKey, bytes]] = {GATEWAY_CLASS: classes, GATEWAY: gateways}
        self.classes = tables.each(
            "gateway classes", classes, lambda key, body: _ours(read_object(GatewayClassSpec, key, body))
        )
        accepted = tables.group("gateway classes by name", self.classes, _accepted)
        self._names: Table[str, bool] = tables.each("names of gateway classes", accepted, lambda _, __: True)
        self.all: Table[ObjectKey, Object[GatewaySpec]] = tables.each("gateways", gateways, self._read)
        ports = tables.group("ports of gateways", self.all, _ports_of)
        self.wanted: Table[int, bool] = tables.each("ports that gateways want", ports, lambda _, __: True)

    def _read(self, key: ObjectKey, body: bytes) -> Object[GatewaySpec] | None:
        """A Gateway, if its class is ours; of one that cannot be read, that is all that is asked."""
        spec = orjson.loads(body).get("spec")
        named = spec.get("gatewayClassName") if isinstance(spec, dict) else None
        if not isinstance(named, str) or not read(self._names, named):
            return None
        return read_object(GatewaySpec, key, body)


class GatewayTables:
    """Gateway API as IR.

    `sources` are the tables to fill, by `<group>/<Kind>`. Of the results, `listeners` and `chains` are by their names;
    `routes` by route and hostname as it was written, with `hosts_of` the names of their virtual hosts; `statuses` are
    what the statuses of objects are to say, as JSON, and `problems` what is wrong with them, both by object key.
    """

    def __init__(
        self,
        tables: Tables,
        gateways: Gateways,
        kubernetes: KubernetesTables,
        own: OwnServices,
        taken: Table[int, str],
        common: Callable[[], ir.HttpOptions],
        options: Options,
    ) -> None:
        """`taken` are the ports that others have, with who that is; `common` is how HTTP is spoken everywhere."""
        self._tables = tables
        self._gateways = gateways
        self._own = own
        self._taken = taken
        self._common = common
        self._options = options
        kinds = (HTTP_ROUTE, GRPC_ROUTE, REFERENCE_GRANT, NAMESPACE)
        objects: dict[str, Table[ObjectKey, bytes]] = {kind: tables.source(f"{kind} objects") for kind in kinds}
        self.sources: Mapping[str, Table[ObjectKey, bytes]] = {**gateways.sources, **objects}
        labels = tables.group("labels of namespaces by name", objects[NAMESPACE], _labels_of)
        self._labels = tables.each("labels of namespaces", labels, lambda _, them: them[min(them)])
        grants_read = tables.each(
            "reference grants", objects[REFERENCE_GRANT], lambda key, body: read_object(ReferenceGrantSpec, key, body)
        )
        grants = Grants(tables, grants_read)
        routes: Table[ObjectKey, Route] = tables.union(
            "routes of gateways",
            tables.each("HTTP routes", objects[HTTP_ROUTE], lambda key, body: read_object(HTTPRouteSpec, key, body)),
            tables.each("GRPC routes", objects[GRPC_ROUTE], lambda key, body: read_object(GRPCRouteSpec, key, body)),
        )
        self._terminations = Terminations(kubernetes, grants)
        self._declare_attachments(routes)
        verdicts = self._declare_verdicts()
        self._declare_chains(verdicts)
        understanding = Understanding(Backends(kubernetes, grants))
        self._understood: Table[ObjectKey, Understood] = tables.each(
            "routes of gateways understood",
            self._attachments,
            lambda key, _: understanding.understand(route) if (route := read(routes, key)) else None,
        )
        self._declare_routes(routes)
        self._declare_statuses(verdicts)
        self.problems: tuple[Problems, ...] = (
            tables.each("gateway class problems", gateways.classes, lambda _, row: _told(row, class_conditions(row))),
            tables.each("reference grant problems", grants_read, lambda _, row: _told(row, ())),
            tables.each("gateway problems", gateways.all, self._gateway_problems),
            tables.each("route problems", routes, self._route_problems),
        )

    # -- routes and listeners

    def _declare_attachments(self, routes: Table[ObjectKey, Route]) -> None:
        tables = self._tables
        self._places: Table[ObjectKey, tuple[Place, ...]] = tables.each(
            "gateways for routes", self._gateways.all, lambda _, row: places_of(row)
        )
        self._attachments: Table[ObjectKey, tuple[Attachment, ...]] = tables.each(
            "attachments", routes, lambda _, route: tuple(self._attach(route)) or None
        )
        names = tables.group("names of routes", self._attachments, lambda _, row: _names_of(row))
        named = tables.each("hostnames of routes", names, lambda _, __: True)
        self._names = tables.group("hostnames by listener", named, lambda name, _: {(name[0], name[1]): name[2]})

    def _attach(self, route: Route) -> Iterator[Attachment]:
        if route.spec is None:
            return
        for number, ref in enumerate(route.spec.parent_refs):
            places = self._places_of(route, ref)
            if places is not None:
                path = f"spec.parentRefs[{number}]"
                yield attach(route.kind, route.namespace, route.spec.hostnames, ref, places, self._labels_of, path)

    def _places_of(self, route: Route, ref: ParentRef) -> tuple[Place, ...] | None:
        """The listeners of a parent; None: it is not ours."""
        if (ref.group, ref.kind) != (GROUP, "Gateway"):
            return None
        return read(self._places, gateway_key(ref.namespace or route.namespace, ref.name))

    def _labels_of(self, namespace: str) -> Mapping[str, str]:
        labels = read(self._labels, namespace)
        return {**labels, NAME_LABEL: namespace} if labels else {NAME_LABEL: namespace}

    # -- listeners

    def _declare_verdicts(self) -> Table[ListenerKey, Verdict]:
        tables = self._tables
        found = tables.group("listeners of gateways listed", self._gateways.all, _listeners_by_key)
        listeners: Table[ListenerKey, Listener] = tables.each(
            "listeners of gateways", found, lambda _, them: next(iter(them.values()))
        )
        claims = tables.group("claims of ports", listeners, _claims_of)
        self._settled: Table[int, Mapping[ListenerKey, Refusal]] = tables.each(
            "ports of gateways settled", claims, lambda port, them: settle(them, port, read(self._taken, port)) or None
        )
        return tables.each("listeners judged", listeners, lambda _, row: self._judge(row))

    def _judge(self, listener: Listener) -> Verdict:
        refusal = (read(self._settled, listener.spec.port) or {}).get(listener.key)
        ended = self._terminations.of(listener) if listener.spec.protocol == "HTTPS" else None
        return judge(listener, refusal, ended)

    def _declare_chains(self, verdicts: Table[ListenerKey, Verdict]) -> None:
        tables = self._tables
        self._served: Table[ListenerKey, Served] = tables.each(
            "listeners served", verdicts, lambda _, row: _served(row)
        )
        self._by_port = tables.group("listeners served by port", self._served, lambda _, row: {row.port: row})
        wanted = tables.group("chains of gateways wanted", self._served, lambda _, row: {row.chain: row.port})
        self.chains: Table[str, ir.FilterChain] = tables.each(
            "chains of gateways",
            wanted,
            lambda name, them: self._chain(name, next(iter(them.values()))),
        )
        self.listeners: Table[str, ir.Listener] = tables.each(
            "listeners opened by gateways",
            tables.group("ports opened by gateways", self._served, lambda _, row: {listener_name(row.port): row}),
            self._listener,
        )

    def _chain(self, name: str, port: int) -> ir.FilterChain | None:
        served = read(self._by_port, port) or {}
        names = {
            key: tuple((read(self._names, key) or {}).values()) for key, row in served.items() if row.chain == name
        }
        return chain_of(name, port, served, names, self._common())

    def _listener(self, name: str, served: Mapping[ListenerKey, Served]) -> ir.Listener:
        port = next(iter(served.values())).port
        origins = tuple(sorted({key[0] for key in served}))
        address, more = self._options.bind_address, self._options.more_addresses
        return ir.Listener(name, address, port, origins=origins, more_addresses=more)

    # -- routes

    def _declare_routes(self, routes: Table[ObjectKey, Route]) -> None:
        tables = self._tables
        rows = tables.group("routes by hostname", self._understood, lambda key, row: self._rows(read(routes, key), row))
        self.routes: Table[str, tuple[ir.Route, ...]] = tables.each(
            "routes of gateways made", rows, lambda _, them: next(iter(them.values())).routes
        )
        self.hosts_of: Table[str, tuple[str, ...]] = tables.each(
            "virtual hosts of routes", rows, lambda _, them: next(iter(them.values())).hosts
        )

    def _rows(self, route: Route | None, understood: Understood) -> dict[str, "_Row"]:
        """The routes for each hostname as it was written; where redirects need to know it, for each listener's port."""
        if route is None or route.is_held:
            return {}
        apart = any(rule.depends_on_listener for rule in understood.rules)
        hosts: dict[tuple[str, tuple[str, int] | None], list[str]] = {}
        for attachment in read(self._attachments, route.key) or ():
            for spot in attachment.spots:
                served = read(self._served, spot.key)
                if served is None:
                    continue
                came_by = ("http" if served.tls is None else "https", spot.port)
                for name in spot.names:
                    host = virtual_host_name(spot.port, spot.listener, name.effective)
                    hosts.setdefault((name.original, came_by if apart else None), []).append(host)
        return {
            _row_name(route, *place): _Row(_routes(route, understood, *place), tuple(dict.fromkeys(sorted(names))))
            for place, names in hosts.items()
        }

    # -- what is said of objects

    def _declare_statuses(self, verdicts: Table[ListenerKey, Verdict]) -> None:
        tables = self._tables
        attached = tables.group("routes attached", self._attachments, self._attached)
        counts: Table[ListenerKey, int] = tables.each("routes attached counted", attached, lambda _, them: len(them))
        self._verdicts = tables.group("listeners judged by gateway", verdicts, lambda key, row: {key[0]: row})
        self._conditions: Table[ObjectKey, tuple[Condition, ...]] = tables.each(
            "conditions of gateways", self._gateways.all, self._gateway_conditions
        )
        self.statuses: Table[ObjectKey, bytes] = tables.union(
            "statuses of gateway api",
            tables.each(
                "statuses of gateway classes",
                self._gateways.classes,
                lambda _, row: class_status(class_conditions(row)),
            ),
            tables.each(
                "statuses of gateways", self._gateways.all, lambda key, row: self._gateway_status(key, row, counts)
            ),
            tables.each(
                "statuses of routes",
                self._attachments,
                lambda key, row: route_status(row, read(self._understood, key)),
            ),
        )

    def _attached(self, key: ObjectKey, attachments: tuple[Attachment, ...]) -> dict[ListenerKey, bool]:
        understood = read(self._understood, key)
        if understood is not None and understood.is_unserved:
            return {}
        return {spot.key: True for each in attachments for spot in each.spots}

    def _sorted(self, key: ObjectKey, row: Object[GatewaySpec]) -> list[Verdict]:
        found = {verdict.listener.spec.name: verdict for verdict in (read(self._verdicts, key) or {}).values()}
        return [found[each.name] for each in (row.spec.listeners if row.spec else ()) if each.name in found]

    def _addresses(self) -> Addresses:
        service = self._own.public() if self._options.in_cluster else None
        return addresses_of(orjson.loads(service.addresses)) if service is not None else ()

    def _gateway_conditions(self, key: ObjectKey, row: Object[GatewaySpec]) -> tuple[Condition, ...]:
        address = None
        if self._options.in_cluster:
            ours = self._addresses()
            address = given(row.spec.addresses if row.spec else (), ours)[1]
            if not ours:
                address = UNADDRESSED
        more = [FALLS_BACK] if row.spec and row.spec.tls.frontend.falls_back else []
        return gateway_conditions(refusal_of(row), self._sorted(key, row), address, more)

    def _overlaps(self, verdict: Verdict) -> tuple[Condition, ...]:
        own = read(self._served, verdict.listener.key)
        found = overlapping(own, read(self._by_port, own.port) or {}) if own is not None else None
        return (found,) if found is not None else ()

    def _gateway_status(
        self, key: ObjectKey, row: Object[GatewaySpec], counts: Table[ListenerKey, int]
    ) -> bytes | None:
        if row.spec is None:
            return None
        listeners = [
            verdict.json(read(counts, verdict.listener.key) or 0, self._overlaps(verdict))
            for verdict in self._sorted(key, row)
        ]
        addresses, _ = given(row.spec.addresses, self._addresses())
        conditions = read(self._conditions, key)
        return gateway_status(conditions or (), listeners, addresses)

    def _gateway_problems(self, key: ObjectKey, row: Object[GatewaySpec]) -> tuple[Problem, ...] | None:
        conditions = [*(read(self._conditions, key) or ())]
        for verdict in self._sorted(key, row):
            conditions += [verdict.accepted, *verdict.references]
        return _told(row, conditions)

    def _route_problems(self, key: ObjectKey, route: Route) -> tuple[Problem, ...] | None:
        conditions = [each.accepted for each in read(self._attachments, key) or ()]
        understood = read(self._understood, key)
        if understood is not None:
            conditions += [*understood.references, *understood.dropped]
        return _told(route, conditions)


@dataclass(frozen=True, slots=True)
class _Row:
    """Routes that belong together, and the names of their virtual hosts."""

    routes: tuple[ir.Route, ...]
    hosts: tuple[str, ...]


UNADDRESSED: Final = Condition(
    "Programmed", "False", "AddressNotAssigned", "no Service that leads to us has an address yet"
)


FALLS_BACK: Final = Condition(
    "InsecureFrontendValidationMode",
    "True",
    "ConfigurationChanged",
    "AllowInsecureFallback lets clients in that show any certificate, or none",
)


def _ours(found: Object[GatewayClassSpec]) -> Object[GatewayClassSpec] | None:
    return found if found.spec is not None and found.spec.controller_name == CONTROLLER else None


def _accepted(key: ObjectKey, row: Object[GatewayClassSpec]) -> dict[str, bool]:
    return {name_of(key)[1]: True} if class_conditions(row)[0].status == "True" else {}


def _ports_of(_: ObjectKey, row: Object[GatewaySpec]) -> dict[int, bool]:
    return {each.port: True for each in row.spec.listeners if each.protocol != "UDP"} if row.spec else {}


def _labels_of(key: ObjectKey, body: bytes) -> dict[str, Mapping[str, str]]:
    metadata = metadata_of(orjson.loads(body)).value
    return {name_of(key)[1]: (metadata and metadata.labels) or FrozenMap()}


def _listeners_by_key(_: ObjectKey, row: Object[GatewaySpec]) -> dict[ListenerKey, Listener]:
    refusal = refusal_of(row)
    stopped = HELD if row.is_held else refusal.message if refusal else ""
    return {each.key: each for each in listeners_of(row, stopped)}


def _claims_of(_: ListenerKey, listener: Listener) -> dict[int, Claim]:
    claim = claim_of(listener)
    return {listener.spec.port: claim} if claim is not None else {}


def _names_of(attachments: tuple[Attachment, ...]) -> dict[tuple[ObjectKey, str, str], bool]:
    """The hostnames that a route has, each with the listener."""
    return {(*spot.key, name.effective): True for each in attachments for spot in each.spots for name in spot.names}


def _served(row: Verdict) -> Served | None:
    listener = row.listener
    return Served(listener.key, listener.spec.port, listener.hostname, row.termination) if row.is_served else None


def _row_name(route: Route, original: str, came_by: tuple[str, int] | None) -> str:
    name = f"{route.kind}/{route.namespace}/{route.name}@{original or '*'}"
    return f"{name}:{came_by[1]}" if came_by else name


def _routes(
    route: Route, understood: Understood, original: str, came_by: tuple[str, int] | None
) -> tuple[ir.Route, ...]:
    name = _row_name(route, original, came_by)
    return tuple(
        [
            ir.Route(
                f"{name}/{each.name}",
                each.match,
                each.action,
                order(original, each.rank, route.age, (rule.place, *each.order[1:])),
                each.headers,
                (route.key,),
                each.filters,
            )
            for rule in understood.rules
            for each in variants(rule, came_by or ("http", 80))
        ]
    )


def _told(row: Object[Any], conditions: Any) -> tuple[Problem, ...] | None:
    return (*row.problems, *problems_of(conditions)) or None
