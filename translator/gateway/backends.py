"""From a reference to a Service to a backend, or to why there is none.

Who may not refer to a Service is told so whether it exists or not. A Service that exists and has no pods is a backend
like others: Envoy answers 503 for it.
"""

from dataclasses import replace
from typing import Any, Final, Literal

from translator import ir
from translator.features.hash_policy import HashPolicy
from translator.features.upstream.circuit_breakers import CircuitBreakers, Thresholds
from translator.gateway.backend_policies import BackendPolicies
from translator.gateway.conditions import Condition, false
from translator.gateway.grants import Grants, reference
from translator.gateway.kinds.shared import BackendObjectRef, Object
from translator.gateway.names import GROUP
from translator.gateway.policies import Demand, TlsPolicies
from translator.ir import ObjectKey
from translator.kubernetes.service import NamedPort
from translator.kubernetes.tables import KubernetesTables, Name
from translator.tables import Table, read
from translator.values import dataclass

_SESSIONS: Final = CircuitBreakers((Thresholds(connections=16_384),))
"""Sessions of UDP with a backend at most. Each has a socket of its own, for a minute after its last datagram."""

H2C: Final = "kubernetes.io/h2c"
_IN_CLEAR: Final = frozenset({"", "http", "kubernetes.io/http", "kubernetes.io/ws", "ws", "grpc", "kubernetes.io/grpc"})
_BY_TLS: Final = frozenset({"https", "kubernetes.io/https", "kubernetes.io/wss", "wss", "grpcs", "kubernetes.io/grpcs"})


Place = tuple[str, str, str]
"""A port of a Service: its namespace and name, and the port's name."""


@dataclass(frozen=True, slots=True)
class Found:
    """A backend, or what is said of the reference.

    `concerned` is the port of a Service that policies are about, and `demand` what they demand there. `plain` is the
    backend of what is passed on as it comes, whatever is demanded. `hash_policy` is by what its endpoint is chosen,
    `policies` are those that say how it is reached.
    """

    backend: ir.Backend | None
    problem: Condition | None = None
    concerned: Place | None = None
    demand: Demand | None = None
    plain: ir.Backend | None = None
    hash_policy: HashPolicy | None = None
    policies: tuple[ObjectKey, ...] = ()


class Backends:
    """Finds backends. The methods are for rules that a sweep runs."""

    def __init__(
        self,
        kubernetes: KubernetesTables,
        grants: Grants,
        policies: TlsPolicies,
        reaches: BackendPolicies,
        leading_here: Table[Name, frozenset[str]],
    ) -> None:
        """`leading_here` are the ports of Services, by their names, that lead to ports of our own."""
        self._kubernetes = kubernetes
        self._grants = grants
        self._policies = policies
        self._reaches = reaches
        self._leading_here = leading_here

    def find(self, origin: Object[Any], ref: BackendObjectRef, path: str, *, of_calls: bool) -> Found:
        """The backend that a route refers to.

        Args:
            origin: the route.
            ref: the reference.
            path: where it stands.
            of_calls: whether gRPC is spoken with it.
        """
        port, concerned = self._reach(origin, ref, path)
        if isinstance(port, Condition):
            return Found(None, port, concerned)
        namespace = ref.namespace or origin.namespace
        spoken = _spoken(port.app_protocol, of_calls=of_calls)
        if spoken is None:
            said = f"{port.app_protocol} is not served, which the Service {namespace}/{ref.name} speaks there"
            return Found(None, false("ResolvedRefs", "UnsupportedProtocol", said, path), concerned)
        backend = ir.Backend(ir.ServicePort(namespace, ref.name, port.number), spoken[0])
        demand = self._policies.demand((namespace, ref.name), port.name)
        reach = self._reaches.reach((namespace, ref.name), port.name)
        if reach is None:
            return Found(_secured(backend, demand, by_tls=spoken[1]), None, concerned, demand)
        secured = _secured(reach.of(backend), demand, by_tls=spoken[1])
        return Found(secured, None, concerned, demand, None, reach.hash_policy, reach.policies)

    def find_passed(self, origin: Object[Any], ref: BackendObjectRef, path: str, *, by_datagrams: bool) -> Found:
        """The backend to which a route, its `origin`, passes on what comes, whatever is spoken there."""
        port, concerned = self._reach(origin, ref, path, by_datagrams=by_datagrams)
        if isinstance(port, Condition):
            return Found(None, port, concerned)
        namespace = ref.namespace or origin.namespace
        target = ir.ServicePort(namespace, ref.name, port.number, by_datagrams)
        if by_datagrams:
            plain = ir.Backend(target, "udp", features=(_SESSIONS,))
            return Found(plain, plain=plain)
        plain, demand = ir.Backend(target, "tcp"), self._policies.demand((namespace, ref.name), port.name)
        reach = self._reaches.reach((namespace, ref.name), port.name)
        plain = plain if reach is None else reach.of(plain)
        secured = _secured(plain, demand, by_tls=False)
        return Found(secured, None, concerned, demand, plain, policies=reach.policies if reach else ())

    def _reach(
        self, origin: Object[Any], ref: BackendObjectRef, path: str, *, by_datagrams: bool = False
    ) -> tuple[NamedPort | Condition, Place | None]:
        """The port of a Service that a route may refer to, else what is said of that; and what is concerned."""
        namespace = ref.namespace or origin.namespace
        concerned: Place | None = None

        def refused(reason: str, message: str) -> tuple[Condition, Place | None]:
            return false("ResolvedRefs", reason, message, path), concerned

        if not ref.is_service:
            return refused(
                "InvalidKind", f"{ref.group or 'core'}/{ref.kind} is not served: a backend must be a Service"
            )
        if not self._grants.permit(reference(origin, GROUP, "", "Service", namespace), ref.name):
            said = f"no ReferenceGrant in {namespace} lets {origin.kind}s of {origin.namespace} refer to its Services"
            return refused("RefNotPermitted", said)
        port = self._port(namespace, ref, by_datagrams=by_datagrams)
        if not by_datagrams and self._policies.are_about((namespace, ref.name)):
            concerned = (namespace, ref.name, "" if isinstance(port, str) else port.name)
        if isinstance(port, str):
            return refused("BackendNotFound", port)
        if not by_datagrams and port.name in (read(self._leading_here, (namespace, ref.name)) or ()):
            said = "leads to Dragoman's diagnostics, which show every object of everyone"
            return refused("RefNotPermitted", f"the Service {namespace}/{ref.name} {said}")
        return port, concerned

    def _port(self, namespace: str, ref: BackendObjectRef, *, by_datagrams: bool) -> NamedPort | str:
        """The port of a Service, or why there is none."""
        called, service = f"the Service {namespace}/{ref.name}", read(self._kubernetes.services, (namespace, ref.name))
        if service is None:
            return f"{called} does not exist"
        if service.external_name is not None:
            return f"{called} is an ExternalName, which may lead anywhere: it is not served"
        if ref.port is not None:
            port = service.datagram_port(ref.port) if by_datagrams else service.port(ref.port)
            if port is not None:
                return port
        return f"{called} has no port {ref.port}" + (" of UDP" if by_datagrams else "")


def presenting(backend: ir.Backend | None, certificate: ir.SecretRef | None) -> ir.Backend | None:
    """The same, with a certificate that is shown to it, where TLS is spoken with it."""
    if backend is None or backend.tls is None or certificate is None:
        return backend
    return replace(backend, tls=replace(backend.tls, certificate=certificate))


def _secured(backend: ir.Backend, demand: Demand | None, *, by_tls: bool) -> ir.Backend | None:
    """A backend as it is demanded; None where nobody can meet that. Without a demand its port says whether by TLS."""
    if demand is not None:
        tls = demand.tls
        return replace(backend, tls=replace(tls, alpn=_offered(backend.protocol))) if tls is not None else None
    return replace(backend, tls=ir.UpstreamTls(alpn=_offered(backend.protocol))) if by_tls else backend


def _spoken(app_protocol: str, *, of_calls: bool) -> tuple[Literal["http1", "http2"], bool] | None:
    """What is spoken with a port, and whether in TLS."""
    word = app_protocol.lower()
    if word == H2C:
        return "http2", False
    usual: Literal["http1", "http2"] = "http2" if of_calls or "grpc" in word else "http1"
    if word in _BY_TLS:
        return usual, True
    # A word of somebody's own tells what his service is, and nothing of how it is spoken with.
    return (usual, False) if word in _IN_CLEAR or not word.startswith("kubernetes.io/") else None


def _offered(protocol: str) -> tuple[str, ...]:
    return ("h2",) if protocol == "http2" else ()
