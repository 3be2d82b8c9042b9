"""What objects mean, and what is wrong with them: the tables of every API, without what is made of them for Envoy.

    files ----FileTables--------> certificates, texts
    objects --KubernetesTables--> Services, endpoints, certificates
            --ConsulTables------> endpoints
            --IngressTables-----> objects of Emissary's, which Ingresses become, and what clients are to be told of us
            --KnativeTables-----> the same of Knative's
            --EmissaryTables----> listeners, chains, routes (the IR), problems
            --StandardIngresses-> the same, of Ingresses as Kubernetes has them
            --GatewayTables-----> the same, of Gateway API, and statuses

Another API is one more folder of tables that fills the same IR. Nothing here does I/O.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from translator.consul.tables import ConsulTables
from translator.decode import Problem
from translator.derived import bodies_by_kind, in_words, owner_of, told_of
from translator.emissary.own_ports import OwnPorts
from translator.emissary.sharing import Wished
from translator.emissary.tables import EmissaryTables
from translator.files.names import GROUP, Files, istio_files
from translator.files.tables import FileTables
from translator.gateway.elsewhere import Elsewhere
from translator.gateway.tables import Gateways, GatewayTables
from translator.ingress.served import StandardIngresses
from translator.ingress.tables import IngressTables
from translator.ir import ObjectKey
from translator.knative.tables import KnativeTables
from translator.kubernetes.own_services import OwnServices
from translator.kubernetes.tables import KubernetesTables
from translator.options import Options
from translator.tables import Table, Tables
from translator.unserved import unknown_kind

SECRETS: Final = "core/Secret/"
"""Begins the keys of Secrets."""

CONFIG_MAPS: Final = "core/ConfigMap/"
"""Begins the keys of ConfigMaps."""

FILES: Final = GROUP
"""Begins the keys of files that objects name."""

BESIDE_ONE: Final = frozenset(
    f"getambassador.io/{kind}"
    for kind in ("Module", "AuthService", "RateLimitService", "LogService", "TLSContext", "TracingService")
)
"""What of Emissary's holds for all listeners, and so also where one Gateway is served and nothing else."""

Rows = Mapping[ObjectKey, tuple[Problem, ...]]


class Apis:
    """The tables of every API. `sources` are to be filled, by `<group>/<Kind>`; `refusals` by the beginning of keys."""

    def __init__(self, tables: Tables, options: Options) -> None:
        self._in_cluster = options.in_cluster
        self.files = files = FileTables(tables, options.namespace)
        self.kubernetes = kubernetes = KubernetesTables(tables, files.istio, files.certificate)
        own = OwnPorts(options)
        self.consul = consul = ConsulTables(tables, own.is_closed)
        ways_in = OwnServices(tables, kubernetes.sources["core/Service"], options)
        ingress = IngressTables(tables, kubernetes, ways_in, options)
        knative = KnativeTables(tables, kubernetes, ways_in, options)
        self.derived = tables.union("objects of others", ingress.of, knative.of)
        self.addresses = tables.union("addresses", ingress.addresses, knative.addresses)
        derived = bodies_by_kind(tables, self.derived)
        gateways = Gateways(tables, kubernetes, options)
        self.emissary = emissary = EmissaryTables(
            tables,
            kubernetes,
            files,
            consul,
            own,
            options,
            derived,
            Wished(tables.union("ports wanted", ingress.wanted, gateways.wanted), gateways.wishes),
        )
        self.ingress = standard = StandardIngresses(
            tables,
            ingress.standard,
            kubernetes,
            emissary.taken_ports,
            emissary.leading_here,
            emissary.http_options,
            options,
        )
        taken = tables.union("ports taken from gateways", emissary.taken_ports, ingress.taken)
        self.gateway = gateway = GatewayTables(
            tables,
            gateways,
            kubernetes,
            ways_in,
            Elsewhere(
                taken,
                emissary.shared,
                emissary.leading_here,
                emissary.http_options,
                emissary.tcp_logs,
                emissary.rate_limits,
                emissary.authorization,
                emissary.addresses,
                emissary.log_mark,
                files.text,
            ),
            options,
        )
        self.listeners = tables.union("listeners of all", emissary.listeners, standard.listeners, gateway.listeners)
        self.chains = tables.union("chains of all", emissary.chains, standard.chains, gateway.chains)
        self.routes = tables.union("routes of all", emissary.routes, standard.routes, gateway.routes)
        self.hosts_of = tables.union("virtual hosts of all", emissary.hosts_of, standard.hosts_of, gateway.hosts_of)
        self.filters = tables.union("filters of all", emissary.filters, standard.filters)
        self.files_named = tables.union("files of all", emissary.files, gateway.files)
        self.refusals = {
            SECRETS: kubernetes.refusals,
            CONFIG_MAPS: kubernetes.refusals_of_cas,
            FILES: files.refusals,
        }
        shared = {**kubernetes.sources, **files.sources, **gateway.sources}
        others = {**consul.sources, **ingress.sources, **knative.sources, **emissary.sources}
        self.sources: Mapping[str, Table[ObjectKey, bytes]] = {
            **shared,
            **{kind: table for kind, table in others.items() if not options.gateway or kind in BESIDE_ONE},
        }
        self.problem_tables = (
            *kubernetes.problems,
            files.problems,
            consul.problems,
            *ingress.problems,
            standard.problems,
            *knative.problems,
            *emissary.problems,
            *gateway.problems,
        )
        self._bodies = {kind: table.view() for kind, table in self.sources.items()}
        self._told: tuple[Rows, ...] = tuple([table.view() for table in self.problem_tables])
        self._istio = istio_files(options.istio_secret_dir) if options.istio_secret_dir else None

    def serves(self, key: ObjectKey) -> bool:
        """Whether objects of this kind are read at all."""
        return kind_of(key) in self.sources

    def unknown_kind(self, key: ObjectKey) -> Problem | None:
        """What is said of an object of a kind that is not read; None: nothing, since others may read it."""
        return unknown_kind(key, self.sources, in_cluster=self._in_cluster)

    def changes(self, objects: Mapping[ObjectKey, bytes | None]) -> dict[Table[ObjectKey, Any], dict[ObjectKey, Any]]:
        """Objects (None: gone) as changes of sources, for a sweep. Those of unknown kinds are left alone."""
        found: dict[Table[ObjectKey, Any], dict[ObjectKey, Any]] = {}
        for key, body in objects.items():
            source = self.sources.get(kind_of(key))
            if source is not None:
                found.setdefault(source, {})[key] = body
        return found

    def problems(self, keys: Iterable[ObjectKey]) -> dict[ObjectKey, tuple[Problem, ...]]:
        """What is wrong with these objects now."""
        told = [rows for rows in self._told if rows]
        return {key: (*self._found(key, told), *self._of_derived(key, told)) for key in keys}

    def judged(self) -> frozenset[ObjectKey]:
        """The objects of which anything is told now: few, of many."""
        return frozenset(owner_of(key) for table in self.problem_tables for key in table.view())

    def _found(self, key: ObjectKey, told: Iterable[Rows]) -> list[Problem]:
        found = [problem for rows in told if key in rows for problem in rows[key]]
        return [_in_words(problem) for problem in found] if found else found

    def _of_derived(self, key: ObjectKey, told: Iterable[Rows]) -> Iterable[Problem]:
        """What is wrong with the objects that another becomes, told where it says them."""
        derived = self.derived.view().get(key)
        return [told_of(each, problem) for each in derived for problem in self._found(each, told)] if derived else ()

    def object(self, key: ObjectKey) -> bytes | None:
        """An object as it was last applied."""
        bodies = self._bodies.get(kind_of(key))
        return None if bodies is None else bodies.get(key)

    def files_wanted(self) -> tuple[Files, ...]:
        """The files that objects name, and those that the environment does."""
        return (*self.files_named.view(), *((self._istio,) if self._istio else ()))


def kind_of(key: ObjectKey) -> str:
    """`<group>/<Kind>` of an object key."""
    return key[: key.index("/", key.index("/") + 1)]


def _in_words(problem: Problem) -> Problem:
    message = in_words(problem.message)
    return problem if message == problem.message else replace(problem, message=message)
