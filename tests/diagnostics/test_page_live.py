"""Live events: one look serves all who listen, and while nobody listens there is none."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import web

from diagnostics.following import NotOpenError
from diagnostics.ui import live
from diagnostics.ui.live import Live, changed
from diagnostics.ui.sources import Sources
from process.vitals import Vitals


class World:
    """What is looked at, and how often it was."""

    def __init__(self) -> None:
        self.looks = 0
        self.sequences = {"objects": 1}
        self.is_open = True
        self.vitals = Vitals()
        self.admin = SimpleNamespace(state=self.state)

    async def state(self) -> str:
        self.looks += 1
        return "LIVE"

    async def snapshot(self, question: Callable[[Any], Any]) -> Any:
        if not self.is_open:
            raise NotOpenError("gone")
        return question(SimpleNamespace(sequences=dict(self.sequences)))


class Reader:
    """Who listens; what was written can be waited for."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[bytes] = asyncio.Queue()
        self.is_gone = False

    async def write(self, data: bytes) -> None:
        if self.is_gone:
            raise ConnectionResetError
        self.told.put_nowait(data)

    async def next(self) -> bytes:
        return await asyncio.wait_for(self.told.get(), 30)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "EACH", 0.001)
    monkeypatch.setattr(live, "BEAT", 5)


def listening(told: Live, reader: Reader) -> asyncio.Task[None]:
    return asyncio.create_task(told.tell(cast("web.StreamResponse", reader)))


async def test_nobody_looks_while_nobody_listens() -> None:
    world = World()
    told = Live(cast("Sources", world))
    await asyncio.sleep(0.01)
    assert world.looks == 0
    first, second = Reader(), Reader()
    tasks = [listening(told, first), listening(told, second)]
    assert await first.next() == await second.next() == b"retry: 2000\n\n"
    assert await first.next() == b": nothing new\n\n"  # the first look was taken
    world.sequences["objects"] += 1
    for reader in (first, second):
        while (said := await reader.next()) == b": nothing new\n\n":
            pass
        assert said == b"event: changed\ndata: objects\n\n"
    world.vitals = Vitals(hung={"watcher": "asleep"})
    while (said := await first.next()) == b": nothing new\n\n":
        pass
    assert said == b"event: changed\ndata: health\n\n"
    first.is_gone = second.is_gone = True
    await asyncio.wait_for(asyncio.gather(*tasks), 30)
    looks = world.looks
    await asyncio.sleep(0.02)
    assert world.looks == looks


async def test_a_snapshot_that_is_not_there_is_waited_for() -> None:
    world = World()
    world.is_open = False
    told, reader = Live(cast("Sources", world)), Reader()
    task = listening(told, reader)
    await reader.next()
    assert await reader.next() == b": nothing new\n\n"
    world.is_open = True
    while (said := await reader.next()) == b": nothing new\n\n":
        pass
    assert said == b"event: changed\ndata: objects\n\n"
    reader.is_gone = True
    await asyncio.wait_for(task, 30)


async def test_only_so_many_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST", 1)
    told, reader = Live(cast("Sources", World())), Reader()
    assert not told.is_full
    task = listening(told, reader)
    await reader.next()
    assert told.is_full
    reader.is_gone = True
    await asyncio.wait_for(task, 30)
    assert not told.is_full


def test_what_changed_is_told_by_name() -> None:
    assert changed({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 1}) == ["b", "c"]
    assert changed({"a": 1}, {"a": 1}) == []
