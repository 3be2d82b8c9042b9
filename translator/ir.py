"""What a gateway is asked to do, in no one's words but ours: the place where the APIs meet.

Mapping, HTTPRoute and Ingress are three ways to say the same things. Each API is a folder of rules that turns its kinds
into the values below; the encoders in `translator.xds` know only these values. Nothing here speaks of Kubernetes
objects or of protobuf, every value is frozen, and each carries its origins (the keys of the objects it came from), so
that a problem, a refusal by Envoy or a statistic can name the person's own object.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

ObjectKey = str
"""`<group>/<Kind>/<namespace>/<name>`, for instance `getambassador.io/Mapping/default/quote`."""


# What a route matches


@dataclass(frozen=True, slots=True)
class TextMatch:
    """How a header's or query parameter's value is compared."""

    kind: Literal["exact", "prefix", "suffix", "regex"]
    text: str
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class PathMatch:
    """How the path is compared. `segments` is a prefix that ends at a `/`; a regex must match the whole path."""

    kind: Literal["exact", "prefix", "segments", "regex"]
    text: str
    case_sensitive: bool = True


@dataclass(frozen=True, slots=True)
class HeaderMatch:
    """A header that must be there; with `value`, it must also compare; `inverted` turns the whole test round."""

    name: str
    value: TextMatch | None = None
    inverted: bool = False


@dataclass(frozen=True, slots=True)
class QueryMatch:
    """A query parameter that must be there; with `value`, it must also compare."""

    name: str
    value: TextMatch | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """The share of requests that take a route: `part` of `whole`; the others go on to the next route."""

    part: int
    whole: Literal[100, 10_000, 1_000_000] = 100


@dataclass(frozen=True, slots=True)
class RouteMatch:
    """All that a request must be to take a route. The method is the header `:method`, the host is `:authority`."""

    path: PathMatch
    headers: tuple[HeaderMatch, ...] = ()
    queries: tuple[QueryMatch, ...] = ()
    share: Share | None = None


# Where requests go


@dataclass(frozen=True, slots=True)
class ServicePort:
    """A port of a Kubernetes Service; its endpoints come from EndpointSlices, on a path that touches no route."""

    namespace: str
    name: str
    port: int | str


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


CertificateRef = SecretRef | PemFiles


@dataclass(frozen=True, slots=True)
class TlsVersions:
    """The oldest and the newest TLS version spoken; None leaves Envoy's default."""

    oldest: Literal["v1.0", "v1.1", "v1.2", "v1.3"] | None = None
    newest: Literal["v1.0", "v1.1", "v1.2", "v1.3"] | None = None


@dataclass(frozen=True, slots=True)
class UpstreamTls:
    """TLS towards a backend. Without `ca` its certificate is not verified; `revocations` are those of the `ca`."""

    sni: str | None = None
    ca: CertificateRef | None = None
    revocations: SecretRef | None = None
    certificate: CertificateRef | None = None
    versions: TlsVersions = TlsVersions()
    alpn: tuple[str, ...] = ()
    cipher_suites: tuple[str, ...] = ()
    ecdh_curves: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Backend:
    """One upstream. Everything that makes two upstreams different stands here: equal backends share one cluster.

    `features` are values of the classes that `translator.features.upstream` lists, in its order. `checked`: no request
    with a dot segment in its path gets through, for routes whose rewrite may make one.
    """

    target: Target
    protocol: Literal["http1", "http2", "tcp"] = "http1"
    tls: UpstreamTls | None = None
    connect_timeout_ms: int = 3000
    tag: str = ""
    features: tuple[Any, ...] = ()
    checked: bool = field(default=False, repr=False)


@dataclass(frozen=True, slots=True)
class HeaderValue:
    """A header to set, or to append to what is there."""

    name: str
    value: str
    append: bool = True


@dataclass(frozen=True, slots=True)
class HeaderEdits:
    """Headers added and removed, on the way to the backend and on the way back."""

    add_request: tuple[HeaderValue, ...] = ()
    remove_request: tuple[str, ...] = ()
    add_response: tuple[HeaderValue, ...] = ()
    remove_response: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WeightedBackend:
    """A backend's share of a route, `weight` of the sum. `backend` None is a share that is broken: it answers 500."""

    backend: Backend | None
    weight: int = 1
    headers: HeaderEdits = HeaderEdits()


@dataclass(frozen=True, slots=True)
class Mirror:
    """A copy of the requests for a backend whose answers are thrown away.

    `headers` are edited on the way there, of responses none; `host` None is the request's, with `-shadow` behind it.
    """

    backend: Backend
    share: Share = Share(100)
    headers: HeaderEdits = HeaderEdits()
    host: str | None = None


@dataclass(frozen=True, slots=True)
class Rewrite:
    """How the path changes: the matched part becomes `text`, or `pattern` is substituted, or the whole is `text`.

    `joined` is `matched` for a prefix, with one `/` behind it: `/foo` becoming `/` turns `/foo/bar` into `/bar`. `text`
    holds no dot segments: see `translator.dot_segments`.
    """

    kind: Literal["matched", "joined", "regex", "whole"]
    text: str
    pattern: str = ""


# What a route does


@dataclass(frozen=True, slots=True)
class Forward:
    """Send the request to one of the backends, by weight. `host` None keeps the Host header.

    `timeout_ms` 0 is no limit, None is Envoy's default (15 s). `features` are values of the classes that
    `translator.features` lists: everything else that can be said of a forwarded request, one file each.
    """

    backends: tuple[WeightedBackend, ...]
    rewrite: Rewrite | None = None
    host: str | None = None
    timeout_ms: int | None = None
    mirrors: tuple[Mirror, ...] = ()
    features: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Redirect:
    """Tell the client to go elsewhere; None keeps that part of the URL."""

    scheme: str | None = None
    host: str | None = None
    port: int | None = None
    rewrite: Rewrite | None = None
    code: Literal[301, 302, 303, 307, 308] = 301
    strip_query: bool = False


@dataclass(frozen=True, slots=True)
class DirectResponse:
    """Answer at once, without a backend."""

    status: int
    body: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """One rule of a virtual host.

    `name` is unique and stable. `order` says where it stands among all routes of its virtual host, smallest first: its
    API computes it by its own rules (values of one virtual host must be comparable), never from the order of insertion.
    """

    name: str
    match: RouteMatch
    action: Forward | Redirect | DirectResponse
    order: tuple[Any, ...]
    headers: HeaderEdits = HeaderEdits()
    origins: tuple[ObjectKey, ...] = ()
    filters: tuple[Any, ...] = ()
    """What it says to HTTP filters: values of the classes that `translator.filters` lists as switches."""


# Who is served, and where


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
    client_ca: CertificateRef | None = None
    client_revocations: SecretRef | None = None
    require_client_certificate: bool = False
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
    clients are told to find the same by HTTP/3.
    """

    options: HttpOptions
    virtual_hosts: tuple[VirtualHost, ...]
    filters: tuple[Any, ...] = ()
    http3_port: int | None = None


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
    """Connections of this chain are passed on as they are. `logs` are of `translator.features.http.grpc_log`."""

    backends: tuple[WeightedBackend, ...]
    stat_prefix: str
    idle_timeout_ms: int | None = None
    logs: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class FilterChain:
    """What happens to the connections of one listener that ask for one of `server_names`; () is any other.

    `tls` None: clear text. `quic`: by QUIC, which is HTTP/3. `name` is unique among all chains, and names the route
    configuration of an HTTP chain.
    """

    name: str
    listener: str
    server_names: tuple[str, ...]
    tls: TlsTermination | None
    body: HttpChain | TcpChain
    origins: tuple[ObjectKey, ...] = ()
    quic: bool = False


@dataclass(frozen=True, slots=True)
class Listener:
    """A port that is open; its chains say the rest. `buffer_limit`: what is kept of a connection at most, in bytes.

    `quic`: a port of UDP, where HTTP/3 is spoken. `more_addresses`: where it is open as well as at `address`.
    """

    name: str
    address: str
    port: int
    proxy_protocol: bool = False
    origins: tuple[ObjectKey, ...] = ()
    buffer_limit: int | None = None
    quic: bool = False
    more_addresses: tuple[str, ...] = ()
