"""The folder of the snapshot is removed in the moment in which it is opened: all have the same file afterwards."""

import shutil
from pathlib import Path
from typing import Any

import lmdb
import pytest
from snapshot_processes import Start, hold

from snapshot import Snapshot, SnapshotReplacedError
from snapshot.file import File

HELD = "by another process"


@pytest.mark.parametrize("lost", ["folder", "data.mdb", "lock.mdb"])
def test_who_opened_what_is_lost_has_what_the_others_have(
    path: Path, start: Start, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    opened, holders = lmdb.open, list[Any]()

    def losing(*given: Any, **more: Any) -> lmdb.Environment:
        environment = opened(*given, **more)
        if not holders:
            for mark in path.glob("user.*"):  # as the whole folder is removed, name by name
                mark.unlink()
            shutil.rmtree(path) if lost == "folder" else (path / lost).unlink()
            (path / "open.lock").unlink(missing_ok=True)
            holders.append(hold(start, path, "objects"))
        return environment

    monkeypatch.setattr(lmdb, "open", losing)
    with Snapshot.open(path) as snapshot:
        reader = snapshot.reader("objects")
        assert HELD in reader.all()["held"].body.decode()
        reader.changes()
        holders[0].stdin.write("again\n")
        holders[0].stdin.flush()
        holders[0].stdout.readline()
        assert list(reader.changes().records) == ["held"], "what the other one writes is heard of"


def test_who_has_another_lock_than_the_path_ends(path: Path) -> None:
    with Snapshot.open(path) as snapshot:
        reader = snapshot.reader("objects")
        assert reader.all() == {}
        shutil.copy(path / "lock.mdb", path / "other")
        (path / "other").replace(path / "lock.mdb")
        with pytest.raises(SnapshotReplacedError, match="another process replaced"):
            reader.all()


def test_that_it_is_lost_again_and_again_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = lmdb.open

    def losing(*given: Any, **more: Any) -> lmdb.Environment:
        environment = opened(*given, **more)
        shutil.rmtree(path)
        return environment

    monkeypatch.setattr(lmdb, "open", losing)
    with pytest.raises(SnapshotReplacedError):
        Snapshot.open(path)
    monkeypatch.undo()
    with Snapshot.open(path) as snapshot:
        assert isinstance(snapshot._file, File)
        assert snapshot.reader("objects").all() == {}
