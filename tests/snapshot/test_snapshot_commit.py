"""Commits and what readers see of them, in one process."""

import os
import re
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from snapshot import Changes, Record, Snapshot, SnapshotError, WriterBusyError
from snapshot.file import File
from snapshot.layout import Transaction

A, B = Record("1", b"body"), Record("2", b"", {"since": 1.5, "why": ["x", None]})


def test_a_commit_is_told_once_and_whole_to_every_reader(snapshot: Snapshot) -> None:
    writer, reader = snapshot.writer("objects"), snapshot.reader("objects")
    assert reader.changes() == Changes(0, {}, whole=True)
    assert writer.commit({"a": A, "b": B}) == 1
    assert reader.changes() == Changes(1, {"a": A, "b": B}, whole=False)
    assert reader.changes() == Changes(1, {}, whole=False)
    assert snapshot.reader("objects").changes() == Changes(1, {"a": A, "b": B}, whole=True)
    assert snapshot.reader("resources").changes() == Changes(0, {}, whole=True)


def test_get_and_all_see_the_last_commit_and_move_no_reader_on(snapshot: Snapshot) -> None:
    writer, reader = snapshot.writer("acks"), snapshot.reader("acks")
    writer.commit({"a": A, "b": B})
    assert (reader.get("a"), reader.get("c")) == (A, None)
    assert reader.all() == {"a": A, "b": B}
    assert reader.changes().records == {"a": A, "b": B}


def test_an_equal_version_is_silent(snapshot: Snapshot) -> None:
    writer, reader = snapshot.writer("objects"), snapshot.reader("objects")
    writer.commit({"a": A})
    reader.changes()
    assert writer.commit({"a": Record(A.version, b"another body")}) is None
    assert writer.commit({"b": None}) is None
    assert writer.commit({}) is None
    assert writer.replace({"a": A}) is None
    assert writer.sequence == 1
    assert reader.get("a") == A
    assert writer.commit({"a": A, "b": B}) == 2
    assert reader.changes().records == {"b": B}


def test_replace_writes_the_difference(snapshot: Snapshot) -> None:
    writer, reader = snapshot.writer("statuses"), snapshot.reader("statuses")
    writer.replace({name: Record("1", b"") for name in "abc"})
    reader.changes()
    assert writer.replace({"a": Record("1", b""), "b": B, "d": A}) == 2
    assert reader.changes().records == {"b": B, "c": None, "d": A}
    assert writer.replace({}) == 3
    assert reader.changes().records == {"a": None, "b": None, "d": None}
    assert reader.all() == {}


def test_the_first_replace_says_that_even_nothing_is_meant(snapshot: Snapshot) -> None:
    writer, reader = snapshot.writer("objects"), snapshot.reader("objects")
    assert reader.changes().sequence == 0
    assert writer.replace({}) == 1
    assert reader.changes() == Changes(1, {}, whole=False)
    assert writer.replace({}) is None


def test_several_commits_come_as_one(snapshot: Snapshot) -> None:
    writer, reader = snapshot.writer("objects"), snapshot.reader("objects")
    reader.changes()
    writer.commit({"a": A, "b": A})
    writer.commit({"a": B, "b": None})
    writer.commit({"c": A})
    assert reader.changes() == Changes(3, {"a": B, "c": A}, whole=False)
    writer.commit({"a": None, "b": B})
    writer.commit({"a": B, "b": None, "c": None})
    assert reader.changes() == Changes(5, {"c": None}, whole=False)


@pytest.mark.parametrize("key", ["", "k" * 512, "ü" * 256])
def test_a_key_that_cannot_be_stored_is_refused_and_nothing_written(snapshot: Snapshot, key: str) -> None:
    writer = snapshot.writer("objects")
    with pytest.raises(ValueError, match=rf"snapshot key '{key[:5]}.*has {len(key.encode())} bytes; 1 to 511"):
        writer.commit({"a": A, key: A})
    with pytest.raises(ValueError, match="1 to 511"):
        writer.replace({"a": A, key: A})
    assert writer.sequence == 0
    assert writer.commit({"k" * 511: A, "ü" * 255: A}) == 1
    assert set(snapshot.reader("objects").all()) == {"k" * 511, "ü" * 255}


def test_bodies_of_any_size(snapshot: Snapshot) -> None:
    bodies = {str(size): Record("1", os.urandom(size)) for size in (0, 1, 2000, 4096, 70_000, 3_000_000)}
    snapshot.writer("resources").commit(bodies)
    assert snapshot.reader("resources").changes().records == bodies


def test_bytes_of_a_subclass_are_a_body(snapshot: Snapshot) -> None:
    class Message(bytes):
        pass

    snapshot.writer("resources").commit({"a": Record("1", Message(b"x"))})
    assert type(snapshot.reader("resources").all()["a"].body) is bytes


def test_a_second_writer_is_refused_with_the_pid_of_the_first(snapshot: Snapshot, path: Path) -> None:
    first = snapshot.writer("objects")
    other = snapshot.writer("resources")
    with pytest.raises(WriterBusyError, match=re.escape(f"{path}: objects is being written by process {os.getpid()}")):
        snapshot.writer("objects")
    first.close()
    first.close()
    with snapshot.writer("objects") as second:
        assert second.commit({"a": A}) == 1
    assert snapshot.writer("objects").sequence == 1
    assert other.sequence == 0


def test_a_closed_writer_writes_no_more(snapshot: Snapshot) -> None:
    writer = snapshot.writer("objects")
    writer.close()
    with pytest.raises(SnapshotError, match="closed"):
        writer.commit({"a": A})


def test_a_closed_snapshot_is_an_error(path: Path) -> None:
    with Snapshot.open(path) as snapshot:
        writer, reader = snapshot.writer("objects"), snapshot.reader("objects")
    for use in (reader.changes, reader.all, lambda: writer.commit({"a": A})):
        with pytest.raises(SnapshotError, match="closed"):
            use()


def test_a_writer_whose_lock_file_was_removed_notices_the_other_one(
    snapshot: Snapshot, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = snapshot.writer("objects")
    (path / "writer.objects.lock").unlink()
    second = snapshot.writer("objects")
    writing = File.writing

    def after_the_other_one(file: File) -> AbstractContextManager[Transaction]:
        monkeypatch.undo()
        second.commit({"a": A})
        return writing(file)

    monkeypatch.setattr(File, "writing", after_the_other_one)
    with pytest.raises(SnapshotError, match="another process wrote objects"):
        first.commit({"b": B})
    assert snapshot.reader("objects").all() == {"a": A}


def test_a_writer_takes_its_lock_anew_when_the_file_is_lost(snapshot: Snapshot, path: Path) -> None:
    writer = snapshot.writer("objects")
    (path / "writer.objects.lock").unlink()
    assert writer.commit({"a": A}) == 1
    with pytest.raises(WriterBusyError):
        snapshot.writer("objects")
    writer.close()
    assert snapshot.writer("objects").sequence == 1


def test_a_first_view_fills_its_pages(snapshot: Snapshot) -> None:
    records = {f"getambassador.io/Mapping/default/m{number}": Record("1", b"x" * 900) for number in range(400)}
    snapshot.writer("objects").replace(records)
    with snapshot._file.reading() as txn:
        pages = txn.stat(snapshot._file.tables["objects"].records)["leaf_pages"]
    assert pages == 100  # four of them in 4 KiB; put where they belong, one by one, there would be three
    snapshot.writer("live").replace({key: records[key] for key in sorted(records, reverse=True)})
    assert snapshot.reader("live").all() == snapshot.reader("objects").all() == records
