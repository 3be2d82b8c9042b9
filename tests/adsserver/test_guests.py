"""Listeners of who asks: how they come, stay and go, and that there are not too many. Envoy's part is played here."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from adsserver import guests
from adsserver.guests import Guests
from adsserver.ledger import Ledger
from adsserver.resources import Catalog, Edits, Kind
from envoyapi.config_listener_v3 import Listener
from process.settings import GUESTS
from tests.support.envoy import short_folder, until

BODY, OTHER = bytes(Listener(stat_prefix="a")), bytes(Listener(stat_prefix="b"))


class House:
    """The guests of a server whose Envoy accepts at once, or says why not."""

    def __init__(self, folder: Path) -> None:
        self.catalog = Catalog()
        self.ledger = Ledger(self.catalog, {}, {})
        self.edits: list[Edits] = []
        self.refuses = ""
        self.writers: list[asyncio.StreamWriter] = []
        self.guests = Guests(folder / "guests.sock", self.catalog, self.ledger, self.change, drain=600)

    def change(self, edits: Edits) -> None:
        self.edits.append(edits)
        for entry in edits[Kind.LISTENER].values():
            if entry and self.refuses:
                self.ledger.refuse(entry, self.refuses)
            elif entry:
                self.ledger.accept(entry)

    @property
    def listeners(self) -> list[str]:
        return list(self.catalog.of(Kind.LISTENER))

    async def ask(self, body: bytes) -> tuple[dict[str, str], asyncio.StreamWriter]:
        reader, writer = await asyncio.open_unix_connection(self.guests.socket)
        self.writers.append(writer)
        writer.write(len(body).to_bytes(4) + body)
        said: dict[str, str] = orjson.loads(await asyncio.wait_for(reader.readline(), 10))
        return said, writer


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House(short_folder())
    await house.guests.start()
    yield house
    for writer in house.writers:
        writer.close()
        await writer.wait_closed()
    house.guests.close()


async def gone(house: House) -> None:
    await until(lambda: not house.listeners, what="no listener")


async def test_a_listener_comes_is_shared_and_goes(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guests, "LINGER", 0.0)
    assert house.guests.socket.stat().st_mode & 0o777 == 0o600
    first, one = await house.ask(BODY)
    second, two = await house.ask(BODY)
    assert first == second
    assert Path(first["socket"]).parent == house.guests.socket.parent
    assert len(house.listeners) == 1
    assert house.listeners[0].startswith(GUESTS), "as no name of an object does"
    one.close()
    third, three = await house.ask(OTHER)
    assert third != first
    assert len(house.listeners) == 2, "somebody asks there still"
    two.close()
    three.close()
    await gone(house)
    assert [sorted(map(bool, edits[Kind.LISTENER].values())) for edits in house.edits].count([False]) == 2


async def test_the_name_and_the_address_are_given_and_not_taken(house: House) -> None:
    """A later field counts: one of who asks would take the place of another listener."""
    body = bytes(Listener(name="default/http"))
    await house.ask(body)
    (entry,) = house.catalog.of(Kind.LISTENER).values()
    assert entry.body.startswith(body)
    assert entry.body.index(entry.name.encode()) > len(body)


async def test_what_a_process_before_left_is_removed(house: House) -> None:
    said, _ = await house.ask(BODY)
    folder = house.guests.socket.parent
    here = Path(said["socket"]).name
    for name in (here, "why-1-0.sock"):
        (folder / name).touch()
    house.guests.socket.unlink()
    await house.guests.keep()
    assert [path.name for path in folder.glob("why-*")] == [here]


async def test_nothing_of_them_is_saved(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is saved wakes every part, is told in the diagnostics, and may make a gateway ready that serves nobody."""
    monkeypatch.setattr(guests, "LINGER", 0.0)
    _, writer = await house.ask(BODY)
    assert not house.ledger.is_unsaved
    house.refuses = "no such filter"
    await house.ask(OTHER)
    assert not house.ledger.is_unsaved
    assert not house.ledger.is_urgent
    writer.close()
    await gone(house)
    for edits in house.edits:
        for name in edits[Kind.LISTENER]:
            house.ledger.forget(Kind.LISTENER.key(name))
    assert house.ledger.accepted(Kind.LISTENER) == {}
    assert house.ledger.refused(Kind.LISTENER) == []


async def test_who_asks_soon_again_finds_it(house: House) -> None:
    said, writer = await house.ask(BODY)
    writer.close()
    again, _ = await house.ask(BODY)
    assert again == said
    assert len(house.edits) == 1


async def test_what_envoy_refuses_is_told_and_goes(house: House) -> None:
    house.refuses = "no such filter"
    said, _ = await house.ask(BODY)
    assert said == {"refused": "Envoy refuses it: no such filter"}
    await gone(house)


async def test_not_more_than_envoy_can_bear(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guests, "MOST", 1)
    await house.ask(BODY)
    said, _ = await house.ask(OTHER)
    assert "ask again in" in said["refused"]
    assert "socket" in (await house.ask(BODY))[0]


async def test_not_more_bytes_of_them_either(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guests, "MOST_BYTES", len(BODY) + 1)
    await house.ask(BODY)
    said, _ = await house.ask(OTHER)
    assert "ask again in" in said["refused"]


async def test_a_lost_socket_comes_back(house: House) -> None:
    house.guests.socket.unlink()
    await house.guests.keep()
    assert "socket" in (await house.ask(BODY))[0]


async def test_who_says_half_of_it_or_does_not_end_is_sent_away(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    _, writer = await house.ask(BODY)
    writer.write(b"and more")
    await until(lambda: any(guest.asked_by == 0 for guest in house.guests._here.values()), what="nobody who asks")
    monkeypatch.setattr(guests, "PATIENCE", 0.01)
    again, other = await asyncio.open_unix_connection(house.guests.socket)
    house.writers.append(other)
    other.write(b"\0\0")
    assert await asyncio.wait_for(again.read(), 10) == b""


async def test_what_is_too_large_is_refused(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guests, "LARGEST", 1)
    assert "larger than" in (await house.ask(BODY))[0]["refused"]
