"""What is not a snapshot, or none any more, is replaced: the reason is told, also to those who had it open."""

import os
import re
from pathlib import Path

import lmdb
import pytest
from snapshot_processes import Start, hold

from snapshot import Record, Snapshot, SnapshotBrokenError, SnapshotReplacedError
from snapshot.layout import FORMAT_KEY
from snapshot.record import frame

A = Record("1", b"a")


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
    "other schema": (other_schema, "'schema': 0.*not.*'schema': 4"),
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
        hold(start, path, "resources")
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
    holder = hold(start, path, "resources")
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
    holder = hold(start, path, "objects")
    (path / "data.mdb").unlink()
    with Snapshot.open(path) as snapshot:
        assert snapshot.replaced == "it was removed while processes used it"
        holder.communicate("again\n")
        assert holder.returncode == 1


def test_a_lock_file_removed_under_living_processes_is_noticed(path: Path, start: Start) -> None:
    holder = hold(start, path, "objects")
    (path / "lock.mdb").unlink()
    with Snapshot.open(path) as snapshot:
        assert snapshot.replaced == "its lock file was removed while processes used it"
        holder.communicate("again\n")
        assert holder.returncode == 1
        assert snapshot.reader("objects").changes().sequence == 0
