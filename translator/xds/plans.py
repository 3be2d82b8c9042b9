"""The tables of which chains have an index, and of how their virtual hosts stand in shards.

Nothing here goes through all virtual hosts of a chain for a change of one: they come in buckets
(`translator.ir.hosts`), each is settled by itself, and a shard is made of the buckets that it takes from. What is made
for a chain as a whole is made of one small value for each bucket.

    chains --> buckets --> loads --> chains with an index --> buckets behind it
                                                                     |
               facts of virtual hosts --> buckets placed <-----------+
                                            |   |
                                            |   +--> loads --> cuts --> shards of several
                                            +----------------------> shards of regions
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from translator import ir
from translator.ir.hosts import bucketed
from translator.tables import Table, Tables, read
from translator.xds.intent import Intent
from translator.xds.shards import Bucket, Facts, Load, Shard, buckets_of, carries, cuts_of, index_name, placed, together

Place = tuple[str, str]
"""A chain, and a bucket of its virtual hosts, or where their hashes are cut."""


class Scoping:
    """`scoped` are the chains with an index, and `behind` their buckets; `was_scoped` are those that had one."""

    def __init__(self, tables: Tables, intent: Intent, many: int, weights: Table[str, int]) -> None:
        """`many` and `weights` are as of `RouteTables`; a chain keeps its index down to half of `many`."""
        self._intent = intent
        self._many = many
        self._weights = weights
        buckets = tables.group("virtual hosts by bucket", intent.chains, self._buckets)
        loads = tables.each(
            "weights of buckets", buckets, lambda _, them: self._weight(next(iter(them.values()))) or None
        )
        self._loads = tables.group("weights of chains", loads, lambda at, weight: {at[0]: weight})
        self.was_scoped: Table[str, bool] = tables.source("chains that had an index")
        self.scoped: Table[str, bool] = tables.each("chains with an index", intent.chains, self._is_scoped)
        behind = tables.group("virtual hosts behind an index", self.scoped, lambda name, _: self._behind(name))
        self.behind: Table[Place, tuple[ir.VirtualHost, ...]] = tables.each(
            "buckets behind an index", behind, lambda _, them: next(iter(them.values()))
        )

    def _buckets(self, name: str, chain: ir.FilterChain) -> dict[Place, tuple[ir.VirtualHost, ...]]:
        hosts = virtual_hosts_of(chain)
        return {(name, bucket): some for bucket, some in hosts.buckets.items()} if isinstance(hosts, ir.Hosts) else {}

    def _weight(self, hosts: Iterable[ir.VirtualHost]) -> int:
        return sum([read(self._weights, name) or 0 for name in {host.name for host in hosts if carries(host)}])

    def _is_scoped(self, name: str, chain: ir.FilterChain) -> bool | None:
        """Whether a chain has an index; None for no, since a row that is not there wakes nobody."""
        hosts = virtual_hosts_of(chain)
        routes = sum((read(self._loads, name) or {}).values()) if isinstance(hosts, ir.Hosts) else self._weight(hosts)
        if 2 * routes < self._many:
            return None
        return True if routes >= self._many or read(self.was_scoped, name) else None

    def _behind(self, name: str) -> dict[Place, tuple[ir.VirtualHost, ...]]:
        chain = read(self._intent.chains, name)
        hosts = virtual_hosts_of(chain) if chain else ()
        buckets = hosts.buckets if isinstance(hosts, ir.Hosts) else bucketed(hosts)
        return {(name, bucket): some for bucket, some in buckets.items()}


class Plans:
    """`buckets` say what becomes of the virtual hosts behind an index, and `of_several` and `regions` are the shards.

    `indexes` are the chains of indexes, by the names of these.
    """

    def __init__(self, tables: Tables, scoping: Scoping, facts: Facts) -> None:
        self._facts = facts
        self.buckets: Table[Place, Bucket] = tables.each(
            "buckets placed", scoping.behind, lambda at, hosts: placed(*at, hosts, facts)
        )
        self._loads: Table[str, Mapping[Place, Load]] = tables.group(
            "loads of buckets", self.buckets, lambda at, row: {at[0]: row.load}
        )
        cuts = tables.each(
            "cuts of chains", self._loads, lambda _, loads: cuts_of({at[1]: load for at, load in loads.items()})
        )
        cut = tables.group("shards cut", cuts, lambda chain, them: {(chain, each): True for each in them})
        made = tables.each("shards of several hosts made", cut, lambda at, _: self._together(*at))
        self.of_several = self._by_name(tables, "shards of several hosts", made, lambda shard: (shard,))
        self.regions = self._by_name(tables, "shards of regions", self.buckets, lambda bucket: bucket.regions)
        self.shards: Table[str, Shard] = tables.union("shards", self.of_several, self.regions)
        named = tables.group("indexes listed", scoping.scoped, lambda chain, _: {index_name(chain): chain})
        self.indexes: Table[str, str] = tables.each("indexes", named, lambda _, them: next(iter(them.values())))

    def _together(self, chain: str, cut: str) -> Shard:
        buckets = [read(self.buckets, (chain, bucket)) for bucket in buckets_of(cut)]
        return together(chain, cut, [each for each in buckets if each is not None], self._facts)

    @staticmethod
    def _by_name(
        tables: Tables, name: str, parent: Table[Place, Any], shards: Callable[[Any], tuple[Shard, ...]]
    ) -> Table[str, Shard]:
        listed = tables.group(f"{name} listed", parent, lambda _, row: {shard.name: shard for shard in shards(row)})
        return tables.each(name, listed, lambda _, members: next(iter(members.values())))


def virtual_hosts_of(chain: ir.FilterChain) -> Sequence[ir.VirtualHost]:
    """The virtual hosts of a chain; none where it does not speak HTTP."""
    return chain.body.virtual_hosts if isinstance(chain.body, ir.HttpChain) else ()
