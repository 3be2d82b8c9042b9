"""The map of Emissary's API: every table from its objects to the IR, in order.

Module ---> settings (what others fall back to)
TLSContext -> contexts --+
*Resolver -> resolvers --+
Host ----------------> hosts --> association
Listener --> ports --+     |          |
TCPMapping ----------+-----+--> chains
Mapping -> members -> groups ---------+--> routes, hosts_of
"""

from collections.abc import Mapping

from translator import ir
from translator.consul.tables import ConsulTables
from translator.decode import Problem
from translator.emissary import resolvers
from translator.emissary.association import Association
from translator.emissary.backends import Backends
from translator.emissary.chain_tables import ChainTables
from translator.emissary.contexts import Context, Contexts
from translator.emissary.filters import Filters
from translator.emissary.hosts import Hosts
from translator.emissary.listeners import Listeners
from translator.emissary.mapping_tables import Beside, MappingTables, RouteKey
from translator.emissary.mappings import Member
from translator.emissary.observability import Observability
from translator.emissary.own_ports import OwnPorts
from translator.emissary.problems import Problems
from translator.emissary.settings import Settings
from translator.emissary.sharing import Sharing, Wished
from translator.emissary.taken_ports import taken_ports
from translator.emissary.tcp import TcpMappings
from translator.emissary.termination import Terminations
from translator.features.http.grpc_log import GrpcLog
from translator.fields.access_log import LogOfSome
from translator.files.names import Files
from translator.files.tables import FileTables
from translator.filters.log_marks import LogMark
from translator.ir import ObjectKey
from translator.kubernetes.tables import KubernetesTables
from translator.options import Options
from translator.tables import Table, Tables

KINDS = (
    "AuthService",
    "Host",
    "Listener",
    "LogService",
    "Mapping",
    "Module",
    "RateLimitService",
    "TCPMapping",
    "TLSContext",
    "TracingService",
    *resolvers.KINDS,
)


class EmissaryTables:
    """Emissary's kinds as IR.

    `sources` are the tables to fill, by `<group>/<Kind>`. Of the results, `listeners` and `chains` are by their names,
    `groups` (Mappings alike) and their `routes` (with their shares) by group, `hosts_of` the names of the virtual hosts
    where a group can be asked for, `filters` by the names of HTTP filters, `files` those that objects name,
    `taken_ports` the ports that nobody else may open, with who has them, `shared` the names there that others may have
    routes at, `leading_here` the ports of Services that nobody may lead to, by their names, and `problems` what is
    wrong with objects, by object key.
    """

    listeners: Table[str, ir.Listener]
    chains: Table[str, ir.FilterChain]
    groups: Table[RouteKey, Mapping[ObjectKey, Member]]
    routes: Table[RouteKey, tuple[ir.Route, ...]]
    hosts_of: Table[RouteKey, tuple[str, ...]]
    filters: Table[str, ir.FilterSettings]
    runtime: Table[str, ir.RuntimeValues]
    files: Table[Files, bool]
    problems: tuple[Problems, ...]

    def __init__(
        self,
        tables: Tables,
        kubernetes: KubernetesTables,
        files: FileTables,
        consul: ConsulTables,
        own: OwnPorts,
        options: Options,
        derived: Mapping[str, Table[ObjectKey, bytes]] | None = None,
        wished: Wished | None = None,
    ) -> None:
        """`derived` are objects, by kind, that others become: they count beside those that are declared.

        `wished` is what others want.
        """
        self._tables = tables
        self._options = options
        objects: dict[str, Table[ObjectKey, bytes]] = {kind: tables.source(f"{kind} objects") for kind in KINDS}
        self.sources: Mapping[str, Table[ObjectKey, bytes]] = {
            f"getambassador.io/{kind}": table for kind, table in objects.items()
        }
        for kind, table in (derived or {}).items():
            objects[kind] = tables.union(f"{kind} objects and derived ones", objects[kind], table)
        self._files = files
        self._settings = Settings(tables, objects["Module"], options)
        self.runtime = self._settings.runtime
        contexts = Contexts(tables, objects["TLSContext"], kubernetes, self._settings, options)
        terminations = Terminations(contexts, self._settings)
        found = resolvers.Resolvers(tables, objects, consul, own, options)
        self._backends = Backends(tables, kubernetes, contexts, found, own, options)
        self.leading_here = self._backends.leading_here
        self._filters = Filters(tables, objects, self._settings, self._backends, files, options)
        self.filters = self._filters.settings
        self.rate_limits, self.authorization = self._filters.rate_limits, self._filters.authorization
        self.addresses = self._filters.addresses
        self._hosts = hosts = Hosts(tables, objects["Host"], kubernetes, terminations, self._settings, options)
        association = Association(tables, self._hosts.entries, strict=options.strict_selectors)
        self._ports = Listeners(tables, objects["Listener"], own, options, wished.ports if wished else None)
        self._sharing = Sharing(tables, wished.names if wished else tables.constant("no wishes", {}), self._ports.ports)
        self._observability = Observability(tables, objects, self._settings, self._backends, options)
        tcp = TcpMappings(
            tables,
            objects["TCPMapping"],
            self._ports,
            self._backends,
            self._settings,
            own,
            options,
            self._observability,
        )
        self.taken_ports = taken_ports(tables, tcp.ports, self._ports.shut, own, options)
        self.problems = (
            self._settings.problems,
            *self._filters.problems,
            contexts.problems,
            found.problems,
            tables.each("TLS contexts without hosts", contexts.rows, lambda _, row: self._without_hosts(row)),
            self._hosts.problems,
            tcp.problems,
            *self._observability.problems,
            *self._declare_chains(tcp, terminations),
            *self._declare_routes(objects["Mapping"], association),
        )
        wanted = tables.union("files by who names them", contexts.files, hosts.files, self._filters.files, self._texts)
        self.files = tables.each("files wanted", wanted, lambda _, __: True)

    def http_options(self) -> ir.HttpOptions:
        """How HTTP is spoken everywhere, for rules."""
        return self._observability.http_options()

    def log_mark(self, said: LogOfSome, policy: ObjectKey) -> LogMark:
        """What a policy says of the logs, for rules."""
        return self._settings.log_mark(said, policy)

    def tcp_logs(self) -> tuple[GrpcLog, ...]:
        """Who is told of connections that are passed on, for rules."""
        return self._observability.tcp_logs()

    def _without_hosts(self, context: Context) -> tuple[Problem, ...] | None:
        if context.spec is None or not context.spec.hosts or self._hosts.exist():
            return None
        return (
            Problem("spec.hosts", "is for TCPMappings alone: without a Host, HTTP is not served by TLS", stops=False),
        )

    def _declare_chains(self, tcp: TcpMappings, terminations: Terminations) -> tuple[Problems, ...]:
        found = ChainTables(
            self._tables,
            self._hosts,
            self._ports,
            tcp,
            terminations,
            sharing=self._sharing,
            filters=self._filters,
            settings=self._settings,
            observability=self._observability,
        )
        self.chains, self.listeners, self.shared = found.chains, found.listeners, self._sharing.names
        self._reach, self._listened = found.reach, found.listened
        return found.problems

    def _declare_routes(self, objects: Table[ObjectKey, bytes], association: Association) -> tuple[Problems, ...]:
        beside = Beside(
            self._settings,
            self._backends,
            association,
            self._sharing,
            self._filters,
            self._files,
            self._reach,
            self._listened,
        )
        mappings = MappingTables(self._tables, objects, beside, self._options)
        self.groups, self.routes, self.hosts_of = mappings.groups, mappings.routes, mappings.hosts_of
        self._texts = mappings.texts
        return mappings.problems
