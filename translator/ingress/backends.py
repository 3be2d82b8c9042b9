"""From what an Ingress names as its backend to a backend, or to why there is none.

Only Services of the Ingress's own namespace can be named. One without pods is a backend like others, for which Envoy
answers 503; so is what is answered where there is none.
"""

from dataclasses import dataclass, replace
from typing import Final

from translator import ir
from translator.ingress.kinds import Backend
from translator.ingress.nginx.treatment import Treatment
from translator.kubernetes.service import NamedPort
from translator.kubernetes.tables import KubernetesTables, Name
from translator.tables import Table, read

_HTTP2: Final = frozenset({"kubernetes.io/h2c", "grpc", "kubernetes.io/grpc", "grpcs", "kubernetes.io/grpcs"})
_TLS: Final = frozenset({"https", "kubernetes.io/https", "kubernetes.io/wss", "wss", "grpcs", "kubernetes.io/grpcs"})


@dataclass(frozen=True, slots=True)
class Found:
    """A backend, or what is wrong with the place that names it, behind its path."""

    backend: ir.Backend | None
    at: str = ""
    problem: str = ""


class Backends:
    """Finds backends. The methods are for rules that a sweep runs."""

    def __init__(self, kubernetes: KubernetesTables, leading_here: Table[Name, frozenset[str]]) -> None:
        """`leading_here` are the ports of Services, by their names, that lead to ports of our own."""
        self._kubernetes = kubernetes
        self._leading_here = leading_here

    def find(self, namespace: str, named: Backend, treatment: Treatment) -> Found:
        """The backend that an Ingress of a namespace names, spoken with as its annotations want."""
        wanted = named.service
        if wanted is None:
            return Found(None, ".service", "is required: only Services are served")
        called = f"the Service {namespace}/{wanted.name}"
        service = read(self._kubernetes.services, (namespace, wanted.name))
        if service is None:
            return Found(None, ".service.name", f"{called} does not exist")
        if service.external_name is not None:
            return Found(
                None, ".service.name", f"{called} is an ExternalName, which may lead anywhere: it is not served"
            )
        port = service.port(wanted.port.number or wanted.port.name or "")
        if port is None:
            at = ".service.port.name" if wanted.port.name else ".service.port.number"
            return Found(None, at, f"{wanted.port.name or wanted.port.number} is no port of {called}")
        if port.name in (read(self._leading_here, (namespace, wanted.name)) or ()):
            said = f"{called} leads to Dragoman's diagnostics, which show every object of everyone"
            return Found(None, ".service.name", said)
        return Found(_spoken_with(ir.ServicePort(namespace, wanted.name, port.number), port, treatment))


def _spoken_with(target: ir.ServicePort, port: NamedPort, treatment: Treatment) -> ir.Backend:
    """The backend: what annotations say of it counts before what the Service says of its port."""
    word = port.app_protocol.lower()
    is_http2 = word in _HTTP2 if treatment.protocol is None else treatment.protocol == "http2"
    by_tls = word in _TLS if treatment.upstream_tls is None else treatment.upstream_tls
    tls = ir.UpstreamTls(sni=treatment.sni, alpn=("h2",) if is_http2 else ()) if by_tls else None
    backend = ir.Backend(target, "http2" if is_http2 else "http1", tls)
    if treatment.connect_ms is not None:
        backend = replace(backend, connect_timeout_ms=treatment.connect_ms)
    return replace(backend, features=treatment.upstream_features) if treatment.upstream_features else backend
