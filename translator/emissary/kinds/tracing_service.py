"""TracingService: who is told of traces, of which requests, and with which tags."""

from collections.abc import Iterable
from dataclasses import field, fields
from typing import Any, ClassVar, Final

from translator.checks import HeaderName, Percent, PlainText, header_text, host_glob
from translator.decode import Invalid, Problem, quote, rule
from translator.emissary.service_names import service as readable
from translator.fields.http import retired
from translator.fields.upstream import StatsNameText
from translator.values import dataclass

_DRIVERS: Final = ("zipkin", "datadog", "opentelemetry")
_DRIVER_SCHEMA: Final[dict[str, Any]] = {"enum": [*_DRIVERS, "lightstep"]}
_READ: Final[dict[str, frozenset[str]]] = {
    "zipkin": frozenset(
        (
            "collector_endpoint",
            "collector_endpoint_version",
            "collector_hostname",
            "trace_id_128bit",
            "shared_span_context",
        )
    ),
    "datadog": frozenset(("service_name", "collector_hostname")),
    "opentelemetry": frozenset(("service_name", "collector_endpoint")),
}
"""The settings that a driver reads."""


def _driver(text: str) -> str:
    if text == "lightstep":
        raise Invalid("lightstep is not spoken by Envoy any more: use opentelemetry")
    if text not in _DRIVERS:
        raise Invalid(f"must be one of {', '.join(_DRIVERS)}, not {quote(text)}")
    return text


def _endpoint(text: str) -> str:
    if not text.startswith("/"):
        raise Invalid("must be a path, beginning with '/': the address is that of service")
    return header_text(text)


def _hostname(text: str) -> str:
    if "*" in host_glob(text):
        raise Invalid(f"must be one name, not {quote(text)}")
    return text


def _version(text: str) -> str:
    if text == "HTTP_JSON_V1":
        raise Invalid("HTTP_JSON_V1 is not spoken by Envoy any more: use HTTP_JSON, and /api/v2/spans")
    if text not in {"HTTP_JSON", "HTTP_PROTO"}:
        raise Invalid(f"must be HTTP_JSON or HTTP_PROTO, not {quote(text)}")
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingSpec:
    """Which requests are traced, in percent."""

    client: Percent | None = field(
        default=None, metadata=rule("Of those whose client asks for it with x-client-trace-id; 100 when absent.")
    )
    random: Percent | None = field(default=None, metadata=rule("Of all others; 100 when absent."))
    overall: Percent | None = field(default=None, metadata=rule("Of all together, at most; 100 when absent."))


@dataclass(frozen=True, slots=True, kw_only=True)
class LiteralTag:
    """A text."""

    value: PlainText = field(metadata=rule("The text.", min_size=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentTag:
    """A variable of the gateway's environment."""

    name: PlainText = field(metadata=rule("Its name.", min_size=1))
    default_value: PlainText = field(default="", metadata=rule("What is told where it is not set."))


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderTag:
    """A header of the request."""

    name: HeaderName = field(metadata=rule("Its name."))
    default_value: PlainText = field(default="", metadata=rule("What is told where it is absent."))


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomTagSpec:
    """A tag of every trace."""

    tag: PlainText = field(metadata=rule("Its name.", min_size=1))
    literal: LiteralTag | None = field(default=None, metadata=rule("Its value is a text."))
    environment: EnvironmentTag | None = field(
        default=None, metadata=rule("Its value is a variable of the gateway's environment.")
    )
    request_header: HeaderTag | None = field(default=None, metadata=rule("Its value is a header of the request."))

    def cross_check(self) -> Iterable[Problem]:
        """It has one value; a tag without one is left out, and the others stay."""
        if not self.is_whole:
            said = "must have exactly one of literal, environment and request_header; it is left out"
            yield Problem("", said, stops=False)

    @property
    def is_whole(self) -> bool:
        """Whether it has exactly one value."""
        return (self.literal, self.environment, self.request_header).count(None) == 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TracerConfig:
    """How the driver speaks with its collector. What it does not read is told."""

    collector_endpoint: str | None = field(
        default=None,
        metadata=rule(
            "The path that traces are sent to: /api/v2/spans for zipkin; with opentelemetry OTLP is sent there by HTTP,"
            " such as to /v1/traces, else by gRPC.",
            check=_endpoint,
        ),
    )
    collector_endpoint_version: str | None = field(
        default=None, metadata=rule("HTTP_JSON or HTTP_PROTO; with zipkin.", check=_version)
    )
    collector_hostname: str | None = field(
        default=None,
        metadata=rule("The Host header of what is sent; the name of the cluster when absent.", check=_hostname),
    )
    trace_id_128bit: bool = field(default=True, metadata=rule("Whether trace ids have 128 bits; with zipkin."))
    shared_span_context: bool | None = field(
        default=None,
        metadata=rule("Whether client and server share a span; true when absent; with zipkin."),
    )
    service_name: PlainText | None = field(
        default=None,
        metadata=rule("The name of this gateway in traces; ambassador when absent; not with zipkin.", min_size=1),
    )

    collector_cluster: object = retired("traces go to service")
    access_token_file: object = retired("it was for lightstep, which Envoy does not speak any more")
    propagation_modes: object = retired("it was for lightstep, which Envoy does not speak any more")

    def unread(self, driver: str) -> Iterable[Problem]:
        """What is said and not read by a driver."""
        for each in fields(self):
            if getattr(self, each.name) != each.default and each.name not in _READ[driver]:
                yield Problem(f"config.{each.name}", f"has no effect with the driver {driver}", stops=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TracingServiceSpec:
    """Who is told of traces, of which requests, and with which tags."""

    SILENT: ClassVar[frozenset[str]] = frozenset()

    service: str = field(metadata=rule("Where it is: `[scheme://]host[:port]`.", min_size=1, check=readable))
    driver: str = field(
        metadata=rule("How traces are told: zipkin, datadog or opentelemetry.", check=_driver, schema=_DRIVER_SCHEMA)
    )
    sampling: SamplingSpec = field(default=SamplingSpec(), metadata=rule("Which requests are traced."))
    custom_tags: tuple[CustomTagSpec, ...] = field(
        default=(), metadata=rule("Tags that every trace has.", max_size=1000)
    )
    tag_headers: tuple[HeaderName, ...] = field(
        default=(), metadata=rule("Headers of requests that are tags of the same name; see custom_tags.", max_size=1000)
    )
    config: TracerConfig = field(default=TracerConfig(), metadata=rule("How the driver speaks with its collector."))
    stats_name: StatsNameText | None = field(
        default=None, metadata=rule("The name of the service in Envoy's statistics; the cluster's when absent.")
    )

    def cross_check(self) -> Iterable[Problem]:
        """What no field can see alone."""
        yield from self.config.unread(self.driver)
