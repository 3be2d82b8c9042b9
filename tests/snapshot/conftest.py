"""A folder in memory for each test, and processes that end with it."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from snapshot_processes import Process, Start, spawn

from snapshot import Snapshot


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
