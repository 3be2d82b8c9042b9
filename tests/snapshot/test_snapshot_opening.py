"""Opening: many at once, what is found there, what a crash left, and what those see who had it open."""

import os
import re
import stat
from pathlib import Path

import lmdb
import pytest
from snapshot_processes import HOLDER, Start, until

from snapshot import (
    Record,
    Snapshot,
    SnapshotBrokenError,
    SnapshotError,
    SnapshotReplacedError,
    WriterBusyError,
    check,
    opening,
)
from snapshot.layout import FORMAT_KEY
from snapshot.record import frame

A = Record("1", b"a")


def modes(path: Path) -> dict[str, int]:
    return {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in path.iterdir()}


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
    holder = start(HOLDER, path, "objects")
    pid = holder.stdout.readline().strip()
    with Snapshot.open(path) as snapshot:
        with pytest.raises(WriterBusyError, match=f"objects is being written by process {pid}$"):
            snapshot.writer("objects")
        assert snapshot.writer("statuses").commit({"a": A}) == 1
        holder.kill()
        holder.wait()
        assert snapshot.writer("objects").commit({"a": A}) == 2
        assert snapshot.reader("objects").all().keys() == {"a", "held"}


def test_it_is_checked_when_nobody_has_it_open_and_after_a_crash(path: Path, start: Start, checks: list[bool]) -> None:
    with Snapshot.open(path) as snapshot:
        snapshot.writer("objects").commit({"a": A})
    assert checks == []
    keeper = start(HOLDER, path, "resources")
    assert keeper.stdout.readline()
    Snapshot.open(path).close()
    assert checks == []
    killed = start(HOLDER, path, "acks")
    assert killed.stdout.readline()
    killed.kill()
    killed.wait()
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


def foreign_lmdb(data: Path) -> None:
    with lmdb.open(str(data), subdir=False, lock=False) as env, env.begin(write=True) as txn:
        txn.put(b"somebody", b"else's")


def other_schema(data: Path) -> None:
    Snapshot.open(data.parent).close()
    with lmdb.open(str(data.parent), max_dbs=20) as env, env.begin(write=True) as txn:
        header = frame(FORMAT_KEY, {"format": "dragoman-snapshot", "schema": 0})
        txn.put(FORMAT_KEY, header, db=env.open_db(b"meta", txn=txn))


FOREIGN = {
    "text": (lambda data: data.write_text("not a database\n" * 1000), "not an LMDB file"),
    "empty": (lambda data: data.touch(), "not an LMDB file"),
    "zeros": (lambda data: data.write_bytes(bytes(1 << 20)), "not an LMDB file"),
    "folder": (lambda data: (data / "full").mkdir(parents=True), "not a regular file"),
    "pipe": (os.mkfifo, "not a regular file"),
    "dangling link": (lambda data: data.symlink_to("/nowhere"), "not a regular file"),
    "foreign LMDB": (foreign_lmdb, "LMDB file of another program"),
    "other schema": (other_schema, "'schema': 0.*not.*'schema': 1"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_foreign_file_is_replaced_and_the_reason_told(path: Path, kind: str) -> None:
    path.mkdir()
    make, reason = FOREIGN[kind]
    make(path / "data.mdb")
    with Snapshot.open(path) as snapshot:
        assert snapshot.replaced
        assert re.search(reason, snapshot.replaced)
        assert snapshot.writer("objects").commit({"a": A}) == 1
    with Snapshot.open(path) as snapshot:
        assert snapshot.replaced is None
        assert snapshot.reader("objects").all() == {"a": A}


def test_a_file_where_the_folder_should_be_is_replaced(path: Path) -> None:
    path.write_text("in the way")
    with Snapshot.open(path) as snapshot:
        assert snapshot.replaced == "it was not a folder"
        assert snapshot.writer("objects").commit({"a": A}) == 1


def test_a_foreign_lock_file_is_replaced_without_loss(path: Path) -> None:
    with Snapshot.open(path) as snapshot:
        snapshot.writer("objects").commit({"a": A})
    for spoil in (lambda lock: lock.write_bytes(os.urandom(50_000)), lambda lock: lock.write_text("x"), Path.unlink):
        spoil(path / "lock.mdb")
        with Snapshot.open(path) as snapshot:
            assert snapshot.replaced is None
            assert snapshot.reader("objects").all() == {"a": A}


def test_who_has_a_replaced_file_open_is_told_so(path: Path, start: Start) -> None:
    with Snapshot.open(path) as old:
        writer, reader = old.writer("objects"), old.reader("objects")
        writer.commit({"a": A})
        reader.changes()
        old.check()
        damaged = bytearray((path / "data.mdb").read_bytes())
        damaged[16:20] = b"gone"
        (path / "damaged").write_bytes(damaged)
        (path / "damaged").replace(path / "data.mdb")
        newcomer = start(HOLDER, path, "resources")
        assert newcomer.stdout.readline()
        for use in (old.check, reader.changes, reader.all, lambda: reader.get("a"), lambda: writer.replace({})):
            with pytest.raises(SnapshotReplacedError, match="another process replaced the snapshot file"):
                use()
        with pytest.raises(SnapshotReplacedError):
            writer.commit({"b": A})
    with Snapshot.open(path) as new:
        assert new.replaced is None
        assert new.reader("objects").changes().sequence == 0
        assert new.reader("resources").all().keys() == {"held"}
        writer = new.writer("objects")
        assert writer.commit({"b": A}) == 1


def test_who_meets_damage_in_an_open_file_has_it_checked_and_replaced(path: Path, start: Start) -> None:
    """Some other process with it open would otherwise vouch for it."""
    holder = start(HOLDER, path, "resources")
    assert holder.stdout.readline()
    with Snapshot.open(path) as snapshot:
        body = os.urandom(3000)
        snapshot.writer("objects").commit({"a": Record("1", body), "b": A})
        where = (path / "data.mdb").read_bytes().index(body)
        with (path / "data.mdb").open("r+b") as data:
            data.seek(where)
            data.write(b"spoilt")
        assert snapshot.reader("objects").get("b") == A
        with pytest.raises(SnapshotBrokenError, match="b'a' does not agree with its checksum"):
            snapshot.reader("objects").changes()
    with Snapshot.open(path) as snapshot:
        assert snapshot.replaced == "value b'a' does not agree with its checksum"
        holder.communicate("again\n")
        assert holder.returncode == 1
    with Snapshot.open(path) as snapshot:
        assert snapshot.replaced is None


def test_a_data_file_removed_under_living_processes_is_told(path: Path, start: Start) -> None:
    holder = start(HOLDER, path, "objects")
    assert holder.stdout.readline()
    (path / "data.mdb").unlink()
    with Snapshot.open(path) as snapshot:
        assert snapshot.replaced == "it was removed while processes used it"
        holder.communicate("again\n")
        assert holder.returncode == 1


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


def test_a_lock_file_removed_under_living_processes_is_noticed(path: Path, start: Start) -> None:
    holder = start(HOLDER, path, "objects")
    assert holder.stdout.readline()
    (path / "lock.mdb").unlink()
    with Snapshot.open(path) as snapshot:
        assert snapshot.replaced == "its lock file was removed while processes used it"
        holder.communicate("again\n")
        assert holder.returncode == 1
        assert snapshot.reader("objects").changes().sequence == 0


def test_a_folder_that_cannot_be_made_is_an_error_that_names_it() -> None:
    with pytest.raises(SnapshotError, match="/proc/snapshot: the snapshot cannot be opened"):
        Snapshot.open(Path("/proc/snapshot"))


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


def test_slots_of_dead_readers_are_cleared(path: Path, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    reading = """
import sys
from pathlib import Path
from snapshot import Snapshot
snapshot = Snapshot.open(Path(sys.argv[1]))
with snapshot._file.reading():
    print("reading", flush=True)
    sys.stdin.readline()
"""
    with Snapshot.open(path) as snapshot:
        reader = snapshot.reader("objects")
        for _ in range(2):
            dead = start(reading, path)
            assert dead.stdout.readline()
            dead.kill()
            dead.wait()
        slots = snapshot._file._env.readers
        reader.changes()
        assert str(dead.pid) in slots()
        monkeypatch.setattr("snapshot.file.READER_CHECK_EVERY", -1.0)
        reader.changes()
        assert str(dead.pid) not in slots()


def test_when_dead_readers_hold_all_slots_a_living_one_reads_nevertheless(path: Path, start: Start) -> None:
    greedy = """
import sys
from pathlib import Path
import lmdb
from snapshot import Snapshot
snapshot, held = Snapshot.open(Path(sys.argv[1])), []
try:
    while True:
        held.append(snapshot._file._env.begin())
except lmdb.ReadersFullError:
    print(len(held), flush=True)
sys.stdin.readline()
"""
    with Snapshot.open(path) as snapshot:
        reader = snapshot.reader("objects")
        dead = start(greedy, path)
        assert int(dead.stdout.readline()) > 500
        dead.kill()
        dead.wait()
        assert reader.changes().sequence == 0


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
