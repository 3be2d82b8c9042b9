"""Opening: who may, many at once, what is there again, and who waits for whom."""

import os
import stat
from pathlib import Path

import pytest
from snapshot_processes import Start, hold, kill, until

from snapshot import Record, Snapshot, SnapshotError, WriterBusyError, opening

A = Record("1", b"a")


def modes(path: Path) -> dict[str, int]:
    return {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in path.iterdir()}


def test_everything_in_it_is_for_its_owner_only(path: Path) -> None:
    old = os.umask(0)
    try:
        with Snapshot.open(path / "deeper") as snapshot:
            snapshot.writer("objects").commit({"a": A})
            assert stat.S_IMODE((path / "deeper").stat().st_mode) == 0o700
            assert set(modes(path / "deeper").values()) == {0o600}
            assert {"data.mdb", "lock.mdb", "open.lock", "writer.objects.lock"} < set(modes(path / "deeper"))
        with Snapshot.open(path / "deeper"):
            assert set(modes(path / "deeper").values()) == {0o600}
    finally:
        os.umask(old)


def test_a_folder_open_to_others_is_closed_to_them(path: Path) -> None:
    path.mkdir(mode=0o755)
    with Snapshot.open(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_what_was_written_is_there_when_it_is_opened_again(path: Path, checks: list[bool]) -> None:
    with Snapshot.open(path) as snapshot:
        assert snapshot.replaced is None
        assert snapshot.writer("objects").commit({"a": A, "b": Record("1", bytes(100_000))}) == 1
        assert snapshot.writer("acks").commit({"a": A}) == 1
    with Snapshot.open(path) as snapshot:
        assert snapshot.replaced is None
        assert snapshot.reader("objects").all()["a"] == A
        assert snapshot.writer("objects").commit({"a": None}) == 2
    assert checks == [True]
    assert modes(path).keys() == {"data.mdb", "lock.mdb", "open.lock", "writer.objects.lock", "writer.acks.lock"}


def test_opened_by_nobody_it_gets_small_again(path: Path) -> None:
    with Snapshot.open(path) as snapshot:
        writer = snapshot.writer("objects")
        writer.replace({str(number): Record("1", bytes(1000)) for number in range(3000)})
        writer.replace({"a": A})
        assert (path / "data.mdb").stat().st_size > 3_000_000
    with Snapshot.open(path) as snapshot:
        assert (path / "data.mdb").stat().st_size < 200_000
        reader = snapshot.reader("objects")
        assert reader.changes().records == {"a": A}
        assert snapshot.writer("objects").commit({"b": A}) == 3
        assert reader.changes().records == {"b": A}


def test_one_process_opens_it_once(path: Path) -> None:
    with Snapshot.open(path) as snapshot:
        link = path.parent / "link"
        link.symlink_to(path)
        for name in (path, link):
            with pytest.raises(SnapshotError, match="this process has the snapshot open already"):
                Snapshot.open(name)
        snapshot.writer("objects").commit({"a": A})
    snapshot.close()
    with Snapshot.open(path) as snapshot:
        assert snapshot.reader("objects").all() == {"a": A}


OPENER = """
import sys
from pathlib import Path
from snapshot import Record, Snapshot, WriterBusyError
path, me = Path(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
with Snapshot.open(path) as snapshot:
    assert snapshot.replaced is None, snapshot.replaced
    try:
        assert snapshot.writer("objects").commit({"first": Record(me, b"")}) == 1
        print("wrote", flush=True)
    except WriterBusyError:
        print("busy", flush=True)
    sys.stdin.readline()
    assert snapshot.reader("objects").changes().sequence == 1
"""


def test_many_processes_open_it_at_the_same_moment(path: Path, start: Start) -> None:
    for round_ in range(3):
        here = path / str(round_)
        processes = [start(OPENER, here, number) for number in range(6)]
        for line in ("ready", None):
            told = [process.stdout.readline().strip() for process in processes if process.stdout]
            assert line is None or told == [line] * 6
            for process in processes:
                print("go", file=process.stdin, flush=True)
        assert sorted(told) == ["busy"] * 5 + ["wrote"]
        assert [process.wait(20) for process in processes] == [0] * 6


def test_a_second_process_is_refused_to_write_until_the_first_is_killed(path: Path, start: Start) -> None:
    holder = hold(start, path, "objects")
    with Snapshot.open(path) as snapshot:
        with pytest.raises(WriterBusyError, match=f"objects is being written by process {holder.pid}$"):
            snapshot.writer("objects")
        assert snapshot.writer("statuses").commit({"a": A}) == 1
        kill(holder)
        assert snapshot.writer("objects").commit({"a": A}) == 2
        assert snapshot.reader("objects").all().keys() == {"a", "held"}


def test_a_folder_that_cannot_be_made_is_an_error_that_names_it() -> None:
    with pytest.raises(SnapshotError, match="/proc/snapshot: the snapshot cannot be opened"):
        Snapshot.open(Path("/proc/snapshot"))


def test_an_opener_waits_for_one_that_opens_and_says_so_when_that_takes_too_long(
    path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    holding = """
import fcntl, os, sys
lock = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.flock(lock, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.readline()
"""
    path.mkdir(mode=0o700)
    stuck = start(holding, path / "open.lock")
    assert stuck.stdout.readline()
    monkeypatch.setattr(opening, "OPEN_PATIENCE", 0.05)
    with pytest.raises(SnapshotError, match="another process has been opening the snapshot"):
        Snapshot.open(path)
    monkeypatch.setattr(opening, "OPEN_PATIENCE", 20)
    waiting = start(OPENER, path, "1")
    print("go", file=waiting.stdin, flush=True)
    until(lambda: str(path / "open.lock") in _open_files(waiting.pid))
    stuck.communicate("done\n")
    assert waiting.communicate("done\n")[0] == "ready\nwrote\n"


def _open_files(pid: int) -> set[str]:
    try:
        return {str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()}
    except FileNotFoundError:
        return set()
