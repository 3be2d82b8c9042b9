"""What records were before they changed is kept with the commit that changed them, in so many bytes and no more."""

import os
from pathlib import Path

import pytest

from snapshot import Record, Snapshot, SnapshotFullError, Writer
from snapshot.record import frame

A, B = Record("1", b'{"spec": 1}', {"source": "a.yaml"}), Record("2", b'{"spec": 2}')
SECRET = Record("1", b'{"data": "private"}', {"source": "s.yaml"})


def keeping(snapshot: Snapshot) -> Writer:
    """A writer that keeps all of `whole/...`, the notes of `notes/...`, and nothing of others."""

    def keeps(key: str) -> str:
        return key.partition("/")[0] if key.startswith(("whole/", "notes/")) else "nothing"

    return snapshot.writer("objects", keeps=keeps)  # type: ignore[arg-type]


def told(snapshot: Snapshot) -> list[tuple[int, float, str, str | None, str | None]]:
    return [(each.sequence, each.at, each.key, each.was, each.becomes) for each in snapshot.reader("objects").past()]


def test_what_was_changed_made_and_removed_is_told_with_its_time(snapshot: Snapshot) -> None:
    writer = keeping(snapshot)
    writer.commit({"whole/a": A, "whole/b": A}, since=1.0)
    assert told(snapshot) == []  # what was read at first did not change
    writer.commit({"whole/a": B, "whole/b": None, "whole/c": A}, since=2.0)
    assert told(snapshot) == [
        (2, 2.0, "whole/a", "1", "2"),
        (2, 2.0, "whole/b", "1", None),
        (2, 2.0, "whole/c", None, "1"),
    ]
    assert [each.record for each in snapshot.reader("objects").past()] == [A, A, None]


def test_what_did_not_change_is_not_told(snapshot: Snapshot) -> None:
    writer = keeping(snapshot)
    writer.commit({"whole/a": A, "whole/b": A}, since=1.0)
    writer.commit({"whole/a": A, "whole/b": B}, since=2.0)
    assert [key for _, _, key, *_ in told(snapshot)] == ["whole/b"]


def test_of_secrets_the_body_is_never_kept(snapshot: Snapshot, path: Path) -> None:
    writer = keeping(snapshot)
    writer.commit({"notes/s": SECRET, "other": SECRET}, since=1.0)
    writer.commit({"notes/s": None, "other": None}, since=2.0)
    (former,) = snapshot.reader("objects").past()
    assert former.record == Record("1", b"", {"source": "s.yaml"})


def test_the_oldest_go_first_and_the_bytes_are_counted_anew_by_the_next_process(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("snapshot.past.PAST_BYTES", 4000)
    writer = keeping(snapshot)
    for number in range(100):
        writer.commit({"whole/a": Record(str(number), os.urandom(200))}, since=float(number))
        if number == 50:
            writer.close()
            writer = keeping(snapshot)
    kept = snapshot.reader("objects").past()
    assert [each.sequence for each in kept] == list(range(101 - len(kept), 101))
    with snapshot._file.reading() as txn:
        table = snapshot._file.tables["objects"].past
        sizes = [len(raw) for raw in txn.cursor(db=table).iternext(keys=False, values=True)]  # type: ignore[arg-type]
    assert 4000 - max(sizes) < sum(sizes) <= 4000


def test_of_one_commit_so_many_are_kept_and_the_others_counted(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("snapshot.past.PAST_OF_A_COMMIT", 3)
    writer = keeping(snapshot)
    writer.commit({"other": A})
    writer.commit({f"whole/{number}": A for number in range(10)} | {"other": B}, since=2.0)
    kept = snapshot.reader("objects").past()
    assert [(each.key, each.untold) for each in kept] == [("whole/0", 7), ("whole/1", 0), ("whole/2", 0)]


def test_what_is_too_large_is_told_without_what_it_was(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snapshot.past.PAST_LARGEST", 100)
    writer = keeping(snapshot)
    writer.commit({"whole/a": Record("1", os.urandom(200))})
    writer.commit({"whole/a": B})
    (former,) = snapshot.reader("objects").past()
    assert (former.was, former.record) == ("1", None)


def test_a_commit_that_finds_no_room_leaves_nothing_of_it(path: Path) -> None:
    with Snapshot.open(path, map_size=1 << 20) as snapshot:
        writer = keeping(snapshot)
        writer.commit({"whole/a": A})
        writer.commit({"whole/a": B})
        with pytest.raises(SnapshotFullError):
            writer.commit({"whole/a": A, "whole/b": Record("1", bytes(2 << 20))})
        assert len(told(snapshot)) == 1
        writer.commit({"whole/a": A})
        assert [becomes for *_, becomes in told(snapshot)] == ["2", "1"]


def test_only_databases_with_room_for_it_keep_it(snapshot: Snapshot) -> None:
    with pytest.raises(ValueError, match="statuses"):
        snapshot.writer("statuses", keeps=lambda _: "whole")
    assert snapshot.reader("statuses").past() == []


def test_damage_in_it_is_found_when_the_file_is_opened_after_a_crash(path: Path) -> None:
    with Snapshot.open(path) as snapshot:
        writer = keeping(snapshot)
        writer.commit({"whole/a": A})
        writer.commit({"whole/a": B})
        with snapshot._file.writing() as txn:
            table = snapshot._file.tables["objects"].past
            (key,) = [bytes(each) for each in txn.cursor(db=table).iternext(keys=True, values=False)]  # type: ignore[arg-type]
            txn.put(key, frame(b"another key", {}), db=table)
    (path / "user.crashed.lock").touch()
    with Snapshot.open(path) as again:
        assert again.replaced
        assert "checksum" in again.replaced
