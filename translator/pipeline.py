"""The map of the building: from the bytes of objects to resources and problems, table by table.

    objects --Apis------> listeners, chains, routes (the IR), problems
            --XdsTables-> resources

Nothing here does I/O.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from translator.apis import CONFIG_MAPS, FILES, SECRETS, Apis, kind_of
from translator.counting import counting
from translator.decode import Problem
from translator.derived import owner_of
from translator.files.names import Files
from translator.ir import ConsulService, ObjectKey
from translator.options import Options
from translator.provenance import Provenance
from translator.resources import Resource
from translator.tables import Failure, Sweep, Table, Tables
from translator.values import dataclass
from translator.xds.intent import Intent, RouteKey
from translator.xds.lines import with_lines
from translator.xds.tables import XdsTables

__all__ = ["CONFIG_MAPS", "FILES", "NO_REFUSALS", "SECRETS", "SOURCES", "Pipeline", "Update", "kind_of"]

SOURCES = "dragoman/"
"""Begins the keys under which the watcher tells of what it could not read: a file, a kind of a cluster."""

NO_REFUSALS: Final[Mapping[ObjectKey, str | None]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Update:
    """What one batch of changes brought: the resources that are different (None: gone), and whose problems may be.

    `restated` are those of which only more is to be said than before, such as how many routes are attached.
    """

    resources: Mapping[str, Resource | None]
    judged: frozenset[ObjectKey]
    failures: tuple[Failure, ...]
    restated: frozenset[ObjectKey] = frozenset()


class Pipeline:
    """All tables of the translator. `apply` is the only way in, `Update` the only way out."""

    def __init__(self, options: Options, step: Callable[[], None] = lambda: None) -> None:
        self._tables = Tables(step)
        self._apis = apis = Apis(self._tables, options)
        self.intent = intent = Intent(
            apis.listeners,
            # Of Mappings and Ingresses none wants a log of its own: they are not even looked at.
            with_lines(self._tables, apis.chains, apis.gateway.chains, apis.gateway.routes, apis.gateway.hosts_of),
            apis.routes,
            apis.hosts_of,
            apis.filters,
            apis.emissary.runtime,
        )
        xds = XdsTables(
            self._tables, intent, apis.kubernetes, apis.consul, options.index_from, counting(options.route_stats)
        )
        self._routes = xds.routes
        self.provenance = Provenance(intent, apis.kubernetes, apis.files, xds)
        self._outputs = xds.outputs
        self._services_wanted = xds.consul_services
        self.wanted_changes = 0

    def serves(self, key: ObjectKey) -> bool:
        """Whether objects of this kind are read at all."""
        return self._apis.serves(key)

    def unknown_kind(self, key: ObjectKey) -> Problem | None:
        """What is said of an object of a kind that is not read."""
        return self._apis.unknown_kind(key)

    def apply(
        self, objects: Mapping[ObjectKey, bytes | None], refusals: Mapping[ObjectKey, str | None] = NO_REFUSALS
    ) -> Update:
        """Bring everything up to date with these objects (None: gone). Objects of unknown kinds are left alone.

        `refusals`: what Envoy says of Secrets that it refuses (None: nothing any more), for whoever needs them.
        """
        sweep = self._sweep(objects, refusals)
        scoped = sweep.changed(self._routes.scoped)
        self.were_scoped(scoped)
        resources = {
            f"{kind}/{name}": row for kind, table in self._outputs.items() for name, row in sweep.changed(table).items()
        }
        touched = {key for key in objects if self.serves(key)}
        touched.update(sweep.changed(self._apis.addresses))
        for table in self._apis.problem_tables:
            touched.update(map(owner_of, sweep.changed(table)))
        restated = frozenset(sweep.changed(self._apis.gateway.statuses)) - touched
        return Update(resources, frozenset(touched), sweep.failures, restated)

    def were_scoped(self, chains: Mapping[str, bool | None]) -> None:
        """These chains have an index now, or have none any more (None): what has one keeps it a little longer."""
        if chains:
            self._tables.sweep({self._routes.was_scoped: chains})

    def problems(self, keys: Iterable[ObjectKey]) -> dict[ObjectKey, tuple[Problem, ...]]:
        """What is wrong with these objects now."""
        return self._apis.problems(keys)

    def address_of(self, key: ObjectKey) -> bytes:
        """What the status of an Ingress is to say of where clients come in; empty where nothing is to be said."""
        return self._apis.addresses.view().get(key, b"")

    def gateway_status_of(self, key: ObjectKey) -> bytes:
        """What the status of an object of Gateway API is to say, apart from Envoy's word; empty: nothing."""
        return self._apis.gateway.statuses.view().get(key, b"")

    def what_if(self, objects: Mapping[ObjectKey, bytes | None], resource_key: str) -> Resource | None:
        """What one resource would be if these objects were so; everything is as before when this returns.

        A shard that there would not be any more, since others belong together then, is that shard all the same.
        """
        before = {key: self._apis.sources[kind_of(key)].view().get(key) for key in objects if self.serves(key)}
        kind, _, name = resource_key.partition("/")
        shard = self._routes.shard(name) if kind == "route" else None
        try:
            self._sweep(objects)
            found = self.resource(resource_key)
            return self._routes.remade(shard) if shard and found is None else found
        finally:
            self._sweep(before)

    def rows_of(self, host: str) -> tuple[RouteKey, ...]:
        """The keys of the rows of routes that a virtual host has, by its name."""
        return self._routes.keys_of(host)

    def indexes(self) -> dict[str, str]:
        """The chains whose requests are looked up twice, and the scopes where they are looked up first."""
        return self._routes.indexes()

    def services_wanted(self) -> tuple[ConsulService, ...]:
        """The services of Consul's that routes lead to."""
        return tuple(self._services_wanted.view())

    def certificates_missed(self) -> frozenset[tuple[str, str]]:
        """The Secrets, by namespace and name, that somebody names and that are not there, or hold no certificate."""
        return self._apis.kubernetes.certificates_missed()

    def files_wanted(self) -> tuple[Files, ...]:
        """The files that objects name, and those that the environment does.

        `wanted_changes` counts up when these, or the services, are others.
        """
        return self._apis.files_wanted()

    def resource(self, key: str) -> Resource | None:
        """A resource as it is now, by `<type>/<name>`."""
        kind, _, name = key.partition("/")
        return next((table.view().get(name) for output, table in self._outputs.items() if output == kind), None)

    def resources(self) -> dict[str, Resource]:
        """All resources as they are now, by `<type>/<name>`."""
        return {f"{kind}/{name}": row for kind, table in self._outputs.items() for name, row in table.view().items()}

    def object(self, key: ObjectKey) -> bytes | None:
        """An object as it was last applied."""
        return self._apis.object(key)

    def _sweep(
        self, objects: Mapping[ObjectKey, bytes | None], refusals: Mapping[ObjectKey, str | None] = NO_REFUSALS
    ) -> Sweep:
        changes: dict[Table[ObjectKey, Any], dict[ObjectKey, Any]] = {
            table: {key: said for key, said in refusals.items() if key.startswith(begin)}
            for begin, table in self._apis.refusals.items()
        }
        changes |= self._apis.changes(objects)
        sweep = self._tables.sweep(changes)
        self.wanted_changes += bool(sweep.changed(self._services_wanted) or sweep.changed(self._apis.files_named))
        return sweep
