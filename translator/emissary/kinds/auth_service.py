"""AuthService: a service that is asked about every request before it goes on."""

from collections import abc
from collections.abc import Iterable
from dataclasses import field
from typing import Annotated, ClassVar, Literal

from translator.checks import HeaderFormat, HeaderName, Milliseconds, PlainText, path_prefix
from translator.decode import Invalid, Problem, Rule, quote, rule
from translator.emissary.service_names import service
from translator.fields.upstream import Breakers, StatsNameText
from translator.filters.external_auth import STATUSES, Body
from translator.values import dataclass

MOST_BYTES = 4_294_967_295
TIMEOUT_MS = 5_000


def _status(code: int) -> int:
    if code not in STATUSES:
        raise Invalid(f"must be a status of HTTP that Envoy knows, not {code}")
    return code


def _prefix(text: str) -> str:
    if text and not text.startswith("/"):
        raise Invalid(f"must begin with /, unlike {quote(text)}")
    return path_prefix(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncludeBody:
    """How much of a request's body is shown to the service."""

    max_bytes: Annotated[int, Rule(minimum=1, maximum=MOST_BYTES)] = field(metadata=rule("So many bytes at most."))
    allow_partial: bool = field(
        metadata=rule("Of a larger body its beginning is shown; false: the client is answered 413.")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusOnError:
    """What a client is answered when the service does not answer."""

    code: Annotated[int, Rule(check=_status, schema={"minimum": 100, "maximum": 599})] | None = field(
        default=None, metadata=rule("The status; 403 when absent.")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthServiceSpec:
    """A service that is asked about every request before it goes on."""

    SILENT: ClassVar[frozenset[str]] = frozenset({"v2ExplicitTLS"})

    auth_service: str = field(metadata=rule("The service: `[scheme://]host[:port]`.", min_size=1, check=service))
    proto: Literal["http", "grpc"] = field(default="http", metadata=rule("What it speaks."))
    protocol_version: Literal["v2", "v3"] = field(
        default="v2", metadata=rule("The version of Envoy's protocol; v3 is the one that it still speaks by gRPC.")
    )
    tls: PlainText | None = field(default=None, metadata=rule("The TLSContext to speak TLS to the service with."))
    timeout_ms: Milliseconds = field(default=TIMEOUT_MS, metadata=rule("How long the service may take; 0 is no limit."))
    path_prefix: str = field(
        default="", metadata=rule("Goes before the path that a service that speaks HTTP is asked with.", check=_prefix)
    )
    allowed_request_headers: tuple[HeaderName, ...] = field(
        default=(), metadata=rule("Headers of the request that a service that speaks HTTP gets besides the usual ones.")
    )
    allowed_authorization_headers: tuple[HeaderName, ...] = field(
        default=(),
        metadata=rule(
            "Headers of its answer that go on besides the usual ones: to the service behind when the request is"
            " allowed, else to the client."
        ),
    )
    add_auth_headers: abc.Mapping[HeaderName, HeaderFormat] | None = field(
        default=None, metadata=rule("Headers that the service gets in addition.")
    )
    add_linkerd_headers: bool | None = field(
        default=None, metadata=rule("Whether l5d-dst-override tells Linkerd the service; the Module's when absent.")
    )
    include_body: IncludeBody | None = field(default=None, metadata=rule("Whether the body is shown, and how much."))
    allow_request_body: bool = field(
        default=False, metadata=rule("Older name of include_body: 4096 bytes, be it that there are more.")
    )
    failure_mode_allow: bool = field(
        default=False, metadata=rule("Let requests through when the service does not answer.")
    )
    status_on_error: StatusOnError | None = field(
        default=None, metadata=rule("What the client is answered when the service does not answer.")
    )
    stats_name: StatsNameText | None = field(
        default=None, metadata=rule("The name of the service in Envoy's statistics; the cluster's when absent.")
    )
    circuit_breakers: Breakers | None = field(
        default=None, metadata=rule("How much the service is asked at once; the Module's when absent.")
    )

    @property
    def body(self) -> Body | None:
        """How much of a body is shown."""
        if self.include_body is not None:
            return Body(self.include_body.max_bytes, self.include_body.allow_partial)
        return Body(4096, partial=True) if self.allow_request_body else None

    def cross_check(self) -> Iterable[Problem]:
        """What no field can see alone."""
        if self.proto == "grpc" and self.protocol_version != "v3":
            yield Problem("protocol_version", "must be v3 for proto: grpc: Envoy speaks no other version")
        if self.include_body is not None and self.allow_request_body:
            yield Problem("allow_request_body", "has no effect beside include_body", stops=False)
        for name in ("path_prefix", "allowed_request_headers", "allowed_authorization_headers"):
            if self.proto == "grpc" and getattr(self, name):
                yield Problem(name, "has no effect with proto: grpc", stops=False)
