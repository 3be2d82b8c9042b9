"""More watches at a time than a client's pool of connections usually has."""

import asyncio
import random
from dataclasses import replace
from pathlib import Path

import orjson
from aiohttp import web
from worlds import END

from kubeapi.connection import Connection
from process.settings import Settings
from tests.kubeapi.api_standin import kubeconfig, standin
from watcher.cluster import Cluster
from watcher.state import Changes
from watcher.watching import Watching, targets_of

NAMESPACES = tuple(f"n{number}" for number in range(9))
EMPTY = orjson.dumps({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "9", **END}}}) + b"\n"


class Forgetful:
    """A publisher that writes nothing; `seen` is set with the first view."""

    def __init__(self) -> None:
        self.seen = asyncio.Event()

    def publish(self, changes: Changes) -> None:
        if changes.whole:
            self.seen.set()


async def endless(request: web.Request) -> web.StreamResponse:
    """No objects, by a stream that goes on; to any other question, an answer."""
    if "watch" not in request.query:
        return web.json_response({})
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(EMPTY)
    await asyncio.sleep(3600)
    return response


async def test_each_watch_has_its_stream_however_many_there_are(tmp_path: Path) -> None:
    async with standin(endless) as server:
        settings = replace(Settings(), kubeconfig=kubeconfig(tmp_path, server.url), namespaces=NAMESPACES)
        cluster = Cluster(targets_of(settings), None, random.random)
        assert len(cluster.reflectors) > 100
        async with Connection.open(settings) as api:
            stopping = asyncio.Event()
            objects, live = Forgetful(), Forgetful()
            watching = Watching(api, cluster, objects, live, random.random)  # type: ignore[arg-type]
            running = asyncio.create_task(watching.run(stopping))
            async with asyncio.timeout(20):
                await objects.seen.wait()
            ports = {request.transport.get_extra_info("peername") for request in server.asked if request.transport}
            assert len(ports) == len(cluster.reflectors), "each has a connection of its own"
            assert (await api.request("GET", "/api/v1", timeout=5)).ok, "and there is one for the next request"
            stopping.set()
            await running
