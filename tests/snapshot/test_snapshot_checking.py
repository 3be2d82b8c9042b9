"""Checking at the opening: when it is done, and that nothing wrong is found where nothing is wrong."""

from pathlib import Path

import pytest
from snapshot_processes import Start, hold, kill

from snapshot import Record, Snapshot, SnapshotError, check

A = Record("1", b"a")


def test_it_is_checked_when_nobody_has_it_open_and_after_a_crash(path: Path, start: Start, checks: list[bool]) -> None:
    with Snapshot.open(path) as snapshot:
        snapshot.writer("objects").commit({"a": A})
    assert checks == []
    keeper = hold(start, path, "resources")
    Snapshot.open(path).close()
    assert checks == []
    killed = hold(start, path, "acks")
    kill(killed)
    with Snapshot.open(path) as snapshot:
        assert checks == [False]
        assert snapshot.replaced is None
        assert snapshot.reader("acks").all().keys() == {"held"}
    Snapshot.open(path).close()
    assert checks == [False]
    keeper.communicate()
    Snapshot.open(path).close()
    assert checks == [False, True]


BUSY = """
import sys
from pathlib import Path
from snapshot import Record, Snapshot
with Snapshot.open(Path(sys.argv[1])) as snapshot:
    writer, number = snapshot.writer("objects"), 0
    while True:
        number += 1
        writer.commit({f"key {number % 700}": Record(str(number), bytes(number % 6000)), f"key {number % 31}": None})
        if number == 1000:
            print("busy", flush=True)
"""


def test_opening_and_checking_beside_a_busy_writer_finds_nothing_wrong(
    path: Path, start: Start, checks: list[bool]
) -> None:
    writer = start(BUSY, path)
    assert writer.stdout.readline() == "busy\n"
    for round_ in range(60):
        if round_ % 3 == 0:
            (path / "user.999999999.lock").touch()  # as a crash leaves it
        with Snapshot.open(path) as snapshot:
            assert snapshot.replaced is None
            assert snapshot.reader("objects").changes().sequence >= 1000
    assert checks == [False] * 20
    assert writer.poll() is None


def test_a_header_ahead_of_its_file_is_believed_only_when_it_stays_so(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an opener may see it that looks while a writer makes the file longer."""
    with Snapshot.open(path) as snapshot:
        snapshot.writer("objects").commit({"a": Record("1", bytes(20_000))})
    data = path / "data.mdb"
    whole = data.read_bytes()
    data.write_bytes(whole[:-4096])
    assert "truncated" in str(check.header_problem(data))
    monkeypatch.setattr(check, "sleep", lambda seconds: data.write_bytes(whole))
    assert check.header_problem(data) is None


COMER_AND_GOER = """
import sys
from pathlib import Path
from snapshot import Record, Snapshot
for number in range(1, 16):
    with Snapshot.open(Path(sys.argv[1])) as snapshot:
        assert snapshot.replaced is None, snapshot.replaced
        assert snapshot.writer(sys.argv[2]).commit({"a": Record(str(number), bytes(number * 100))}) == number
"""


def test_processes_that_come_and_go_all_the_time_lose_nothing(path: Path, start: Start) -> None:
    databases = ("objects", "resources", "statuses", "acks")
    assert [process.wait(60) for process in [start(COMER_AND_GOER, path, name) for name in databases]] == [0] * 4
    with Snapshot.open(path) as snapshot:
        for name in databases:
            assert snapshot.reader(name).changes().records == {"a": Record("15", bytes(1500))}
    assert not list(path.glob("user.*"))


def test_a_check_that_cannot_be_made_throws_nothing_away(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Snapshot.open(path) as snapshot:
        snapshot.writer("objects").commit({"a": A})
    with monkeypatch.context() as patched:
        patched.setattr("sys.executable", "/bin/false")
        with pytest.raises(SnapshotError, match="could not be checked"):
            Snapshot.open(path)
        patched.setattr("sys.executable", "/bin/nothing")
        with pytest.raises(SnapshotError, match="cannot be opened"):
            Snapshot.open(path)
    with Snapshot.open(path) as snapshot:
        assert snapshot.replaced is None
        assert snapshot.reader("objects").all() == {"a": A}
