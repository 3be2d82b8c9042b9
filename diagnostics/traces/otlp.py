"""Traces in OpenTelemetry's form: OTLP's JSON, and the same as protobuf's bytes. Pure.

Source: opentelemetry/proto/trace/v1/trace.proto, and https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any, Final

from diagnostics.traces.spans import Span, Trace, Value
from process.version import VERSION

_INTERNAL: Final = 1
_CLIENT: Final = 3
_ERROR: Final = 2
_IDS: Final = ("traceId", "spanId", "parentSpanId")


def document(traces: Iterable[Trace], resource: Mapping[str, str]) -> dict[str, Any]:
    """An ExportTraceServiceRequest as JSON; `resource`: what is said of who tells it."""
    spans = [_span(trace.trace_id, span) for trace in traces for span in trace.spans]
    scope = {"name": "dragoman", "version": VERSION}
    told = {"attributes": _attributes(resource)}
    return {"resourceSpans": [{"resource": told, "scopeSpans": [{"scope": scope, "spans": spans}]}]}


def encoded(told: Mapping[str, Any]) -> bytes:
    """Such a document as protobuf's bytes."""
    from google.protobuf.json_format import ParseDict  # noqa: PLC0415 -- who traces nothing does without its memory
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (  # noqa: PLC0415
        ExportTraceServiceRequest,
    )

    return ParseDict(_with_base64(told), ExportTraceServiceRequest()).SerializeToString()


def _span(trace_id: str, span: Span) -> dict[str, Any]:
    parent = {"parentSpanId": span.parent_id} if span.parent_id else {}
    status = {} if span.error is None else {"code": _ERROR, "message": span.error}
    return {
        "traceId": trace_id,
        "spanId": span.span_id,
        **parent,
        "name": span.name,
        "kind": _CLIENT if span.is_client else _INTERNAL,
        "startTimeUnixNano": _nanoseconds(span.start),
        "endTimeUnixNano": _nanoseconds(max(span.start, span.end)),
        "attributes": _attributes(span.attributes),
        "status": status,
    }


def _nanoseconds(seconds: float) -> str:
    """A float has room for microseconds of today's times, and no more."""
    return str(round(seconds * 1_000_000) * 1000)


def _attributes(told: Mapping[str, Value]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in told.items()]


def _value(value: Value) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case str():
            return {"stringValue": value}
        case _:
            return {"arrayValue": {"values": [{"stringValue": each} for each in value]}}


def _with_base64(told: Any) -> Any:
    """OTLP has ids in hexadecimal, where protobuf's own JSON has base64."""
    match told:
        case dict():
            return {key: _base64(value) if key in _IDS else _with_base64(value) for key, value in told.items()}
        case list():
            return [_with_base64(each) for each in told]
    return told


def _base64(hexadecimal: str) -> str:
    return b64encode(bytes.fromhex(hexadecimal)).decode()
