"""The run directory: private, short enough for sockets, gone at the end, and what a killed one left is gone too."""

import errno
import fcntl
import os
import stat
import tempfile
from pathlib import Path

import pytest

from entrypoint.certificate import write_fallback
from entrypoint.rundir import FOLDERS, PREFIX, RunDirectory, RunDirectoryError, environment, remove_left


def test_a_new_one_is_private_and_goes_at_the_end() -> None:
    made = RunDirectory.prepare(None)
    made.furnish()
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o700
    assert made.path.name.startswith(PREFIX)
    assert {child.name for child in made.path.iterdir() if child.is_dir()} == set(FOLDERS)
    made.remove()
    assert not made.path.exists()


def test_a_named_one_that_was_not_there_goes_at_the_end() -> None:
    with tempfile.TemporaryDirectory(prefix="dm-") as folder:  # short: sockets are in it
        made = RunDirectory.prepare(Path(folder, "a", "run"))
        assert stat.S_IMODE(made.path.stat().st_mode) == 0o700
        made.remove()
        assert not made.path.exists()


def test_of_a_mounted_one_only_the_snapshot_stays(tmp_path: Path) -> None:
    (tmp_path / "snapshot").mkdir()
    (tmp_path / "snapshot" / "data.mdb").touch()
    made = RunDirectory.prepare(tmp_path)
    made.furnish()
    write_fallback(made.path / "generated", "default")
    (tmp_path / "admin.sock").touch()
    made.remove()
    assert [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("*"))] == [
        "snapshot",
        "snapshot/data.mdb",
    ]


def test_one_in_use_is_refused(tmp_path: Path) -> None:
    first = RunDirectory.prepare(tmp_path)
    with pytest.raises(RunDirectoryError, match="in use by another dragoman"):
        RunDirectory.prepare(tmp_path)
    first.remove()
    RunDirectory.prepare(tmp_path).remove()


def test_one_that_cannot_be_made_is_told_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunDirectoryError, match=os.strerror(errno.ENOTDIR)):
        RunDirectory.prepare(tmp_path / "file" / "run")


def test_a_path_too_long_for_sockets_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match="too long for unix sockets: 76 bytes at most"):
        RunDirectory.prepare(tmp_path / ("x" * 80))


def test_what_an_ended_process_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    left, used, other, strange = (tmp_path / name for name in (f"{PREFIX}left", f"{PREFIX}used", "other", f"{PREFIX}x"))
    for folder in (left, used, other, strange):
        folder.mkdir()
    for folder in (left, used, other):
        (folder / "entrypoint.lock").touch()
    with (used / "entrypoint.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert remove_left(tmp_path) == [left]
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{PREFIX}used", f"{PREFIX}x", "other"]


def test_the_parts_get_a_home_and_a_place_for_temporary_files(tmp_path: Path) -> None:
    environ = environment(tmp_path, {"HOME": "/nowhere", "LANG": "C"})
    expected = {"HOME": str(tmp_path), "TMPDIR": str(tmp_path / "tmp"), "DRAGOMAN_RUN_DIR": str(tmp_path), "LANG": "C"}
    assert environ == expected
