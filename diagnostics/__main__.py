"""The process: serves the diagnostics until told to stop."""

import asyncio
import socket
import sys
import time

from aiohttp import web

from diagnostics.admin import Admin
from diagnostics.following import Following
from diagnostics.report import System
from diagnostics.server import Diagnostics
from process import logs
from process.main import FAILED, run
from process.settings import Settings
from process.version import VERSION

_GOODBYE = 1.0
"""Seconds that answers under way may take when the process ends."""

log = logs.get()


async def serve(settings: Settings, stopping: asyncio.Event) -> int:
    """Answer until told to stop; returns the exit code, 1 when the port cannot be had."""
    system = System(VERSION, settings.ambassador_id, settings.namespace, time.time())
    following = Following(settings.snapshot_path, settings.bells_dir)
    tending = asyncio.create_task(following.tend())
    try:
        async with Admin(settings.admin_socket) as admin:
            return await _listen(settings, Diagnostics(following, admin, system, settings), stopping)
    finally:
        tending.cancel()
        await following.close()


async def _listen(settings: Settings, diagnostics: Diagnostics, stopping: asyncio.Event) -> int:
    runner = web.ServerRunner(web.Server(diagnostics.answer, access_log=None), shutdown_timeout=_GOODBYE)
    await runner.setup()
    address, port = settings.diagnostics_address, settings.diagnostics_port
    try:
        await web.SockSite(runner, _socket(address, port)).start()
        log.info("listening", address=address, port=port)
        await stopping.wait()
    except OSError as error:
        log.error("cannot listen", address=address, port=port, reason=error.strerror)  # noqa: TRY400
        return FAILED
    finally:
        await runner.cleanup()
    return 0


def _socket(address: str, port: int) -> socket.socket:
    """A socket that listens there; at `::` for both families. OSError when it cannot."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.create_server((address, port), family=family, dualstack_ipv6=address == "::")


if __name__ == "__main__":
    sys.exit(run("diagnostics", serve))
