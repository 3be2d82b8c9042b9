"""A folder in memory for each test, processes that end with it, and what opening does unseen."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from snapshot_processes import Process, Start, spawn

from snapshot import Snapshot, opening


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    shared = Path("/dev/shm")
    if not shared.is_dir():
        yield tmp_path
        return
    folder = Path(tempfile.mkdtemp(prefix="dragoman-test-", dir=shared))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def path(memory: Path) -> Path:
    return memory / "snapshot"


@pytest.fixture
def snapshot(path: Path) -> Iterator[Snapshot]:
    with Snapshot.open(path) as opened:
        yield opened


@pytest.fixture
def start() -> Iterator[Start]:
    """`spawn`, for processes that are ended with the test."""
    started: list[Process] = []

    def run(source: str, *arguments: object) -> Process:
        started.append(spawn(source, *arguments))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each check of the file from end to end: whether it was to compact."""
    done: list[bool] = []
    check = opening._check

    def noted(path: Path, map_size: int, *, compact: bool) -> tuple[str | None, bool]:
        done.append(compact)
        return check(path, map_size, compact=compact)

    monkeypatch.setattr(opening, "_check", noted)
    return done
