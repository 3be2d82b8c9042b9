"""The end of an upstream leaves nothing open, in whatever turn of the loop the last client was accepted."""

import asyncio
import gc
import socket
import warnings

import pytest
from aiohttp import web

from tests.support.upstream import end


async def _nobody(_: web.BaseRequest) -> web.Response:
    return web.Response()


@pytest.mark.parametrize("turns", range(6))
def test_who_is_accepted_as_the_server_ends_is_closed_too(turns: int) -> None:
    async def scene() -> None:
        runner = web.ServerRunner(web.Server(_nobody), shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        with socket.create_connection(runner.addresses[0]):
            for _ in range(turns):
                await asyncio.sleep(0)
            await end(runner)

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        asyncio.run(scene())
        gc.collect()
    assert [str(each.message) for each in warned if "127.0.0.1" in str(each.message)] == []
