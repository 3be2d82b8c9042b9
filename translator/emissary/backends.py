"""From a `service` to a backend: which endpoints it has, and how it is spoken to."""

from dataclasses import replace
from typing import Final, Literal

from translator.decode import Invalid, Problem
from translator.emissary.contexts import Contexts, upstream_tls
from translator.emissary.own_ports import EVERY_PORT, SAID, OwnPorts
from translator.emissary.problems import stopped_by
from translator.emissary.resolvers import Resolvers
from translator.emissary.service_names import ServiceName, kubernetes_service, parse, qualified
from translator.features.upstream.dns import Dns
from translator.features.upstream.header_case import HeaderCase
from translator.features.upstream.load_balancing import LoadBalancing
from translator.ir import Addresses, Backend, DnsName, ServicePort, Several, Target, UpstreamTls
from translator.kubernetes.tables import KubernetesTables, Name
from translator.options import Options
from translator.tables import Table, Tables, read
from translator.values import dataclass

LONGEST_ALIASES: Final = 8
"""How many Services of type ExternalName are followed, each of which names the next."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a Mapping or TCPMapping says of its backend."""

    service: str
    tls: str | None
    protocol: Literal["http1", "http2", "tcp"]
    connect_timeout_ms: int | None = None
    tag: str = ""
    features: tuple[object, ...] = ()
    resolver: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The backend, or None when a problem stops its Mapping; `host` is the service's name as DNS would be asked."""

    backend: Backend | None
    host: str = ""
    port: int = 0
    problems: tuple[Problem, ...] = ()


def pooled(first: Backend, second: Backend) -> Backend | None:
    """Two backends as one that shares requests between them; None where Envoy has no cluster that could."""
    if replace(first, target=second.target) != second:
        return None
    before = first.target.targets if isinstance(first.target, Several) else (first.target,)
    targets = (*before, second.target)
    services = tuple([target for target in targets if isinstance(target, ServicePort)])
    others = tuple([target for target in targets if isinstance(target, Addresses | DnsName)])
    if len(services) == len(targets):
        return replace(first, target=Several(services))
    return replace(first, target=Several(others)) if len(others) == len(targets) else None


class Backends:
    """Finds backends. The methods are for rules that a sweep runs.

    `leading_here` are the ports of Services that lead to a port of ours that is closed, by their names.
    """

    def __init__(
        self,
        tables: Tables,
        kubernetes: KubernetesTables,
        contexts: Contexts,
        resolvers: Resolvers,
        own: OwnPorts,
        options: Options,
    ) -> None:
        self._services = kubernetes.services
        self._inhabited = kubernetes.service_namespaces
        self._contexts = contexts
        self._resolvers = resolvers
        self._own = options.namespace
        self._own_ports = own
        self._known = options.service_namespaces
        self._with_pods: Table[Name, bool] = tables.each("services with pods", kubernetes.slices, lambda _, __: True)
        self.leading_here: Table[Name, frozenset[str]] = tables.each(
            "services that lead here", kubernetes.slices, lambda _, parts: own.leading_here(parts.values()) or None
        )

    def find_for_all(self, wanted: Wanted, namespace: str) -> Found:
        """The backend that the gateway itself asks or tells, whoever says so: its name is as our own pod would see it.

        Args:
            wanted: what an AuthService, RateLimitService, LogService or TracingService says.
            namespace: the object's own, for its TLSContext.
        """
        return self.find(wanted, namespace, self._own)

    def find(self, wanted: Wanted, namespace: str, lookup_namespace: str) -> Found:
        """The backend that a Mapping wants.

        Args:
            wanted: what it says.
            namespace: the Mapping's own, for its TLSContext.
            lookup_namespace: where an unqualified service is looked up.
        """
        try:
            name = parse(wanted.service)
        except Invalid as invalid:
            return Found(None, problems=(Problem("spec.service", invalid.message),))
        problems: list[Problem] = []
        if name.path:
            problems.append(Problem("spec.service", f"has a path, {name.path}, which has no effect", stops=False))
        tls = self._tls_of(wanted, name, namespace, problems)
        if tls is False:
            return Found(None, problems=tuple(problems))
        if tls and wanted.protocol == "http2" and not tls.alpn:
            tls = replace(tls, alpn=("h2",))  # gRPC's servers refuse connections that do not ask for it
        port = name.port or (443 if tls else 80)
        if self.leads_to_diagnostics(name.host, port, lookup_namespace):
            return Found(None, problems=(Problem("spec.service", SAID),))
        target = self._target_of(wanted, name, port, namespace, lookup_namespace, problems)
        if target is None:
            return Found(None, problems=tuple(problems))
        if tls and tls.sni is None and not name.is_address:
            tls = replace(tls, sni=self._server_name(name.host, lookup_namespace))
        features = wanted.features
        if features and not isinstance(target, DnsName):
            features = tuple([feature for feature in features if not isinstance(feature, Dns)])
        if features and wanted.protocol == "http2":
            features = tuple([feature for feature in features if not isinstance(feature, HeaderCase)])
        backend = Backend(
            target=target,
            protocol=wanted.protocol,
            tls=tls or None,
            connect_timeout_ms=3000 if wanted.connect_timeout_ms is None else wanted.connect_timeout_ms,
            tag=wanted.tag,
            features=features,
        )
        host = name.host if name.is_address else qualified(name.host, lookup_namespace, self._own)
        return Found(backend, host, port, tuple(problems))

    def leads_to_diagnostics(self, host: str, port: int, namespace: str) -> bool:
        """Whether a service leads to a port of ours that is closed, as far as names, Services and endpoints tell.

        Args:
            host: its name or address.
            port: its port, of the Service where it is one.
            namespace: where an unqualified name is looked up.
        """
        for _ in range(LONGEST_ALIASES):
            if self._own_ports.is_closed(host, port):
                return True
            wanted = kubernetes_service(host, namespace)
            service = read(self._services, wanted) if wanted else None
            if service is None or wanted is None:
                return False
            if service.external_name is None and not service.ports:
                here = EVERY_PORT in (read(self.leading_here, wanted) or ())
                return here and self._own_ports.is_closed("localhost", port)
            if service.external_name is None:
                named = service.port(port)
                return named is not None and named.name in (read(self.leading_here, wanted) or ())
            host, namespace = service.external_name, service.namespace
        return False

    def _tls_of(
        self, wanted: Wanted, name: ServiceName, namespace: str, problems: list[Problem]
    ) -> UpstreamTls | Literal[False] | None:
        """TLS towards the service, None for clear text, False when a problem forbids both."""
        if not wanted.tls:
            return UpstreamTls() if name.scheme == "https" else None
        context = self._contexts.find(wanted.tls, namespace)
        if context is None:
            problems.append(
                Problem(
                    "spec.tls", f"names the TLSContext {wanted.tls}, which does not exist", reason="TLSContextNotUsable"
                )
            )
            return False
        tls = upstream_tls(context)
        if tls is None:
            problems.append(
                Problem(
                    "spec.tls",
                    f"names the TLSContext {wanted.tls}, {stopped_by(context.problems)}",
                    reason="TLSContextNotUsable",
                )
            )
            return False
        if name.scheme == "http":
            problems.append(Problem("spec.tls", "wins over the http:// of service: TLS is spoken", stops=False))
        return tls

    def _target_of(
        self,
        wanted: Wanted,
        name: ServiceName,
        port: int,
        namespace: str,
        lookup_namespace: str,
        problems: list[Problem],
    ) -> Target | None:
        """Where the endpoints come from, by the resolver that is named; None when a problem stops the Mapping."""
        resolver = self._resolvers.find(wanted.resolver, namespace) if wanted.resolver else None
        if isinstance(resolver, Problem):
            problems.append(resolver)
            return None
        if resolver is not None and resolver.kind == "consul":
            return self._resolvers.in_consul(name, resolver, problems)
        target = self.target(name, port, lookup_namespace, problems)
        if resolver is not None and resolver.kind == "service" and isinstance(target, ServicePort):
            if any(isinstance(feature, LoadBalancing) for feature in wanted.features):
                said = "has one address to choose from with a KubernetesServiceResolver, unless the Service is headless"
                problems.append(Problem("spec.load_balancer", said, stops=False))
            return DnsName(qualified(name.host, lookup_namespace, self._own), port)
        return target

    def _server_name(self, host: str, lookup_namespace: str) -> str:
        """The name that a service is asked for in TLS: as it is written, or the one that it is an alias of."""
        wanted = kubernetes_service(host, lookup_namespace)
        service = read(self._services, wanted) if wanted else None
        return ((service and service.external_name) or host).removesuffix(".")

    def target(
        self, name: ServiceName, port: int, lookup_namespace: str, problems: list[Problem]
    ) -> ServicePort | Addresses | DnsName:
        """Where the endpoints of a service come from."""
        if name.is_address:
            return Addresses(((name.host, port),))
        wanted = kubernetes_service(name.host, lookup_namespace)
        service = read(self._services, wanted) if wanted else None
        if service is None or wanted is None:
            if wanted is not None and self._is_no_service(name.host, wanted[0], lookup_namespace):
                said = f"leads nowhere: there is no Service {'/'.join(wanted)}"
                problems.append(Problem("spec.service", said, stops=False, reason="BackendNotFound"))
            return DnsName(qualified(name.host, lookup_namespace, self._own), port)
        if service.external_name is not None:
            return DnsName(service.external_name, port)
        if self._is_left_to_dns(wanted):
            return DnsName(qualified(name.host, lookup_namespace, self._own), port)
        if service.ports and service.port(port) is None:
            known = ", ".join(str(each.number) for each in service.ports) or "none"
            said = f"the Service {service.namespace}/{service.name} has no port {port}, only {known}"
            problems.append(Problem("spec.service", f"leads nowhere: {said}", stops=False, reason="BackendNotFound"))
        return ServicePort(service.namespace, service.name, port)

    def _is_left_to_dns(self, wanted: Name) -> bool:
        """Whether nothing is known of a Service's pods, where that need not be all there is to know: as in a folder."""
        return self._known is not None and wanted[0] not in self._known and read(self._with_pods, wanted) is None

    def _is_no_service(self, host: str, namespace: str, lookup_namespace: str) -> bool:
        """Whether a name that is no Service we know can be nothing else: of two words, it may be a name of DNS."""
        if self._known is not None and namespace not in self._known:
            return False
        is_namespace = namespace == lookup_namespace or read(self._inhabited, namespace) is not None
        return is_namespace or host.removesuffix(".").count(".") != 1
