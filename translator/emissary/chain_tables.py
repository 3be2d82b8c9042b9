"""From the names of Hosts and the ports of Listeners to the filter chains, and to the listeners that have some."""

from collections.abc import Mapping
from dataclasses import replace

from translator import ir
from translator.decode import Problem
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
from translator.emissary.filters import Filters
from translator.emissary.hosts import Hosts
from translator.emissary.kinds.listener import ListenerSpec
from translator.emissary.listeners import Listeners, OpenPort, Port, ir_listener
from translator.emissary.objects import Read
from translator.emissary.observability import Observability
from translator.emissary.problems import Problems, problems_found
from translator.emissary.reach import Reach
from translator.emissary.settings import Settings
from translator.emissary.sharing import Sharing
from translator.emissary.tcp import TcpChain, TcpMappings, chains_and_problems
from translator.emissary.tcp_names import chains_above
from translator.emissary.termination import Terminations
from translator.ir import ObjectKey
from translator.tables import Table, Tables, every, read


class ChainTables:
    """All of them, by their names.

    `reach` and `listened` tell of Hosts where they are asked for, and whether at all; `problems` what is wrong, by
    object key.
    """

    def __init__(
        self,
        tables: Tables,
        hosts: Hosts,
        listeners: Listeners,
        tcp: TcpMappings,
        terminations: Terminations,
        *,
        sharing: Sharing,
        filters: Filters,
        settings: Settings,
        observability: Observability,
    ) -> None:
        self._tables = tables
        self._hosts = hosts
        self._listeners = listeners
        self._sharing = sharing
        self._filters = filters
        self._settings = settings
        self._observability = observability
        ports = tcp.ports
        # What Hosts are held against: the ports of TCPMappings are as many as these, and no Host's matter.
        bound: Table[str, OpenPort] = tables.each(
            "ports with Hosts", ports, lambda _, port: port if port.http and port.binding is not None else None
        )
        claiming = tables.each(
            "claims of hosts", self._hosts.served, lambda _, host: claims_of(host, every(bound).values()) or None
        )
        self.reach = Reach(tables, self._hosts.names, claiming, bound)
        claims = tables.group("claims", claiming, lambda _, row: row)
        self.listened: Table[ObjectKey, bool] = tables.each("hosts with a listener", claiming, lambda _, __: True)
        named = tcp.declare_named(self._hosts, terminations, claims)
        settled = tables.each("claims settled", claims, lambda name, them: settle(them, _owner(read(named, name))))
        self._sharing.declare(settled)
        self.problems = (
            *self._declare_chains(tcp, named, settled, bound),
            tables.each("hosts without listeners", self._hosts.declared, lambda key, _: self._without_listeners(key)),
            problems_found(
                tables, "claim problems", settled, lambda _, row: {key: (one,) for key, one in row.problems.items()}
            ),
            self._declare_listeners(ports),
        )

    def _declare_chains(
        self, tcp: TcpMappings, named: Table[str, TcpChain], settled: Table[str, Settled], bound: Table[str, OpenPort]
    ) -> tuple[Problems, ...]:
        tables, ports = self._tables, tcp.ports
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
        self.chains: Table[str, ir.FilterChain] = tables.union("chains", named_chains, by_tls, clear, portwide_chains)
        return named_problems, portwide_problems

    def _without_listeners(self, key: ObjectKey) -> tuple[Problem, ...] | None:
        if read(self.listened, key) is not None:
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
        self.listeners: Table[str, ir.Listener] = tables.each(
            "listeners",
            ports,
            lambda name, port: ir_listener(port, self._settings.buffer_limit()) if read(used, name) else None,
        )
        return tables.each(
            "listener problems", self._listeners.found, lambda key, row: self._listener_problems(key, row, used)
        )

    def _listener_problems(
        self, key: ObjectKey, row: Read[ListenerSpec], used: Table[str, bool]
    ) -> tuple[Problem, ...] | None:
        problems = self._listeners.problems_of(key, row)
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


def _owner(row: TcpChain | None) -> str | None:
    return row.called if row is not None and row.chain is not None else None
