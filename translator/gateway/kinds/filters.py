"""Filters of HTTPRoutes and GRPCRoutes: what is done with a request beside sending it on.

Source: Gateway API v1.7.0, HTTPRouteFilter, GRPCRouteFilter.
"""

import re
from collections.abc import Iterable
from dataclasses import field
from typing import Annotated, ClassVar, Final, Literal

from translator.checks import Port, plain_text, token
from translator.decode import Invalid, Problem, Rule, rule
from translator.dot_segments import path_without_dots
from translator.gateway.kinds.shared import BackendObjectRef, ObjectRef, PreciseHostname
from translator.values import dataclass

HeaderName = Annotated[str, Rule(min_size=1, max_size=256, check=token)]
HeaderValue = Annotated[str, Rule(min_size=1, max_size=4096, check=plain_text)]
MOST: Final = 64
_PATH: Final = re.compile(r"(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})*")

FIELDS: Final = {
    "RequestHeaderModifier": "request_header_modifier",
    "ResponseHeaderModifier": "response_header_modifier",
    "RequestMirror": "request_mirror",
    "RequestRedirect": "request_redirect",
    "URLRewrite": "url_rewrite",
    "CORS": "cors",
    "ExternalAuth": "external_auth",
    "ExtensionRef": "extension_ref",
}
"""The attribute that belongs to each type."""
ONCE: Final = tuple(name for name in FIELDS if name not in {"RequestMirror", "ExternalAuth", "ExtensionRef"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A header with its value."""

    OPEN: ClassVar[bool] = True

    name: HeaderName
    value: HeaderValue


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderModifier:
    """Headers that are set, added and removed, in this order."""

    OPEN: ClassVar[bool] = True

    set: Annotated[tuple[Header, ...], Rule(max_size=16)] = ()
    add: Annotated[tuple[Header, ...], Rule(max_size=16)] = ()
    remove: Annotated[tuple[HeaderName, ...], Rule(max_size=16)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fraction:
    """A share of the requests."""

    OPEN: ClassVar[bool] = True

    numerator: Annotated[int, Rule(minimum=0)]
    denominator: Annotated[int, Rule(minimum=1)] = 100

    def cross_check(self) -> Iterable[Problem]:
        """No more than all."""
        if self.numerator > self.denominator:
            yield Problem("numerator", "must be at most the denominator")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestMirror:
    """Copies of requests, whose answers are thrown away."""

    OPEN: ClassVar[bool] = True

    backend_ref: BackendObjectRef = field(metadata=rule(name="backendRef", required=True))
    percent: Annotated[int, Rule(minimum=0, maximum=100)] | None = None
    fraction: Fraction | None = None

    def cross_check(self) -> Iterable[Problem]:
        """One way to say a share."""
        if self.percent is not None and self.fraction is not None:
            yield Problem("fraction", "must not be given beside percent")


@dataclass(frozen=True, slots=True, kw_only=True)
class PathModifier:
    """What becomes of the path."""

    OPEN: ClassVar[bool] = True

    type: Literal["ReplaceFullPath", "ReplacePrefixMatch"]
    replace_full_path: Annotated[str, Rule(max_size=1024)] | None = field(
        default=None, metadata=rule(name="replaceFullPath")
    )
    replace_prefix_match: Annotated[str, Rule(max_size=1024)] | None = field(
        default=None, metadata=rule(name="replacePrefixMatch")
    )

    def cross_check(self) -> Iterable[Problem]:
        """What is said belongs to the type."""
        given = {"ReplaceFullPath": self.replace_full_path, "ReplacePrefixMatch": self.replace_prefix_match}
        for name, value in given.items():
            where = name[0].lower() + name[1:]
            if name == self.type and value is None:
                yield Problem(where, f"must be given with the type {name}")
            if name != self.type and value is not None:
                yield Problem(where, f"must not be given with the type {self.type}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRedirect:
    """The client is sent elsewhere."""

    OPEN: ClassVar[bool] = True

    scheme: Literal["http", "https"] | None = None
    hostname: PreciseHostname | None = None
    path: PathModifier | None = None
    port: Port | None = None
    status_code: Literal[301, 302, 303, 307, 308] = field(default=302, metadata=rule(name="statusCode"))


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlRewrite:
    """The URL changes on its way to the service."""

    OPEN: ClassVar[bool] = True

    hostname: PreciseHostname | None = None
    path: PathModifier | None = None


Word = Annotated[str, Rule(check=token)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cors:
    """Which pages of other sites may read answers."""

    OPEN: ClassVar[bool] = True

    allow_origins: Annotated[tuple[Annotated[str, Rule(min_size=1, max_size=253)], ...], Rule(max_size=MOST)] = field(
        default=(), metadata=rule(name="allowOrigins")
    )
    allow_credentials: bool = field(default=False, metadata=rule(name="allowCredentials"))
    allow_methods: Annotated[tuple[Word, ...], Rule(max_size=9)] = field(default=(), metadata=rule(name="allowMethods"))
    allow_headers: Annotated[tuple[Word, ...], Rule(max_size=MOST)] = field(
        default=(), metadata=rule(name="allowHeaders")
    )
    expose_headers: Annotated[tuple[Word, ...], Rule(max_size=MOST)] = field(
        default=(), metadata=rule(name="exposeHeaders")
    )
    max_age: Annotated[int, Rule(minimum=1)] = field(default=5, metadata=rule(name="maxAge"))


def _prefix(text: str) -> str:
    if not _PATH.fullmatch(text):
        raise Invalid("must be a path, without anything that has to be escaped")
    return path_without_dots(text)


Headers = Annotated[tuple[HeaderName, ...], Rule(max_size=MOST)]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthByHttp:
    """What is said to a service that speaks HTTP, and what it may say."""

    OPEN: ClassVar[bool] = True

    path: Annotated[str, Rule(max_size=1024, check=_prefix)] | None = None
    allowed_headers: Headers = field(default=(), metadata=rule(name="allowedHeaders"))
    allowed_response_headers: Headers = field(default=(), metadata=rule(name="allowedResponseHeaders"))


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthByGrpc:
    """What is said to a service that speaks Envoy's protocol."""

    OPEN: ClassVar[bool] = True

    allowed_headers: Headers = field(default=(), metadata=rule(name="allowedHeaders"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardBody:
    """How much of a body the service gets; 0: nothing."""

    OPEN: ClassVar[bool] = True

    max_size: Annotated[int, Rule(minimum=0, maximum=2_147_483_647)] = field(default=0, metadata=rule(name="maxSize"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalAuth:
    """A service is asked whether requests may go on."""

    OPEN: ClassVar[bool] = True

    protocol: Literal["HTTP", "GRPC"]
    backend_ref: BackendObjectRef = field(metadata=rule(name="backendRef", required=True))
    grpc: AuthByGrpc | None = None
    http: AuthByHttp | None = None
    forward_body: ForwardBody = field(default=ForwardBody(), metadata=rule(name="forwardBody"))

    def cross_check(self) -> Iterable[Problem]:
        """What is said belongs to the protocol."""
        for name, said in (("GRPC", self.grpc), ("HTTP", self.http)):
            if name == self.protocol and said is None:
                yield Problem(name.lower(), f"must be given with the protocol {name}")
            if name != self.protocol and said is not None:
                yield Problem(name.lower(), f"must not be given with the protocol {self.protocol}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """One filter. Of a type that is not in FIELDS nothing is read."""

    OPEN: ClassVar[bool] = True

    type: Annotated[str, Rule(min_size=1)]
    request_header_modifier: HeaderModifier | None = field(default=None, metadata=rule(name="requestHeaderModifier"))
    response_header_modifier: HeaderModifier | None = field(default=None, metadata=rule(name="responseHeaderModifier"))
    request_mirror: RequestMirror | None = field(default=None, metadata=rule(name="requestMirror"))
    request_redirect: RequestRedirect | None = field(default=None, metadata=rule(name="requestRedirect"))
    url_rewrite: UrlRewrite | None = field(default=None, metadata=rule(name="urlRewrite"))
    cors: Cors | None = None
    external_auth: ExternalAuth | None = field(default=None, metadata=rule(name="externalAuth"))
    extension_ref: ObjectRef | None = field(default=None, metadata=rule(name="extensionRef"))

    def cross_check(self) -> Iterable[Problem]:
        """The field that belongs to the type is there, and no other."""
        for name, attribute in FIELDS.items():
            where = "cors" if name == "CORS" else "urlRewrite" if name == "URLRewrite" else name[0].lower() + name[1:]
            is_there = getattr(self, attribute) is not None
            if name == self.type and not is_there:
                yield Problem(where, f"must be given with the type {name}")
            if name != self.type and is_there:
                yield Problem(where, f"must not be given with the type {self.type}")


def checked_filters(filters: tuple[Filter, ...]) -> Iterable[Problem]:
    """The rules about filters that stand together."""
    types = [each.type for each in filters]
    for name in ONCE:
        if types.count(name) > 1:
            yield Problem("filters", f"must have {name} at most once")
    if {"RequestRedirect", "URLRewrite"} <= set(types):
        yield Problem("filters", "must not have both RequestRedirect and URLRewrite")
