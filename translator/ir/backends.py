"""Where requests go: targets, how they are spoken with, and what makes two of them different."""

from dataclasses import field
from typing import Any, Literal

from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class ServicePort:
    """A port of a Kubernetes Service; its endpoints come from EndpointSlices, on a path that touches no route.

    `by_datagrams`: it is a port of UDP.
    """

    namespace: str
    name: str
    port: int | str
    by_datagrams: bool = False


@dataclass(frozen=True, slots=True)
class Addresses:
    """Fixed addresses: pairs of an IP literal and a port."""

    pairs: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class DnsName:
    """A name that Envoy resolves."""

    name: str
    port: int


@dataclass(frozen=True, slots=True)
class ConsulService:
    """A service of a Consul's catalog; an empty `address` is the Consul of the process's environment."""

    address: str
    datacenter: str
    service: str


@dataclass(frozen=True, slots=True)
class LocalSocket:
    """A unix socket of a process of ours: for routes of our own, since no API has a way to name it."""

    path: str


@dataclass(frozen=True, slots=True)
class Several:
    """Targets of one sort that share the requests alike: ports of Services, or addresses and names."""

    targets: tuple[ServicePort, ...] | tuple[Addresses | DnsName, ...]


Found = ServicePort | ConsulService
"""Targets whose endpoints come on a path of their own."""
Target = Found | Addresses | DnsName | LocalSocket | Several


@dataclass(frozen=True, slots=True)
class SecretRef:
    """A Secret by namespace and name."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class PemFiles:
    """A file with a certificate, with the one that has its key; or one with CAs."""

    certificate: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class ConfigMaps:
    """ConfigMaps by namespaces and names, whose CAs are trusted together."""

    names: tuple[tuple[str, str], ...]


CertificateRef = SecretRef | PemFiles
AuthorityRef = CertificateRef | ConfigMaps


@dataclass(frozen=True, slots=True)
class TlsVersions:
    """The oldest and the newest TLS version spoken; None leaves Envoy's default."""

    oldest: Literal["v1.0", "v1.1", "v1.2", "v1.3"] | None = None
    newest: Literal["v1.0", "v1.1", "v1.2", "v1.3"] | None = None


@dataclass(frozen=True, slots=True)
class PeerName:
    """A name in a certificate (a subject alternative name): `within` is any DNS name that ends in this one."""

    sort: Literal["dns", "within", "uri"]
    value: str


@dataclass(frozen=True, slots=True)
class UpstreamTls:
    """TLS towards a backend. Without `ca` its certificate is not verified; `revocations` are those of the `ca`.

    Where there are `names`, its certificate must have one of them.
    """

    sni: str | None = None
    ca: AuthorityRef | None = None
    revocations: SecretRef | None = None
    certificate: CertificateRef | None = None
    versions: TlsVersions = TlsVersions()
    alpn: tuple[str, ...] = ()
    cipher_suites: tuple[str, ...] = ()
    ecdh_curves: tuple[str, ...] = ()
    names: tuple[PeerName, ...] = ()


@dataclass(frozen=True, slots=True)
class Backend:
    """One upstream. Everything that makes two upstreams different stands here: equal backends share one cluster.

    `features` are values of the classes that `translator.features.upstream` lists, in its order. `checked`: no request
    with a dot segment in its path gets through, for routes whose rewrite may make one.
    """

    target: Target
    protocol: Literal["http1", "http2", "tcp", "udp"] = "http1"
    tls: UpstreamTls | None = None
    connect_timeout_ms: int = 3000
    tag: str = ""
    features: tuple[Any, ...] = ()
    checked: bool = field(default=False, repr=False)
