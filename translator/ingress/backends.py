"""From what an Ingress names as its backend to a backend, or to why there is none.

Only Services of the Ingress's own namespace can be named. One without pods is a backend like others, for which Envoy
answers 503; so is what is answered where there is none. What annotations name by a URL may be anywhere, as in nginx,
but not on the machine that we run on.
"""

import ipaddress
import re
from dataclasses import replace
from typing import Final

from translator import ir
from translator.ingress.kinds import Backend
from translator.ingress.nginx.treatment import Treatment, Url
from translator.ingress.paths import Asked
from translator.ingress.routes import Owner
from translator.kubernetes.service import NamedPort
from translator.kubernetes.tables import KubernetesTables, Name
from translator.tables import Table, Tables, read
from translator.values import dataclass

_HTTP2: Final = frozenset({"kubernetes.io/h2c", "grpc", "kubernetes.io/grpc", "grpcs", "kubernetes.io/grpcs"})
_TLS: Final = frozenset({"https", "kubernetes.io/https", "kubernetes.io/wss", "wss", "grpcs", "kubernetes.io/grpcs"})
_OF_CLUSTER: Final = re.compile(r"(?P<name>[a-z0-9-]+)\.(?P<namespace>[a-z0-9-]+)\.svc(\.[a-z0-9.-]+)?")


@dataclass(frozen=True, slots=True)
class Found:
    """A backend, or what is wrong with the place that names it, behind its path."""

    backend: ir.Backend | None
    at: str = ""
    problem: str = ""


class Backends:
    """Finds backends. The methods are for rules that a sweep runs."""

    def __init__(self, tables: Tables, kubernetes: KubernetesTables, leading_here: Table[Name, frozenset[str]]) -> None:
        """`leading_here` are the ports of Services, by their names, that lead to ports of our own."""
        self._kubernetes = kubernetes
        self._leading_here = leading_here
        self._with_pods: Table[Name, bool] = tables.each(
            "services with pods that are ready",
            kubernetes.slices,
            lambda _, parts: any(pod.ready or pod.serving for part in parts.values() for pod in part.endpoints) or None,
        )

    def asked(self, owner: Owner, asked: Asked) -> Found:
        """The backend of what an Ingress asks for, or the one that stands in for it while it has no pods."""
        found = self.find(owner.ingress.namespace, asked.backend, owner.treatment)
        stand_in = owner.treatment.stand_in
        if found.backend is None or stand_in is None or self._has_pods(found.backend.target):
            return found
        return Found(stand_in)

    def _has_pods(self, target: ir.Target) -> bool:
        if not isinstance(target, ir.ServicePort):
            return False
        return read(self._with_pods, (target.namespace, target.name)) is not None

    def first_port(self, namespace: str, name: str) -> Found:
        """The backend at the first port of a Service, spoken with as the Service itself says."""
        service = read(self._kubernetes.services, (namespace, name))
        first = next(iter(service.ports), None) if service is not None else None
        if service is not None and service.external_name is None and first is None:
            return Found(None, "", f"the Service {namespace}/{name} has no ports")
        port = self._port(namespace, name, first.number if first is not None else "")
        if not isinstance(port, NamedPort):
            return Found(None, "", port.said)
        return Found(_spoken_with(ir.ServicePort(namespace, name, port.number), port, Treatment()))

    def find(self, namespace: str, named: Backend, treatment: Treatment) -> Found:
        """The backend that an Ingress of a namespace names, spoken with as its annotations want."""
        wanted = named.service
        if wanted is None:
            return Found(None, ".service", "is required: only Services are served")
        port = self._port(namespace, wanted.name, wanted.port.number or wanted.port.name or "")
        if isinstance(port, NamedPort):
            return Found(_spoken_with(ir.ServicePort(namespace, wanted.name, port.number), port, treatment))
        if not port.is_about_port:
            return Found(None, ".service.name", port.said)
        return Found(None, ".service.port.name" if wanted.port.name else ".service.port.number", port.said)

    def _port(self, namespace: str, name: str, wanted: int | str) -> "NamedPort | _Amiss":
        """A port of a Service that requests may go to."""
        called = f"the Service {namespace}/{name}"
        service = read(self._kubernetes.services, (namespace, name))
        if service is None:
            return _Amiss(f"{called} does not exist")
        if service.external_name is not None:
            return _Amiss(f"{called} is an ExternalName, which may lead anywhere: it is not served")
        port = service.port(wanted)
        if port is None:
            return _Amiss(f"{wanted} is no port of {called}", is_about_port=True)
        if port.name in (read(self._leading_here, (namespace, name)) or ()):
            return _Amiss(f"{called} leads to Dragoman's diagnostics, which show every object of everyone")
        return port

    def at(self, namespace: str, url: Url) -> Found:
        """The backend at a URL that an annotation of an Ingress names: a Service of any namespace, or anything else."""
        tls = ir.UpstreamTls(sni=None if is_address(url.host) else url.host) if url.scheme == "https" else None
        if is_here(url.host):
            return Found(None, "", f"{url.host} is the machine that Dragoman runs on: nobody is asked there")
        if is_address(url.host):
            return Found(ir.Backend(ir.Addresses(((url.host, url.port),)), tls=tls))
        name = self._service(namespace, url.host)
        if name is None and "." not in url.host:
            return Found(None, "", f"there is no Service {namespace}/{url.host}")
        if name is None:
            return Found(ir.Backend(ir.DnsName(url.host, url.port), tls=tls))
        port = self._port(*name, url.port)
        if not isinstance(port, NamedPort):
            return Found(None, "", port.said)
        return Found(ir.Backend(ir.ServicePort(*name, port.number), tls=tls))

    def _service(self, namespace: str, host: str) -> Name | None:
        """The Service that a name stands for; one of two words is one if there is such a Service."""
        if found := _OF_CLUSTER.fullmatch(host):
            return found["namespace"], found["name"]
        first, _, second = host.partition(".")
        name = (second or namespace, first)
        return name if "." not in second and read(self._kubernetes.services, name) is not None else None


@dataclass(frozen=True, slots=True)
class _Amiss:
    """Why requests cannot go to a Service."""

    said: str
    is_about_port: bool = False


def is_address(host: str) -> bool:
    """Whether a host is no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_here(host: str) -> bool:
    """Whether an address or a name can only be the machine or the pod that asks."""
    if not is_address(host):
        return host == "localhost.localdomain" or host.endswith(".localhost")  # RFC 6761, 6.3
    found = ipaddress.ip_address(host)
    found = getattr(found, "ipv4_mapped", None) or found
    return found.is_loopback or found.is_unspecified or found.is_link_local


def _spoken_with(target: ir.ServicePort, port: NamedPort, treatment: Treatment) -> ir.Backend:
    """The backend: what annotations say of it counts before what the Service says of its port."""
    word = port.app_protocol.lower()
    is_http2 = word in _HTTP2 if treatment.protocol is None else treatment.protocol == "http2"
    by_tls = word in _TLS if treatment.upstream_tls is None else treatment.upstream_tls
    tls = replace(treatment.to_services, alpn=("h2",) if is_http2 else ()) if by_tls else None
    backend = ir.Backend(target, "http2" if is_http2 else "http1", tls)
    if treatment.connect_ms is not None:
        backend = replace(backend, connect_timeout_ms=treatment.connect_ms)
    return replace(backend, features=treatment.upstream_features) if treatment.upstream_features else backend
