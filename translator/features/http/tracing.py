"""Traces: which requests are traced, what is told of them, and to whom.

The tracer is part of how HTTP is spoken on a connection, rather than of Envoy's start: it changes while Envoy serves.
"""

from typing import Final, Literal, TypeAlias

from envoyapi.config_core_v3 import GrpcService, GrpcServiceEnvoyGrpc, HttpService, HttpUri
from envoyapi.config_trace_v3 import (
    DatadogConfig,
    OpenTelemetryConfig,
    TracingHttp,
    ZipkinConfig,
    ZipkinConfigCollectorEndpointVersion,
)
from envoyapi.network_http_connection_manager_v3 import HttpConnectionManagerTracing
from envoyapi.type_tracing_v3 import CustomTag, CustomTagHeader, CustomTagLiteral
from envoyapi.type_v3 import Percent
from envoyapi.wire import any_of, duration_ms
from translator.features.http.part import Named, Part
from translator.ir import Backend
from translator.values import dataclass

_PATIENCE_MS: Final = 5000
"""For a collector of OTLP over HTTP to answer."""


@dataclass(frozen=True, slots=True)
class Zipkin:
    """Zipkin's format, version 2, sent to a path of the collector, with `hostname` as its Host header."""

    path: str = "/api/v2/spans"
    protobuf: bool = False
    hostname: str | None = None
    wide_ids: bool = True
    shared_spans: bool | None = None


@dataclass(frozen=True, slots=True)
class Datadog:
    """Datadog's agent."""

    service: str = "ambassador"
    hostname: str | None = None


@dataclass(frozen=True, slots=True)
class OpenTelemetry:
    """OTLP: over gRPC, or over HTTP to a `url`, of which the collector's address is the cluster's affair."""

    service: str = "ambassador"
    url: str | None = None


Tracer: TypeAlias = Zipkin | Datadog | OpenTelemetry


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag of each trace: a text, or the value of a header of the request."""

    name: str
    kind: Literal["text", "header"]
    text: str
    default: str = ""


@dataclass(frozen=True, slots=True)
class Sampling:
    """Percentages of requests: of those whose client asks for it, of all others, and at most; None is 100."""

    client: int | None = None
    random: int | None = None
    overall: int | None = None


@dataclass(frozen=True, slots=True)
class Tracing:
    """Who is told of traces, and what."""

    backend: Backend
    tracer: Tracer
    sampling: Sampling = Sampling()
    tags: tuple[Tag, ...] = ()


def part(tracing: Tracing, named: Named) -> Part:
    """What Envoy's HttpConnectionManager says of it."""
    sampling = tracing.sampling
    return Part(
        manager={
            "tracing": HttpConnectionManagerTracing(
                client_sampling=_percent(sampling.client),
                random_sampling=_percent(sampling.random),
                overall_sampling=_percent(sampling.overall),
                custom_tags=[_tag(tag) for tag in tracing.tags],
                provider=_provider(tracing.tracer, named(tracing.backend)),
                spawn_upstream_span=True,
            )
        }
    )


def _percent(number: int | None) -> Percent | None:
    return None if number is None else Percent(value=float(number))


def _tag(tag: Tag) -> CustomTag:
    if tag.kind == "text":
        return CustomTag(tag=tag.name, literal=CustomTagLiteral(value=tag.text))
    return CustomTag(tag=tag.name, request_header=CustomTagHeader(name=tag.text, default_value=tag.default))


def _provider(tracer: Tracer, cluster: str) -> TracingHttp:
    match tracer:
        case Zipkin():
            version = ZipkinConfigCollectorEndpointVersion
            return TracingHttp(
                name="envoy.tracers.zipkin",
                typed_config=any_of(
                    ZipkinConfig(
                        collector_cluster=cluster,
                        collector_endpoint=tracer.path,
                        collector_endpoint_version=version.HTTP_PROTO if tracer.protobuf else version.HTTP_JSON,
                        collector_hostname=tracer.hostname,
                        trace_id_128bit=tracer.wide_ids,
                        shared_span_context=tracer.shared_spans,
                    )
                ),
            )
        case Datadog():
            envoys = DatadogConfig(
                collector_cluster=cluster, service_name=tracer.service, collector_hostname=tracer.hostname
            )
            return TracingHttp(name="envoy.tracers.datadog", typed_config=any_of(envoys))
        case OpenTelemetry():
            return TracingHttp(name="envoy.tracers.opentelemetry", typed_config=any_of(_otlp(tracer, cluster)))


def _otlp(tracer: OpenTelemetry, cluster: str) -> OpenTelemetryConfig:
    if tracer.url is None:
        grpc = GrpcService(envoy_grpc=GrpcServiceEnvoyGrpc(cluster_name=cluster))
        return OpenTelemetryConfig(grpc_service=grpc, service_name=tracer.service)
    uri = HttpUri(uri=tracer.url, cluster=cluster, timeout=duration_ms(_PATIENCE_MS))
    return OpenTelemetryConfig(http_service=HttpService(http_uri=uri), service_name=tracer.service)
