"""The socket where why is asked: who asks badly, half, without an end, or reads nothing is let go, and harms nobody."""

import asyncio
import shutil
from collections.abc import AsyncIterator

import orjson
import pytest

from tests.support.envoy import short_folder
from translator import asking
from translator.asking import LONGEST, Asking
from translator.explaining import Explainer, UnknownError
from translator.options import Options
from translator.pipeline import Pipeline

QUESTION = b'{"ask": "listener", "scheme": "http", "port": null, "strict": false, "server_name": ""}\n'


class Talkative(Explainer):
    """Tells more than a socket holds."""

    def listener(self, scheme: str, port: int | None, server_name: str, *, strict: bool) -> dict[str, str]:
        """A very long answer."""
        return {"private": "x" * (8 << 20)}


@pytest.fixture
async def asked(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Asking]:
    monkeypatch.setattr(asking, "PATIENCE", 0.05)
    folder = short_folder()
    asked = Asking(folder / "why.sock", lambda: Talkative(Pipeline(Options()), str))
    await asked.start()
    yield asked
    asked.close()
    shutil.rmtree(folder)


async def told(asked: Asking, said: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(asked._path)
    writer.write(said)
    try:
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize("said", [b"", b'{"ask":', b"x" * (3 * LONGEST)])
async def test_who_asks_half_or_without_an_end_is_let_go(asked: Asking, said: bytes) -> None:
    assert await told(asked, said) == b""


@pytest.mark.parametrize("said", [b"\xff\n", b"[" * 5000 + b"\n", b"null\n", b'{"ask": "chain", "chain": 1}\n'])
async def test_what_is_no_question_is_told(asked: Asking, said: bytes) -> None:
    assert "error" in orjson.loads(await told(asked, said))


async def test_nothing_is_kept_for_who_does_not_read(asked: Asking) -> None:
    kept = set(asyncio.all_tasks())
    _, writer = await asyncio.open_unix_connection(asked._path, limit=1)
    writer.write(QUESTION)
    await asyncio.sleep(0.01)
    serving = set(asyncio.all_tasks()) - kept
    assert serving
    await asyncio.wait_for(asyncio.gather(*serving, return_exceptions=True), 10)
    writer.close()


async def test_an_unknown_chain_is_told() -> None:
    with pytest.raises(UnknownError, match="no chain"):
        Explainer(Pipeline(Options()), str).chain("x")
