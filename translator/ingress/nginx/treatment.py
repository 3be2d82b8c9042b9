"""What annotations make of an Ingress, whatever they are called: a value that the rules of routes read.

A group of annotations fills some of the fields. `shut` says why nothing behind the Ingress may be reached: what should
keep people out and cannot be served keeps all out.
"""

from dataclasses import replace
from typing import Any, Final, Literal

from translator import ir
from translator.features.hash_policy import HashPolicy
from translator.features.retry_policy import RetryPolicy
from translator.features.upgrades import Upgrades
from translator.filters.error_pages import ErrorPages
from translator.values import dataclass

_AS_IT_COMES: Final = ir.UpstreamTls()


@dataclass(frozen=True, slots=True)
class Canary:
    """Which requests for a path go to this Ingress instead of the one that has the path.

    By the header: `always` and `never`, or what `header_value` is; then by the cookie, then by weight.
    """

    header: str = ""
    header_value: ir.TextMatch | None = None
    cookie: str = ""
    weight: int = 0
    weight_total: int = 100


@dataclass(frozen=True, slots=True)
class Url:
    """An address that an annotation names; `path` is what stands behind the port, with its query."""

    scheme: Literal["http", "https"]
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The host, and the port where it is not the usual one, as a request names them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == {"http": 80, "https": 443}[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Authorization:
    """Who is asked whether a request goes on: see `translator.filters.auth_requests`, whose words these are."""

    url: Url
    method: str = "GET"
    answer_headers: tuple[str, ...] = ()
    sign_in: str = ""
    redirect: str = "$request_uri"
    always_sets_cookies: bool = False


@dataclass(frozen=True, slots=True)
class Guarded:
    """The Secret of the Ingress's namespace that has the passwords of users, and what these are told."""

    secret: str
    realm: str = ""


@dataclass(frozen=True, slots=True)
class ClientCertificates:
    """What clients show in TLS: a certificate by the CA of a Secret of the Ingress's namespace.

    `wanted`: `must` is that they show one, `may` that they may, `any` that it may be anybody's. `depth`: how many CAs
    may stand between.
    """

    secret: str
    wanted: Literal["must", "may", "any"] = "must"
    depth: int = 1


@dataclass(frozen=True, slots=True)
class ServiceTls:
    """How services are spoken with by TLS; `secret`, of the Ingress's namespace, has what is shown to them and the CA.

    `name` None: they are not verified.
    """

    secret: str = ""
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Copies:
    """Where copies of requests go, and as whose."""

    url: Url
    host: str


@dataclass(frozen=True, slots=True)
class Treatment:
    """All of it. Where nothing is said, the fields are what an Ingress without annotations has.

    `shuts_hosts`: what shuts it means the whole of its hosts, so that other Ingresses of them are shut as well.
    `https`: in clear text clients are sent to HTTPS always, never, or where the Ingress has a certificate for the host.
    `rewrite` is what a path becomes, with the groups of its expression. `root`: where who asks for `/` is sent.
    `passthrough`: TLS for its hosts is passed on as it comes, to the backend of `/`.
    `client` is what clients show in TLS, for all of a host.
    `idle_ms`: how long a service may send nothing, and `most_bytes` how large a body may be.
    `to_services` is the TLS that services are spoken with by, where they are.
    What has to be looked up first is in `authorization`, `passwords`, `copies`, `service_tls` and `default_backend`:
    see `translator.ingress.needs`, which makes filters and mirrors of it, and of the last `pages`, for answers with
    `error_codes`, and `stand_in`, which has the requests for a Service without pods.
    `satisfied_by_any`: what lets a request in by address, password or authorization is enough.
    `filters` are values of the classes that `translator.filters` lists, `features` of `translator.features`.
    """

    shut: tuple[str, ...] = ()
    shuts_hosts: bool = False
    https: Literal["always", "tls", "never"] = "tls"
    https_code: Literal[301, 302, 307, 308] = 308
    use_regex: bool = False
    rewrite: str | None = None
    root: str | None = None
    redirect: ir.Redirect | None = None
    other_name: bool = False
    passthrough: bool = False
    aliases: tuple[str, ...] = ()
    protocol: Literal["http1", "http2"] | None = None
    upstream_tls: bool | None = None
    service_tls: ServiceTls | None = None
    to_services: ir.UpstreamTls = _AS_IT_COMES
    connect_ms: int | None = None
    idle_ms: int | None = None
    upstream_features: tuple[Any, ...] = ()
    most_bytes: int | None = None
    filters: tuple[Any, ...] = ()
    satisfied_by_any: bool = False
    canary: Canary | None = None
    hashed: HashPolicy | None = None
    host: str | None = None
    retry: RetryPolicy | None = None
    headers: ir.HeaderEdits = ir.NO_EDITS
    mirrors: tuple[ir.Mirror, ...] = ()
    authorization: Authorization | None = None
    passwords: Guarded | None = None
    client: ClientCertificates | None = None
    copies: Copies | None = None
    error_codes: tuple[int, ...] = ()
    default_backend: str | None = None
    pages: ErrorPages | None = None
    stand_in: ir.Backend | None = None

    @property
    def as_regex(self) -> bool:
        """Whether its paths are regular expressions: nginx takes them for such as soon as they are rewritten."""
        return self.use_regex or self.rewrite is not None

    @property
    def features(self) -> tuple[Any, ...]:
        """What is said of forwarded requests."""
        retry = self.retry
        if self.idle_ms is not None:
            retry = replace(retry or RetryPolicy((), 0), idle_timeout_ms=self.idle_ms)
        return tuple([each for each in (retry, Upgrades(("websocket",)), self.hashed) if each is not None])
