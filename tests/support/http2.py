"""An HTTP/2 client that keeps to RFC 9113 when a server ends a connection gracefully, one request at a time.

After GOAWAY the streams up to the last one named still get their answers, and a later one may be sent again: section
6.8. httpx gives up all of them, which would count a graceful end as a failure.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, DataReceived, ResponseReceived, StreamEnded, StreamReset

_ATTEMPTS = 3


class Http2Error(RuntimeError):
    """A request got no whole answer, and must not be sent again."""


class _NotBegunError(Exception):
    """The server says that it has not begun this request."""


class _Connection(H2Connection):
    """h2 takes GOAWAY for the end of everything; it is that of new streams."""

    def _receive_goaway_frame(self, frame: Any) -> Any:
        before = self.state_machine.state
        answer = super()._receive_goaway_frame(frame)
        self.state_machine.state = before
        return answer


@dataclass(slots=True)
class _Link:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    state: _Connection = field(default_factory=lambda: _Connection(H2Configuration(header_encoding="utf-8")))
    last_stream: int | None = None
    """The last stream that will be answered, when the server has said so."""


class Http2Client:
    """Requests in clear text with prior knowledge, on one connection while that lasts."""

    def __init__(self, address: str, port: int) -> None:
        self.reconnects = 0
        self._address, self._port = address, port
        self._link: _Link | None = None

    async def get(self, host: str, path: str, headers: Mapping[str, str] | None = None) -> int:
        """The status of a whole answer; Http2Error or OSError when there is none."""
        for _ in range(_ATTEMPTS):
            link = self._link or await self._connect()
            try:
                return await self._ask(link, host, path, headers or {})
            except _NotBegunError:
                self.reconnects += 1
            finally:
                if link.last_stream is not None:
                    self.close()
        raise Http2Error(f"not begun {_ATTEMPTS} times")

    def close(self) -> None:
        """End the connection."""
        if self._link is not None:
            self._link.writer.close()
            self._link = None

    async def _connect(self) -> _Link:
        self._link = link = _Link(*await asyncio.open_connection(self._address, self._port))
        link.state.initiate_connection()
        return link

    async def _ask(self, link: _Link, host: str, path: str, more: Mapping[str, str]) -> int:
        stream = link.state.get_next_available_stream_id()
        headers = [(":method", "GET"), (":scheme", "http"), (":authority", host), (":path", path), *more.items()]
        link.state.send_headers(stream, headers, end_stream=True)
        status = 0
        while True:
            link.writer.write(link.state.data_to_send())
            data = await self._read(link, stream)
            for event in link.state.receive_data(data):
                match event:
                    case ResponseReceived(stream_id=number) if number == stream:
                        status = int(dict(event.headers)[":status"])
                    case DataReceived():
                        link.state.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    case StreamEnded(stream_id=number) if number == stream:
                        return status
                    case StreamReset(stream_id=number) if number == stream:
                        if event.error_code == ErrorCodes.REFUSED_STREAM:
                            raise _NotBegunError
                        raise Http2Error(f"the stream was reset: {event.error_code}")
                    case ConnectionTerminated():
                        link.last_stream = event.last_stream_id or 0
            if link.last_stream is not None and link.last_stream < stream:
                raise _NotBegunError

    async def _read(self, link: _Link, stream: int) -> bytes:
        """What the server sends next."""
        try:
            data = await link.reader.read(65536)
        except ConnectionError as error:
            self.close()
            raise Http2Error(f"the connection broke while stream {stream} was open: {error!r}") from error
        if not data:
            self.close()
            raise Http2Error(f"the connection ended while stream {stream} was open, without a GOAWAY that says less")
        return data
