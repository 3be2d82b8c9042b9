"""TCPMapping: connections of a port that are passed on as they are."""

from collections.abc import Iterable
from dataclasses import field
from typing import Annotated, ClassVar, Final

from translator.checks import LONGEST_DURATION, Percent, PlainText, Port
from translator.decode import Invalid, Problem, Rule, quote, rule
from translator.emissary.hostnames import host_hostname, server_names
from translator.emissary.own_ports import canonical
from translator.emissary.service_names import service as readable
from translator.fields.upstream import Breakers, StatsNameText, Upstream, family_problems
from translator.values import dataclass


def _server_name(text: str) -> str:
    name = host_hostname(text)
    if ":" in name:
        raise Invalid(f"must have no port, as names in TLS have none: {quote(text)}")
    if not server_names(name):
        raise Invalid(f"must be a name, or *. and a name, as TLS knows them, not {quote(text)}")
    return name


def _address(text: str) -> str:
    if "%" in text:  # for Envoy `::%1` is every address, and one of a link has many spellings
        raise Invalid(f"must be an IP address without a zone, not {quote(text)}")
    try:
        return canonical(text)
    except ValueError:
        raise Invalid(f"must be an IP address, not {quote(text)}") from None


def _milliseconds(value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if type(value) is not int or not 0 <= value <= LONGEST_DURATION:
        raise Invalid("must be a number of milliseconds")
    return value


# Emissary's schema of this field is a text.
_MILLISECONDS: Final = {"x-kubernetes-int-or-string": True, "minimum": 0, "pattern": "^[0-9]+$"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TCPMappingSpec:
    """A rule for connections: those of a port, or those that ask for a name in TLS, go to its service."""

    SILENT: ClassVar[frozenset[str]] = frozenset({"v2ExplicitTLS"})

    port: Port = field(metadata=rule("The port."))
    address: str | None = field(
        default=None, metadata=rule("The address of the port; every one when absent.", check=_address)
    )
    host: str | None = field(
        default=None,
        metadata=rule(
            "The name that clients ask for in TLS, which ends here; `*.` begins those below.", check=_server_name
        ),
    )
    service: str = field(metadata=rule("Where connections go: `[scheme://]host[:port]`.", min_size=1, check=readable))
    resolver: PlainText | None = field(
        default=None, metadata=rule("The resolver that finds the service's endpoints; the Module's when absent.")
    )
    tls: PlainText | None = field(default=None, metadata=rule("The TLSContext to speak TLS to the service with."))
    weight: Percent | None = field(default=None, metadata=rule("The share of connections among TCPMappings alike."))
    cluster_tag: PlainText = field(default="", metadata=rule("Keeps this service's cluster apart from others like it."))
    idle_timeout_ms: Annotated[int, Rule(convert=_milliseconds, schema=_MILLISECONDS)] | None = field(
        default=None, metadata=rule("How long a connection may be silent; 0 is no limit.")
    )
    circuit_breakers: Breakers | None = field(
        default=None, metadata=rule("How many connections the service has at once; the Module's when absent.")
    )
    enable_ipv4: bool | None = field(default=None, metadata=rule("Whether DNS is asked for addresses of IPv4."))
    enable_ipv6: bool | None = field(
        default=None,
        metadata=rule("Whether for those of IPv6, which go first; absent: only where no others are."),
    )
    stats_name: StatsNameText | None = field(
        default=None, metadata=rule("The name of the service in Envoy's statistics; the cluster's when absent.")
    )

    @property
    def upstream(self) -> Upstream:
        """What it says of the connections to its service."""
        return Upstream(
            circuit_breakers=self.circuit_breakers,
            enable_ipv4=self.enable_ipv4,
            enable_ipv6=self.enable_ipv6,
            stats_name=self.stats_name,
        )

    def cross_check(self) -> Iterable[Problem]:
        """What no field can see alone."""
        yield from family_problems(self.upstream)
