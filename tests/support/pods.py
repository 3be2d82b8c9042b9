"""Pods of a gateway for tests: an API server's `pods` and `exec`, whose commands run here, as a kubelet runs them."""

import asyncio
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson
from aiohttp import web

from tests.support.part import ROOT, product_environ


class Pods:
    """Each pod is what a command in it is told by its environment; REFUSED there: why none may run.

    `kubeconfig` writes how to reach them.
    """

    def __init__(self, pods: Mapping[str, Mapping[str, str]]) -> None:
        self.pods = pods
        self.commands: list[list[str]] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()
        self._over = asyncio.Event()
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(30)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def kubeconfig(self, path: Path) -> Path:
        """A file with a context `test`."""
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "test",
        }
        path.write_bytes(orjson.dumps(document))
        return path

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        app = web.Application()
        app.router.add_get("/api/v1/namespaces/{namespace}/pods", self._list)
        app.router.add_get("/api/v1/namespaces/{namespace}/pods/{pod}/exec", self._exec)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]
        self._ready.set()
        await self._over.wait()
        await runner.cleanup()

    async def _list(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer t"
        items: list[dict[str, Any]] = [
            {
                "metadata": {"name": name},
                "spec": {"containers": [{"name": "gateway"}]},
                "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
            }
            for name in self.pods
        ]
        items.append({"metadata": {"name": "begins"}, "spec": {"containers": []}, "status": {"phase": "Pending"}})
        return web.json_response({"items": items if request.match_info["namespace"] == "dragoman" else []})

    async def _exec(self, request: web.Request) -> web.StreamResponse:
        assert request.query["container"] == "gateway"
        if "REFUSED" in self.pods[request.match_info["pod"]]:
            said = self.pods[request.match_info["pod"]]["REFUSED"]
            return web.json_response({"kind": "Status", "message": said}, status=403)
        channel = web.WebSocketResponse(protocols=("v5.channel.k8s.io",))
        await channel.prepare(request)
        command = request.query.getall("command")
        self.commands.append(command)
        assert command[0] == "dragoman"
        environ = product_environ(dict(self.pods[request.match_info["pod"]]))
        given = [environ.get("ASKED_INSTEAD") or word if word.startswith("http://") else word for word in command[1:]]
        running = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "cli", *given, cwd=ROOT, env=environ,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, errors = await running.communicate()
        await channel.send_bytes(b"\x01" + out)
        await channel.send_bytes(b"\x02" + errors)
        status: dict[str, Any] = {"status": "Success"}
        if running.returncode:
            cause = {"reason": "ExitCode", "message": str(running.returncode)}
            status = {"status": "Failure", "reason": "NonZeroExitCode", "details": {"causes": [cause]}}
        await channel.send_bytes(b"\x03" + orjson.dumps(status))
        await channel.close()
        return channel
