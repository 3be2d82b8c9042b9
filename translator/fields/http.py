"""What the Module says of HTTP with clients, setting by setting, and what of it no longer means anything.

A setting that Envoy, or this gateway, has no use for is told with one sentence, unless it says what holds anyway.
"""

from collections.abc import Callable, Iterable
from dataclasses import field
from typing import Annotated, Any, Final

from translator.checks import Count, header_name
from translator.decode import FrozenMap, Invalid, Problem, Rule, rule
from translator.features.header_case import Case
from translator.features.http.client_certificates import ClientCertificates, Detail, Forwarding
from translator.features.http.http1 import Http1
from translator.features.http.limits import RequestHeaders
from translator.features.http.router import NoEnvoyHeaders
from translator.fields.access_log import AccessLogSettings, format_problems
from translator.fields.runtime_flags import RuntimeFlags
from translator.values import dataclass

MOST_HEADERS_KB: Final = 8192
_DETAILS: Final[tuple[Detail, ...]] = ("subject", "cert", "chain", "dns", "uri")
_SETTING: Final = frozenset({"APPEND_FORWARD", "SANITIZE_SET"})


def _inert(said: str, *harmless: object) -> Callable[[object], None]:
    """A check for a setting without effect: its sentence, unless the value says what holds anyway."""

    def check(value: object) -> None:
        if not any(value is each or (value == each and type(value) is type(each)) for each in harmless):
            raise Invalid(said, stops=False, sort="Idle")

    return check


def retired(said: str, *harmless: object) -> Any:
    """A field for a setting that has no effect here, and why."""
    told = f"has no effect: {said}"
    return field(default=None, metadata=rule(f"Has no effect: {said}.", check=_inert(told, *harmless)))


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateDetails:
    """What a service is told of a client's certificate, beside its digest."""

    subject: bool = field(default=False, metadata=rule("Its subject."))
    cert: bool = field(default=False, metadata=rule("The certificate itself, as PEM in a URL's encoding."))
    chain: bool = field(default=False, metadata=rule("The whole chain that the client showed."))
    dns: bool = field(default=False, metadata=rule("Its names of DNS."))
    uri: bool = field(default=False, metadata=rule("Its URIs."))

    @property
    def wanted(self) -> tuple[Detail, ...]:
        """Those that are wanted."""
        return tuple(name for name in _DETAILS if getattr(self, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings(AccessLogSettings):
    """The settings."""

    allow_chunked_length: bool = field(
        default=False,
        metadata=rule("Whether a request of HTTP/1 may have a Content-Length beside chunks; it is dropped."),
    )
    enable_http10: bool = field(default=False, metadata=rule("Whether HTTP/1.0 is answered, rather than with 426."))
    proper_case: bool = field(
        default=False,
        metadata=rule("Whether HTTP/1 has the names of headers as X-Request-Id, to clients and to services."),
    )
    header_case_overrides: tuple[Annotated[str, Rule(check=header_name)], ...] = field(
        default=(),
        metadata=rule(
            "Keeps the names of headers of HTTP/1 as the client, or the service, wrote them; see below.", max_size=1000
        ),
    )
    max_request_headers_kb: int | None = field(
        default=None,
        metadata=rule(
            "The size of all headers of a request, in KiB; 60 when absent.", minimum=1, maximum=MOST_HEADERS_KB
        ),
    )
    forward_client_cert_details: Forwarding | None = field(
        default=None,
        metadata=rule("What becomes of the header x-forwarded-client-cert; SANITIZE, it is dropped, when absent."),
    )
    set_current_client_cert_details: CertificateDetails | None = field(
        default=None, metadata=rule("What that header says, with APPEND_FORWARD and SANITIZE_SET.")
    )
    suppress_envoy_headers: bool = field(
        default=False, metadata=rule("Whether services and clients get no x-envoy headers of Envoy's own.")
    )
    buffer_limit_bytes: Count | None = field(
        default=None,
        metadata=rule(
            "What is kept of a connection with a client at most, in bytes, and of a body for retry_policy;"
            " 32768, and of such a body 1048576, when absent."
        ),
    )

    runtime_flags: RuntimeFlags = field(
        default=FrozenMap(), metadata=rule("Numbers that Envoy reads while it runs; see below.")
    )

    admin_port: object = retired("Envoy's admin interface is a unix socket, so that no network reaches it")
    auth_enabled: object = retired("an AuthService is in force when there is one")
    debug_mode: object = retired("logs have their level from AES_LOG_LEVEL", False)
    envoy_validation_timeout: object = retired("each object is checked by itself, within milliseconds")
    prune_unreachable_routes: object = retired("a route that no Host serves costs nothing")
    regex_type: object = retired("all regular expressions are RE2's", "safe")
    service_port: object = retired("a port is opened by a Listener")
    statsd: object = retired("it is the environment that says it: STATSD_ENABLED, STATSD_HOST")
    use_proxy_proto: object = retired("a Listener says it, with PROXY in its protocolStack", False)
    x_forwarded_proto_redirect: object = retired("a Host says it, with requestPolicy.insecure", False)
    xff_num_trusted_hops: object = retired("a Listener says it, with l7Depth", 0)

    @property
    def header_case(self) -> Case | None:
        """How the names of headers are written; None: in lower case."""
        if self.proper_case:
            return "proper"
        return "preserved" if self.header_case_overrides else None


def http_features(settings: HttpSettings) -> tuple[object, ...]:
    """What the settings give beside the options that every connection has."""
    http1 = Http1(settings.allow_chunked_length, settings.enable_http10, settings.header_case)
    certificates = settings.set_current_client_cert_details
    found = (
        http1 if http1 != Http1() else None,
        RequestHeaders(settings.max_request_headers_kb) if settings.max_request_headers_kb is not None else None,
        ClientCertificates(settings.forward_client_cert_details, certificates.wanted if certificates else ())
        if settings.forward_client_cert_details
        else None,
        NoEnvoyHeaders() if settings.suppress_envoy_headers else None,
    )
    return tuple(each for each in found if each is not None)


def http_problems(settings: HttpSettings) -> Iterable[Problem]:
    """What no setting can see alone."""
    yield from format_problems(settings)
    if settings.header_case_overrides:
        if settings.proper_case:
            said = "has no effect beside proper_case"
        else:
            said = (
                "is served as far as Envoy can: all names of headers in HTTP/1 stay as the other side wrote them, those"
                " that Envoy adds are written like X-Request-Id, and what comes by HTTP/2 is in lower case"
            )
        yield Problem("header_case_overrides", said, stops=False)
    details = settings.set_current_client_cert_details
    if details is not None and details.wanted and settings.forward_client_cert_details not in _SETTING:
        said = "has no effect unless forward_client_cert_details is APPEND_FORWARD or SANITIZE_SET"
        yield Problem("set_current_client_cert_details", said, stops=False)
