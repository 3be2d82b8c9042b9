"""A Consul for tests: the part of its HTTP API that tells of a service's instances, as Consul 1.x answers it.

    with ConsulServer("dc1") as consul:
        consul.register("web", "127.0.0.1", 8080)

It is no real one, which does not build from the Go modules that can be had. It keeps to Consul's documentation of
`/v1/health/service` and of blocking queries: with an index it answers when there is something newer, or when `wait` is
over; an unknown service is an empty list, an unknown datacenter 500, a wrong token 403.
"""

import asyncio
import contextlib
import re
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.support.upstream import InThread, end


@dataclass(frozen=True)
class Instance:
    """Of a service. Without an address it is at its node's."""

    id: str
    address: str
    port: int
    node: str
    passing: bool


class ConsulServer(InThread):
    """`asked` are the questions: service, datacenter and index. `token` is what must be shown, if anything."""

    def __init__(self, datacenter: str = "dc1", *, token: str = "") -> None:
        super().__init__()
        self.datacenter = datacenter
        self.token = token
        self.broken = False
        self.waiting = 0
        """Questions without an answer yet."""
        self.shown: set[str] = set()
        """The tokens of all questions; an empty one where there was none."""
        self.asked: list[tuple[str, str, int]] = []
        self._index = 10
        self._services: dict[str, dict[str, Instance]] = {}
        self._changed: dict[str, int] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news: asyncio.Event | None = None

    @property
    def address(self) -> str:
        """Where it is, for a ConsulResolver."""
        return f"127.0.0.1:{self.port}"

    def register(
        self, name: str, address: str, port: int, *, called: str = "", node: str = "127.0.0.1", passing: bool = True
    ) -> None:
        """Add an instance of a service, or change the one that is called so."""
        instance = Instance(called or f"{name}-{port}", address, port, node, passing)
        self._change(name, lambda: self._services.setdefault(name, {}).update({instance.id: instance}))

    def deregister(self, name: str, called: str) -> None:
        """Remove an instance."""
        self._change(name, lambda: self._services.get(name, {}).pop(called, None))

    def restart(self) -> None:
        """Begin anew: its index goes back, as when a server was restored."""

        def forget() -> None:
            self._index = 1
            self._changed = dict.fromkeys(self._changed, 1)

        self._do(forget)

    def _change(self, name: str, change: Any) -> None:
        def do() -> None:
            change()
            self._index += 1
            self._changed[name] = self._index

        self._do(do)

    def _do(self, action: Any) -> None:
        async def run() -> None:
            action()
            assert self._news is not None
            self._news.set()
            self._news = asyncio.Event()

        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(run(), self._loop).result(10)

    async def _serve(self, stack: contextlib.AsyncExitStack) -> int:
        self._loop, self._news = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application()
        app.router.add_get("/v1/health/service/{name}", self._health)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        stack.push_async_callback(end, runner)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return int(runner.addresses[0][1])

    async def _health(self, request: web.Request) -> web.Response:
        name, query = request.match_info["name"], request.query
        index = int(query.get("index", "0"))
        datacenter = query.get("dc", self.datacenter)
        self.asked.append((name, datacenter, index))
        self.shown.add(request.headers.get("X-Consul-Token", ""))
        if self.broken:
            return web.Response(status=500, text="No cluster leader")
        if self.token and request.headers.get("X-Consul-Token") != self.token:
            return web.Response(status=403, text="Permission denied")
        if datacenter != self.datacenter:
            return web.Response(status=500, text="No path to datacenter")
        self.waiting += 1
        try:
            await self._wait(name, index, _seconds(query.get("wait", "300s")))
        finally:
            self.waiting -= 1
        found = [each for each in self._services.get(name, {}).values() if each.passing or "passing" not in query]
        body = [
            {
                "Node": {"Node": f"node-{each.node}", "Address": each.node, "Datacenter": self.datacenter},
                "Service": {"ID": each.id, "Service": name, "Address": each.address, "Port": each.port},
                "Checks": [{"CheckID": f"service:{each.id}", "Status": "passing" if each.passing else "critical"}],
            }
            for each in found
        ]
        return web.json_response(body, headers={"X-Consul-Index": str(self._changed.get(name, self._index))})

    async def _wait(self, name: str, index: int, seconds: float) -> None:
        """Until the service has a newer index, or an older one than the client knows of."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while index and self._changed.get(name, self._index) == index:
                    assert self._news is not None
                    await self._news.wait()


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+)(ms|s|m)", text)
    assert found, text
    return int(found[1]) * {"ms": 0.001, "s": 1, "m": 60}[found[2]]
