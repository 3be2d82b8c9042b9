"""Listeners: the ports that are open, and which Hosts each of them serves.

A Listener that its own mistake stops opens nothing, and its port is shut: whoever else would open it, a TCPMapping of
another namespace among them, would get everybody's connections. So the port is read apart from everything else.
"""

from dataclasses import replace
from typing import Any, Final, Literal

import orjson

from translator import ir
from translator.ambassador_ids import is_for
from translator.decode import Problem
from translator.emissary.hosts import ServedHost
from translator.emissary.kinds.listener import ListenerSpec
from translator.emissary.names import HostNames
from translator.emissary.objects import Read, read_object
from translator.emissary.own_ports import OwnPorts
from translator.emissary.security import Model
from translator.emissary.settings import ALWAYS
from translator.ir import ObjectKey
from translator.kubernetes.selectors import Selector, selects
from translator.options import Options
from translator.tables import Table, Tables, read
from translator.values import dataclass

Port = tuple[str, int]
"""An address and a port; of UDP, `udp ` stands before the address, so that TCP may have the same."""

LARGEST_PORT: Final = 65_535


@dataclass(frozen=True, slots=True)
class Binding:
    """Which Hosts a Listener serves. `namespace` None is every namespace."""

    namespace: str | None
    selector: Selector | None = None

    def includes(self, host: ServedHost) -> bool:
        """Whether a Host is one of them."""
        if self.namespace is not None and host.namespace != self.namespace:
            return False
        return self.selector is None or selects(self.selector, host.labels)

    def may_include(self, names: HostNames) -> bool:
        """Whether a Host is one of them, for all that is known of its labels."""
        if self.namespace is not None and names.namespace != self.namespace:
            return False
        return self.selector is None or names.may_have(self.selector)


@dataclass(frozen=True, slots=True)
class OpenPort:
    """A port that is open: declared by a Listener, or by a TCPMapping where there is none."""

    name: str
    address: str
    port: int
    http: bool
    tls: bool
    proxy_protocol: bool = False
    model: Model = "SECURE"
    binding: Binding | None = None
    stats_prefix: str | None = None
    l7_depth: int = 0
    max_streams: int | None = None
    quic: bool = False
    more_addresses: tuple[str, ...] = ()
    origins: tuple[ObjectKey, ...] = ()

    @property
    def called(self) -> str:
        """Its name for people."""
        return f"Listener {self.name}"

    def http_options(self, common: ir.HttpOptions) -> ir.HttpOptions:
        """How HTTP is spoken here, from what the Module says for all."""
        return replace(
            common,
            stat_prefix=self.stats_prefix or ("ingress_https" if self.tls else "ingress_http"),
            trusted_hops=self.l7_depth,
            max_concurrent_streams=self.max_streams or common.max_concurrent_streams,
        )

    def tcp_stat_prefix(self, kind: Literal["tcp", "tls"]) -> str:
        """The prefix of the statistics of connections that are passed on."""
        return self.stats_prefix or f"ingress_{kind}_{self.port}"


class Listeners:
    """The Listeners' tables: `ports` by name, `by_port` the name for each address and port.

    `shut` are the ports, by their numbers, of Listeners that are stopped: nobody else opens them.
    """

    def __init__(
        self,
        tables: Tables,
        objects: Table[ObjectKey, bytes],
        own: OwnPorts,
        options: Options,
        elsewhere: Table[int, str] | None = None,
    ) -> None:
        """`elsewhere` are the ports that others want: by default they are not opened."""
        self._elsewhere = elsewhere
        self._bind_address = options.bind_address
        self._more = options.more_addresses
        self._own_ports = own
        self.found = tables.each(
            "listeners read", objects, lambda key, body: read_object(ListenerSpec, key, body, options.ambassador_id)
        )
        by_port = tables.group("listeners by port", self.found, self._port_of)
        self._chosen: Table[Port, ObjectKey] = tables.each("listener of a port", by_port, lambda _, them: min(them))
        named = tables.group("listeners by name", self.found, self._open)
        declared = tables.each("listeners open", named, lambda _, them: next(iter(them.values())))
        names = tables.each("listener names", self._chosen, lambda _, key: key.split("/", 2)[2])
        counted = tables.group("listeners counted", self.found, lambda _, __: {ALWAYS: True})
        self._any: Table[str, bool] = tables.each("listeners exist", counted, lambda _, __: True)
        defaults = tables.each(
            "default ports open",
            tables.constant("default ports", {port.name: port for port in default_ports(options)}),
            lambda _, port: self._by_default(port),
        )
        taken = tables.group("default ports by port", defaults, lambda name, row: {(row.address, row.port): name})
        self.ports: Table[str, OpenPort] = tables.union("listeners and default ports", declared, defaults)
        self.by_port: Table[Port, str] = tables.union(
            "names by port", names, tables.each("names of default ports", taken, lambda _, them: min(them.values()))
        )
        wanted = tables.each("wanted ports", objects, lambda _, body: wanted_port(body, options.ambassador_id))
        stopped = tables.group("ports of stopped listeners", wanted, self._shut)
        self.shut: Table[int, str] = tables.each("ports that are shut", stopped, lambda _, them: min(them.values()))

    def _by_default(self, port: OpenPort) -> OpenPort | None:
        """A port that is opened where no Listener is, unless it is one of our own, or somebody else wants it."""
        if read(self._any, ALWAYS) is not None or self._own_ports.conflict(port.address, port.port):
            return None
        return None if self.elsewhere(port.port) else port

    def elsewhere(self, number: int) -> str | None:
        """Who of another API wants a port, for people. For rules that a sweep runs."""
        return read(self._elsewhere, number) if self._elsewhere is not None else None

    def _port_of(self, _: ObjectKey, row: Read[ListenerSpec]) -> dict[Port, bool]:
        spec = row.value
        return {} if spec is None or self._conflict(spec) else {self._place(spec): True}

    def _conflict(self, spec: ListenerSpec) -> Problem | None:
        """What is wrong with the port, if it is one of ours, all of which are of TCP."""
        if spec.quic:
            return None
        found = (self._own_ports.conflict(address, spec.port) for address in (self._bind_address, *self._more))
        return next((problem for problem in found if problem), None)

    def _place(self, spec: ListenerSpec) -> Port:
        return (f"udp {self._bind_address}" if spec.quic else self._bind_address, spec.port)

    def _shut(self, key: ObjectKey, number: int) -> dict[int, str]:
        row = read(self.found, key)
        return {number: f"{row.namespace}/{row.name}"} if row is not None and row.value is None else {}

    def _open(self, key: ObjectKey, row: Read[ListenerSpec]) -> dict[str, OpenPort]:
        spec = row.value
        if spec is None or read(self._chosen, self._place(spec)) != key:
            return {}
        name = f"{row.namespace}/{row.name}"
        opened = open_port(name, key, row.namespace, spec, self._bind_address)
        return {name: replace(opened, more_addresses=self._more)}

    def problems_of(self, key: ObjectKey, row: Read[ListenerSpec]) -> tuple[Problem, ...]:
        """What is wrong with a Listener, but for what it lacks."""
        spec = row.value
        if spec is None:
            return row.problems
        ours = self._conflict(spec)
        if ours is not None:
            return (*row.problems, ours)
        chosen = read(self._chosen, self._place(spec))
        if chosen in {None, key}:
            return row.problems
        taken = Problem("spec.port", f"{spec.port} is already taken by {chosen}", reason="Conflict")
        return (*row.problems, taken)


def wanted_port(body: bytes, ambassador_id: str) -> int | None:
    """The TCP port that a Listener for us means, whatever is wrong with it, if that can be told."""
    spec = orjson.loads(body).get("spec")
    if not isinstance(spec, dict) or not is_for(spec, ambassador_id):
        return None
    stack = spec.get("protocolStack")
    layers = stack if stack and isinstance(stack, list) else [spec.get("protocol")]
    return None if "UDP" in layers else _number_of(spec.get("port"))


def _number_of(written: Any) -> int | None:
    """A port, also as a text or with a fraction that is none."""
    try:
        number = float(written) if isinstance(written, int | float | str) and not isinstance(written, bool) else 0.0
    except ValueError:
        return None
    return int(number) if number.is_integer() and 1 <= number <= LARGEST_PORT else None


def open_port(name: str, key: ObjectKey, namespace: str, spec: ListenerSpec, address: str) -> OpenPort:
    """The port that a Listener opens."""
    selector = spec.host_binding.selector
    source = spec.host_binding.namespace.source if spec.host_binding.namespace else "SELF"
    return OpenPort(
        name=name,
        address=address,
        port=spec.port,
        http="HTTP" in spec.stack,
        tls="TLS" in spec.stack,
        proxy_protocol="PROXY" in spec.stack,
        model=spec.security_model,
        binding=Binding(None if source == "ALL" else namespace, selector.wanted if selector else None),
        stats_prefix=spec.stats_prefix,
        l7_depth=spec.l7_depth,
        max_streams=spec.http2_max_concurrent_streams,
        quic=spec.quic,
        origins=(key,),
    )


def default_ports(options: Options) -> tuple[OpenPort, ...]:
    """The ports that are open where no Listener is: HTTP and HTTPS, for whoever begins."""
    everyone = Binding(None)
    return tuple(
        [
            OpenPort(f"port/{number}", options.bind_address, number, http=True, tls=tls, model="XFP", binding=everyone)
            for number, tls in zip(options.default_ports, (False, True), strict=False)
        ]
    )


def ir_listener(port: OpenPort, buffer_limit: int | None = None) -> ir.Listener:
    """The port in the IR."""
    return ir.Listener(
        port.name,
        port.address,
        port.port,
        port.proxy_protocol,
        port.origins,
        buffer_limit,
        quic=port.quic,
        more_addresses=port.more_addresses,
    )
