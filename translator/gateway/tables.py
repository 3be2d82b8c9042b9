"""The map of Gateway API: every table from its objects to the IR, and to their statuses.

GatewayClass -> classes -> gateways, sets --> listeners --> ports settled --> verdicts --> served --> chains, listeners
ReferenceGrant -> grants       |                                                  |
HTTPRoute, GRPCRoute --> routes +-> attachments --> names, counts ----------------+
                            |               |                                     |
BackendTLSPolicy -----------+-> understood -+--> routes, hosts_of                 |
TLS-, TCP-, UDPRoute                        +--> passing -------------------------+
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from translator import ir
from translator.decode import Problem
from translator.files.names import Files
from translator.gateway.attachment import Attachment, unserved
from translator.gateway.backends import Backends
from translator.gateway.conditions import Condition
from translator.gateway.connections import Connections
from translator.gateway.dedicated import SELECTED_BY, Way, givable, wish
from translator.gateway.elsewhere import Elsewhere
from translator.gateway.gateways import Gateways, ListenerSet, declared
from translator.gateway.grants import Grants
from translator.gateway.kinds.gateway import GatewaySpec, Infrastructure, ListenerSpec
from translator.gateway.kinds.grpc_route import GRPCRouteSpec
from translator.gateway.kinds.http_route import HTTPRouteSpec
from translator.gateway.kinds.reference_grant import ReferenceGrantSpec
from translator.gateway.kinds.shared import Object, hostnames_of, read_object, unknown_hostnames
from translator.gateway.kinds.tcp_route import TCPRouteSpec
from translator.gateway.kinds.tls_route import TLSRouteSpec, names_of_connections
from translator.gateway.kinds.udp_route import UDPRouteSpec
from translator.gateway.listeners import port_of
from translator.gateway.names import (
    GRPC_ROUTE,
    HTTP_ROUTE,
    NAMESPACE,
    REFERENCE_GRANT,
    ROUTES,
    TCP_ROUTE,
    TLS_ROUTE,
    UDP_ROUTE,
)
from translator.gateway.own_policies import OwnPolicies
from translator.gateway.policies import TlsPolicies
from translator.gateway.policy_statuses import PolicyStatuses
from translator.gateway.ports import Ports
from translator.gateway.problems import problems_of
from translator.gateway.routes import Attachments, Route, Routes
from translator.gateway.statuses import (
    FALLS_BACK,
    NOT_ALLOWED,
    TAKES_DEFAULTS,
    UNADDRESSED,
    Addresses,
    addresses_of,
    class_status,
    gateway_conditions,
    gateway_status,
    given,
    route_status,
    set_conditions,
    set_status,
)
from translator.gateway.termination import Terminations
from translator.gateway.unclaimed import Unclaimed
from translator.gateway.understanding import Understanding
from translator.gateway.verdicts import Verdict
from translator.ir import ObjectKey
from translator.ir.ports import Port
from translator.kubernetes.own_services import OwnServices
from translator.kubernetes.shapes import misshapen
from translator.kubernetes.tables import KubernetesTables
from translator.options import Options
from translator.tables import Table, Tables, read

__all__ = ["GatewayTables", "Gateways"]

Problems = Table[ObjectKey, tuple[Problem, ...]]
Conditions = tuple[Condition, ...]
NOTHING: Final[Conditions] = ()


class GatewayTables:
    """Gateway API as IR.

    `sources` are the tables to fill, by `<group>/<Kind>`. Of the results, `listeners` and `chains` are by their names;
    `routes` by route and hostname as it was written, with `hosts_of` the names of their virtual hosts; `statuses` are
    what the statuses of objects are to say, as JSON, and `problems` what is wrong with them, both by object key.
    `files` are those that objects need.
    """

    def __init__(
        self,
        tables: Tables,
        gateways: Gateways,
        kubernetes: KubernetesTables,
        own: OwnServices,
        elsewhere: Elsewhere,
        options: Options,
    ) -> None:
        self._tables = tables
        self._gateways = gateways
        self._own = own
        self._options = options
        kinds = (*ROUTES.values(), REFERENCE_GRANT)
        objects: dict[str, Table[ObjectKey, bytes]] = {kind: tables.source(f"{kind} objects") for kind in kinds}
        grants_read = tables.each(
            "reference grants", objects[REFERENCE_GRANT], lambda key, body: read_object(ReferenceGrantSpec, key, body)
        )
        grants = Grants(tables, grants_read)
        routes: Table[ObjectKey, Route] = tables.union(
            "routes of gateways",
            tables.each(
                "HTTP routes",
                objects[HTTP_ROUTE],
                lambda key, body: read_object(HTTPRouteSpec, key, body, hostnames_of, unknown_hostnames),
            ),
            tables.each(
                "GRPC routes",
                objects[GRPC_ROUTE],
                lambda key, body: read_object(GRPCRouteSpec, key, body, hostnames_of, unknown_hostnames),
            ),
            tables.each(
                "TLS routes",
                objects[TLS_ROUTE],
                lambda key, body: read_object(TLSRouteSpec, key, body, names_of_connections, unknown_hostnames),
            ),
            tables.each("TCP routes", objects[TCP_ROUTE], lambda key, body: read_object(TCPRouteSpec, key, body)),
            tables.each("UDP routes", objects[UDP_ROUTE], lambda key, body: read_object(UDPRouteSpec, key, body)),
        )
        self._attachments = Attachments(tables, gateways, routes)
        terminations = Terminations(kubernetes, grants)
        policies = TlsPolicies(tables, kubernetes, terminations, options)
        own_policies = OwnPolicies(tables, gateways, elsewhere, options.ambassador_id)
        self.sources: Mapping[str, Table[ObjectKey, bytes]] = {
            **gateways.sources,
            **objects,
            **policies.sources,
            **own_policies.sources,
        }
        self.files: Table[Files, bool] = tables.union("files of gateways", policies.files, own_policies.routes.files)
        self._ports = ports = Ports(tables, gateways, self._attachments.names, terminations, elsewhere, options)
        self.listeners = ports.listeners
        self._taken = elsewhere.taken
        self._avoided: tuple[Table[str, Mapping[Any, int]], ...] = (
            tables.group("ports of others not to be given", elsewhere.taken, lambda port, _: givable(port[1])),
            tables.group(
                "ports of gateways not to be given",
                gateways.listeners,
                lambda _, row: {} if gateways.has_service(row.gateway) else givable(row.opened),
            ),
        )
        backends = Backends(kubernetes, grants, policies, own_policies.backends, elsewhere.leading_here)
        understanding = Understanding(backends, own_policies.routes)
        self._routes = Routes(tables, routes, self._attachments, ports, understanding, own_policies.routes)
        self.routes, self.hosts_of = self._routes.routes, self._routes.hosts_of
        connections = Connections(
            tables, routes, self._attachments.all, ports, self._routes.passing, elsewhere.tcp_logs
        )
        self.chains: Table[str, ir.FilterChain] = tables.union(
            "chains of gateways and connections", ports.chains, connections.chains
        )
        told = PolicyStatuses(tables, gateways, kubernetes, policies, self._attachments.all, self._routes.understood)
        own_policies.tell(kubernetes, routes, self._attachments.all)
        self._declare_statuses(routes, (told.statuses, *own_policies.statuses))
        self.problems: tuple[Problems, ...] = (
            tables.each(
                "gateway class problems", gateways.classes, lambda _, row: _told(row, gateways.class_conditions(row))
            ),
            tables.each("namespace problems", gateways.sources[NAMESPACE], lambda _, body: misshapen(body) or None),
            tables.each("reference grant problems", grants_read, lambda _, row: _told(row, ())),
            tables.each("gateway problems", gateways.all, self._gateway_problems),
            tables.each("listener set problems", gateways.sets, self._set_problems),
            tables.each("route problems", routes, self._route_problems),
            told.problems,
            *own_policies.problems,
            *((Unclaimed(tables, gateways, routes).problems) if not (options.in_cluster or options.gateway) else ()),
        )

    def _declare_statuses(self, routes: Table[ObjectKey, Route], policies: Iterable[Table[ObjectKey, bytes]]) -> None:
        tables, gateways = self._tables, self._gateways
        self._conditions: Table[ObjectKey, Conditions] = tables.each(
            "conditions of gateways", gateways.all, self._gateway_conditions
        )
        self._set_conditions: Table[ObjectKey, Conditions] = tables.each(
            "conditions of listener sets", gateways.sets, self._conditions_of_set
        )
        self._sets = tables.group("listener sets accepted", gateways.sets, self._accepted_set)
        self.statuses: Table[ObjectKey, bytes] = tables.union(
            "statuses of gateway api",
            tables.each(
                "statuses of gateway classes",
                gateways.classes,
                lambda _, row: class_status(gateways.class_conditions(row)),
            ),
            tables.each("statuses of gateways", gateways.all, self._gateway_status),
            tables.each("statuses of listener sets", gateways.sets, self._set_status),
            tables.each("statuses of routes", routes, lambda key, _: self._route_status(key)),
            *policies,
        )

    # -- Gateways

    def _gateway_conditions(self, key: ObjectKey, row: Object[GatewaySpec]) -> Conditions:
        address = None
        if self._options.in_cluster:
            ours, wanted = self._addresses(key), row.spec.addresses if row.spec else ()
            address = given(wanted, ours)[1] or (None if ours else UNADDRESSED)
        more = [FALLS_BACK] if row.spec and row.spec.tls.frontend.falls_back else []
        more += [TAKES_DEFAULTS] if row.spec and row.spec.default_scope == "All" else []
        presented = read(self._ports.presented, key)
        more += [presented.said] if presented is not None else []
        verdicts = self._sorted(key, declared(row))
        return gateway_conditions(self._gateways.refusal_of(row), verdicts, address, more)

    def _gateway_status(self, key: ObjectKey, row: Object[GatewaySpec]) -> bytes:
        addresses, _ = given(row.spec.addresses if row.spec else (), self._addresses(key))
        listeners = self._listeners(self._sorted(key, declared(row)))
        conditions, sets = read(self._conditions, key), read(self._sets, key)
        return gateway_status(conditions or (), listeners, addresses, len(sets) if sets else 0, self._service(key, row))

    def _gateway_problems(self, key: ObjectKey, row: Object[GatewaySpec]) -> tuple[Problem, ...] | None:
        conditions = read(self._conditions, key) or NOTHING
        return _told(row, (*conditions, *_of(self._sorted(key, declared(row)))))

    def _service(self, key: ObjectKey, row: Object[GatewaySpec]) -> dict[str, Any] | None:
        """The Service that a Gateway with addresses of its own is to have.

        Of one that cannot be read, or whose class is wrong, nobody knows what it asks for: it says of no pods, and so
        the Service stays as it is.
        """
        if not self._gateways.has_service(key):
            return None
        ways, ports = self._gateways.ways, self._gateways.own_ports(key)
        name, way, is_known = ways.name(key), ways.of(key), self._gateways.may_be_made(row)
        asked = (row.spec.infrastructure, row.spec.addresses) if row.spec else (Infrastructure(), ())
        if self._gateways.is_provisioned(key):
            is_there = ways.serves(key)
            way = Way({port: port[1] for port in way.targets} if is_there else {}, way.addresses, is_provisioned=True)
            return wish(name, row, ports, way, {SELECTED_BY: name} if is_known else {}, asked, ())
        kept = {port: to for port, to in way.targets.items() if self._is_free(port_of(port[0], to), name)}
        avoid = [to for port, to in way.targets.items() if port not in kept]
        if not ports <= kept.keys():  # else nothing is to be found, and nobody has to know what others have
            avoid += [number for table in self._avoided for number in (read(table, "") or {}).values()]
        pods = self._own.public() if is_known else None
        selector = orjson.loads(pods.selector) if pods is not None else {}
        return wish(name, row, ports, Way(kept, way.addresses), selector, asked, avoid)

    def _is_free(self, port: Port, service: str) -> bool:
        """Whether a port of Envoy that a Service leads to is nobody else's."""
        return read(self._taken, port) is None and self._gateways.ways.leading_to(port) == service

    def _addresses(self, gateway: ObjectKey) -> Addresses:
        """Those by which the clients of a Gateway come in."""
        if self._gateways.has_service(gateway) or self._options.gateway:
            return self._gateways.ways.of(gateway).addresses
        service = self._own.public() if self._options.in_cluster else None
        return addresses_of(orjson.loads(service.addresses)) if service is not None else ()

    # -- ListenerSets

    def _conditions_of_set(self, key: ObjectKey, row: ListenerSet) -> Conditions:
        if not row.is_allowed:
            return NOT_ALLOWED
        conditions = read(self._conditions, row.gateway) or NOTHING
        return set_conditions(conditions, self._sorted(key, declared(row.found)))

    def _accepted_set(self, key: ObjectKey, row: ListenerSet) -> dict[ObjectKey, bool]:
        conditions = read(self._set_conditions, key)
        return {row.gateway: True} if conditions and conditions[0].status == "True" else {}

    def _set_status(self, key: ObjectKey, row: ListenerSet) -> bytes:
        verdicts = self._sorted(key, declared(row.found))
        conditions = read(self._set_conditions, key)
        return set_status(conditions or (), self._listeners(verdicts))

    def _set_problems(self, key: ObjectKey, row: ListenerSet) -> tuple[Problem, ...] | None:
        conditions = read(self._set_conditions, key) or NOTHING
        verdicts = self._sorted(key, declared(row.found))
        return _told(row.found, (*conditions, *_of(verdicts)))

    # -- both, and routes

    def _sorted(self, key: ObjectKey, listeners: Iterable[ListenerSpec]) -> list[Verdict]:
        """What became of the listeners of a Gateway or a ListenerSet, in their order."""
        found = {name: verdict for (_, name), verdict in (read(self._ports.by_owner, key) or {}).items()}
        return [found[each.name] for each in listeners if each.name in found]

    def _listeners(self, verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
        return [
            each.json(read(self._routes.counts, each.listener.key) or 0, self._ports.overlaps(each))
            for each in verdicts
        ]

    def _route_status(self, key: ObjectKey) -> bytes:
        """Also of a route that has no parents of ours: it may have had some."""
        return route_status(self._attached(key), read(self._routes.understood, key))

    def _attached(self, key: ObjectKey) -> tuple[Attachment, ...]:
        """What became of the parents of a route; of one that is too large none took it."""
        found, said = read(self._attachments.all, key) or (), read(self._routes.excess, key)
        if said is None:
            return found
        return tuple([unserved(each, said) if each.spots else each for each in found])

    def _route_problems(self, key: ObjectKey, route: Route) -> tuple[Problem, ...] | None:
        conditions = [each.accepted for each in self._attached(key)]
        understood = read(self._routes.understood, key)
        if understood is None:
            return _told(route, conditions)
        told = _told(route, [*conditions, *understood.references, *understood.dropped]) or ()
        return (*told, *understood.unasked, *self._routes.told_by_policies(key, understood)) or None


def _of(verdicts: Iterable[Verdict]) -> list[Condition]:
    """What is said of listeners that people could mend."""
    return [condition for each in verdicts for condition in (each.accepted, *each.references)]


def _told(row: Object[Any], conditions: Iterable[Condition]) -> tuple[Problem, ...] | None:
    return (*row.problems, *problems_of(conditions)) or None
