"""What Mappings, TCPMappings and the Module say of the connections to a service: breakers, keepalive, DNS and the like.

What an object does not say itself, the Module may say for all.
"""

from collections.abc import Iterable
from dataclasses import field
from operator import attrgetter
from typing import Annotated, Final, Protocol, TypeVar

from translator.checks import LONGEST_DURATION, Count, plain_text
from translator.decode import Invalid, Problem, Rule, quote, rule
from translator.features.header_case import Case
from translator.features.upstream.circuit_breakers import CircuitBreakers, Thresholds
from translator.features.upstream.connections import Connections
from translator.features.upstream.dns import Dns, Family
from translator.features.upstream.header_case import HeaderCase
from translator.features.upstream.keepalive import Keepalive
from translator.features.upstream.stats_name import StatsName
from translator.fields.health_checks import HealthCheck, health_checks_of
from translator.fields.load_balancer import LoadBalancer, balancing_of
from translator.fields.outlier_detection import Outliers, outlier_detection_of
from translator.values import dataclass

T = TypeVar("T")

Lifetime = Annotated[int, Rule(minimum=1, maximum=LONGEST_DURATION)]
_Seconds = Annotated[int, Rule(minimum=1, maximum=32_767)]
"""What Linux takes; Envoy passes on what it is given, and a connection fails whose options the system refuses."""
_Probes = Annotated[int, Rule(minimum=1, maximum=127)]


def _of_priority(text: str) -> str:
    word = text.lower()
    if word not in {"default", "high"}:
        raise Invalid(f"must be default or high, not {quote(text)}")
    return word


_BreakerPriority = Annotated[str, Rule(check=_of_priority, schema={"pattern": "(?i)^(default|high)$"})]


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """How much a service is asked at once; what is beyond is answered 503 by Envoy."""

    priority: _BreakerPriority = field(
        default="default", metadata=rule("Of the requests for which this counts: `priority` of their Mappings.")
    )
    max_connections: Count | None = field(default=None, metadata=rule("Connections; 1024 when absent."))
    max_pending_requests: Count | None = field(
        default=None, metadata=rule("Requests that wait for a connection; 1024 when absent.")
    )
    max_requests: Count | None = field(default=None, metadata=rule("Requests at once; 1024 when absent."))
    max_retries: Count | None = field(default=None, metadata=rule("Retries at once; 3 when absent."))


def _once(breakers: tuple[Breaker, ...]) -> tuple[Breaker, ...]:
    named = [breaker.priority for breaker in breakers]
    twice = next((name for name in named if named.count(name) > 1), None)
    if twice is not None:
        raise Invalid(f"has more than one entry for the priority {twice}")
    return breakers


Breakers = Annotated[tuple[Breaker, ...], Rule(check=_once, max_size=2)]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepaliveSpec:
    """TCP's own question whether a silent service is still there."""

    idle_time: _Seconds | None = field(
        default=None, metadata=rule("Seconds of silence before the first question.", aliases=("time",))
    )
    interval: _Seconds | None = field(default=None, metadata=rule("Seconds between questions."))
    probes: _Probes | None = field(default=None, metadata=rule("Questions without an answer that end the connection."))


def _dns_type(text: str) -> str:
    if text.lower() not in {"strict_dns", "logical_dns"}:
        raise Invalid(f"must be strict_dns or logical_dns, not {quote(text)}")
    return text.lower()


DnsType = Annotated[str, Rule(check=_dns_type, schema={"pattern": "(?i)^(strict|logical)_dns$"})]


def _name(text: str) -> str:
    if not text:
        raise Invalid("must not be empty")
    return plain_text(text)


StatsNameText = Annotated[str, Rule(check=_name, max_size=253)]


class UpstreamFields(Protocol):
    """Who says something of the connections to a service; None is nothing."""

    @property
    def circuit_breakers(self) -> tuple[Breaker, ...] | None: ...  # noqa: D102
    @property
    def keepalive(self) -> KeepaliveSpec | None: ...  # noqa: D102
    @property
    def cluster_idle_timeout_ms(self) -> int | None: ...  # noqa: D102
    @property
    def cluster_max_connection_lifetime_ms(self) -> int | None: ...  # noqa: D102
    @property
    def enable_ipv4(self) -> bool | None: ...  # noqa: D102
    @property
    def enable_ipv6(self) -> bool | None: ...  # noqa: D102
    @property
    def dns_type(self) -> str | None: ...  # noqa: D102
    @property
    def respect_dns_ttl(self) -> bool | None: ...  # noqa: D102
    @property
    def load_balancer(self) -> LoadBalancer | None: ...  # noqa: D102
    @property
    def stats_name(self) -> str | None: ...  # noqa: D102
    @property
    def grpc(self) -> bool: ...  # noqa: D102
    @property
    def health_checks(self) -> tuple[HealthCheck, ...] | None: ...  # noqa: D102
    @property
    def outlier_detection(self) -> Outliers | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """Values of these fields by themselves: the Module's defaults, and what TCPMappings can say."""

    circuit_breakers: tuple[Breaker, ...] | None = None
    keepalive: KeepaliveSpec | None = None
    cluster_idle_timeout_ms: int | None = None
    cluster_max_connection_lifetime_ms: int | None = None
    enable_ipv4: bool | None = None
    enable_ipv6: bool | None = None
    dns_type: str | None = None
    respect_dns_ttl: bool | None = None
    load_balancer: LoadBalancer | None = None
    stats_name: str | None = None
    grpc: bool = False
    health_checks: tuple[HealthCheck, ...] | None = None
    outlier_detection: Outliers | None = None
    header_case: Case | None = None

    @property
    def for_tcp(self) -> "Upstream":
        """What of it is not about HTTP, nor about HTTP Mappings alone."""
        return Upstream(
            circuit_breakers=self.circuit_breakers, enable_ipv4=self.enable_ipv4, enable_ipv6=self.enable_ipv6
        )


_NAMES: Final = [name for name, said in vars(UpstreamFields).items() if isinstance(said, property) and name != "grpc"]
_OWN: Final = attrgetter(*_NAMES)
_NONE_OF_ITS_OWN: Final = (None,) * len(_NAMES)


def has_none_of_its_own(said: UpstreamFields) -> bool:
    """Whether a backend is as the Module's defaults say, as most are."""
    return bool(_OWN(said) == _NONE_OF_ITS_OWN)


def upstream_features(own: UpstreamFields, default: Upstream) -> tuple[object, ...]:
    """The features of a backend, by what its own object says and what holds for all, in the order of their list."""
    breakers = _first(own.circuit_breakers, default.circuit_breakers)
    keepalive = _first(own.keepalive, default.keepalive)
    connections = Connections(
        _first(own.cluster_idle_timeout_ms, default.cluster_idle_timeout_ms),
        _first(own.cluster_max_connection_lifetime_ms, default.cluster_max_connection_lifetime_ms),
    )
    dns = _dns(own, default)
    name = _first(own.stats_name, default.stats_name)
    found = (
        CircuitBreakers(tuple(map(_thresholds, breakers))) if breakers else None,
        connections if connections != Connections() else None,
        dns if dns != Dns() else None,
        HeaderCase(default.header_case) if default.header_case else None,
        health_checks_of(own.health_checks, grpc=own.grpc) if own.health_checks else None,
        Keepalive(keepalive.idle_time, keepalive.interval, keepalive.probes) if keepalive else None,
        balancing_of(_first(own.load_balancer, default.load_balancer)),
        outlier_detection_of(own.outlier_detection),
        StatsName(name) if name else None,
    )
    return tuple([feature for feature in found if feature is not None])


def _first(own: T | None, default: T | None) -> T | None:
    return default if own is None else own


def _thresholds(breaker: Breaker) -> Thresholds:
    return Thresholds(
        "high" if breaker.priority == "high" else "default",
        breaker.max_connections,
        breaker.max_pending_requests,
        breaker.max_requests,
        breaker.max_retries,
    )


def _dns(own: UpstreamFields, default: UpstreamFields) -> Dns:
    ipv4 = _first(own.enable_ipv4, default.enable_ipv4)
    ipv6 = _first(own.enable_ipv6, default.enable_ipv6)
    kind = _first(own.dns_type, default.dns_type)
    ttl = _first(own.respect_dns_ttl, default.respect_dns_ttl)
    return Dns(kind == "logical_dns", bool(ttl), _family(ipv4=ipv4, ipv6=ipv6))


def _family(*, ipv4: bool | None, ipv6: bool | None) -> Family | None:
    """Which addresses are asked for; None where nobody said anything, or said that none is."""
    if ipv6:
        return "v6" if ipv4 is False else "v6_preferred"
    return "v4" if ipv6 is False and ipv4 is not False else None


def family_problems(own: UpstreamFields) -> Iterable[Problem]:
    """What is wrong with `enable_ipv4` and `enable_ipv6` together."""
    if own.enable_ipv4 is False and own.enable_ipv6 is False:
        said = "leaves no addresses beside enable_ipv6: false; both have no effect"
        yield Problem("enable_ipv4", said, stops=False)
