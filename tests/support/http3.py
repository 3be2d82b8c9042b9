"""An HTTP/3 client, one request on a connection of its own."""

import asyncio
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, H3Event, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, QuicEvent

_PATIENCE = 10.0


@dataclass(slots=True)
class Http3Answer:
    """What came back."""

    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def status(self) -> int:
        """Its status."""
        return int(self.headers[":status"])


class _Client(QuicConnectionProtocol):
    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._http = H3Connection(self._quic)
        self._answer = Http3Answer()
        self._done: asyncio.Future[Http3Answer] = asyncio.get_running_loop().create_future()

    async def ask(self, host: str, path: str) -> Http3Answer:
        stream = self._quic.get_next_available_stream_id()
        headers = [(":method", "GET"), (":scheme", "https"), (":authority", host), (":path", path)]
        encoded = [(name.encode(), value.encode()) for name, value in headers]
        self._http.send_headers(stream, encoded, end_stream=True)
        self.transmit()
        return await self._done

    def quic_event_received(self, event: QuicEvent) -> None:
        if isinstance(event, ConnectionTerminated) and not self._done.done():
            self._done.set_exception(ConnectionError(event.reason_phrase))
        for each in self._http.handle_event(event):
            self._take(each)

    def _take(self, event: H3Event) -> None:
        if isinstance(event, HeadersReceived):
            self._answer.headers |= {name.decode(): value.decode() for name, value in event.headers}
        if isinstance(event, DataReceived):
            self._answer.body += event.data
        if isinstance(event, HeadersReceived | DataReceived) and event.stream_ended and not self._done.done():
            self._done.set_result(self._answer)


def ask_http3(
    port: int,
    host: str,
    path: str = "/",
    *,
    sni: str | None = None,
    trusted: bytes = b"",
    shown: tuple[Path, Path] | None = None,
) -> Http3Answer:
    """The answer; ConnectionError or TimeoutError when there is none.

    `trusted`: the CA; without one any is taken. `shown`: a client's certificate and key.
    """

    async def ask() -> Http3Answer:
        mode = ssl.CERT_REQUIRED if trusted else ssl.CERT_NONE
        configuration = QuicConfiguration(alpn_protocols=H3_ALPN, server_name=sni or host, verify_mode=mode)
        if trusted:
            configuration.load_verify_locations(cadata=trusted)
        if shown:
            configuration.load_cert_chain(*shown)
        async with connect("127.0.0.1", port, configuration=configuration, create_protocol=_Client) as client:
            assert isinstance(client, _Client)
            return await client.ask(host, path)

    return asyncio.run(asyncio.wait_for(ask(), _PATIENCE))
