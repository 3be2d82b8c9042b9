"""What is seen of real processes: signs of life of those who do not know of us, states, and processor time."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from entrypoint.hanging import ENVOY, OURS, SUPERVISORD, UNKNOWN, Sight
from entrypoint.sight import SUPERVISOR, sight_of
from tests.entrypoint.house import house
from tests.support.envoy import RealEnvoy, wait_until


@pytest.fixture
def sleeper() -> Iterator[int]:
    with subprocess.Popen(["sleep", "1000"]) as process:
        yield process.pid
        process.kill()


def seen(part: str, pid: int, beats: Path, known: int | None = None) -> Sight:
    sight = sight_of(part, pid, str(beats), known)
    assert sight is not None
    return sight


def lives(part: str, pid: int) -> bool:
    """Whether it gives three signs of life, one after the other, as it is seen."""
    for _ in range(3):
        before = seen(part, pid, Path("/nowhere")).life
        wait_until(lambda before=before: seen(part, pid, Path("/nowhere")).life != before, what="a sign of life")
    return True


@pytest.mark.envoy
def test_an_idle_envoy_lives_until_it_is_stopped(tmp_path: Path) -> None:
    with RealEnvoy(bootstrap={}) as envoy:
        envoy.wait_admin()
        assert lives("envoy", envoy.pid)
        os.kill(envoy.pid, signal.SIGSTOP)
        try:
            wait_until(lambda: seen("envoy", envoy.pid, tmp_path).is_stopped, what="it is stopped")
            first = seen("envoy", envoy.pid, tmp_path)
            assert first.bounds is ENVOY
            for _ in range(1000):
                assert seen("envoy", envoy.pid, tmp_path) == first
        finally:
            os.kill(envoy.pid, signal.SIGCONT)


@pytest.mark.system
def test_an_idle_supervisord_lives() -> None:
    with house({"anna": "live"}) as running:
        running.new_pid("anna")
        assert lives(SUPERVISOR, running.supervisord())
        assert seen(SUPERVISOR, running.supervisord(), running.folder).bounds is SUPERVISORD
        assert running.end() == 0


def test_of_a_part_that_beats_the_beat_is_seen_and_no_more_is_asked(sleeper: int, tmp_path: Path) -> None:
    file = tmp_path / "translator"
    file.touch()
    os.utime(file, ns=(90_000_000_000, 7))
    assert seen("translator", sleeper, tmp_path) == Sight(sleeper, 7, "", None, OURS, 90.0)
    wait_until(lambda: seen("translator", sleeper, tmp_path, 7).state == "S", what="it sleeps")
    assert seen("translator", sleeper, tmp_path, 7) == Sight(sleeper, 7, "S", 0.0, OURS, 90.0)


def test_a_fresh_file_asks_for_no_patience(sleeper: int, tmp_path: Path) -> None:
    (tmp_path / "translator").touch()
    assert seen("translator", sleeper, tmp_path).patience == 0.0


def test_without_a_file_or_of_a_stranger_nothing_is_expected(sleeper: int, tmp_path: Path) -> None:
    for part in ("translator", "stranger"):
        sight = seen(part, sleeper, tmp_path)
        assert (sight.life, sight.bounds) == (None, UNKNOWN)


def test_the_time_of_the_processor_is_that_of_the_main_thread(tmp_path: Path) -> None:
    (tmp_path / "translator").touch()
    known = (tmp_path / "translator").stat().st_mtime_ns
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        wait_until(lambda: (seen("translator", process.pid, tmp_path, known).cpu or 0) > 0.3, what="it computes")
        process.kill()


def test_who_is_gone_is_not_seen(tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    for part in ("envoy", "translator", "stranger"):
        assert sight_of(part, process.pid, str(tmp_path), None) is None
