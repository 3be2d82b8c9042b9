"""A port is had at once, or when whoever has it lets go of it, or never, when there is no need of it any more."""

import asyncio
import socket

import pytest

from process.listening import listen
from tests.support.envoy import until


async def had(address: str, port: int, said: list[str], stopping: asyncio.Event | None = None) -> socket.socket | None:
    return await listen(address, port, stopping or asyncio.Event(), said.append)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "localhost"])
def test_a_free_port_is_had_at_once(address: str) -> None:
    said: list[str] = []
    found = asyncio.run(had(address, 0, said))
    assert found is not None
    with found, socket.create_connection(found.getsockname()[:2]):
        assert said == []


def test_two_colons_are_both_families() -> None:
    found = asyncio.run(had("::", 0, []))
    assert found is not None
    with found:
        for address in ("127.0.0.1", "::1"):
            socket.create_connection((address, found.getsockname()[1])).close()


def test_a_taken_port_is_told_once_and_had_when_it_is_free() -> None:
    async def scene() -> None:
        said: list[str] = []
        with socket.create_server(("127.0.0.1", 0)) as holder:
            number = holder.getsockname()[1]
            waiting = asyncio.create_task(had("127.0.0.1", number, said))
            await until(lambda: said, what="it is told")
        found = await waiting
        assert found is not None
        with found:
            assert found.getsockname() == ("127.0.0.1", number)
        assert said == ["Address already in use"]

    asyncio.run(asyncio.wait_for(scene(), 20))


def test_who_is_told_to_stop_waits_no_longer() -> None:
    async def scene() -> None:
        said: list[str] = []
        stopping = asyncio.Event()
        with socket.create_server(("127.0.0.1", 0)) as holder:
            waiting = asyncio.create_task(had("127.0.0.1", holder.getsockname()[1], said, stopping))
            await until(lambda: said, what="it is told")
            stopping.set()
            assert await waiting is None

    asyncio.run(asyncio.wait_for(scene(), 20))


def test_an_address_of_another_machine_is_told() -> None:
    async def scene() -> None:
        said: list[str] = []
        stopping = asyncio.Event()
        waiting = asyncio.create_task(had("203.0.113.9", 8089, said, stopping))
        await until(lambda: said, what="it is told")
        stopping.set()
        assert await waiting is None
        assert said == ["Cannot assign requested address"]

    asyncio.run(asyncio.wait_for(scene(), 20))
