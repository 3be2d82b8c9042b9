"""The way to a collector: OTLP over gRPC, or over HTTP. What it answers is a value; nothing is raised.

gRPC and protobuf are imported here, when there is somebody to send to: who traces nothing does without their memory.
"""

import asyncio
import gzip
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import orjson

from diagnostics.traces.otlp import encoded
from process.otlp import Otlp
from process.text import printable

_METHOD: Final = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_RETRYABLE: Final = (
    "CANCELLED", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS",
)  # fmt: skip
"""Source: https://opentelemetry.io/docs/specs/otlp/#failures"""
_RETRYABLE_HTTP: Final = (429, 502, 503, 504)
_LONGEST: Final = 300
"""Characters of what a collector says that are told."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a collector took a batch. `rejected`: so many spans of it it does not want; `is_final`: nor will it later."""

    taken: bool
    reason: str = ""
    rejected: int = 0
    is_final: bool = False


class Sender(Protocol):
    """Whoever sends batches."""

    async def send(self, told: Mapping[str, Any]) -> Answer:
        """Send a document of OTLP."""

    async def close(self) -> None:
        """End the connection."""


def sender_of(otlp: Otlp) -> Sender:
    """The sender for these settings. OSError, ValueError: a certificate cannot be read."""
    return _Grpc(otlp) if otlp.protocol == "grpc" else _Http(otlp)


class _Grpc:
    """A channel; gRPC connects when there is something to be sent, and again when the collector went."""

    def __init__(self, otlp: Otlp) -> None:
        import grpc.aio  # noqa: PLC0415

        self._otlp = otlp
        self._later = {grpc.StatusCode[name] for name in _RETRYABLE}
        compression = grpc.Compression.Gzip if otlp.gzip else grpc.Compression.NoCompression
        if otlp.has_tls:
            roots = otlp.certificate.read_bytes() if otlp.certificate else None
            chain, key = (otlp.client[0].read_bytes(), otlp.client[1].read_bytes()) if otlp.client else (None, None)
            credentials = grpc.ssl_channel_credentials(roots, key, chain)
            self._channel = grpc.aio.secure_channel(otlp.target, credentials, compression=compression)
        else:
            self._channel = grpc.aio.insecure_channel(otlp.target, compression=compression)
        self._export = self._channel.unary_unary(_METHOD, None, None)

    async def send(self, told: Mapping[str, Any]) -> Answer:
        """As `Sender` says."""
        import grpc.aio  # noqa: PLC0415

        message = await asyncio.to_thread(encoded, told)
        try:
            answer = await self._export(message, timeout=self._otlp.timeout, metadata=self._otlp.headers)
        except grpc.aio.AioRpcError as error:
            reason = f"{error.code().name}: {_said(error.details() or '')}"
            return Answer(False, reason, is_final=error.code() not in self._later)
        return _partly(answer)

    async def close(self) -> None:
        """As `Sender` says."""
        await self._channel.close(None)


class _Http:
    """POST, with JSON or protobuf."""

    def __init__(self, otlp: Otlp) -> None:
        import aiohttp  # noqa: PLC0415

        self._otlp = otlp
        self._is_json = otlp.protocol == "http/json"
        kind = "application/json" if self._is_json else "application/x-protobuf"
        encoding = {"Content-Encoding": "gzip"} if otlp.gzip else {}
        context = ssl.create_default_context(cafile=otlp.certificate) if otlp.has_tls else None
        if context is not None and otlp.client:
            context.load_cert_chain(*otlp.client)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context or False),
            timeout=aiohttp.ClientTimeout(total=otlp.timeout),
            headers={**dict(otlp.headers), "Content-Type": kind, **encoding},
        )

    async def send(self, told: Mapping[str, Any]) -> Answer:
        """As `Sender` says."""
        import aiohttp  # noqa: PLC0415

        body = orjson.dumps(told) if self._is_json else await asyncio.to_thread(encoded, told)
        data = gzip.compress(body) if self._otlp.gzip else body
        try:
            async with self._session.post(self._otlp.target, data=data, allow_redirects=False) as answer:
                said = await answer.content.read(4096)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return Answer(False, _said(str(error)) or type(error).__name__)
        if answer.status == 200:
            return Answer(True) if self._is_json else _partly(said)
        return Answer(False, f"HTTP {answer.status}", is_final=answer.status not in _RETRYABLE_HTTP)

    async def close(self) -> None:
        """As `Sender` says."""
        await self._session.close()


def _partly(answer: bytes) -> Answer:
    """What a collector says of spans that it did not want, though it took the others."""
    from google.protobuf.message import DecodeError  # noqa: PLC0415
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (  # noqa: PLC0415
        ExportTraceServiceResponse,
    )

    try:
        partial = ExportTraceServiceResponse.FromString(answer).partial_success
    except DecodeError:
        return Answer(True)
    return Answer(True, _said(partial.error_message), max(0, partial.rejected_spans))


def _said(text: str) -> str:
    return printable(text, _LONGEST)
