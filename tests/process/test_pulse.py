"""The pulse: who beats when, and what is said with it."""

import asyncio
import shutil
from pathlib import Path

import pytest
import uvloop

from process import pulse
from process.pulse import Pulse
from process.vitals import Vitals, read, write
from tests.support.envoy import until

NANO = 1_000_000_000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "part"


def on_a_loop(test: object) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(test)  # type: ignore[arg-type]


def rights(file: Path) -> int:
    return file.stat().st_mode & 0o777


def asked_for(file: Path) -> float:
    """The seconds of patience that are asked for."""
    return file.stat().st_atime_ns / NANO


def make(folder: Path) -> None:
    folder.mkdir()


def remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def beaten(file: Path) -> int:
    """When it beat last; 0 when it did not, or where it cannot be seen."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def test_the_event_loop_beats_while_it_runs(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "EVERY", 0.05)
    monkeypatch.setattr(pulse, "_OFTEN", 0.01)

    async def test() -> None:
        mine = Pulse()
        mine.start(file)
        for _ in range(5):
            before = beaten(file)
            await until(lambda before=before: beaten(file) > before, what="a beat more")
        mine.stop()
        before = beaten(file)
        await asyncio.sleep(0.2)
        assert beaten(file) == before
        assert rights(file) == 0o600

    on_a_loop(test())


def test_work_beats_at_its_steps_but_not_oftener_than_can_be_seen(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "_OFTEN", 0.02)

    async def test() -> None:
        mine, seen = Pulse(), set()
        mine.start(file)
        began = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() - began < 0.5:  # without ever returning to the loop
            mine.beat()
            seen.add(beaten(file))
        assert 2 < len(seen) <= 26
        mine.stop()

    on_a_loop(test())


def test_patience_is_said_at_once_and_taken_back(file: Path) -> None:
    async def test() -> None:
        mine = Pulse()
        mine.start(file)
        assert asked_for(file) == 0
        with mine.patience(90):
            assert asked_for(file) == 90
        assert asked_for(file) == 0
        mine.stop()

    on_a_loop(test())


def test_a_lost_file_is_made_again_and_where_there_is_none_nobody_is_disturbed(file: Path) -> None:
    async def test() -> None:
        mine = Pulse()
        mine.start(file)
        remove(file)
        with mine.patience(1):
            assert beaten(file)
        remove(file.parent)
        with mine.patience(1):
            assert not beaten(file)
        make(file.parent)
        with mine.patience(1):
            assert beaten(file)
        mine.stop()

    on_a_loop(test())


def test_who_is_not_watched_does_not_beat() -> None:
    mine = Pulse()
    mine.beat()
    with mine.patience(10):
        mine.beat()
    mine.stop()


def test_vitals_are_read_as_they_were_written_and_damaged_ones_as_none(tmp_path: Path) -> None:
    told = Vitals({"translator": "asleep for 5 s"}, {"translator": 2})
    write(tmp_path / "vitals.json", told)
    assert read(tmp_path / "vitals.json") == told
    assert [path.name for path in tmp_path.iterdir()] == ["vitals.json"]
    for text in ("", "{", "[]", "{}", '{"hung": 1, "replaced": 2}', '{"hung": {}, "replaced": {"x": null}}'):
        (tmp_path / "vitals.json").write_text(text)
        assert read(tmp_path / "vitals.json") == Vitals()
    assert read(tmp_path / "nothing") == Vitals()
