"""LogServices and TracingServices: who is told of requests, besides whoever is asked for them.

Both are part of how HTTP is spoken at every Listener. One that a problem stops is left out, and the others stay.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from translator import ir
from translator.decode import Problem
from translator.emissary.backends import Backends, Wanted
from translator.emissary.kinds.log_service import LogServiceSpec
from translator.emissary.kinds.tracing_service import CustomTagSpec, TracerConfig, TracingServiceSpec
from translator.emissary.objects import Read, read_object
from translator.emissary.problems import Problems
from translator.emissary.settings import ALWAYS, Settings
from translator.features.http.grpc_log import GrpcLog
from translator.features.http.tracing import Datadog, OpenTelemetry, Sampling, Tag, Tracer, Tracing, Zipkin
from translator.features.upstream.stats_name import StatsName
from translator.features.upstream.warming import NoWarming
from translator.ir import Backend, ObjectKey
from translator.kubernetes.tables import name_of
from translator.options import Options
from translator.tables import Table, Tables, every, read
from translator.values import dataclass

_PROTOCOL: Final = {"zipkin": "http1", "datadog": "http1", "opentelemetry": "http2"}


@dataclass(frozen=True, slots=True)
class _Understood:
    """What became of an object; `value` is None when a problem stops it."""

    value: Any
    problems: tuple[Problem, ...] = ()


class Observability:
    """The tables of both kinds, and what they add to how HTTP is spoken. Its methods are for rules of a sweep."""

    def __init__(
        self,
        tables: Tables,
        objects: Mapping[str, Table[ObjectKey, bytes]],
        settings: Settings,
        backends: Backends,
        options: Options,
    ) -> None:
        self._settings = settings
        self._backends = backends
        self._options = options
        logs = tables.each(
            "log services read",
            objects["LogService"],
            lambda key, body: read_object(LogServiceSpec, key, body, options.ambassador_id),
        )
        self._logs: Table[ObjectKey, _Understood] = tables.each("log services", logs, self._log_of)
        traces = tables.each(
            "tracing services read",
            objects["TracingService"],
            lambda key, body: read_object(TracingServiceSpec, key, body, options.ambassador_id),
        )
        self._traces: Table[ObjectKey, _Understood] = tables.each("tracing services", traces, self._tracing_of)
        good = tables.group(
            "tracing services in force", self._traces, lambda _, row: {ALWAYS: True} if row.value else {}
        )
        self._tracer: Table[str, ObjectKey] = tables.each(
            "tracing service chosen", good, lambda _, them: self._first(them)
        )
        self._http = tables.each("http options of all", settings.always, lambda _, __: self._http_options())
        self._tcp = tables.each("logs of connections", settings.always, lambda _, __: self._tcp_logs() or None)
        self.problems: tuple[Problems, ...] = (
            tables.each("log service problems", self._logs, lambda _, row: row.problems or None),
            tables.each("tracing service problems", self._traces, self._tracing_problems),
        )

    def http_options(self) -> ir.HttpOptions:
        """How HTTP is spoken, before a Listener adds its part."""
        return read(self._http, ALWAYS) or self._settings.http_options()

    def tcp_logs(self) -> tuple[GrpcLog, ...]:
        """Who is told of connections that are passed on."""
        return read(self._tcp, ALWAYS) or ()

    def _http_options(self) -> ir.HttpOptions:
        common = self._settings.http_options()
        logs = self._logs_in_force()
        chosen = read(self._tracer, ALWAYS)
        row = read(self._traces, chosen) if chosen else None
        if not logs and row is None:
            return common
        added = [*logs.values(), *([row.value] if row else ())]
        origins = [*common.origins, *logs, *([chosen] if chosen else ())]
        return replace(common, features=(*common.features, *added), origins=tuple(origins))

    def _tcp_logs(self) -> tuple[GrpcLog, ...]:
        return tuple(log for log in self._logs_in_force().values() if log.kind == "tcp")

    def _logs_in_force(self) -> dict[ObjectKey, GrpcLog]:
        return {key: row.value for key, row in sorted(every(self._logs).items()) if row.value is not None}

    def _first(self, members: Mapping[ObjectKey, bool]) -> ObjectKey:
        """Of several, one in our own namespace goes first, then the first by namespace and name."""
        return min(members, key=lambda key: (name_of(key)[0] != self._options.namespace, key))

    def _log_of(self, _: ObjectKey, row: Read[LogServiceSpec]) -> _Understood:
        spec = row.value
        if spec is None:
            return _Understood(None, row.problems)
        backend, problems = self._backend(spec.service, spec.stats_name, row, "http2")
        if backend is None:
            return _Understood(None, problems)
        headers = spec.driver_config.additional_log_headers if spec.driver == "http" else ()
        log = GrpcLog(
            name=row.name,
            backend=backend,
            kind=spec.driver,
            flush_ms=spec.flush_interval_time * 1000,
            flush_bytes=spec.flush_interval_byte_size,
            request_headers=tuple(each.header_name for each in headers if each.during_request),
            response_headers=tuple(each.header_name for each in headers if each.during_response),
            response_trailers=tuple(each.header_name for each in headers if each.during_trailer),
        )
        return _Understood(log, problems)

    def _tracing_of(self, _: ObjectKey, row: Read[TracingServiceSpec]) -> _Understood:
        spec = row.value
        if spec is None:
            return _Understood(None, row.problems)
        over_http = spec.driver == "opentelemetry" and spec.config.collector_endpoint is not None
        protocol = "http1" if over_http else _PROTOCOL[spec.driver]
        backend, problems = self._backend(spec.service, spec.stats_name, row, protocol)
        if backend is None:
            return _Understood(None, problems)
        sampling = Sampling(spec.sampling.client, spec.sampling.random, spec.sampling.overall)
        return _Understood(Tracing(backend, _tracer_of(spec), sampling, self._tags_of(spec)), problems)

    def _tags_of(self, spec: TracingServiceSpec) -> tuple[Tag, ...]:
        tags = {name: Tag(name, "header", name) for name in spec.tag_headers}
        tags |= {each.tag: tag for each in spec.custom_tags if each.is_whole and (tag := self._tag_of(each))}
        return tuple(tags.values())

    def _tag_of(self, spec: CustomTagSpec) -> Tag | None:
        """The tag; None for a variable that says nothing. Envoy itself is not given what our environment holds."""
        if spec.literal:
            return Tag(spec.tag, "text", spec.literal.value)
        if spec.request_header:
            return Tag(spec.tag, "header", spec.request_header.name, spec.request_header.default_value)
        wanted = spec.environment
        text = self._options.environment.get(wanted.name) or wanted.default_value if wanted else ""
        return Tag(spec.tag, "text", text) if text else None

    def _backend(
        self, service: str, stats_name: str | None, row: Read[Any], protocol: Any
    ) -> tuple[Backend | None, tuple[Problem, ...]]:
        wanted = Wanted(
            service, None, protocol, features=(*((StatsName(stats_name),) if stats_name else ()), NoWarming())
        )
        found = self._backends.find_for_all(wanted, row.namespace)
        return found.backend, (*row.problems, *found.problems)

    def _tracing_problems(self, key: ObjectKey, row: _Understood) -> tuple[Problem, ...] | None:
        chosen = read(self._tracer, ALWAYS)
        if row.value is not None and chosen not in {None, key}:
            beside = Problem("metadata.name", f"has no effect beside {chosen}, which is used", reason="Conflict")
            return (*row.problems, beside)
        return row.problems or None


def _tracer_of(spec: TracingServiceSpec) -> Tracer:
    config: TracerConfig = spec.config
    usual = "ambassador"
    match spec.driver:
        case "zipkin":
            return Zipkin(
                path=config.collector_endpoint or "/api/v2/spans",
                protobuf=config.collector_endpoint_version == "HTTP_PROTO",
                hostname=config.collector_hostname,
                wide_ids=config.trace_id_128bit,
                shared_spans=config.shared_span_context,
            )
        case "datadog":
            return Datadog(config.service_name or usual, config.collector_hostname)
        case _:
            return OpenTelemetry(config.service_name or usual, _otlp_url(spec))


def _otlp_url(spec: TracingServiceSpec) -> str | None:
    """The URL of OTLP over HTTP, of which Envoy takes the host and the path."""
    path = spec.config.collector_endpoint
    if path is None:
        return None
    scheme, found, rest = spec.service.rpartition("://")
    return f"{scheme or 'http'}://{rest if found else spec.service}{path}"
