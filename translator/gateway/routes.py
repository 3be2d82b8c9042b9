"""The tables of routes: what they attach to, what they mean, and the rows of the IR that they become.

An object is small and what it becomes may be vast: matches, times backends that rewrite, times hostnames, times
listeners. Of one object that may be, by the API's limits, hundreds of megabytes in Envoy. So there is a most.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from translator import ir
from translator.decode import Problem
from translator.filters.address_rules import AddressRules
from translator.gateway.attachment import Attachment, Place, attach, is_named, unread, unserved
from translator.gateway.chains import bucket_of_name, virtual_host_name
from translator.gateway.gateways import Gateways
from translator.gateway.kinds.shared import Object, ParentRef
from translator.gateway.listeners import ListenerKey, Named
from translator.gateway.matches import order, order_beside
from translator.gateway.names import GROUP, PARENTS, PASSING
from translator.gateway.overriding import own_words
from translator.gateway.ports import Ports
from translator.gateway.route_policies import RoutePolicies
from translator.gateway.rules import Variant, most_variants, variants
from translator.gateway.treatment import Words
from translator.gateway.understanding import Understanding, Understood
from translator.ir import ObjectKey
from translator.kubernetes.tables import name_of
from translator.tables import Table, Tables, read
from translator.values import dataclass

Route = Object[Any]

MOST_ROUTES: Final = 10_000
"""Routes of Envoy that one object becomes: 128 matches, the most that one may have, for each of 78 hostnames."""

MOST_MEETINGS: Final = 100_000
"""Hostnames of a route, times the listeners that it names: so often it is looked what a name has in common with one."""


class Attachments:
    """`all` are what became of the parents of each route, by route; `names` the hostnames of routes.

    These are by listener, and by the buckets of their virtual hosts.
    """

    def __init__(self, tables: Tables, gateways: Gateways, routes: Table[ObjectKey, Route]) -> None:
        self._gateways = gateways
        self.all: Table[ObjectKey, tuple[Attachment, ...]] = tables.each(
            "attachments", routes, lambda _, route: tuple(self._attach(route)) or None
        )
        names = tables.group("names of routes", self.all, lambda _, row: _names_of(row))
        named = tables.each("hostnames of routes", names, lambda _, __: True)
        self.names: Table[tuple[ListenerKey, str], Mapping[Named, str]] = tables.group(
            "hostnames by listener", named, lambda name, _: {((name[0], name[1]), bucket_of_name(name[2])): name[2]}
        )

    def _attach(self, route: Route) -> Iterator[Attachment]:
        labels_of = self._gateways.labels_of
        hostnames = route.spec.hostnames if route.spec else route.left
        found = [(path, ref, self._places_of(route, ref)) for path, ref in self._refs_of(route)]
        ours = [(path, ref, places) for path, ref, places in found if places is not None]
        listeners = sum(is_named(place, ref) for _, ref, places in ours for place in places)
        most = MOST_MEETINGS // max(listeners, 1)
        for path, ref, places in ours:
            attached = attach(route.kind, route.namespace, hostnames[:most], ref, places, labels_of, path)
            if len(hostnames) > most:
                said = f"{len(hostnames):,} at {listeners:,} listeners are too many: split it, or name fewer listeners"
                attached = unserved(attached, said, "spec.hostnames")
            yield attached if route.spec else unread(attached, route.problems)

    def _refs_of(self, route: Route) -> Iterator[tuple[str, ParentRef]]:
        """What a route refers to, with the places: the parents that it names, and the Gateways that need no naming."""
        for number, ref in enumerate(route.parents):
            yield f"spec.parentRefs[{number}]", ref
        if not route.wants_defaults:
            return
        named = {
            (ref.group, ref.kind, ref.namespace or route.namespace, ref.name) for ref in route.parents if ref.is_whole
        }
        for key in read(self._gateways.defaults, "All") or ():
            namespace, name = name_of(key)
            if (GROUP, "Gateway", namespace, name) not in named:
                yield "spec.useDefaultGateways", ParentRef(namespace=namespace, name=name)

    def _places_of(self, route: Route, ref: ParentRef) -> tuple[Place, ...] | None:
        """The listeners of a parent; None: it is not ours."""
        if ref.group != GROUP or ref.kind not in PARENTS:
            return None
        return read(self._gateways.places, f"{PARENTS[ref.kind]}/{ref.namespace or route.namespace}/{ref.name}")


class Routes:
    """`understood` are the routes that attach to anything of ours; `routes` and `hosts_of` are the IR.

    `excess` are those of which nothing is served, since they would become too many, with what is said of it;
    `passing` those that are served and pass on what comes in as it is.
    """

    def __init__(
        self,
        tables: Tables,
        routes: Table[ObjectKey, Route],
        attachments: Attachments,
        ports: Ports,
        understanding: Understanding,
        policies: RoutePolicies,
    ) -> None:
        self._read = routes
        self._attachments = attachments.all
        self._ports = ports
        self._policies = policies
        self.understood: Table[ObjectKey, Understood] = tables.each(
            "routes of gateways understood",
            attachments.all,
            lambda key, _: understanding.understand(route) if (route := read(routes, key)) else None,
        )
        self.excess: Table[ObjectKey, str] = tables.each("routes that are too many", self.understood, self._excess)
        self.passing: Table[ObjectKey, Understood] = tables.each("routes that pass on", self.understood, self._passing)
        rows = tables.group("routes by hostname", self.understood, self._rows)
        self.routes: Table[str, tuple[ir.Route, ...]] = tables.each(
            "routes of gateways made", rows, lambda _, them: next(iter(them.values())).routes
        )
        self.hosts_of: Table[str, tuple[str, ...]] = tables.each(
            "virtual hosts of routes", rows, lambda _, them: next(iter(them.values())).hosts
        )
        attached = tables.group("routes attached", attachments.all, self._attached)
        self.counts: Table[ListenerKey, int] = tables.each(
            "routes attached counted", attached, lambda _, them: len(them)
        )

    def _rows(self, key: ObjectKey, understood: Understood) -> dict[str, "_Row"]:
        """The routes for each hostname as it was written, and for each of the circumstances that they depend on."""
        route = read(self._read, key)
        if route is None or route.is_held or route.kind in PASSING or read(self.excess, key) is not None:
            return {}
        apart = any(rule.depends_on_listener for rule in understood.rules)
        by_tls = any(rule.speaks_tls for rule in understood.rules)
        hosts: dict[_Circumstances, list[str]] = {}
        for attachment in read(self._attachments, key) or ():
            for spot in attachment.spots:
                served = read(self._ports.served, spot.key)
                if served is None:
                    continue
                came_by = ("http" if served.tls is None else "https", spot.port) if apart else None
                shown = read(self._ports.presented, served.gateway) if by_tls else None
                words = self._policies.of_listener(spot.key)
                for name in spot.names:
                    shared = served.shared
                    host = (
                        shared.virtual_host if shared else virtual_host_name(served.port, spot.listener, name.effective)
                    )
                    where = _Circumstances(name.original, came_by, shown.certificate if shown else None, words)
                    if shared:
                        where = replace(where, shared=spot.listener, addresses=self._policies.addresses_beside())
                    hosts.setdefault(where, []).append(host)
        return {
            where.row_name(route): _Row(_routes(route, understood, where), tuple(dict.fromkeys(sorted(names))))
            for where, names in hosts.items()
        }

    def told_by_policies(self, key: ObjectKey, understood: Understood) -> Iterator[Problem]:
        """The rules whose requests policies that cannot be used refuse, and what policies override. For rules."""
        generals = {
            self._policies.of_listener(spot.key) for each in read(self._attachments, key) or () for spot in each.spots
        }
        for rule in understood.rules:
            closed = {key for said in generals for key in rule.under(said).said.closed_by}
            if closed:
                named = sorted(policy.split("/", 2)[2] for policy in closed)
                said = f"is answered {503 if rule.of_calls else 500}, since a RoutePolicy that should guard it"
                yield Problem(
                    f"spec.rules[{rule.place}]", f"{said} cannot be used: see {', '.join(named)}", stops=False
                )
            yield from own_words(rule, [each.last for each in generals])

    def _passing(self, key: ObjectKey, understood: Understood) -> Understood | None:
        route = read(self._read, key)
        if route is None or route.is_held or route.kind not in PASSING or read(self.excess, key) is not None:
            return None
        attachments = read(self._attachments, key) or ()
        return understood if all(each.is_accepted for each in attachments if each.spots) else None

    def _excess(self, key: ObjectKey, understood: Understood) -> str | None:
        spots = [spot for each in read(self._attachments, key) or () for spot in each.spots]
        hosts = {(spot.key, name.effective) for spot in spots for name in spot.names}
        general = {spot.key: self._policies.of_listener(spot.key) for spot in spots}
        made = {
            said: sum(most_variants(rule.under(said)) for rule in understood.rules) or 1
            for said in set(general.values())
        }
        count = sum(made[general[listener]] for listener, _ in hosts)
        if count <= MOST_ROUTES:
            return None
        said = f"{count:,} routes for {len(hosts):,} hostnames of listeners, and at most {MOST_ROUTES:,} are served"
        return f"would become {said}: split it, or let it attach to fewer"

    def _attached(self, key: ObjectKey, attachments: tuple[Attachment, ...]) -> dict[ListenerKey, bool]:
        """The listeners where a route counts: where it is accepted."""
        understood = read(self.understood, key)
        if understood is None or understood.is_unserved or read(self.excess, key) is not None:
            return {}
        return {spot.key: True for each in attachments if each.is_accepted for spot in each.spots}


@dataclass(frozen=True, slots=True)
class _Row:
    """Routes that belong together, and the names of their virtual hosts."""

    routes: tuple[ir.Route, ...]
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Circumstances:
    """What routes depend on beside the object that they are of: a hostname as it was written, and more at need.

    That is how requests came in, where redirects must know it; what services are shown, where they speak TLS; what
    policies say of the listener; and the name that a listener shares with another API, whose routes they then stand
    among, and whose rules about addresses hold.
    """

    original: str
    came_by: tuple[str, int] | None
    presented: ir.SecretRef | None
    words: Words
    shared: str = ""
    addresses: AddressRules | None = None

    def row_name(self, route: Route) -> str:
        """The name of the routes."""
        name = f"{route.kind}/{route.namespace}/{route.name}@{self.original or '*'}"
        port = f":{self.came_by[1]}" if self.came_by else ""
        shown = f"!{self.presented.namespace}/{self.presented.name}" if self.presented else ""
        beside = f"+{self.shared}" if self.shared else ""
        policies = [policy.split("/", 2)[2] for policy in self.words.policies]
        return "~".join([f"{name}{port}{shown}{beside}", *policies])

    def order(self, route: Route, variant: Variant, path: ir.PathMatch) -> tuple[Any, ...]:
        """Where a route stands."""
        asked = (self.original, variant.rank, route.age, variant.order)
        return order_beside(self.shared, path, *asked) if self.shared else order(*asked)


def _names_of(attachments: tuple[Attachment, ...]) -> dict[Named, bool]:
    """The hostnames that a route has, each with the listener."""
    return {(*spot.key, name.effective): True for each in attachments for spot in each.spots for name in spot.names}


def _routes(route: Route, understood: Understood, where: _Circumstances) -> tuple[ir.Route, ...]:
    name = where.row_name(route)
    return tuple(
        [
            ir.Route(
                f"{name}/{each.name}",
                each.match,
                each.action,
                where.order(route, each, each.match.path),
                each.headers,
                (route.key, *understood.policies, *rule.said.policies),
                each.filters,
            )
            for rule in [
                each.under(where.words).within(where.addresses).presenting(where.presented) for each in understood.rules
            ]
            for each in variants(rule, where.came_by or ("http", 80))
        ]
    )
