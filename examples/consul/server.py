"""Plays the part of a Consul that the guide needs: services come, go, and are asked for. server.py 127.0.0.1:8500."""

import asyncio
import contextlib
import sys
from typing import Any

from aiohttp import web

LONGEST_WAIT = 60


class Catalog:
    """The instances of services, by their ids. `index` is another after each change."""

    def __init__(self) -> None:
        self.instances: dict[str, dict[str, Any]] = {}
        self.index = 1
        self.changed = asyncio.Condition()

    async def put(self, name: str, instance: dict[str, Any] | None) -> web.Response:
        """Register an instance, or deregister it."""
        async with self.changed:
            if instance is None:
                self.instances.pop(name, None)
            else:
                self.instances[name] = instance
            self.index += 1
            self.changed.notify_all()
        return web.Response()

    async def register(self, request: web.Request) -> web.Response:
        """PUT /v1/agent/service/register."""
        said = await request.json()
        return await self.put(said.get("ID", said["Name"]), said)

    async def deregister(self, request: web.Request) -> web.Response:
        """PUT /v1/agent/service/deregister/ID."""
        return await self.put(request.match_info["id"], None)

    async def healthy(self, request: web.Request) -> web.Response:
        """GET /v1/health/service/NAME: as soon as something has changed since the index that is shown."""
        name, shown = request.match_info["name"], request.query.get("index")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_WAIT), self.changed:
                await self.changed.wait_for(lambda: shown != str(self.index))
        node = {"Node": "here", "Address": "127.0.0.1", "Datacenter": "dc1"}
        body = [
            {"Node": node, "Service": {"ID": key, "Service": name, "Address": each["Address"], "Port": each["Port"]}}
            for key, each in self.instances.items()
            if each["Name"] == name
        ]
        return web.json_response(body, headers={"X-Consul-Index": str(self.index)})


async def application() -> web.Application:
    """The three parts of Consul's API that are asked here."""
    catalog, app = Catalog(), web.Application()
    app.router.add_put("/v1/agent/service/register", catalog.register)
    app.router.add_put("/v1/agent/service/deregister/{id}", catalog.deregister)
    app.router.add_get("/v1/health/service/{name}", catalog.healthy)
    return app


address, _, port = sys.argv[1].rpartition(":")
web.run_app(application(), host=address, port=int(port), print=None)
