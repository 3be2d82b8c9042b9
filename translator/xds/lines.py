"""Logs that are for some requests alone: a chain has those that its routes want, and no other chain has them.

A route that wants one is a row here, and others are none. So a chain is looked at again only where one of its virtual
hosts has a log more or less; that a route is told of, or is not, in a log that is there is the route's matter alone.

    routes --> logs by virtual host --+
    chains --> virtual hosts by bucket --> logs of buckets --> logs of chains --> chains with their logs

Virtual hosts are looked at a bucket at a time (`translator.ir.hosts`), so that one more is a matter of its bucket, and
nobody goes through all of a chain.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from translator import ir
from translator.filters.log_marks import LogMark
from translator.ir import ObjectKey
from translator.ir.hosts import bucketed
from translator.tables import Table, Tables, read

_Wanted = tuple[str, LogMark]
"""A virtual host by its name, and a log."""

_Place = tuple[str, str]
"""A chain, and a bucket of its virtual hosts."""

_Logs = frozenset[LogMark]

_ANY: Final = ""


def with_lines(
    tables: Tables,
    chains: Table[str, ir.FilterChain],
    own: Table[str, ir.FilterChain],
    routes: Table[str, tuple[ir.Route, ...]],
    hosts_of: Table[str, tuple[str, ...]],
) -> Table[str, ir.FilterChain]:
    """The chains with the logs that the routes of their virtual hosts want beside those for all.

    `own`: those of them that the virtual hosts of these routes are in.
    """

    def wanted_by(key: str, row: tuple[ir.Route, ...]) -> dict[_Wanted, bool]:
        marks = dict.fromkeys(_marks(row))
        return {(host, mark): True for host in read(hosts_of, key) or () for mark in marks} if marks else {}

    rows = tables.each("logs of virtual hosts", tables.group("logs of routes", routes, wanted_by), lambda _, __: True)
    by_host: Table[str, Mapping[_Wanted, bool]] = tables.group(
        "logs by virtual host", rows, lambda wanted, _: {wanted[0]: True}
    )
    there = tables.each("logs for some", tables.group("logs for any", rows, lambda _, __: {_ANY: True}), _is_there)
    of_chains = _logs_of_chains(tables, own, by_host, there)

    def with_its_own(name: str, chain: ir.FilterChain) -> ir.FilterChain:
        if not isinstance(chain.body, ir.HttpChain) or read(there, _ANY) is None:
            return chain
        found = read(of_chains, name)
        return _with(chain, chain.body, {mark for marks in found.values() for mark in marks}) if found else chain

    return tables.each("chains with their logs", chains, with_its_own)


def _logs_of_chains(
    tables: Tables,
    chains: Table[str, ir.FilterChain],
    by_host: Table[str, Mapping[_Wanted, bool]],
    there: Table[str, bool],
) -> Table[str, Mapping[_Place, _Logs]]:
    """The logs of each chain, by its buckets that have some."""

    def buckets(name: str, chain: ir.FilterChain) -> dict[_Place, tuple[ir.VirtualHost, ...]]:
        if not isinstance(chain.body, ir.HttpChain) or read(there, _ANY) is None:
            return {}
        hosts = chain.body.virtual_hosts
        by_bucket = hosts.buckets if isinstance(hosts, ir.Hosts) else bucketed(hosts)
        return {(name, bucket): some for bucket, some in by_bucket.items()}

    def logs(_: _Place, them: Mapping[str, tuple[ir.VirtualHost, ...]]) -> _Logs | None:
        (hosts,) = them.values()
        return frozenset([mark for host in hosts for _, mark in read(by_host, host.name) or ()]) or None

    placed = tables.group("virtual hosts that may have logs", chains, buckets)
    return tables.group(
        "logs of chains", tables.each("logs of buckets", placed, logs), lambda at, marks: {at[0]: marks}
    )


def _is_there(_: str, __: Mapping[_Wanted, bool]) -> bool:
    return True


def _marks(routes: tuple[ir.Route, ...]) -> Iterator[LogMark]:
    for route in routes:
        for each in route.filters:
            if isinstance(each, LogMark) and each.line is not None:
                yield each


def _with(chain: ir.FilterChain, body: ir.HttpChain, found: set[LogMark]) -> ir.FilterChain:
    lines = {each.mark: each.line for each in sorted(found, key=lambda each: each.mark)}
    policies: tuple[ObjectKey, ...] = tuple(sorted({each.policy for each in found} - set(chain.origins)))
    options = replace(body.options, features=(*body.options.features, *lines.values()))
    return replace(chain, body=replace(body, options=options), origins=(*chain.origins, *policies))
