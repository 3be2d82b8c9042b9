"""Mappings as routes: from what each says, by groups of those alike, to routes and the names that they are served at.

Mapping -> members -> groups --+--> routes, hosts_of
             what Hosts serve -+
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from translator import ir
from translator.decode import Problem
from translator.emissary.association import Association, HostEntry
from translator.emissary.backends import Backends
from translator.emissary.filters import Filters
from translator.emissary.grouping import GroupKey, HostPattern
from translator.emissary.hosts import KEY_PREFIX
from translator.emissary.kinds.mapping import MappingSpec
from translator.emissary.mappings import Member, Understanding
from translator.emissary.objects import read_object
from translator.emissary.probes import probe_route
from translator.emissary.problems import Problems, ProblemsByObject, problems_found
from translator.emissary.reach import Reach
from translator.emissary.routes import group_problems, routes_of
from translator.emissary.settings import DIAGNOSTICS, PROBES, Settings
from translator.emissary.sharing import Sharing
from translator.fields.error_overrides import ErrorOverrides, files_of, problems_of_files
from translator.files.tables import FileTables
from translator.ir import ObjectKey
from translator.kubernetes.selectors import Selector
from translator.options import Options
from translator.tables import Table, Tables, read
from translator.values import dataclass

RouteKey = GroupKey
Served = tuple[HostEntry, ...]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What Hosts ask of a Mapping: the same for all of a group, and for very many groups."""

    pattern: HostPattern | None
    selectors: frozenset[Selector]


@dataclass(frozen=True, slots=True)
class Serving:
    """The Hosts that serve Mappings, those of them where requests for these can come to, and their names.

    `is_listened`: whether one of them is served itself.
    """

    hosts: Served = ()
    reached: Served = ()
    names: tuple[str, ...] = ()
    is_listened: bool = False


UNSERVED: Final = Serving()


@dataclass(frozen=True, slots=True)
class Beside:
    """What Mappings are understood by: `listened` are the names of Hosts that are served, by their keys."""

    settings: Settings
    backends: Backends
    association: Association
    sharing: Sharing
    filters: Filters
    files: FileTables
    reach: Reach
    listened: Table[ObjectKey, bool]


class MappingTables:
    """The routes of Mappings, and those of our own.

    `groups` (Mappings alike) and their `routes` (with their shares) are by group, `hosts_of` the names of the virtual
    hosts where a group can be asked for, `texts` the files that Mappings name.
    """

    def __init__(
        self,
        tables: Tables,
        objects: Table[ObjectKey, bytes],
        beside: Beside,
        options: Options,
    ) -> None:
        """`objects` are Mappings."""
        self._beside = beside
        self._options = options
        association, sharing = beside.association, beside.sharing
        understanding = Understanding(beside.settings, beside.backends, association, options)
        found = tables.each(
            "mappings read", objects, lambda key, body: read_object(MappingSpec, key, body, options.ambassador_id)
        )
        members = tables.each("mappings", found, understanding.understand)
        with_texts: Table[ObjectKey, ErrorOverrides] = tables.each(
            "mappings with texts",
            found,
            lambda _, row: row.value.error_response_overrides or None if row.value else None,
        )
        self.texts = tables.group("files of mappings", with_texts, lambda _, overrides: files_of(overrides))
        self.groups = groups = tables.group(
            "groups", members, lambda _, row: {row.member.group: row.member} if row.member else {}
        )
        asked = tables.group("hosts asked for", groups, lambda _, them: _host_asked_for(them))
        serving: Table[str, Serving] = tables.each(
            "hosts serving", asked, lambda _, them: self._serving(next(iter(them.values())))
        )
        routes = tables.each("routes of groups", groups, lambda _, them: self._routes(them, _read(serving, them)))
        probes = tables.constant("probes", {f"probe {name}": name for name, _, _ in PROBES})
        probe_routes = tables.each("routes of probes", probes, lambda _, name: self._probe(name))
        probe_hosts = tables.each("hosts of probes", probes, lambda _, __: (*association.everyone(), *sharing.all()))
        names = tables.each("host names of groups", groups, lambda _, them: _read(serving, them).names)
        self.routes = tables.union("routes", routes, probe_routes)
        self.hosts_of = tables.union("host names", names, probe_hosts)
        self.problems: tuple[Problems, ...] = (
            tables.each("mapping problems", members, lambda _, row: row.problems or None),
            tables.each("problems of mappings' files", with_texts, lambda _, overrides: self._file_problems(overrides)),
            problems_found(
                tables, "group problems", groups, lambda _, them: _group_problems(them, _read(serving, them))
            ),
        )

    def _file_problems(self, overrides: ErrorOverrides) -> tuple[Problem, ...] | None:
        return tuple(problems_of_files(overrides, "spec.error_response_overrides", self._beside.files.text)) or None

    def _serving(self, asked: _Asked) -> Serving:
        hosts = self._beside.association.hosts_of(asked.pattern, asked.selectors)
        reached = self._beside.reach.of(hosts, asked.pattern)
        return Serving(
            hosts,
            reached,
            tuple([name for host in reached for name in (host.name, *self._beside.sharing.also(host.name))]),
            any(read(self._beside.listened, KEY_PREFIX + host.name) is not None for host in hosts),
        )

    def _routes(self, members: Mapping[ObjectKey, Member], serving: Serving) -> tuple[ir.Route, ...] | None:
        if not serving.hosts:
            return None
        defaults = self._beside.settings.mapping_defaults()
        return routes_of(members, serving.reached, defaults, self._beside.filters.of_mapping) or None

    def _probe(self, name: str) -> tuple[ir.Route, ...] | None:
        probe = self._beside.settings.probes().get(name)
        if not probe:
            return None
        filters = () if name == DIAGNOSTICS else self._beside.filters.of_probes()
        return (replace(probe_route(name, probe, self._beside.backends, self._options), filters=filters),)


def _host_asked_for(members: Mapping[ObjectKey, Member]) -> dict[str, _Asked]:
    first = next(iter(members.values()))
    return {first.asks_hosts: _Asked(first.demands.host, first.selectors)}


def _read(serving: Table[str, Serving], members: Mapping[ObjectKey, Member]) -> Serving:
    return read(serving, next(iter(members.values())).asks_hosts) or UNSERVED


def _group_problems(members: Mapping[ObjectKey, Member], serving: Serving) -> ProblemsByObject:
    return group_problems(members, serving.hosts, is_reached=serving.is_listened)
