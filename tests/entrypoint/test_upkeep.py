"""What is lost in the run directory is put back, and who listens or reads there notices nothing."""

import fcntl
import os
import shutil
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from entrypoint import upkeep
from entrypoint.rundir import FOLDERS, RunDirectory, take_lock
from entrypoint.upkeep import SOCKETS, Upkeep


class Kept:
    """A furnished run directory with listeners, a pipe and a text, and who looks after it."""

    def __init__(self, folder: Path) -> None:
        self.run_dir = RunDirectory.prepare(folder / "run")
        self.run_dir.furnish()
        self.path = self.run_dir.path
        self.pipe_path, self.text_path = self.path / "logs" / "part.err", self.path / "generated" / "text"
        os.mkfifo(self.pipe_path, 0o600)
        self.pipe = os.open(self.pipe_path, os.O_RDWR | os.O_NONBLOCK)
        self.listeners = {name: self.listen(name) for name in SOCKETS}
        self.text_path.touch(0o600)
        self.text_path.write_bytes(b"text")
        self.upkeep = Upkeep(self.path, {self.pipe_path: self.pipe}, {self.text_path: b"text"})
        assert self.upkeep.look() == []

    def listen(self, name: str) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self.path / name))
        listener.listen()
        (self.path / name).chmod(0o600)
        return listener

    def is_whole(self) -> bool:
        for name, listener in self.listeners.items():
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
                client.connect(str(self.path / name))
                listener.accept()[0].close()
        with self.pipe_path.open("wb", buffering=0) as written:
            written.write(b"line")
        assert os.read(self.pipe, 100) == b"line"
        assert self.text_path.read_bytes() == b"text"
        return all(stat.S_IMODE((self.path / name).stat().st_mode) == 0o700 for name in FOLDERS)

    def close(self) -> None:
        self.upkeep.close()
        os.close(self.pipe)
        for listener in self.listeners.values():
            listener.close()
        self.run_dir.remove()


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    monkeypatch.setattr(upkeep, "WHOLE_LOOK", 0.0)
    made = Kept(tmp_path)
    yield made
    made.close()


def remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


NAMES = [*SOCKETS, *FOLDERS, "logs/part.err", "generated/text"]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_removed_is_put_back_once(kept: Kept, name: str) -> None:
    for _ in range(2):
        remove(kept.path / name)
        assert name in kept.upkeep.look()
        assert kept.is_whole()
        assert kept.upkeep.look() == []


@pytest.mark.parametrize("name", NAMES)
def test_what_stands_in_its_place_goes(kept: Kept, name: str) -> None:
    remove(kept.path / name)
    if name in FOLDERS:
        (kept.path / name).touch()
    else:
        (kept.path / name / "deep").mkdir(parents=True)
    assert name in kept.upkeep.look()
    assert kept.is_whole()


@pytest.mark.parametrize("name", NAMES)
def test_rights_are_given_back(kept: Kept, name: str) -> None:
    for mode in (0, 0o777):
        (kept.path / name).chmod(mode)
        assert kept.upkeep.look() == [name]
        assert kept.is_whole()


def test_all_of_it_at_once(kept: Kept) -> None:
    remove(kept.path)
    assert set(NAMES) < set(kept.upkeep.look())
    assert kept.is_whole()


def test_of_the_directory_itself_only_its_owners_rights_are_given_back(kept: Kept) -> None:
    """It may be a volume, whose rights for others are not ours to say."""
    kept.path.chmod(0o055)
    assert kept.upkeep.look() == ["."]
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o755


def test_a_socket_that_somebody_makes_anew_is_his(kept: Kept) -> None:
    name = SOCKETS[0]
    remove(kept.path / name)
    kept.upkeep.look()
    assert (kept.path / name).is_symlink()
    kept.listeners[name].close()
    kept.upkeep.forget(name)
    assert kept.upkeep.awaits
    remove(kept.path / name)  # as Envoy does before it listens
    assert kept.upkeep.look() == []
    kept.listeners[name] = kept.listen(name)
    assert kept.upkeep.look() == []
    assert not kept.upkeep.awaits
    remove(kept.path / name)
    assert kept.upkeep.look() == [name]
    assert kept.is_whole()


def test_a_socket_at_which_nobody_listens_is_not_kept(kept: Kept) -> None:
    name = SOCKETS[0]
    kept.listeners[name].close()
    kept.upkeep.forget(name)
    assert kept.upkeep.look() == []
    assert kept.upkeep.awaits
    remove(kept.path / name)
    assert kept.upkeep.look() == []
    kept.listeners[name] = kept.listen(name)


def test_a_file_in_a_pipes_place_may_be_open_already_and_that_is_told(kept: Kept) -> None:
    remove(kept.pipe_path)
    kept.upkeep.look()
    assert not kept.upkeep.file_in_a_pipes_place
    remove(kept.pipe_path)
    kept.pipe_path.write_text("what a part said")
    kept.upkeep.look()
    assert kept.upkeep.file_in_a_pipes_place
    kept.upkeep.look()
    assert not kept.upkeep.file_in_a_pipes_place


def test_files_of_others_are_put_back_as_they_were_last(kept: Kept) -> None:
    file = kept.path / "envoy.json"
    assert kept.upkeep.look() == []
    for text in ("{}", '{"node": {}}'):
        file.write_text(text)
        kept.upkeep.look()
        remove(file)
        assert kept.upkeep.look() == ["envoy.json"]
        assert file.read_text() == text


def test_the_lock_is_held_again_or_anothers_is_left_alone(kept: Kept) -> None:
    lock = kept.path / "entrypoint.lock"
    remove(lock)
    assert kept.upkeep.look() == ["entrypoint.lock"]
    assert take_lock(kept.path) is None
    remove(lock)
    with lock.open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert kept.upkeep.look() == []


def test_while_no_name_came_or_went_only_the_folders_are_looked_at(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "WHOLE_LOOK", 1000.0)
    kept.upkeep.look()
    kept.text_path.chmod(0)
    assert kept.upkeep.look() == []
    remove(kept.pipe_path)
    assert set(kept.upkeep.look()) == {"logs/part.err", "generated/text"}


def test_links_of_an_earlier_life_do_not_outlast_it(kept: Kept) -> None:
    """They lead to handles of whatever process has that number now."""
    for name in NAMES:
        if name not in FOLDERS:
            remove(kept.path / name)
    kept.upkeep.look()
    assert any(path.is_symlink() for path in kept.path.rglob("*"))
    kept.run_dir.furnish()
    assert not any(path.is_symlink() for path in kept.path.rglob("*"))
