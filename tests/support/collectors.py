"""Who is told of requests: a sink of Envoy's access log protocol, and collectors of traces over gRPC.

Zipkin's collector, Datadog's agent and OTLP over HTTP are an `HttpUpstream`, whose `bodies` are what they were sent.
"""

import contextlib
from concurrent import futures
from typing import Any

import grpc

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
    """OpenTelemetry's collector of traces."""

    def __init__(self) -> None:
        super().__init__("opentelemetry.proto.collector.trace.v1.TraceService", "Export")
