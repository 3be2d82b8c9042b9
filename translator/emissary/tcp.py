"""TCPMappings: connections that are passed on as they are, by port, or by the name that clients ask for in TLS."""

from collections.abc import Mapping
from dataclasses import replace

from translator import ir
from translator.decode import Problem
from translator.emissary.backends import Backends, Wanted
from translator.emissary.chains import Claim, chain_name, clear_text_name, listener_of, tcp_name
from translator.emissary.contexts import Context
from translator.emissary.grouping import arrival
from translator.emissary.hosts import KEY_PREFIX, Hosts
from translator.emissary.kinds.tcp_mapping import TCPMappingSpec
from translator.emissary.listeners import Listeners, OpenPort, Port
from translator.emissary.objects import Read, read_object
from translator.emissary.observability import Observability
from translator.emissary.own_ports import OwnPorts, overlap
from translator.emissary.problems import Problems, ProblemsByObject, problems_found, stopped_by
from translator.emissary.settings import Settings
from translator.emissary.tcp_names import below_which, owner_of, refusals
from translator.emissary.tcp_ports import PortClaim, had, losing, overlapping, shut
from translator.emissary.termination import HostTls, Terminations
from translator.emissary.weights import shares_of, single_weights
from translator.fields.upstream import upstream_features
from translator.ir import ObjectKey
from translator.options import Options
from translator.tables import Table, Tables, read
from translator.values import dataclass

NO_TLS = "has no TLS settings: no Host with TLS serves it, and no TLSContext lists it in hosts"

LATE = "has names in TLS beside it: a server that speaks first is heard after a second, in which clients may say a name"
LATE_BEHIND_A_PROXY = "has names in TLS beside it: a server that speaks first is not heard before its client has spoken"


@dataclass(frozen=True, slots=True)
class Member:
    """A TCPMapping that is understood."""

    namespace: str
    name: str
    spec: TCPMappingSpec
    port: Port
    backend: ir.Backend

    @property
    def called(self) -> str:
        """Its name for people."""
        return f"TCPMapping {self.namespace}/{self.name}"


Members = Mapping[ObjectKey, Member]


@dataclass(frozen=True, slots=True)
class _Understood:
    member: Member | None
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class TcpChain:
    """What became of TCPMappings that are alike: their chain, or none, and their problems."""

    chain: ir.FilterChain | None
    problems: ProblemsByObject
    called: str


class TcpMappings:
    """The TCPMappings' tables. Those for a whole port come later: see `declare_portwide`."""

    def __init__(
        self,
        tables: Tables,
        objects: Table[ObjectKey, bytes],
        listeners: Listeners,
        backends: Backends,
        settings: Settings,
        own: OwnPorts,
        options: Options,
        observability: Observability,
    ) -> None:
        self._tables = tables
        self._observability = observability
        self._own_ports = own
        self._listeners = listeners
        self._backends = backends
        self._settings = settings
        self._options = options
        found = tables.each(
            "TCP mappings read",
            objects,
            lambda key, body: read_object(TCPMappingSpec, key, body, options.ambassador_id),
        )
        understood = tables.each("TCP mappings", found, self._understand)
        opened = tables.group("TCP ports", understood, self._opens)
        contested = tables.group("TCP ports by number", opened, lambda _, them: _claim_of(them))
        self._losing = tables.group("TCP ports that are taken", contested, lambda _, them: losing(them))
        undeclared = tables.each(
            "undeclared ports",
            opened,
            lambda name, them: None if read(self._losing, name) else self._undeclared(name, them),
        )
        self.ports: Table[str, OpenPort] = tables.union("ports", listeners.ports, undeclared)
        self._named = tables.group("TCP mappings by name", understood, lambda _, row: self._place(row, named=True))
        self._portwide = tables.group("TCP mappings by port", understood, lambda _, row: self._place(row, named=False))
        self.problems: Problems = tables.each("TCP mapping problems", understood, self._problems_of)

    def _understand(self, _: ObjectKey, row: Read[TCPMappingSpec]) -> _Understood:
        spec = row.value
        if spec is None:
            return _Understood(None, row.problems)
        defaults = self._settings.mapping_defaults()
        lookup = self._options.namespace if defaults.own_namespace else row.namespace
        features = upstream_features(spec.upstream, defaults.upstream.for_tcp)
        resolver = spec.resolver or defaults.resolver
        wanted = Wanted(spec.service, spec.tls, "tcp", tag=spec.cluster_tag, features=features, resolver=resolver)
        found = self._backends.find(wanted, row.namespace, lookup)
        problems = (*row.problems, *found.problems)
        if found.backend is None:
            return _Understood(None, problems)
        port = (spec.address or self._options.bind_address, spec.port)
        taken = self._own_ports.conflict(*port) or self._taken_by_listener(port)
        if taken is not None:
            return _Understood(None, (*problems, taken))
        return _Understood(Member(row.namespace, row.name, spec, port, found.backend), problems)

    def _taken_by_listener(self, port: Port) -> Problem | None:
        """What is wrong with a port that would take what a Listener has, or is to have, or what others have."""
        address, number = port
        theirs = self._options.bind_address
        if not any(overlap(address, each) for each in (theirs, *self._options.more_addresses)):
            return None
        listener = read(self._listeners.by_port, (theirs, number))
        if listener is None:
            stopped = read(self._listeners.shut, number)
            having = self._listeners.elsewhere(number)
            return shut(number, stopped) if stopped else had(number, having) if having else None
        return None if address == theirs else overlapping(port, f"Listener {listener}", theirs)

    def _problems_of(self, _: ObjectKey, row: _Understood) -> tuple[Problem, ...] | None:
        lost = self._lost(row.member) if row.member else None
        return (*row.problems, lost) if lost else row.problems or None

    def _lost(self, member: Member) -> Problem | None:
        """What is wrong with a TCPMapping whose port others had first, at an address that overlaps."""
        found = read(self._losing, _name_of(member.port))
        if not found:
            return None
        (winner,) = found.values()
        return overlapping(member.port, winner.called, winner.address)

    def _opens(self, _: ObjectKey, row: _Understood) -> dict[str, Member]:
        """The port that a TCPMapping opens where no Listener does."""
        if row.member is None or read(self._listeners.by_port, row.member.port) is not None:
            return {}
        return {_name_of(row.member.port): row.member}

    def _undeclared(self, name: str, members: Members) -> OpenPort:
        """The port that TCPMappings open by themselves: at every address, where they name none."""
        address, port = next(iter(members.values())).port
        named = any(member.spec.host for member in members.values())
        more = self._options.more_addresses if address == self._options.bind_address else ()
        origins = tuple(sorted(members))
        return OpenPort(name, address, port, http=False, tls=named, more_addresses=more, origins=origins)

    def _place(self, row: _Understood, *, named: bool) -> dict[str, Member]:
        """The chain that a TCPMapping belongs to."""
        member = row.member
        if member is None or named != bool(member.spec.host) or self._lost(member):
            return {}
        listener = read(self._listeners.by_port, member.port) or _name_of(member.port)
        return {chain_name(listener, member.spec.host) if member.spec.host else tcp_name(listener): member}

    def declare_named(
        self, hosts: Hosts, terminations: Terminations, claims: Table[str, Mapping[ObjectKey, Claim]]
    ) -> Table[str, TcpChain]:
        """The chains of TCPMappings for a name: TLS ends here, by the settings of the Host that serves the name.

        `claims` say which Hosts want which name at which Listener: see `tcp_names`.
        """

        def make(name: str, members: Members) -> TcpChain:
            server = next(iter(members.values())).spec.host or ""
            if stopped := hosts.stopped_below(server):
                return _refused(members, below_which(stopped[0]))
            owner = owner_of(listener_of(name), server, hosts, claims)
            strangers = {key: one for key, one in members.items() if owner and one.namespace != owner.namespace}
            refused = refusals(server, listener_of(name), owner, _called(strangers)) if owner and strangers else {}
            if len(strangers) == len(members):
                return TcpChain(None, refused, "")
            made = of_name(name, server, {key: one for key, one in members.items() if key not in strangers})
            return replace(made, problems={**made.problems, **refused})

        def of_name(name: str, server: str, members: Members) -> TcpChain:
            tls = _tls_of(server, hosts, terminations)
            if isinstance(tls, Problem):
                return _refused(members, tls)
            # What a Host offers for HTTP would be a lie for anything else.
            termination = replace(tls.termination, alpn=tls.asked_alpn)
            return self._chain(name, members, (server,), termination)

        return self._tables.each("TCP chains by name", self._named, make)

    def declare_portwide(
        self, clear_text: Table[str, ir.FilterChain], by_tls: Table[str, ir.FilterChain]
    ) -> Table[str, TcpChain]:
        """The chains of TCPMappings for a whole port, where no Host is served in clear text.

        Args:
            clear_text: the chains of Hosts in clear text.
            by_tls: the chains for names in TLS.
        """
        shared = self._tables.group("ports with names in TLS", by_tls, lambda _, chain: {chain.listener: True})
        inspected = self._tables.each("ports that wait for a name", shared, lambda _, __: True)

        def make(name: str, members: Members) -> TcpChain:
            listener = listener_of(name)
            if read(clear_text, clear_text_name(listener)) is not None:
                said = f"cannot have the whole port: Hosts are served there in clear text, at Listener {listener}"
                return _refused(members, Problem("spec.port", said, reason="Conflict"))
            made = self._chain(name, members, (), None)
            port = read(self.ports, listener)
            if port is None or read(inspected, listener) is None:
                return made
            late = Problem("spec.port", LATE_BEHIND_A_PROXY if port.proxy_protocol else LATE, stops=False)
            return replace(made, problems={key: (*made.problems.get(key, ()), late) for key in members})

        return self._tables.each("TCP chains by port", self._portwide, make)

    def _chain(self, name: str, members: Members, names: tuple[str, ...], tls: ir.TlsTermination | None) -> TcpChain:
        placed = sorted(members.items(), key=lambda item: arrival(item[1].namespace, item[1].name))
        shares = shares_of([member.spec.weight for _, member in placed])
        weights = single_weights(shares)
        problems: dict[ObjectKey, tuple[Problem, ...]] = {}
        for position in shares.refused:
            said = "is beyond the 100 % that the TCPMappings for the same connections may have together"
            problems[placed[position][0]] = (Problem("spec.weight", said, reason="Conflict"),)
        if not weights:
            return _refused(members, Problem("spec.weight", "gives no connection to anyone"))
        backends = tuple(
            ir.WeightedBackend(placed[position][1].backend, weight) for position, weight in weights.items()
        )
        served = [placed[position] for position in sorted(weights)]
        listener = listener_of(name)
        port = read(self.ports, listener)
        prefix = port.tcp_stat_prefix("tls" if tls else "tcp") if port else "ingress_tcp"
        idle = [member.spec.idle_timeout_ms for _, member in served if member.spec.idle_timeout_ms is not None]
        body = ir.TcpChain(backends, prefix, idle[-1] if idle else None, self._observability.tcp_logs())
        chain = ir.FilterChain(name, listener, names, tls, body, tuple(key for key, _ in served))
        return TcpChain(chain, problems, served[0][1].called)


def chains_and_problems(
    tables: Tables, name: str, rows: Table[str, TcpChain]
) -> tuple[Table[str, ir.FilterChain], Problems]:
    """The chains of a table of these, and the problems of the TCPMappings."""
    chains: Table[str, ir.FilterChain] = tables.each(f"{name} chains", rows, lambda _, row: row.chain)
    return chains, problems_found(tables, f"{name} problems", rows, lambda _, row: row.problems)


def _tls_of(server: str, hosts: Hosts, terminations: Terminations) -> HostTls | Problem:
    """The TLS settings for a name: of the Host that has it, else of one with a wider name, else of a TLSContext.

    What is stopped keeps its place: whatever comes after it may ask less of clients.
    """
    for key in hosts.for_server(server):
        host = read(hosts.served, key)
        if host is None:
            return _stopped(f"Host {key.removeprefix(KEY_PREFIX)}", read(hosts.problems, key) or ())
        if host.tls is not None:
            return host.tls
    context = terminations.for_name(server)
    if isinstance(context, Context):
        return _stopped(f"the TLSContext {context.namespace}/{context.name}", context.problems)
    return context or Problem("spec.host", NO_TLS, reason="NotAttached")


def _stopped(called: str, problems: tuple[Problem, ...]) -> Problem:
    said = f"would have the TLS settings of {called}, {stopped_by(problems)}"
    return Problem("spec.host", said, reason="NotAttached")


def _called(members: Members) -> dict[ObjectKey, str]:
    return {key: member.called for key, member in members.items()}


def _refused(members: Members, problem: Problem) -> TcpChain:
    return TcpChain(None, dict.fromkeys(members, (problem,)), "")


def _name_of(port: Port) -> str:
    return f"listener-{port[0]}-{port[1]}"


def _claim_of(members: Members) -> dict[int, PortClaim]:
    first = min(members)
    address, number = members[first].port
    return {number: PortClaim(address, first, members[first].called)}
