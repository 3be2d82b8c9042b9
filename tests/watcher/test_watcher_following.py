"""One step after another, on a clock of the test's own: what a look at the wrong moment must not do."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from snapshot import Record
from tests.watcher.running_watcher import key, mapping, text
from watcher.agenda import QUIET, SETTLE, WINDOW
from watcher.files import GRAIN, Reading
from watcher.folder import Folder
from watcher.following import POLL, POLL_SHARE, POLL_WAVERING, Following
from watcher.loading import load
from watcher.notices import Notices
from watcher.parsing import Work
from watcher.roots import Root
from watcher.state import Changes


class Watched:
    """A folder that is followed step by step."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.now = 100.0
        self.notices = Notices()
        self.following = Following((Root.at(root),), "default", {}, self.notices, clock=lambda: self.now)

    def step(self, seconds: float = 0.0) -> Changes:
        self.now += seconds
        return self.following.step()


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    root = tmp_path / "config"
    root.mkdir()
    (root / "a.yaml").write_text(text(mapping("a"), mapping("b")))
    watched = Watched(root)
    assert watched.step().whole
    watched.step(WINDOW)
    yield watched
    watched.notices.close()


def test_what_is_written_while_it_is_read_is_not_published_half(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Noticed for one save, the file is emptied and half written by the next one just before it is read."""
    path = watched.root / "a.yaml"
    path.write_text(text(mapping("a", "/first/"), mapping("b")))
    read = Folder.read
    writing: list[TextIO] = []

    def late(folder: Folder, name: str) -> Reading:
        if not writing:
            writing.append(path.open("w"))
            writing[0].write(text(mapping("a", "/half/")))
            writing[0].flush()
        return read(folder, name)

    monkeypatch.setattr(Folder, "read", late)
    assert watched.step() == Changes()
    assert watched.step(WINDOW) == Changes()
    writing[0].write(text(mapping("b", "/second/")))
    writing[0].close()
    found = {key: record.body for key, record in watched.step(WINDOW).records.items() if record}
    assert found == {key: record.body for key, record in load(watched.root).objects.items()}
    assert set(found) == {key("a"), key("b")}


def test_a_file_that_is_gone_is_believed_gone_when_it_stays_so(watched: Watched) -> None:
    (watched.root / "a.yaml").unlink()
    assert watched.step() == Changes()
    assert watched.following.wait() == pytest.approx(SETTLE)
    assert watched.step(SETTLE).records == {key("a"): None, key("b"): None}


def test_a_file_that_a_swapped_folder_lacks_is_believed_gone_as_soon(watched: Watched) -> None:
    """Its folder is there at once, so that only its own absence has to be waited for."""
    folder = watched.root / "team"
    folder.mkdir()
    (folder / "c.yaml").write_text(text(mapping("c")))
    assert set(watched.step().records) == {key("c")}
    (watched.root / ".other").mkdir()
    (watched.root / ".other" / "d.yaml").write_text(text(mapping("d")))
    folder.rename(watched.root / ".team")
    (watched.root / ".other").rename(folder)
    assert set(watched.step(WINDOW).records) == {key("d")}
    assert watched.step(SETTLE).records == {key("c"): None}


def test_a_write_without_a_close_is_read_when_it_is_quiet(watched: Watched) -> None:
    with (watched.root / "c.yaml").open("w") as file:
        file.write(text(mapping("c")))
        file.flush()
        assert watched.step() == Changes()
        assert watched.step(QUIET - 0.1) == Changes()
        assert set(watched.step(0.1).records) == {key("c")}


def test_a_move_is_one_step_without_a_conflict(watched: Watched) -> None:
    (watched.root / "a.yaml").rename(watched.root / "z.yaml")
    records = watched.step().records
    assert {name: record.notes for name, record in records.items() if isinstance(record, Record)} == {
        key("a"): {"source": "z.yaml#1"},
        key("b"): {"source": "z.yaml#2"},
    }
    assert watched.step(SETTLE) == Changes()


def test_a_file_read_within_the_grain_of_its_time_is_read_again_later(tmp_path: Path) -> None:
    """Two writes of the same length within a tick of the filesystem's clock leave the same size and time."""
    (tmp_path / "a.yaml").write_text(text(mapping("a")))
    folder = Folder([Root.at(tmp_path)], "default")
    (path,) = folder.look(str(tmp_path)).files
    reading = folder.read(path)
    assert not reading.settled
    folder.take(reading)
    assert folder.look(str(tmp_path)).files == [path]
    folder.take(Reading(path, reading.data, reading.identity, settled=True))
    assert folder.look(str(tmp_path)).files == []
    assert GRAIN >= 10_000_000  # a tick is 10 ms at most


class Elsewhere:
    """Readers that are done when the test says so."""

    def __init__(self) -> None:
        self.works: list[Work] = []
        self.is_done = False

    def submit(self, work: Work) -> None:
        self.works.append(work)

    def collect(self) -> list[Work]:
        done, self.works = (self.works, []) if self.is_done else ([], self.works)
        for work in done:
            work.do()
        self.is_done = False
        return done


def test_what_is_read_before_a_window_ends_is_taken_when_it_does(tmp_path: Path) -> None:
    """The window may end between a step that was too early for it and the question how long to wait."""
    path = tmp_path / "a.yaml"
    path.write_text(text(mapping("a")))
    readers, now = Elsewhere(), [100.0]
    with Notices() as notices:
        roots = (Root.at(tmp_path),)
        following = Following(roots, "default", {}, notices, clock=lambda: now[0], readers=readers)
        following.step()
        now[0] += WINDOW / 5
        readers.is_done = True
        assert following.step().whole
        path.write_text(text(mapping("a", "/other/")))
        now[0] += WINDOW * 0.9
        assert following.step() == Changes()
        readers.is_done = True
        assert following.step() == Changes()
        now[0] += WINDOW / 5
        assert following.wait() == 0
        assert set(following.step().records) == {key("a")}


def test_a_file_beside_that_is_moved_into_place_delays_nothing(watched: Watched) -> None:
    """Seen before it is moved, and gone once it was: neither begins a window, in which the file itself would wait."""
    beside = watched.root / "a.new"
    beside.write_text(text(mapping("a", "/other/"), mapping("b")))
    assert watched.step() == Changes()
    assert watched.following.wait() > SETTLE
    beside.rename(watched.root / "a.yaml")
    assert set(watched.step().records) == {key("a")}
    assert watched.following.wait() > SETTLE


def test_a_link_to_a_folder_is_looked_at_whatever_its_name(watched: Watched) -> None:
    for name in (".one", ".other"):
        (watched.root / name).mkdir()
        (watched.root / name / "c.yaml").write_text(text(mapping("c", f"/{name}/")))
    (watched.root / "team").symlink_to(".one")
    assert set(watched.step(WINDOW).records) == {key("c")}
    (watched.root / "beside").symlink_to(".other")
    (watched.root / "beside").rename(watched.root / "team")
    assert set(watched.step(WINDOW).records) == {key("c")}
    (watched.root / "team").unlink()
    watched.step(WINDOW)
    assert watched.step(SETTLE).records == {key("c"): None}


def test_polling_takes_a_share_of_a_processor_at_most(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """A poll that takes 0.1 s is followed by the next one after 10 s, a quick one after 2 s, or 0.5 to confirm."""

    def slow(_folder: Folder, _on_folder: object) -> list[str]:
        watched.now += 0.1
        return []

    watched.step(POLL)
    assert watched.following.wait() in (POLL, POLL_WAVERING)
    monkeypatch.setattr(Folder, "poll", slow)
    watched.step(POLL)
    assert watched.following.wait() == pytest.approx(0.1 / POLL_SHARE)


def test_lost_notices_are_made_up_for(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's queue overflows: everything is looked at again, at once."""
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    names = [str(watched.root / "x.yaml"), str(watched.root / "y.yaml")]
    for number in range(limit // 2 + 10):  # two files in turn, so that equal events are not joined
        os.close(os.open(names[number % 2], os.O_WRONLY | os.O_CREAT))
    (watched.root / "c.yaml").write_text(text(mapping("c")))
    found: set[str] = set()
    for _ in range(3):
        found |= set(watched.step(WINDOW).records)
    assert found == {key("c")}
