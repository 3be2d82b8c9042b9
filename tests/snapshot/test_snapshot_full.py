"""No room: the commit fails as a whole, the last one stays readable, and a later one works once there is room."""

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from snapshot_processes import Start, hold

from snapshot import Record, Snapshot, SnapshotFullError

A, B = Record("1", b"a" * 3000), Record("2", b"b")


@pytest.fixture
def small(memory: Path, requires_program: Callable[..., None]) -> Iterator[Path]:
    """A filesystem of 512 KiB."""
    requires_program("mount", "umount", as_root=True)
    folder = memory / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=512k", "dragoman-test", folder]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"a small tmpfs cannot be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def fill(folder: Path) -> Path:
    """Leave no byte of room."""
    ballast = folder / "ballast"
    with ballast.open("ab", buffering=0) as file:
        while True:
            try:
                file.write(bytes(4096))
            except OSError:
                return ballast


OPENER = """
import os, shutil, sys
from pathlib import Path
from snapshot import Record, Snapshot, SnapshotFullError

def attempt(path):
    try:
        with Snapshot.open(path) as snapshot:
            assert snapshot.replaced is None, snapshot.replaced
            try:
                assert snapshot.writer("objects").commit({"a": Record("1", b"a")}) == 1
                return "C"
            except SnapshotFullError:
                assert snapshot.reader("objects").changes().sequence == 0
                return "F"
    except SnapshotFullError:
        return "N"

path, ballast = Path(sys.argv[1]), Path(sys.argv[2])
full = ballast.stat().st_size
for pages in range(40):
    os.truncate(ballast, full - pages * 4096)
    print(end=attempt(path))
    shutil.rmtree(path)
"""
"""With more and more room: N when there is none for an empty file, F when there is none for a commit, else C."""


def test_a_full_map_keeps_the_last_commit(path: Path) -> None:
    with Snapshot.open(path, map_size=256 << 10) as snapshot:
        writer, reader = snapshot.writer("objects"), snapshot.reader("objects")
        writer.commit({"a": A})
        reader.changes()
        with pytest.raises(SnapshotFullError, match=f"{path}: no room for the commit.*the last one stays"):
            writer.commit({"a": B, "big": Record("1", bytes(1 << 20))})
        assert reader.changes().records == {}
        assert reader.all() == {"a": A}
        assert writer.commit({"a": B}) == 2
        assert reader.changes().records == {"a": B}


def test_many_failures_for_lack_of_room_use_none_up(path: Path) -> None:
    with Snapshot.open(path, map_size=256 << 10) as snapshot:
        writer = snapshot.writer("objects")
        for number in range(50):
            with pytest.raises(SnapshotFullError):
                writer.commit({"big": Record(str(number), bytes(1 << 20))})
            assert writer.commit({"a": Record(str(number), b"a" * 3000)}) == number + 1


def test_a_full_filesystem_keeps_the_last_commit(small: Path) -> None:
    with Snapshot.open(small / "snapshot") as snapshot:
        writer, reader = snapshot.writer("objects"), snapshot.reader("objects")
        writer.commit({"a": A})
        reader.changes()
        ballast = fill(small)
        for number in range(20):
            with pytest.raises(SnapshotFullError, match="no room for the commit"):
                writer.commit({"a": B, "big": Record(str(number), bytes(100_000))})
            assert reader.changes().records == {}
            assert snapshot.reader("objects").changes().records == {"a": A}
        assert snapshot.writer("acks").sequence == 0
        ballast.unlink()
        assert writer.commit({"a": B, "big": A}) == 2
        assert reader.changes().records == {"a": B, "big": A}
    with Snapshot.open(small / "snapshot") as snapshot:
        assert snapshot.replaced is None
        assert snapshot.reader("objects").all() == {"a": B, "big": A}


def test_commits_that_fit_into_freed_pages_work_on_a_full_filesystem(small: Path) -> None:
    with Snapshot.open(small / "snapshot") as snapshot:
        writer = snapshot.writer("objects")
        for number in range(10):
            writer.commit({"a": Record(str(number), b"a" * 30_000)})
        fill(small)
        for number in range(10, 60):
            writer.commit({"a": Record(str(number), b"a" * 30_000)})
        assert snapshot.reader("objects").all() == {"a": Record("59", b"a" * 30_000)}


def test_a_process_that_comes_to_a_full_filesystem_reads_and_harms_nothing(small: Path, start: Start) -> None:
    path = small / "snapshot"
    holder = hold(start, path, "objects")
    ballast = fill(small)
    with Snapshot.open(path) as snapshot:  # beside a living process
        assert snapshot.reader("objects").all().keys() == {"held"}
        with pytest.raises(SnapshotFullError):
            snapshot.writer("acks").commit({"big": Record("1", bytes(100_000))})
        holder.kill()
        holder.wait()
    fill(small)
    with Snapshot.open(path) as snapshot:  # after a crash, checked, alone
        assert snapshot.replaced is None
        assert snapshot.reader("objects").all().keys() == {"held"}
    ballast.unlink()
    with Snapshot.open(path) as snapshot:
        assert snapshot.writer("objects").commit({"a": A}) == 2


def test_however_little_room_there_is_nobody_crashes(small: Path, start: Start) -> None:
    ballast = fill(small)
    opener = start(OPENER, small / "snapshot", ballast)
    told, _ = opener.communicate()
    assert opener.returncode == 0
    assert re.fullmatch("N{9,}F*C{5,}", told), told
