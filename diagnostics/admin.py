"""Envoy's admin interface, over its unix socket. An Envoy that hangs costs a second, and not the answer.

https://www.envoyproxy.io/docs/envoy/v1.38.0/operations/admin
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import aiohttp
import orjson
from yarl import URL

from diagnostics.traffic import FILTER
from process.settings import GUESTS

PATIENCE: Final = 1.0
"""Seconds that an answer may take."""

METRICS_PATIENCE: Final = 10.0
"""Seconds that Envoy may be silent while it tells its metrics: it sums up very many before the first byte."""

BUSY: Final = "busy"
"""In place of Envoy's own word: somebody is there, who does not answer in time."""

_ERRORS: Final = (aiohttp.ClientError, OSError, TimeoutError)


class NoAnswerError(Exception):
    """Envoy does not answer; the message says what was met."""


class NotInTimeError(NoAnswerError):
    """Envoy is there, and too busy to answer, or it hangs."""


class Admin:
    """A client of one Envoy's admin interface, whichever process answers there. An async context manager."""

    def __init__(self, socket: Path) -> None:
        connector = aiohttp.UnixConnector(path=str(socket), force_close=True, limit=0)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=PATIENCE, sock_read=METRICS_PATIENCE)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def state(self) -> str | None:
        """Envoy's word of itself: LIVE, DRAINING, PRE_INITIALIZING or INITIALIZING; or BUSY; None: it is not there."""
        try:
            words = (await self._get("/ready"))[:40].decode(errors="replace").split()
        except NotInTimeError:
            return BUSY
        except NoAnswerError:
            return None
        return words[0] if words else "silent"

    async def listeners(self) -> frozenset[str]:
        """The names of the listeners that listen for clients. NoAnswerError when Envoy does not answer."""
        statuses = orjson.loads(await self._get("/listeners?format=json")).get("listener_statuses", [])
        names = (status["name"] for status in statuses)
        return frozenset(name for name in names if not name.startswith(GUESTS))

    async def server_info(self) -> dict[str, Any] | None:
        """Envoy's version, state and uptime as it tells them; None when it does not answer."""
        try:
            found: dict[str, Any] = orjson.loads(await self._get("/server_info"))
        except (NoAnswerError, orjson.JSONDecodeError):
            return None
        return found

    async def cluster_statistics(self, names: Iterable[str]) -> dict[str, int] | None:
        """The counters and gauges of all clusters that end so, by whole names; None when Envoy does not answer."""
        return await self.statistics(rf"^cluster\..*\.({'|'.join(names)})$")

    async def statistics(self, pattern: str) -> dict[str, int] | None:
        """The counters and gauges whose names match a regular expression; None when Envoy does not answer."""
        told = await self.told(f"/stats?format=json&filter={quote(pattern, safe='')}")
        if told is None:
            return None
        return {each["name"]: each["value"] for each in told.get("stats", ()) if "value" in each}

    async def traffic(self) -> dict[str, Any] | None:
        """What Envoy counted of requests, as `diagnostics.traffic` reads it; None when it does not answer."""
        found: dict[str, Any] | None = await self.told(
            f"/stats?format=json&histogram_buckets=cumulative&filter={quote(FILTER, safe='')}"
        )
        return found

    async def told(self, target: str) -> Any:
        """What Envoy tells in JSON at a path; None when it does not answer."""
        try:
            return orjson.loads(await self._get(target, METRICS_PATIENCE))
        except (NoAnswerError, orjson.JSONDecodeError):
            return None

    async def levels(self, change: str = "") -> dict[str, str] | None:
        """The levels of Envoy's loggers by their names, after a change of them; None when it does not answer.

        `change` is the question of the path, as `level=debug` or `paths=NAME:debug`.
        """
        try:
            said = await self._get(f"/logging{'?' if change else ''}{change}", method="POST")
        except NoAnswerError:
            return None
        pairs = (line.partition(": ") for line in said.decode(errors="replace").splitlines() if line.startswith(" "))
        return {name.strip(): level.strip() for name, _, level in pairs}

    @asynccontextmanager
    async def metrics(self) -> AsyncIterator[AsyncIterator[bytes]]:
        """Envoy's metrics in Prometheus' text format, as they come. NoAnswerError before or while they do."""
        try:
            async with asyncio.timeout(METRICS_PATIENCE):
                response = await self._session.get("http://envoy/stats/prometheus")
        except _ERRORS as error:
            raise _no_answer(error) from error
        async with response:
            if response.status != HTTPStatus.OK:
                raise NoAnswerError(f"Envoy's metrics: status {response.status}")
            yield _chunks(response)

    async def _get(self, target: str, patience: float = PATIENCE, *, method: str = "GET") -> bytes:
        try:
            async with asyncio.timeout(patience), self._session.request(method, _url(target)) as response:
                return await response.read()
        except _ERRORS as error:
            raise _no_answer(error) from error


async def _chunks(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    try:
        async for chunk in response.content.iter_any():
            yield chunk
    except _ERRORS as error:
        raise _no_answer(error) from error


def _url(target: str) -> URL:
    return URL(f"http://envoy{target}", encoded=True)


def _no_answer(error: BaseException) -> NoAnswerError:
    kind = NotInTimeError if isinstance(error, TimeoutError) else NoAnswerError
    return kind(f"Envoy's admin interface: {type(error).__name__} {error}".rstrip())
