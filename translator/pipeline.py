"""The map of the building: from the bytes of objects to resources and problems, table by table.

    files ----FileTables--------> certificates, texts
    objects --KubernetesTables--> Services, endpoints, certificates
            --ConsulTables------> endpoints
            --IngressTables-----> objects of Emissary's, which Ingresses become, and what clients are to be told of us
            --KnativeTables-----> the same of Knative's
            --EmissaryTables----> listeners, chains, routes (the IR), problems
            --GatewayTables-----> the same, of Gateway API, and statuses
            --XdsTables---------> resources

Another API is one more folder of tables that fills the same IR. Nothing here does I/O.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from translator.consul.tables import ConsulTables
from translator.decode import Problem
from translator.derived import bodies_by_kind, in_words, owner_of, told_of
from translator.emissary.own_ports import OwnPorts
from translator.emissary.tables import EmissaryTables
from translator.files.names import GROUP, Files, istio_files
from translator.files.tables import FileTables
from translator.gateway.tables import Gateways, GatewayTables
from translator.ingress.tables import IngressTables
from translator.ir import ConsulService, ObjectKey
from translator.knative.tables import KnativeTables
from translator.kubernetes.own_services import OwnServices
from translator.kubernetes.tables import KubernetesTables
from translator.options import Options
from translator.provenance import Provenance
from translator.resources import Resource
from translator.tables import Failure, Sweep, Table, Tables
from translator.xds.intent import Intent
from translator.xds.tables import XdsTables

SOURCES = "dragoman/"
"""Begins the keys under which the watcher tells of what it could not read: a file, a kind of a cluster."""


SECRETS: Final = "core/Secret/"
"""Begins the keys of Secrets."""

FILES: Final = GROUP
"""Begins the keys of files that objects name."""

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
        files = FileTables(self._tables, options.namespace)
        kubernetes = KubernetesTables(self._tables, files.istio, files.certificate)
        own = OwnPorts(options)
        consul = ConsulTables(self._tables, own.is_closed)
        ways_in = OwnServices(self._tables, kubernetes.sources["core/Service"], options)
        ingress = IngressTables(self._tables, kubernetes, ways_in, options)
        knative = KnativeTables(self._tables, kubernetes, ways_in, options)
        self._derived = self._tables.union("objects of others", ingress.of, knative.of)
        self._addresses = self._tables.union("addresses", ingress.addresses, knative.addresses)
        derived = bodies_by_kind(self._tables, self._derived)
        gateways = Gateways(self._tables)
        emissary = EmissaryTables(self._tables, kubernetes, files, consul, own, options, derived, gateways.wanted)
        gateway = GatewayTables(
            self._tables,
            gateways,
            kubernetes,
            ways_in,
            emissary.taken_ports,
            emissary.http_options,
            options,
        )
        self._of_gateways = gateway.statuses
        self.intent = intent = Intent(
            self._tables.union("listeners of all", emissary.listeners, gateway.listeners),
            self._tables.union("chains of all", emissary.chains, gateway.chains),
            self._tables.union("routes of all", emissary.routes, gateway.routes),
            self._tables.union("virtual hosts of all", emissary.hosts_of, gateway.hosts_of),
            emissary.filters,
            emissary.runtime,
        )
        xds = XdsTables(self._tables, intent, kubernetes, consul, options.index_from)
        self._routes = xds.routes
        self.provenance = Provenance(intent, kubernetes, files, xds)
        self._refusals = {SECRETS: kubernetes.refusals, FILES: files.refusals}
        self._sources: dict[str, Table[ObjectKey, bytes]] = {
            **kubernetes.sources,
            **files.sources,
            **consul.sources,
            **ingress.sources,
            **knative.sources,
            **emissary.sources,
            **gateway.sources,
        }
        self._problems = (
            *kubernetes.problems,
            files.problems,
            consul.problems,
            *ingress.problems,
            *knative.problems,
            *emissary.problems,
            *gateway.problems,
        )
        self._outputs = xds.outputs
        self._services_wanted = xds.consul_services
        self._files_wanted = emissary.files
        self._istio = istio_files(options.istio_secret_dir) if options.istio_secret_dir else None
        self.wanted_changes = 0

    def serves(self, key: ObjectKey) -> bool:
        """Whether objects of this kind are read at all."""
        return kind_of(key) in self._sources

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
        touched.update(sweep.changed(self._addresses))
        for table in self._problems:
            touched.update(map(owner_of, sweep.changed(table)))
        restated = frozenset(sweep.changed(self._of_gateways)) - touched
        return Update(resources, frozenset(touched), sweep.failures, restated)

    def were_scoped(self, chains: Mapping[str, bool | None]) -> None:
        """These chains have an index now, or have none any more (None): what has one keeps it a little longer."""
        if chains:
            self._tables.sweep({self._routes.was_scoped: chains})

    def problems(self, keys: Iterable[ObjectKey]) -> dict[ObjectKey, tuple[Problem, ...]]:
        """What is wrong with these objects now."""
        return {key: (*self._found(key), *self._of_derived(key)) for key in keys}

    def _found(self, key: ObjectKey) -> Iterator[Problem]:
        for table in self._problems:
            for problem in table.view().get(key, ()):
                message = in_words(problem.message)
                yield problem if message == problem.message else replace(problem, message=message)

    def _of_derived(self, key: ObjectKey) -> Iterator[Problem]:
        """What is wrong with the objects that another becomes, told where it says them."""
        for each in self._derived.view().get(key, ()):
            for problem in self._found(each):
                yield told_of(each, problem)

    def address_of(self, key: ObjectKey) -> bytes:
        """What the status of an Ingress is to say of where clients come in; empty where nothing is to be said."""
        return self._addresses.view().get(key, b"")

    def gateway_status_of(self, key: ObjectKey) -> bytes:
        """What the status of an object of Gateway API is to say, apart from Envoy's word; empty: nothing."""
        return self._of_gateways.view().get(key, b"")

    def what_if(self, objects: Mapping[ObjectKey, bytes | None], resource_key: str) -> Resource | None:
        """What one resource would be if these objects were so; everything is as before when this returns.

        A shard that there would not be any more, since others belong together then, is that shard all the same.
        """
        before = {key: self._sources[kind_of(key)].view().get(key) for key in objects if self.serves(key)}
        kind, _, name = resource_key.partition("/")
        shard = self._routes.shard(name) if kind == "route" else None
        try:
            self._sweep(objects)
            found = self.resource(resource_key)
            return self._routes.remade(shard) if shard and found is None else found
        finally:
            self._sweep(before)

    def services_wanted(self) -> tuple[ConsulService, ...]:
        """The services of Consul's that routes lead to."""
        return tuple(self._services_wanted.view())

    def files_wanted(self) -> tuple[Files, ...]:
        """The files that objects name, and those that the environment does.

        `wanted_changes` counts up when these, or the services, are others.
        """
        return (*self._files_wanted.view(), *((self._istio,) if self._istio else ()))

    def resource(self, key: str) -> Resource | None:
        """A resource as it is now, by `<type>/<name>`."""
        kind, _, name = key.partition("/")
        return next((table.view().get(name) for output, table in self._outputs.items() if output == kind), None)

    def resources(self) -> dict[str, Resource]:
        """All resources as they are now, by `<type>/<name>`."""
        return {f"{kind}/{name}": row for kind, table in self._outputs.items() for name, row in table.view().items()}

    def object(self, key: ObjectKey) -> bytes | None:
        """An object as it was last applied."""
        return self._sources[kind_of(key)].view().get(key) if self.serves(key) else None

    def _sweep(
        self, objects: Mapping[ObjectKey, bytes | None], refusals: Mapping[ObjectKey, str | None] = NO_REFUSALS
    ) -> Sweep:
        changes: dict[Table[ObjectKey, Any], dict[ObjectKey, Any]] = {
            table: {key: said for key, said in refusals.items() if key.startswith(begin)}
            for begin, table in self._refusals.items()
        }
        for key, body in objects.items():
            source = self._sources.get(kind_of(key))
            if source is not None:
                changes.setdefault(source, {})[key] = body
        sweep = self._tables.sweep(changes)
        self.wanted_changes += bool(sweep.changed(self._services_wanted) or sweep.changed(self._files_wanted))
        return sweep


def kind_of(key: ObjectKey) -> str:
    """`<group>/<Kind>` of an object key."""
    group, kind, _ = key.split("/", 2)
    return f"{group}/{kind}"
