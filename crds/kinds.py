"""The kinds that are served, as `kubectl` and the API server see them."""

from dataclasses import dataclass
from typing import Any, Final

from crds.statuses import HOST_STATUS, POLICY_STATUS, STATE_STATUS
from translator.emissary.kinds.auth_service import AuthServiceSpec
from translator.emissary.kinds.host import HostSpec
from translator.emissary.kinds.listener import ListenerSpec
from translator.emissary.kinds.log_service import LogServiceSpec
from translator.emissary.kinds.mapping import MappingSpec
from translator.emissary.kinds.module import ModuleSpec
from translator.emissary.kinds.rate_limit_service import RateLimitServiceSpec
from translator.emissary.kinds.resolver import (
    ConsulResolverSpec,
    KubernetesEndpointResolverSpec,
    KubernetesServiceResolverSpec,
)
from translator.emissary.kinds.tcp_mapping import TCPMappingSpec
from translator.emissary.kinds.tls_context import TLSContextSpec
from translator.emissary.kinds.tracing_service import TracingServiceSpec
from translator.emissary.objects import Kind
from translator.gateway.kinds.backend_policy import BackendPolicySpec
from translator.gateway.kinds.route_policy import RoutePolicySpec


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `kubectl get`; with a priority above 0, of `kubectl get -o wide` alone."""

    name: str
    path: str
    kind: str = "string"
    priority: int = 0

    def body(self) -> dict[str, Any]:
        """The column as a CRD says it."""
        wide = {"priority": self.priority} if self.priority else {}
        return {"name": self.name, "type": self.kind, "jsonPath": self.path, **wide}


@dataclass(frozen=True, slots=True)
class Served:
    """A kind that is served: its name, what is read of it, its columns, and what its status says beside conditions."""

    name: str
    spec: type[Kind]
    doc: str
    columns: tuple[Column, ...]
    status: dict[str, Any]

    @property
    def plural(self) -> str:
        """Its name in paths."""
        name = self.name.lower()
        return f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"


def _condition(name: str) -> Column:
    return Column(name, f'.status.conditions[?(@.type=="{name}")].status')


_ACCEPTED: Final = _condition("Accepted")
_TARGET: Final = Column("Target", ".spec.targetRefs[0].name")
_ATTACHED: Final = Column("Accepted", '.status.ancestors[0].conditions[?(@.type=="Accepted")].status')
_RESOLVED: Final = Column("Resolved", '.status.conditions[?(@.type=="ResolvedRefs")].status')
_PROGRAMMED: Final = _condition("Programmed")
_STATE: Final = Column("State", ".status.state")
_REASON: Final = Column("Reason", ".status.reason")
_AGE: Final = Column("Age", ".metadata.creationTimestamp", "date")

# The columns are Emissary's, in its order, and ours. Source Host shows `hostname`: `host` is its deprecated
# name, and its name in older versions (crds/older.py).
SERVED: Final = (
    Served(
        "AuthService",
        AuthServiceSpec,
        "AuthService: a service that is asked about every request before it goes on.",
        (
            Column("Service", ".spec.auth_service"),
            Column("Proto", ".spec.proto"),
            _REASON,
            _ACCEPTED,
            _PROGRAMMED,
            _AGE,
        ),
        STATE_STATUS,
    ),
    Served(
        "BackendPolicy",
        BackendPolicySpec,
        "BackendPolicy: how a Service, or one of its ports, is reached, wherever a route of Gateway API leads there.",
        (_TARGET, _ATTACHED, _AGE),
        POLICY_STATUS,
    ),
    Served(
        "ConsulResolver",
        ConsulResolverSpec,
        "ConsulResolver: services are those of Consul's catalog.",
        (Column("Address", ".spec.address"), Column("Datacenter", ".spec.datacenter"), _REASON, _ACCEPTED, _AGE),
        STATE_STATUS,
    ),
    Served(
        "Host",
        HostSpec,
        "Host: a name that is served, its certificate, and what becomes of insecure requests.",
        (
            Column("Hostname", ".spec.hostname"),
            _STATE,
            Column("Phase Completed", ".status.phaseCompleted", priority=1),
            Column("Phase Pending", ".status.phasePending", priority=1),
            _ACCEPTED,
            _PROGRAMMED,
            _AGE,
        ),
        HOST_STATUS,
    ),
    Served(
        "KubernetesEndpointResolver",
        KubernetesEndpointResolverSpec,
        "KubernetesEndpointResolver: services are reached at their endpoints.",
        (_ACCEPTED, _AGE),
        STATE_STATUS,
    ),
    Served(
        "KubernetesServiceResolver",
        KubernetesServiceResolverSpec,
        "KubernetesServiceResolver: services are reached by their names in DNS.",
        (_ACCEPTED, _AGE),
        STATE_STATUS,
    ),
    Served(
        "Listener",
        ListenerSpec,
        "Listener: a port that is open, and which Hosts are served there.",
        (
            Column("Port", ".spec.port", "integer"),
            Column("Protocol", ".spec.protocol"),
            Column("Stack", ".spec.protocolStack"),
            Column("StatsPrefix", ".spec.statsPrefix", priority=1),
            Column("Security", ".spec.securityModel"),
            Column("L7Depth", ".spec.l7Depth", "integer", priority=1),
            _ACCEPTED,
            _PROGRAMMED,
        ),
        STATE_STATUS,
    ),
    Served(
        "LogService",
        LogServiceSpec,
        "LogService: a service that is sent an entry for each request, by Envoy's access log protocol.",
        (
            Column("Service", ".spec.service"),
            Column("Driver", ".spec.driver"),
            _REASON,
            _ACCEPTED,
            _RESOLVED,
            _PROGRAMMED,
            _AGE,
        ),
        STATE_STATUS,
    ),
    Served(
        "Mapping",
        MappingSpec,
        "Mapping: which requests go where.",
        (
            Column("Source Host", ".spec.hostname"),
            Column("Source Prefix", ".spec.prefix"),
            Column("Dest Service", ".spec.service"),
            _STATE,
            _REASON,
            _ACCEPTED,
            _RESOLVED,
            _PROGRAMMED,
        ),
        STATE_STATUS,
    ),
    Served(
        "Module",
        ModuleSpec,
        "Module: with the name `ambassador`, settings of the whole gateway, and defaults for Mappings.",
        (_ACCEPTED, _AGE),
        STATE_STATUS,
    ),
    Served(
        "RateLimitService",
        RateLimitServiceSpec,
        "RateLimitService: a service that counts requests, and says which are too many.",
        (Column("Service", ".spec.service"), _REASON, _ACCEPTED, _PROGRAMMED, _AGE),
        STATE_STATUS,
    ),
    Served(
        "RoutePolicy",
        RoutePolicySpec,
        "RoutePolicy: what becomes of requests of a Gateway, a listener, a route or a rule beside what a route says.",
        (_TARGET, _ATTACHED, _AGE),
        POLICY_STATUS,
    ),
    Served(
        "TCPMapping",
        TCPMappingSpec,
        "TCPMapping: connections of a port that are passed on as they are.",
        (
            Column("Port", ".spec.port", "integer"),
            Column("Source Host", ".spec.host"),
            Column("Dest Service", ".spec.service"),
            _REASON,
            _ACCEPTED,
            _RESOLVED,
            _PROGRAMMED,
        ),
        STATE_STATUS,
    ),
    Served(
        "TLSContext",
        TLSContextSpec,
        "TLSContext: how TLS is spoken, with clients or with a service.",
        (Column("Secret", ".spec.secret"), _REASON, _ACCEPTED, _PROGRAMMED, _AGE),
        STATE_STATUS,
    ),
    Served(
        "TracingService",
        TracingServiceSpec,
        "TracingService: who is told of traces, of which requests, and with which tags.",
        (
            Column("Service", ".spec.service"),
            Column("Driver", ".spec.driver"),
            _REASON,
            _ACCEPTED,
            _RESOLVED,
            _PROGRAMMED,
            _AGE,
        ),
        STATE_STATUS,
    ),
)
