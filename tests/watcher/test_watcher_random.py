"""For any file operations, noticed or polled, with restarts: what is published is what the folder says.

"Says" is `load`, the one-time reading, with one rule more: what a file had stays while part of it cannot be read.
Files, notices and the snapshot are real; only the clock is the test's.
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from snapshot import Record, Snapshot
from tests.watcher.running_watcher import mapping, text
from watcher import notices as notices_module
from watcher.folder import Folder
from watcher.following import Following
from watcher.loading import load
from watcher.notices import Notices
from watcher.parsing import source_of
from watcher.publishing import Publisher, remembered
from watcher.roots import Root
from watcher.sources import SourceListed

NAMES = ("a.yaml", "b.yml", "d/a.yaml", "d/e/c.yaml", "f/x.json", "z.txt")
CONTENTS = {
    "one": text(mapping("one")),
    "two": text(mapping("one", "/changed/"), mapping("two")),
    "three": text(mapping("three"), mapping("two", "/changed/")),
    "part": text(mapping("one", "/part/")) + "---\n{kind: Mapping}\n" + text(mapping("three", "/part/")),
    "broken": "a: [\n",
    "empty": "",
    "comment": "# nothing here\n",
    "list": text({"apiVersion": "v1", "kind": "List", "items": [mapping("four")]}),
}

FOLDER = st.sampled_from(("d", "d/e", "f"))


def operations(
    names: tuple[str, ...], contents: list[str], *others: tuple[str, st.SearchStrategy[str], st.SearchStrategy[str]]
) -> st.SearchStrategy[list[tuple[str, str, str]]]:
    """Lists of operations on these files with these contents."""
    name, content, nothing = st.sampled_from(names), st.sampled_from(contents), st.just("")
    kinds = (
        ("write", name, content),
        ("replace", name, content),
        ("remove", name, nothing),
        ("rename", name, name),
        ("move folder", FOLDER, FOLDER),
        ("remove folder", FOLDER, nothing),
        ("link folder", st.sampled_from(("l", "d/l")), FOLDER),
        *others,
    )
    return st.lists(st.one_of(*(st.tuples(st.just(kind), one, other) for kind, one, other in kinds)), max_size=14)


ANY = operations(
    NAMES,
    sorted(CONTENTS),
    ("link", st.sampled_from(NAMES), st.sampled_from(NAMES)),
    ("break", st.sampled_from(NAMES), st.sampled_from(("part", "broken"))),
    ("look", st.just(""), st.just("")),
    ("restart", st.just(""), st.just("")),
)
WHOLE = operations(
    tuple(name for name in NAMES if not name.endswith("json")),
    [name for name in CONTENTS if name not in ("part", "broken")],
    ("glance", st.floats(0.0, 1.0).map(str), st.just("")),
)


def do(root: Path, operation: str, one: str, other: str) -> None:
    """One operation, as far as it is possible."""
    path = root / one
    try:
        match operation:
            case "write" | "replace":
                path.parent.mkdir(parents=True, exist_ok=True)
                if operation == "write":
                    path.write_text(CONTENTS[other])
                else:
                    (path.parent / ".new").write_text(CONTENTS[other])
                    (path.parent / ".new").replace(path)
            case "remove":
                path.unlink()
            case "rename" | "move folder":
                (root / other).parent.mkdir(parents=True, exist_ok=True)
                path.rename(root / other)
            case "remove folder":
                shutil.rmtree(path)
            case "link" | "link folder":
                (root / ".link").unlink(missing_ok=True)
                (root / ".link").symlink_to(root / other)
                path.parent.mkdir(parents=True, exist_ok=True)
                (root / ".link").rename(path)
    except OSError:
        return


class World:
    """A folder, a watcher on it, and a model of what should be published."""

    def __init__(self, root: Path, snapshot: Snapshot) -> None:
        self.root, self.snapshot = root, snapshot
        self.now = 1000.0
        self.publisher = Publisher(snapshot.writer("objects"))
        self.held: dict[str, Mapping[str, Record]] = {}
        self.notices = Notices()
        self.start()

    def start(self) -> None:
        """Begin, with what the snapshot remembers."""
        self.notices.close()
        self.notices = Notices()
        known = remembered(self.snapshot.reader("objects"), ("",))
        self.following = Following((Root.at(self.root),), "default", known, self.notices, clock=lambda: self.now)
        published = self.published()
        self.held = {
            name: {
                key: record for key, record in held.items() if key in published and source_of(published[key]) == name
            }
            for name, held in self.held.items()
        }

    def settle(self) -> None:
        """Let time pass until everything that was noticed, and what two polls would see, was looked at."""
        for _ in range(40):
            self.publisher.publish(self.following.step())
            self.now += max(0.3, min(self.following.wait(), 2.0))

    def published(self) -> dict[str, Record]:
        """The objects in the snapshot."""
        return {key: record for key, record in self.snapshot.reader("objects").all().items() if "dragoman/" not in key}

    def expected(self) -> dict[str, tuple[str, bytes]]:
        """What each file holds now, the first in order counting."""
        folder, self.whole = Folder([Root.at(self.root)], "default"), True
        said: dict[str, Mapping[str, Record]] = {}
        for path in folder.look(str(self.root)).files:
            event = folder.take(folder.read(path))
            assert isinstance(event, SourceListed)
            self.whole = self.whole and event.whole
            name = event.source.name
            said[name] = {**({} if event.whole else self.held.get(name, {})), **event.objects}
        self.held = said
        found: dict[str, tuple[str, bytes]] = {}
        for name in sorted(said, reverse=True):
            found |= {key: (name, record.body) for key, record in said[name].items()}
        return found

    def check(self) -> None:
        """What is published is what is expected; and when nothing is broken, that is what `load` says."""
        self.settle()
        expected = self.expected()
        assert {key: (source_of(record), record.body) for key, record in self.published().items()} == expected
        if self.whole:
            assert {key: record.body for key, record in load(self.root).objects.items()} == {
                key: body for key, (_, body) in expected.items()
            }


def run(steps: list[tuple[str, str, str]]) -> None:
    """Do it all on a new folder, and at the end see that a restart has nothing to say."""
    folder = Path(tempfile.mkdtemp(prefix="dm-"))
    try:
        (folder / "config").mkdir()
        with Snapshot.open(folder / "snapshot", map_size=1 << 24) as snapshot:
            world = World(folder / "config", snapshot)
            for operation, one, other in steps:
                match operation:
                    case "look":
                        world.check()
                    case "break":
                        do(world.root, "write", one, "two")
                        world.check()
                        do(world.root, "write", one, other)
                        world.check()
                    case "glance":
                        world.publisher.publish(world.following.step())
                        world.now += float(one)
                    case "restart":
                        world.check()
                        world.start()
                    case _:
                        do(world.root, operation, one, other)
            world.check()
            news = snapshot.reader("objects")
            news.changes()
            world.start()
            world.check()
            assert [name for name in news.changes().records if "dragoman/" not in name] == []
            world.notices.close()
    finally:
        shutil.rmtree(folder)


OFTEN = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@OFTEN
@given(ANY)
def test_any_operations_with_notices(steps: list[tuple[str, str, str]]) -> None:
    run(steps)


@OFTEN
@given(ANY)
def test_any_operations_with_polls_alone(monkeypatch: pytest.MonkeyPatch, steps: list[tuple[str, str, str]]) -> None:
    """As on a filesystem that makes no notices; here the kernel has no inotify instance to give."""

    def refused(**_: object) -> NoReturn:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(notices_module, "Inotify", refused)
    run(steps)


@OFTEN
@given(WHOLE)
def test_any_operations_seen_half_way(steps: list[tuple[str, str, str]]) -> None:
    """With looks at any moment in between, which must leave no trace."""
    run(steps)
