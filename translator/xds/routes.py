"""The tables of routes: encoded once, joined into virtual hosts, and these into route configurations.

As a rule a chain has one route configuration. One with very many routes has an index and shards instead (see
`translator.xds.shards`), so that a change of a route costs Envoy no more than it would among few.

    routes --> encoded --+--> by virtual host --> virtual hosts ------------> a route configuration a chain
                         |         |                                     +--> its index
                         |     weights --> Scoping --> Plans --> shards --> their route configurations, scopes
                         +--> beginnings --> regions --+       |
                         +--> by piece <---------------+       +--> pieces
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field, replace
from typing import Any, Final

from envoyapi.config_route_v3 import Route, VirtualHost
from envoyapi.wire import Any as AnyMessage
from translator import ir
from translator.checks import SCOPE_HEADER
from translator.filters import DISCOVERED, NAMED, answers_at_once, inherited, names_of, switched_off
from translator.resources import Resource
from translator.tables import Table, Tables, every, read
from translator.values import dataclass
from translator.xds import scoped
from translator.xds.emptied import with_roots
from translator.xds.intent import Intent, RouteKey
from translator.xds.lately import Lately
from translator.xds.plans import Plans, Scoping, virtual_hosts_of
from translator.xds.regions import Regions, regions_of
from translator.xds.route import Counted, EncodedRoute, encode_route
from translator.xds.route_configuration import Head, encode_route_configuration, listed
from translator.xds.scoped import encode_led, encode_scope, encode_shared
from translator.xds.shards import (
    Bucket,
    Facts,
    Piece,
    Protocols,
    Shard,
    carries,
    index_name,
    index_of,
    is_large,
    weight_of,
)
from translator.xds.virtual_host import Behind, encode_virtual_host

_SOME: Final = ""
Encoded = tuple[EncodedRoute, ...]
Look = Callable[[Table[Any, Any], Any], Any]


@dataclass(frozen=True, slots=True)
class Indexed:
    """What all route configurations of a chain with an index have.

    `filters` are those that may run for some of its requests, and `inherited` is what its routes say to them that do
    not say it themselves; `refrained` is what these say to filters that other chains alone have on for all.
    """

    head: Head = field(default_factory=Head)
    filters: tuple[str, ...] = ()
    inherited: Mapping[str, AnyMessage] = field(default_factory=dict)
    refrained: bytes = b""


class RouteTables:
    """`configurations` and `scopes` are the resources, by their names."""

    def __init__(self, tables: Tables, intent: Intent, many: int, counted: Counted | None = None) -> None:
        """`many`: the routes of a chain from which on it has an index; down to half of that it keeps it.

        Below, two look-ups cost more than they save; and each change of the shape lets a chain's connections end.
        `counted`: under which name the requests for an object are counted, if they are.
        """
        self._lately = Lately()
        self._tables = tables
        self._intent = intent
        self._encoded = tables.each(
            "encoded routes",
            intent.routes,
            lambda _, routes: tuple(encode_route(each, counted) for route in routes for each in with_roots(route)),
        )
        self._by_host = tables.group("routes by virtual host", self._encoded, self._attach)
        self._weights = tables.each(
            "weights of virtual hosts", self._by_host, lambda _, members: weight_of(len(members))
        )
        self._scoping = scoping = Scoping(tables, intent, many, self._weights)
        self.scoped, self.was_scoped = scoping.scoped, scoping.was_scoped
        self._filters = self._filters_of_routes()
        self._heads = tables.each("heads of indexed chains", self.scoped, lambda name, _: self._head(name))
        self._declare_regions()
        facts = Facts(
            lambda host: read(self._weights, host) or 0, self._regions_of, lambda piece: read(self._changing, piece)
        )
        self._plans = plans = Plans(tables, scoping, facts)
        self.shards = plans.shards
        hosts = self._virtual_hosts()
        leading = self._leading(hosts)
        self.configurations: Table[str, Resource] = tables.union(
            "route resources",
            tables.each("route configurations", intent.chains, lambda name, chain: self._whole(name, chain, hosts)),
            tables.each("shard resources", self.shards, lambda _, shard: self._shard_resource(shard)),
            tables.each("index resources", plans.indexes, lambda name, chain: self._index(name, chain, leading)),
        )
        self.scopes: Table[str, Resource] = tables.union(
            "scope resources",
            tables.each("scopes of shards", self.shards, lambda name, _: encode_scope(name)),
            tables.each("scopes of indexes", plans.indexes, lambda name, _: encode_scope(name)),
        )

    def index_of(self, chain: str) -> str | None:
        """Where the requests of a chain are looked up first, if they are looked up twice. For rules."""
        return index_name(chain) if read(self.scoped, chain) else None

    # -- which chains

    def _attach(self, key: RouteKey, rows: Encoded) -> dict[str, Encoded]:
        hosts = read(self._intent.hosts_of, key) or ()
        return dict.fromkeys(hosts, rows)

    def _filters_of_routes(self) -> Table[str, bool]:
        """The filters that some route has on, be it none of a chain with an index: these come and go less often."""
        users = self._tables.group(
            "filters of routes",
            self._intent.routes,
            lambda _, routes: names_of([value for route in routes for value in route.filters]),
        )
        return self._tables.each("filters that routes have on", users, lambda _, __: True)

    def _head(self, name: str) -> "Indexed":
        chain = read(self._intent.chains, name)
        body = chain.body if chain else None
        if not isinstance(body, ir.HttpChain):
            raise TypeError(f"chain {name} has no routes: it does not speak HTTP")
        used = every(self._filters)
        may_run = tuple(sorted({*used, *names_of(body.filters)}))
        acting = [each for each in may_run if each in DISCOVERED or NAMED[each].acts_idle]
        others = [each for each in acting if each not in names_of(body.filters)]
        refrained = Route(typed_per_filter_config=switched_off(others))
        return Indexed(_head_of(body), may_run, inherited(self._for_all(used)), refrained)

    def _for_all(self, used: Iterable[str]) -> Iterator[Any]:
        """What filters are configured with that are always on, where an index has them wait for what a route says."""
        for name in sorted(used):
            row = read(self._intent.filters, name) if NAMED[name].always_on else None
            if row is not None:
                yield row.value

    # -- what stands where

    def _declare_regions(self) -> None:
        """Regions of the paths of large virtual hosts, and which routes are in each."""
        tables = self._tables
        carried = tables.group(
            "virtual hosts with routes behind an index",
            self._scoping.behind,
            lambda _, hosts: {host.name: True for host in hosts if carries(host)},
        )
        large = tables.each(
            "large virtual hosts", carried, lambda name, _: True if is_large(read(self._weights, name) or 0) else None
        )
        any_large = tables.group("all large virtual hosts", large, lambda _, __: {_SOME: True})
        self._large, self._some_are_large = large, tables.each("a host is large", any_large, lambda _, __: True)
        of_large: Table[RouteKey, Encoded] = tables.each(
            "routes where a host is large",
            self._encoded,
            lambda _, rows: rows if read(self._some_are_large, _SOME) else None,
        )
        beginnings = tables.group("beginnings by large virtual host", of_large, self._beginnings)
        regions = tables.each(
            "regions", beginnings, lambda _, members: regions_of([text for texts in members.values() for text in texts])
        )
        self._split = tables.each(
            "split virtual hosts", regions, lambda _, found: found if len(found.all) > 1 else None
        )
        self._by_piece = tables.group("routes by piece", of_large, self._pieces)
        changing = tables.group("routes that change protocols", self._encoded, self._protocols)
        self._changing: Table[Piece, Protocols] = tables.each(
            "protocols",
            changing,
            lambda _, members: tuple(sorted({name for some in members.values() for name in some})),
        )

    def _regions_of(self, host: str) -> Regions | None:
        """The regions of a virtual host that has several."""
        return read(self._split, host) if is_large(read(self._weights, host) or 0) else None

    def _beginnings(self, key: RouteKey, rows: Encoded) -> dict[str, tuple[str, ...]]:
        return dict.fromkeys(self._large_of(key), tuple([row.place.beginning for row in rows]))

    def _large_of(self, key: RouteKey) -> list[str]:
        """The large virtual hosts of some routes."""
        if not read(self._some_are_large, _SOME):
            return []
        return [host for host in read(self._intent.hosts_of, key) or () if read(self._large, host)]

    def _pieces(self, key: RouteKey, rows: Encoded) -> dict[Piece, Encoded]:
        found: dict[Piece, list[EncodedRoute]] = {}
        for host in self._large_of(key):
            regions = read(self._split, host)
            placed = [(prefix, row) for row in rows for prefix in regions.of(row.place.beginning)] if regions else []
            for prefix, row in placed:
                found.setdefault(Piece(host, prefix), []).append(row)
        return {piece: tuple(some) for piece, some in found.items()}

    def _protocols(self, key: RouteKey, rows: Encoded) -> dict[Piece, Protocols]:
        protocols = tuple(dict.fromkeys([each for row in rows for each in row.protocols]))
        if not protocols:
            return {}
        found: dict[Piece, Protocols] = {Piece(host): protocols for host in read(self._intent.hosts_of, key) or ()}
        return found | dict.fromkeys(self._pieces(key, rows), protocols)

    # -- what plans make

    def _virtual_hosts(self) -> Table[ir.VirtualHost, VirtualHost]:
        """Those that stand whole in a route configuration, or in an index."""
        whole: Table[ir.VirtualHost, Mapping[Any, bool]] = self._tables.group(
            "virtual hosts of whole chains",
            self._intent.chains,
            lambda name, chain: {} if read(self.scoped, name) else dict.fromkeys(virtual_hosts_of(chain), True),
        )
        direct: Table[ir.VirtualHost, Mapping[Any, bool]] = self._tables.group(
            "virtual hosts of indexes", self._plans.buckets, lambda _, bucket: dict.fromkeys(bucket.direct, True)
        )
        wanted = self._tables.union("virtual hosts wanted", whole, direct)
        return self._tables.each("virtual hosts", wanted, lambda host, _: self._encode_whole(host))

    def _leading(self, hosts: Table[ir.VirtualHost, VirtualHost]) -> tuple[Table[str, Mapping[Any, bytes]], ...]:
        """What indexes say of virtual hosts, by their names: of those that share shards, and of others."""
        tables, plans = self._tables, self._plans
        shared = tables.each("led virtual hosts", plans.of_several, lambda _, shard: listed(encode_shared(shard)))
        apart = tables.each("led otherwise", plans.buckets, lambda at, row: self._apart(at[0], row, hosts) or None)
        return (
            tables.group("led by index", shared, lambda name, led: {index_of(name): led}),
            tables.group("led otherwise by index", apart, lambda at, led: {index_name(at[0]): led}),
        )

    def _apart(self, chain: str, row: Bucket, hosts: Table[ir.VirtualHost, VirtualHost]) -> bytes:
        """What an index says of virtual hosts that are split, or of which it has all that there is."""
        split = [encode_led(host, led) for host, led in row.split().items()]
        if not row.direct:
            return listed(split)
        common = read(self._heads, chain) or Indexed()
        direct = [
            scoped.staying(encoded, common.inherited)
            for host in row.direct
            if (encoded := read(hosts, host)) is not None
        ]
        return listed([*split, *direct])

    def _encode_whole(self, host: ir.VirtualHost) -> VirtualHost:
        rows = read(self._by_host, host.name) or {}
        return encode_virtual_host(host, [route for some in rows.values() for route in some])

    def _whole(self, name: str, chain: ir.FilterChain, hosts: Table[ir.VirtualHost, VirtualHost]) -> Resource | None:
        body = chain.body
        if not isinstance(body, ir.HttpChain) or read(self.scoped, name):
            return None
        found = [encoded for host in body.virtual_hosts if (encoded := read(hosts, host)) is not None]
        return encode_route_configuration(name, _head_of(body), listed(found))

    def _shard_resource(self, shard: Shard, look: Look = read) -> Resource:
        """The routes of a shard; `look` finds rows, for rules or for others."""
        common = look(self._heads, shard.chain) or Indexed()
        said = Route(typed_per_filter_config=common.inherited)
        of_answers = said + Route(typed_per_filter_config=answers_at_once(common.filters))
        hosts = [
            self._lately.encoded(
                part.piece,
                part.host,
                self._routes_of(part.piece, look),
                Behind(part.protocols, common.filters, said, of_answers, common.refrained),
            )
            for part in shard.parts
        ]
        return encode_route_configuration(shard.name, replace(common.head, forgets=SCOPE_HEADER), listed(hosts))

    def _routes_of(self, piece: Piece, look: Look = read) -> list[EncodedRoute]:
        rows = look(self._by_host, piece.host) if piece.region is None else look(self._by_piece, piece)
        return [route for some in (rows or {}).values() for route in some]

    def _index(self, name: str, chain: str, leading: Iterable[Table[str, Mapping[Any, bytes]]]) -> Resource:
        common = read(self._heads, chain) or Indexed()
        led = [text for table in leading for _, text in sorted((read(table, name) or {}).items())]
        return encode_route_configuration(name, replace(common.head, may_run=common.filters), b"".join(led))

    # -- for others than rules

    def shard(self, name: str) -> Shard | None:
        """The shard of a route configuration."""
        return self.shards.view().get(name)

    def indexes(self) -> dict[str, str]:
        """The chains that have an index, and its name."""
        return {chain: index_name(chain) for chain in self.scoped.view()}

    def keys_of(self, host: str) -> tuple[RouteKey, ...]:
        """Whose routes a virtual host has."""
        return tuple(self._by_host.view().get(host, ()))

    def remade(self, shard: Shard) -> Resource:
        """What a shard that was would be, made of what there is now."""
        return self._shard_resource(shard, lambda table, key: table.view().get(key))

    def made_of(self, name: str) -> tuple[str, tuple[ir.VirtualHost, ...], Iterator[RouteKey]] | None:
        """The chain of a route configuration, its virtual hosts, and whose routes are in it; None: there is none."""
        shard, indexed = self.shards.view().get(name), self._plans.indexes.view().get(name)
        if shard is not None:
            return (
                shard.chain,
                tuple([part.host for part in shard.parts]),
                self._keys_of(part.piece for part in shard.parts),
            )
        chain = self._intent.chains.view().get(indexed or name)
        if chain is None:
            return None
        hosts = tuple(virtual_hosts_of(chain))
        whole = [host for host in hosts if not carries(host)] if indexed else hosts
        return chain.name, hosts, self._keys_of(Piece(host.name) for host in whole)

    def _keys_of(self, pieces: Iterable[Piece]) -> Iterator[RouteKey]:
        for piece in pieces:
            whole = piece.region is None
            yield from self._by_host.view().get(piece.host, ()) if whole else self._by_piece.view().get(piece, ())


def _head_of(body: ir.HttpChain) -> Head:
    return Head(body.filters, body.http3_port, any_port=body.any_port)
