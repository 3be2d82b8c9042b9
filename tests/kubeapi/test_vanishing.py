"""A network that swallows everything without a word, as when a node loses its power: streams end soon all the same."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import pytest
from aiohttp import web
from api_standin import kubeconfig, standin

from kubeapi import official
from kubeapi.connection import Connection, UnreachableError
from process.settings import Settings
from tests.conftest import RequiresProgram

VANISHED: Final = 6
CUT: Final = ("ip", "link", "set", "lo", "down")


@pytest.mark.faults
def test_a_stream_of_a_server_that_has_vanished_ends(requires_program: RequiresProgram, tmp_path: Path) -> None:
    requires_program("unshare", "ip", as_root=True)
    alone = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    told = subprocess.run(
        [*alone, sys.executable, __file__, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert VANISHED / 2 < float(told.stdout) < VANISHED + 5


async def _seconds_until_the_end(folder: Path) -> float:
    """In a network of one's own."""

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first\n")
        await asyncio.sleep(60)
        return response

    async with (
        standin(endless) as server,
        Connection.open(Settings(kubeconfig=kubeconfig(folder, server.url))) as api,
        api.stream("/") as stream,
    ):
        began = 0.0
        try:
            async for _ in stream.batches():
                await (await asyncio.create_subprocess_exec(*CUT)).wait()
                began = time.monotonic()
        except UnreachableError:
            return time.monotonic() - began
        raise RuntimeError("the stream ended as if all were well")


if __name__ == "__main__":
    official.VANISHED = VANISHED
    print(asyncio.run(_seconds_until_the_end(Path(sys.argv[1]))))
