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
from dataclasses import replace

from translator import ir
from translator.consul.tables import ConsulTables
from translator.decode import Problem
from translator.emissary import resolvers
from translator.emissary.association import Association
from translator.emissary.backends import Backends
from translator.emissary.chains import (
    Names,
    Settled,
    chains_beside,
    claims_of,
    clear_text_name,
    listener_of,
    settle,
    tls_chain,
    virtual_host,
)
from translator.emissary.clear_text import ClearText, clear_text_chain, place_of
from translator.emissary.contexts import Context, Contexts
from translator.emissary.filters import Filters
from translator.emissary.hosts import Hosts
from translator.emissary.kinds.listener import ListenerSpec
from translator.emissary.listeners import Listeners, OpenPort, Port, ir_listener
from translator.emissary.mapping_tables import Beside, MappingTables, RouteKey
from translator.emissary.mappings import Member
from translator.emissary.objects import Read
from translator.emissary.observability import Observability
from translator.emissary.own_ports import OwnPorts
from translator.emissary.problems import Problems, problems_found
from translator.emissary.reach import Reach
from translator.emissary.settings import Settings
from translator.emissary.sharing import Sharing, Wished
from translator.emissary.taken_ports import taken_ports
from translator.emissary.tcp import TcpChain, TcpMappings, chains_and_problems
from translator.emissary.tcp_names import chains_above
from translator.emissary.termination import Terminations
from translator.features.http.grpc_log import GrpcLog
from translator.fields.access_log import LogOfSome
from translator.files.names import Files
from translator.files.tables import FileTables
from translator.filters.log_marks import LogMark
from translator.ir import ObjectKey
from translator.kubernetes.tables import KubernetesTables
from translator.options import Options
from translator.tables import Table, Tables, every, read

__all__ = ["EmissaryTables", "Options", "RouteKey"]

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
        """The filter chains, and the listeners that have some."""
        tables, ports = self._tables, tcp.ports
        # What Hosts are held against: the ports of TCPMappings are as many as these, and no Host's matter.
        bound: Table[str, OpenPort] = tables.each(
            "ports with Hosts", ports, lambda _, port: port if port.http and port.binding is not None else None
        )
        claiming = tables.each(
            "claims of hosts", self._hosts.served, lambda _, host: claims_of(host, every(bound).values()) or None
        )
        self._reach = Reach(tables, self._hosts.names, claiming, bound)
        claims = tables.group("claims", claiming, lambda _, row: row)
        self._listened: Table[ObjectKey, bool] = tables.each("hosts with a listener", claiming, lambda _, __: True)
        named = tcp.declare_named(self._hosts, terminations, claims)
        settled = tables.each("claims settled", claims, lambda name, them: settle(them, _owner(read(named, name))))
        self._sharing.declare(settled)
        self.shared = self._sharing.names
        self._beside = tables.group(
            "names beside others", self._hosts.names, lambda _, row: chains_beside(row, every(bound).values())
        )
        self._passed_on = tables.group("names of TCP below others", named, lambda _, row: chains_above(row.chain))
        self._quic: Table[Port, Mapping[str, OpenPort]] = tables.group(
            "ports of HTTP/3", ports, lambda _, port: {(port.address, port.port): port} if port.quic else {}
        )
        by_tls = tables.each("TLS chains", settled, lambda name, row: self._tls_chain(name, row, ports))
        in_clear = tables.group("hosts in clear text", settled, lambda _, row: self._in_clear(row, ports))
        clear = ClearText(
            tables,
            self._hosts.names,
            self._hosts.is_stopped,
            in_clear,
            bound,
            lambda name, hosts: self._clear_chain(name, hosts, ports),
        ).chains
        named_chains, named_problems = chains_and_problems(tables, "TCP by name", named)
        portwide = tcp.declare_portwide(clear, tables.union("chains for names in TLS", named_chains, by_tls))
        portwide_chains, portwide_problems = chains_and_problems(tables, "TCP by port", portwide)
        self.chains = tables.union("chains", named_chains, by_tls, clear, portwide_chains)
        return (
            named_problems,
            portwide_problems,
            tables.each("hosts without listeners", self._hosts.declared, lambda key, _: self._without_listeners(key)),
            problems_found(
                tables, "claim problems", settled, lambda _, row: {key: (one,) for key, one in row.problems.items()}
            ),
            self._declare_listeners(ports),
        )

    def _without_listeners(self, key: ObjectKey) -> tuple[Problem, ...] | None:
        if read(self._listened, key) is not None:
            return None
        said = "is served at no Listener: the hostBinding of none includes this Host, or they take only what it rejects"
        return (Problem("spec.hostname", said, stops=False, reason="NotAttached"),)

    def _tls_chain(self, name: str, row: Settled, ports: Table[str, OpenPort]) -> ir.FilterChain | None:
        port = read(ports, row.claims[0].listener) if row.claims else None
        if port is None:
            return None
        common, passed_on = self._observability.http_options(), read(self._passed_on, name)
        beside: Names = read(self._beside, name) or {}
        if passed_on:
            beside = {**beside, **{key: (server,) for key, server in passed_on.values()}}
        chain = tls_chain(name, row, port, common, beside, self._http3_beside(port))
        if chain is not None and isinstance(chain.body, ir.HttpChain):
            hosts = self._sharing.of(chain.body.virtual_hosts, row, by_tls=True)
            chain = replace(chain, body=replace(chain.body, virtual_hosts=hosts))
        return self._filtered(chain)

    def _http3_beside(self, port: OpenPort) -> OpenPort | None:
        """Where HTTP/3 is spoken at a port of the same number, if it is."""
        found = None if port.quic else read(self._quic, (port.address, port.port))
        return next(iter(found.values())) if found else None

    def _in_clear(self, row: Settled, ports: Table[str, OpenPort]) -> dict[tuple[str, str], tuple[ir.VirtualHost, ...]]:
        port = read(ports, row.claims[0].listener) if row.claims else None
        if port is None or port.quic:
            return {}
        options = port.http_options(self._observability.http_options())
        hosts = [virtual_host(claim.host, port, options, tls=False) for claim in row.claims]
        found: dict[tuple[str, str], tuple[ir.VirtualHost, ...]] = {}
        for host in self._sharing.of(hosts, row, by_tls=False):
            at = place_of(clear_text_name(port.name), host.hostname)
            found[at] = (*found.get(at, ()), host)
        return found

    def _clear_chain(self, name: str, hosts: ir.Hosts, ports: Table[str, OpenPort]) -> ir.FilterChain | None:
        port = read(ports, listener_of(name))
        if port is None:
            return None
        return self._filtered(clear_text_chain(name, hosts, port, self._observability.http_options()))

    def _filtered(self, chain: ir.FilterChain | None) -> ir.FilterChain | None:
        """A chain with what holds for all its routes."""
        filters = self._filters.of_all()
        if not filters or chain is None or not isinstance(chain.body, ir.HttpChain):
            return chain
        body = replace(chain.body, filters=filters)
        return replace(chain, body=body, origins=(*chain.origins, *self._filters.origins()))

    def _declare_listeners(self, ports: Table[str, OpenPort]) -> Problems:
        tables = self._tables
        chained = tables.group("chains by listener", self.chains, lambda _, chain: {chain.listener: True})
        used = tables.each("listeners in use", chained, lambda _, __: True)
        self.listeners = tables.each(
            "listeners",
            ports,
            lambda name, port: ir_listener(port, self._settings.buffer_limit()) if read(used, name) else None,
        )
        return tables.each(
            "listener problems", self._ports.found, lambda key, row: self._listener_problems(key, row, used)
        )

    def _listener_problems(
        self, key: ObjectKey, row: Read[ListenerSpec], used: Table[str, bool]
    ) -> tuple[Problem, ...] | None:
        problems = self._ports.problems_of(key, row)
        if any(problem.stops for problem in problems):
            return problems
        if read(used, f"{row.namespace}/{row.name}") is None:
            return (
                *problems,
                Problem(
                    "spec.hostBinding",
                    "leads to no Host that is served, and no TCPMapping wants the port: it stays shut",
                    reason="NotAttached",
                ),
            )
        if row.value and "HTTP" in row.value.stack and not self._hosts.exist():
            said = "serves every hostname, since no Host is declared"
            return (*problems, Problem("spec.hostBinding", said, stops=False))
        return problems or None

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


def _owner(row: TcpChain | None) -> str | None:
    return row.called if row is not None and row.chain is not None else None
