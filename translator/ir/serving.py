"""Who is served, and where: names, connections, ports."""

from collections.abc import Sequence
from typing import Any, Literal

from translator.ir.backends import AuthorityRef, CertificateRef, SecretRef, TlsVersions
from translator.ir.keys import ObjectKey
from translator.ir.routes import WeightedBackend
from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class Guard:
    """What a virtual host with a wide name does not answer for, but says `status`.

    That is what is no name at all, and the names of others that no domain of Envoy's could say so: those for which
    `*suffix` stands, with a port behind them, and those for which `prefix*` stands.
    """

    globs: tuple[str, ...] = ()
    status: int = 404


@dataclass(frozen=True, slots=True)
class VirtualHost:
    """A name that is served, and what becomes of requests that did not come by TLS.

    `hostname` is exact, `*.suffix` or `*suffix`, `prefix*`, or `*`, with an optional port. `secure` says how a request
    is known to be secure: always, never, or by the header x-forwarded-proto that a trusted proxy set. Where `insecure`
    is misdirected, no request is served: its connection was made for another name (421).

    `also`: further names that it answers to, in the same forms. One without a `name` has no routes.
    """

    name: str
    hostname: str
    secure: Literal["always", "never", "forwarded"] = "always"
    insecure: Literal["route", "redirect", "reject", "misdirected"] = "route"
    origins: tuple[ObjectKey, ...] = ()
    also: tuple[str, ...] = ()
    guards: tuple[Guard, ...] = ()


@dataclass(frozen=True, slots=True)
class TlsTermination:
    """TLS towards clients: certificates by SNI chain, and what a client must show."""

    certificates: tuple[CertificateRef, ...]
    client_ca: AuthorityRef | None = None
    client_revocations: SecretRef | None = None
    require_client_certificate: bool = False
    takes_any_client: bool = False
    """Clients are asked for a certificate that `client_ca` has signed, and let in with any, or none."""
    client_depth: int | None = None
    """How many CAs may stand between a client's certificate and `client_ca`; None is Envoy's limit."""
    versions: TlsVersions = TlsVersions()
    alpn: tuple[str, ...] = ("h2", "http/1.1")
    cipher_suites: tuple[str, ...] = ()
    ecdh_curves: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """How HTTP is spoken with clients on one listener; the defaults are Envoy's advice for an edge proxy.

    Source: Envoy, "Configuring Envoy as an edge proxy". Times in milliseconds. `features` are values of the classes
    that `translator.features.http` lists: everything else, one file each. `origins`: whose these are.
    """

    stat_prefix: str = "ingress_http"
    use_remote_address: bool = True
    trusted_hops: int = 0
    server_name: str = "envoy"
    max_concurrent_streams: int = 100
    idle_timeout_ms: int = 3_600_000
    merge_slashes: bool = True
    escaped_slashes: Literal["keep", "reject", "redirect", "forward"] = "redirect"
    underscores: Literal["allow", "reject", "drop"] = "reject"
    strip_matching_host_port: bool = False
    preserve_external_request_id: bool = False
    features: tuple[Any, ...] = ()
    origins: tuple[ObjectKey, ...] = ()

    @property
    def trusts_a_proxy(self) -> bool:
        """Whether what a request says of its way is the word of a proxy in front of us."""
        return self.trusted_hops > 0 or not self.use_remote_address


@dataclass(frozen=True, slots=True)
class HttpChain:
    """Connections of this chain speak HTTP; their routes are the route configuration of the chain's name.

    `filters` are what its routes say to HTTP filters as long as they do not say it themselves. `http3_port`: where
    clients are told to find the same by HTTP/3. `any_port`: a host is looked up without the port behind it.
    Of a chain that may have very many `virtual_hosts` these are `translator.ir.hosts.Hosts`, else a tuple.
    """

    options: HttpOptions
    virtual_hosts: Sequence[VirtualHost]
    filters: tuple[Any, ...] = ()
    http3_port: int | None = None
    any_port: bool = False


@dataclass(frozen=True, slots=True)
class FilterSettings:
    """The configuration of an HTTP filter that stands in every listener: a value that `translator.filters` knows."""

    value: Any
    origins: tuple[ObjectKey, ...] = ()


@dataclass(frozen=True, slots=True)
class RuntimeValues:
    """Numbers that Envoy reads while it runs, by their names, in order."""

    values: tuple[tuple[str, int], ...] = ()
    origins: tuple[ObjectKey, ...] = ()


@dataclass(frozen=True, slots=True)
class TcpChain:
    """Connections of this chain are passed on as they are. `logs` are of `translator.features.http.grpc_log`.

    A connection that is the share of a backend that is None, or for which there is no backend at all, is closed.
    `origins`: whose the backends are, where that is not those of the chain.
    """

    backends: tuple[WeightedBackend, ...]
    stat_prefix: str
    idle_timeout_ms: int | None = None
    logs: tuple[Any, ...] = ()
    origins: tuple[ObjectKey, ...] = ()


@dataclass(frozen=True, slots=True)
class UdpChain:
    """Datagrams of this chain, which is the only one of its listener, are passed on as they are.

    Whose address and port is new has a backend by weight, and keeps it while it sends and for a minute. What is sent to
    the share of a backend that is None, or where there is no backend at all, is dropped. `origins` are as a TcpChain's.
    """

    backends: tuple[WeightedBackend, ...]
    stat_prefix: str
    origins: tuple[ObjectKey, ...] = ()


@dataclass(frozen=True, slots=True)
class FilterChain:
    """What happens to the connections of one listener that ask for one of `server_names`; () is any other.

    `tls` None: clear text. `quic`: by QUIC, which is HTTP/3. `passthrough`: only what speaks TLS, which is not ended
    here. `name` is unique among all chains, and names the route configuration of an HTTP chain.
    """

    name: str
    listener: str
    server_names: tuple[str, ...]
    tls: TlsTermination | None
    body: HttpChain | TcpChain | UdpChain
    origins: tuple[ObjectKey, ...] = ()
    quic: bool = False
    passthrough: bool = False


@dataclass(frozen=True, slots=True)
class Listener:
    """A port that is open; its chains say the rest. `buffer_limit`: what is kept of a connection at most, in bytes.

    `quic`: a port of UDP, where HTTP/3 is spoken. `by_datagrams`: one that passes on what comes. `more_addresses`:
    where it is open as well as at `address`.
    """

    name: str
    address: str
    port: int
    proxy_protocol: bool = False
    origins: tuple[ObjectKey, ...] = ()
    buffer_limit: int | None = None
    quic: bool = False
    more_addresses: tuple[str, ...] = ()
    by_datagrams: bool = False
