"""The process: serves the diagnostics until told to stop."""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from diagnostics.admin import Admin
from diagnostics.following import Following
from diagnostics.report import System
from diagnostics.server import Diagnostics, Handler
from diagnostics.traces.exporting import Exporter
from diagnostics.traces.telling import resource_of
from process import logs
from process.listening import listen
from process.main import run
from process.settings import Settings
from process.version import VERSION

_GOODBYE = 1.0
"""Seconds that answers under way may take when the process ends."""

_LOOK_EACH = 1.0
"""Seconds between two looks at whether the unix socket is still there."""

log = logs.get()


async def serve(settings: Settings, stopping: asyncio.Event) -> None:
    """Answer until told to stop."""
    system = System(VERSION, settings.ambassador_id, settings.namespace, time.time())
    following = Following(settings.snapshot_path, settings.bells_dir)
    telemetry = settings.telemetry
    for problem in telemetry.problems:
        log.warning("a variable of OpenTelemetry's counts as absent", reason=problem)
    resource = resource_of(telemetry.resource, settings.pod_name, settings.namespace, VERSION)
    exporter = Exporter(telemetry.otlp, resource, following) if telemetry.otlp else None
    tasks = [asyncio.create_task(following.tend())]
    tasks += [asyncio.create_task(exporter.run())] if exporter else []
    try:
        async with Admin(settings.admin_socket) as admin, contextlib.AsyncExitStack() as ending:
            diagnostics = Diagnostics(following, admin, system, settings, resource, exporter.spans if exporter else {})
            ending.callback(diagnostics.close)
            async with (
                _running(diagnostics.answer) as inside,
                _running(diagnostics.answer_outside) as outside,
                asyncio.TaskGroup() as group,
            ):
                group.create_task(_answer_envoy(inside, settings.diagnostics_socket, stopping))
                group.create_task(_answer_everyone(outside, settings, stopping))
    finally:
        for task in tasks:
            task.cancel()
        await following.close()


@asynccontextmanager
async def _running(handler: Handler) -> AsyncIterator[web.ServerRunner]:
    runner = web.ServerRunner(web.Server(handler, access_log=None), shutdown_timeout=_GOODBYE)
    await runner.setup()
    try:
        yield runner
    finally:
        await runner.cleanup()


async def _answer_everyone(runner: web.ServerRunner, settings: Settings, stopping: asyncio.Event) -> None:
    """Listen at the port. While somebody else has it, Envoy is answered all the same, and nothing ends for it."""
    address, port = settings.diagnostics_address, settings.diagnostics_port

    def tell(reason: str) -> None:
        log.error("cannot listen", address=address, port=port, reason=reason, then="it is tried until it can be had")

    found = await listen(address, port, stopping, tell)
    if found is not None:
        await web.SockSite(runner, found).start()
        log.info("listening", address=address, port=port)
        await stopping.wait()


async def _answer_envoy(runner: web.ServerRunner, path: Path, stopping: asyncio.Event) -> None:
    """Listen at the unix socket, and make it again when it is gone."""
    while not stopping.is_set():
        site = web.UnixSite(runner, path)
        try:
            await site.start()
        except OSError as error:  # the folder is gone, too
            log.error("cannot listen", path=str(path), reason=error.strerror)  # noqa: TRY400
        inode, is_there = _inode(path), True
        while is_there and not stopping.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), _LOOK_EACH)
            is_there = inode is not None and _inode(path) == inode
        await site.stop()


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


if __name__ == "__main__":
    sys.exit(run("diagnostics", serve))
