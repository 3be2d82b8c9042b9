"""Who is told of requests: a sink of Envoy's access log protocol, and collectors of traces over gRPC.

Zipkin's collector, Datadog's agent and OTLP over HTTP are an `HttpUpstream`, whose `bodies` are what they were sent.
"""

import contextlib
from concurrent import futures
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from envoyapi import canonical
from tests.support.certificates import Pair
from tests.support.scoped import Scoped

_ENTRIES = "envoy.service.accesslog.v3.StreamAccessLogsMessage"


class GrpcSink(Scoped):
    """A gRPC server of one method, whose messages it keeps as bytes; it answers with an empty one.

    `pair`: it speaks TLS with this certificate, else clear text (h2c).
    """

    def __init__(self, service: str, method: str, *, streams: bool = False, pair: Pair | None = None) -> None:
        self.messages: list[bytes] = []
        self._server = grpc.server(futures.ThreadPoolExecutor(8))
        if streams:
            handler = grpc.stream_unary_rpc_method_handler(self._take_all)
        else:
            handler = grpc.unary_unary_rpc_method_handler(self._take)
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))
        if pair is None:
            self.port = self._server.add_insecure_port("127.0.0.1:0")
        else:
            credentials = grpc.ssl_server_credentials([(pair.key, pair.certificate)])
            self.port = self._server.add_secure_port("127.0.0.1:0", credentials)

    @property
    def service(self) -> str:
        """The address as an object's `service`."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        self._server.start()

    def close(self) -> None:
        self._server.stop(None).wait(5)

    def _take(self, message: bytes, _: Any) -> bytes:
        self.messages.append(message)
        return b""

    def _take_all(self, messages: Any, _: Any) -> bytes:
        with contextlib.suppress(grpc.RpcError):  # Envoy went
            self.messages.extend(messages)
        return b""


class LogSink(GrpcSink):
    """Envoy's access log service (ALS)."""

    def __init__(self, pair: Pair | None = None) -> None:
        super().__init__("envoy.service.accesslog.v3.AccessLogService", "StreamAccessLogs", streams=True, pair=pair)

    def names(self) -> set[str]:
        """The logs that said who they are: the first message of each stream does."""
        found = (canonical.to_json(_ENTRIES, message) for message in self.messages)
        return {each["identifier"]["log_name"] for each in found if "identifier" in each}

    def entries(self, kind: str) -> list[dict[str, Any]]:
        """The entries of a kind, `http` or `tcp`, as JSON."""
        found = (canonical.to_json(_ENTRIES, message) for message in list(self.messages))
        return [entry for each in found for entry in each.get(f"{kind}_logs", {}).get("log_entry", [])]


class OtlpSink(GrpcSink):
    """OpenTelemetry's collector of traces. With a `refusal` it takes nothing; `rejected`: so many of a batch."""

    def __init__(self, pair: Pair | None = None) -> None:
        super().__init__("opentelemetry.proto.collector.trace.v1.TraceService", "Export", pair=pair)
        self.refusal: grpc.StatusCode | None = None
        self.rejected = 0
        self.asked = 0
        self.metadata: list[dict[str, Any]] = []

    def spans(self) -> list[Span]:
        """Those that it took, in their order."""
        requests = [ExportTraceServiceRequest.FromString(message) for message in list(self.messages)]
        scopes = [scope for each in requests for resource in each.resource_spans for scope in resource.scope_spans]
        return [span for scope in scopes for span in scope.spans]

    def resource(self) -> dict[str, str]:
        """What is said of who told the first batch."""
        (told, *_) = ExportTraceServiceRequest.FromString(self.messages[0]).resource_spans
        return {each.key: each.value.string_value for each in told.resource.attributes}

    def _take(self, message: bytes, context: Any) -> bytes:
        self.asked += 1
        if self.refusal is not None:
            context.abort(self.refusal, "not now")
        self.metadata.append(dict(context.invocation_metadata()))
        super()._take(message, context)
        partial = ExportTracePartialSuccess(rejected_spans=self.rejected, error_message="too long")
        answer = ExportTraceServiceResponse(partial_success=partial if self.rejected else None)
        return answer.SerializeToString()
