"""Load in the background of a test, in three manners, and every failure counted with its reason.

    with Load(port, host="a.test") as load:
        ...                                   # kill something
    assert load.failures == []

Kept-alive HTTP/1.1, a new connection for each request, and HTTP/2. Rates are bounded; traffic stays on
this machine.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Awaitable, Callable, Mapping

import httpx

from tests.support import plain
from tests.support.http2 import Http2Client, Http2Error
from tests.support.scoped import Scoped

Ask = Callable[[], Awaitable[str | None]]
"""One request; None, or why it failed."""

_PATIENCE = 20.0  # seconds that an answer may take: a busy machine is no failure, a lost request is


class Load(Scoped):
    """Requests at a steady rate for the length of a block. `requests` counts them, `failures` says what went wrong.

    A kept-alive connection that the other side closed before the first byte of an answer is not a failure: the request
    was not begun, and clients send it again (RFC 9112, section 9.3.1; for HTTP/2 the server says so: RFC 9113, section
    6.8); it is counted in `reconnects`.
    """

    def __init__(
        self,
        port: int,
        *,
        host: str,
        path: str = "/",
        rate: float = 100.0,
        address: str = "127.0.0.1",
        headers: Mapping[str, str] | None = None,
        enter: Callable[[], object] = lambda: None,
    ) -> None:
        """`rate`: requests a second in each manner; `headers`: of each; `enter`: called first, in the asking thread."""
        self.requests = 0
        self.reconnects = 0
        self.failures: list[str] = []
        self.slowest = 0.0  # seconds
        self._address, self._port, self._host, self._path, self._pause = address, port, host, path, 1 / rate
        self._headers = dict(headers or {})
        self._enter = enter
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._ask_from_there, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._stopping.set()
        self._thread.join(30)

    def _ask_from_there(self) -> None:
        self._enter()
        asyncio.run(self._run())

    async def _run(self) -> None:
        second = Http2Client(self._address, self._port)
        async with plain.AsyncClient(timeout=_PATIENCE) as first:
            with contextlib.closing(second):
                await asyncio.gather(
                    self._loop("h1", lambda: self._by_client(first)),
                    self._loop("h2", lambda: self._by_http2(second)),
                    self._loop("new", self._by_new_connection),
                )
        self.reconnects += second.reconnects

    async def _loop(self, name: str, ask: Ask) -> None:
        due = time.monotonic()
        while not self._stopping.is_set():
            began = time.monotonic()
            failure = await ask()
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.requests += 1
            if failure:
                self.failures.append(f"{name}: {failure}")
            due = max(due + self._pause, time.monotonic() - 1)
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _by_client(self, client: httpx.AsyncClient) -> str | None:
        for attempt in (1, 2):
            try:
                response = await client.get(
                    f"http://{self._address}:{self._port}{self._path}", headers={"host": self._host, **self._headers}
                )
            except httpx.RemoteProtocolError as error:
                if attempt == 1 and "disconnected without sending" in str(error):
                    self.reconnects += 1
                    continue
                return repr(error)
            except httpx.HTTPError as error:
                return repr(error)
            return None if response.status_code == httpx.codes.OK else f"status {response.status_code}: {response.text}"
        return "disconnected twice"

    async def _by_http2(self, client: Http2Client) -> str | None:
        try:
            async with asyncio.timeout(_PATIENCE):
                status = await client.get(self._host, self._path, self._headers)
        except (Http2Error, OSError, TimeoutError) as error:
            client.close()
            return repr(error)
        return None if status == httpx.codes.OK else f"status {status}"

    async def _by_new_connection(self) -> str | None:
        lines = "".join(f"{name}: {value}\r\n" for name, value in self._headers.items())
        request = f"GET {self._path} HTTP/1.1\r\nhost: {self._host}\r\n{lines}connection: close\r\n\r\n".encode()
        try:
            async with asyncio.timeout(_PATIENCE):
                reader, writer = await asyncio.open_connection(self._address, self._port)
                with contextlib.closing(writer):
                    writer.write(request)
                    answer = await reader.read()
        except (OSError, TimeoutError) as error:
            return repr(error)
        line = answer.split(b"\r\n", 1)[0].decode(errors="replace")
        return None if line.startswith("HTTP/1.1 200") else f"answered {line!r}"
