"""A proxy in front of a real API server that does what servers, networks and proxies do in bad hours.

with FaultyProxy(api) as proxy:
    proxy.kubeconfig        # a way to the API server through it, as the administrator
    proxy.become("gone")    # streams that are open are cut, and from now on it does this
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path

import aiohttp
import orjson
import yaml
from aiohttp import web

from tests.support.apiserver import ApiServer
from tests.support.upstream import InThread, end

FAULTS = (
    "refuse", "black hole", "500", "429", "slow", "cut in a line", "closing", "no bookmarks", "gone", "gone in stream",
    "no watch list", "watch list ignored", "garbage",
)  # fmt: skip
"""What it may do to all alike. "404" is one more, for the kinds that every API server has."""

_REFUSALS = {"500": HTTPStatus.INTERNAL_SERVER_ERROR, "429": HTTPStatus.TOO_MANY_REQUESTS}
_NEVER_PAUSED = 2**26
"""Bytes. asyncio forgets to close a TLS connection that ends while its reader is paused, as a slow stream's is."""

_WATCH_LIST = ("sendInitialEvents", "resourceVersionMatch")
_GONE = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}


class FaultyProxy(InThread):
    """Plain HTTP on 127.0.0.1; what it was asked is in `asked`, with the time."""

    def __init__(self, api: ApiServer) -> None:
        super().__init__()
        self.asked: list[tuple[float, str]] = []
        self._api = api
        self._fault = ""
        self._open: dict[int, web.Request] = {}

    @property
    def kubeconfig(self) -> Path:
        """A file, made anew with each look."""
        path = self._api.folder / f"proxy-{self.port}.kubeconfig"
        cluster = {"name": "c", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}
        context = {"name": "c", "context": {"cluster": "c", "user": ""}}
        path.write_text(yaml.safe_dump({"clusters": [cluster], "contexts": [context], "current-context": "c"}))
        return path

    def become(self, fault: str) -> None:
        """Do this from now on; what is open breaks. "": nothing wrong."""
        self._fault = fault
        self.asked.clear()
        for request in list(self._open.values()):
            self._loop.call_soon_threadsafe(_abort, request)

    async def _serve(self, stack: contextlib.AsyncExitStack) -> int:
        self._loop = asyncio.get_running_loop()
        stack.push_async_callback(asyncio.sleep, 0.25)  # TLS connections are not closed when aiohttp says that they are
        self._session = await stack.enter_async_context(
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=self._api._tls, limit=0),
                auto_decompress=False,
                read_bufsize=_NEVER_PAUSED,
                timeout=aiohttp.ClientTimeout(total=None),
            )
        )
        runner = web.ServerRunner(web.Server(self._answer), shutdown_timeout=0.1)
        await runner.setup()
        stack.push_async_callback(end, runner)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return int(runner.addresses[0][1])

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((time.monotonic(), request.path_qs))
        self._open[id(request)] = request
        try:
            return await self._faulty(request)
        finally:
            self._open.pop(id(request), None)

    async def _faulty(self, request: web.Request) -> web.StreamResponse:
        fault, query = self._fault, dict(request.query)
        if fault == "refuse":
            _abort(request)
        elif fault == "black hole":
            await asyncio.sleep(3600)
        elif fault in _REFUSALS:
            headers = {"Retry-After": "1"} if fault == "429" else {}
            return web.json_response({"message": f"{fault} by the proxy"}, status=_REFUSALS[fault], headers=headers)
        elif fault == "404" and "getambassador.io" not in request.path:
            return web.Response(text="404 page not found", status=HTTPStatus.NOT_FOUND)
        elif fault == "gone" and "watch" in query and "sendInitialEvents" not in query:
            return web.json_response(_GONE, status=410)
        elif fault == "no watch list" and "sendInitialEvents" in query:
            return web.json_response({"code": 400, "message": "sendInitialEvents is forbidden"}, status=400)
        elif fault == "watch list ignored":
            query = {name: value for name, value in query.items() if name not in _WATCH_LIST}
        return await self._pass_on(request, query, fault)

    async def _pass_on(self, request: web.Request, query: dict[str, str], fault: str) -> web.StreamResponse:
        async with self._session.request(
            request.method, self._api.url + request.path, params=query, data=await request.read()
        ) as answer:
            response = web.StreamResponse(status=answer.status, headers={"Content-Type": "application/json"})
            if "watch" not in query:
                response.content_length = answer.content_length
                response.headers.update({n: v for n, v in answer.headers.items() if n == "Content-Encoding"})
            await response.prepare(request)
            with contextlib.suppress(ConnectionError, aiohttp.ClientError):
                async for chunk in self._chunks(answer, fault if "watch" in query else ""):
                    await response.write(chunk)
            if fault == "cut in a line" and "watch" in query:
                _abort(request)
            return response

    async def _chunks(self, answer: aiohttp.ClientResponse, fault: str) -> AsyncIterator[bytes]:
        if fault == "closing":
            return
        if fault == "gone in stream":
            yield orjson.dumps({"type": "ERROR", "object": _GONE}) + b"\n"
            return
        async for line in answer.content:
            if fault == "slow":
                for start in range(0, len(line), 8):
                    await asyncio.sleep(0.05)
                    yield line[start : start + 8]
            elif fault == "cut in a line":
                yield line[: len(line) // 2]
                return
            elif fault == "garbage":
                yield b"<html>\n"
            elif fault != "no bookmarks" or b'"BOOKMARK"' not in line or b"initial-events-end" in line:
                yield line


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
