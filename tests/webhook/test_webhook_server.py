"""The server by itself: its paths, its limits, its certificates; and that certificates are made by the API's clock."""

import asyncio
import datetime as dt
import io
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import aiohttp
import orjson
import pytest

from process.settings import Settings
from tests.conversion.test_conversion_rules import an
from tests.support.certificates import strict
from tests.support.ports import unused_port
from tests.webhook.test_webhook_review import review
from webhook import server as server_module
from webhook.__main__ import Webhook
from webhook.authority import Material, made
from webhook.decision import Definition, Secret, World
from webhook.server import Server

NAMES = frozenset({"127.0.0.1"})
NOW = dt.datetime.now(dt.UTC)


class Running:
    """A server, and clients that trust one authority."""

    def __init__(self, folder: Path) -> None:
        self.port = unused_port()
        self.server = Server(self.port, folder, "127.0.0.1")
        self.material = made(None, (), NAMES, NOW)

    async def ask(self, path: str, body: bytes | None = None, material: Material | None = None) -> tuple[int, bytes]:
        context = strict((material or self.material).bundle[0])
        url = f"https://127.0.0.1:{self.port}{path}"
        async with aiohttp.ClientSession() as session:
            method = "GET" if body is None else "POST"
            data = None if body is None else io.BytesIO(body)
            async with session.request(method, url, data=data, ssl=context) as answer:
                return answer.status, await answer.read()


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    running = Running(tmp_path)
    assert running.server.use(running.material.serving)
    await running.server.open()
    yield running
    await running.server.close()
    assert os.listdir(tmp_path) == [], "no key is left in a file"  # noqa: PTH208


@pytest.mark.parametrize("path", ["/convert", "/webhooks/crd-convert"])
async def test_a_review_is_answered_over_tls_that_the_authority_vouches_for(running: Running, path: str) -> None:
    status, body = await running.ask(path, review([an("Mapping", "v2", {"host": "a"})]))
    assert status == 200
    assert orjson.loads(body)["response"]["convertedObjects"][0]["spec"] == {"hostname": "a"}


async def test_a_large_review_is_answered_too(running: Running) -> None:
    body = review([an("Mapping", "v2", {"prefix": "/" * 500}) for _ in range(2000)])
    assert len(body) > server_module.SMALL
    status, answered = await running.ask("/convert", body)
    assert status == 200
    assert len(orjson.loads(answered)["response"]["convertedObjects"]) == 2000


async def test_its_health_and_what_it_does_not_know(running: Running) -> None:
    assert await running.ask("/healthz") == (200, b"ok\n")
    assert (await running.ask("/convert"))[0] == 405
    assert (await running.ask("/else", b"{}"))[0] == 404
    status, body = await running.ask("/convert", b"nonsense")
    assert status == 400
    assert body.startswith(b"it is not JSON")


async def test_it_is_alive_from_the_start_and_ready_when_it_is_said_to_be(tmp_path: Path) -> None:
    running = Running(tmp_path)
    running.server.stand_in(running.material.serving)
    assert running.server.pair is None, "nobody is to go on serving with it"
    await running.server.open()
    assert await running.ask("/healthz") == (200, b"ok\n")
    assert (await running.ask("/readyz"))[0] == 503
    running.server.is_ready = True
    assert await running.ask("/readyz") == (200, b"ok\n")
    await running.server.close()


async def test_who_leaves_answers_and_ends_each_connection_with_its_answer(running: Running) -> None:
    context = strict(running.material.bundle[0])
    async with aiohttp.ClientSession() as session:
        url = f"https://127.0.0.1:{running.port}/convert"
        for is_leaving in (False, True):
            running.server.is_leaving = is_leaving
            async with session.post(url, data=review([]), ssl=context) as answer:
                assert answer.status == 200
                assert (answer.headers.get("Connection") == "close") is is_leaving


async def test_what_is_too_large_is_refused(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    await running.server.close()
    monkeypatch.setattr(server_module, "LARGEST", 100_000)
    await running.server.open()
    assert (await running.ask("/convert", b"x" * 200_000))[0] == 413
    assert (await running.ask("/healthz"))[0] == 200


async def test_what_does_not_come_is_not_waited_for(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "READ_SECONDS", 0.05)
    context = strict(running.material.bundle[0])

    async def never() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(60)

    async with aiohttp.ClientSession() as session:
        url = f"https://127.0.0.1:{running.port}/convert"
        async with session.post(url, data=never(), ssl=context) as answer:
            assert answer.status == 408


async def test_another_pair_serves_from_the_next_connection_on(running: Running) -> None:
    other = made(None, (), NAMES, NOW)
    context = strict(running.material.bundle[0])
    async with aiohttp.ClientSession() as session:
        url = f"https://127.0.0.1:{running.port}/healthz"
        async with session.get(url, ssl=context) as answer:
            assert answer.status == 200
        assert running.server.use(other.serving)
        assert not running.server.use(other.serving)
        async with session.get(url, ssl=context) as answer:
            assert answer.status == 200, "an open connection goes on"
    assert (await running.ask("/healthz", material=other))[0] == 200
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await running.ask("/healthz")


class Leader:
    """A lease that is held."""

    is_held = True


class Clock:
    """A cluster whose clock says what it is told to; counts what is written."""

    def __init__(self, now: dt.datetime) -> None:
        self._now = now
        self.asked = 0
        self.written: list[Material] = []

    async def now(self) -> dt.datetime:
        self.asked += 1
        return self._now

    async def write(self, material: Material, version: str | None) -> bool:
        self.written.append(material)
        return True


@pytest.mark.parametrize(("behind", "writes"), [(dt.timedelta(0), 1), (dt.timedelta(days=150), 0)])
async def test_a_clock_that_is_ahead_renews_nothing_before_the_api_server_says_so(
    behind: dt.timedelta, writes: int
) -> None:
    """A certificate of 150 days ago is due by the pod's clock; by the API server's it may be new."""
    material = made(None, (), frozenset({"dragoman-webhook.default.svc"}), NOW - dt.timedelta(days=150))
    webhook, clock = Webhook(cast("Any", None), Settings()), Clock(NOW - behind)
    webhook._lease, webhook._cluster = cast("Any", Leader()), cast("Any", clock)
    world = World((Definition("a", "1", material.bundle),), Secret("1", material))
    assert await webhook._act(world) is bool(writes)
    assert clock.asked == 1
    assert len(clock.written) == writes
