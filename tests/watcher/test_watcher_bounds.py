"""How much of a folder is read: what each file, all files and links may take, and what becomes of what is too much."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from snapshot import Record
from tests.watcher.running_watcher import RunningWatcher, key, mapping, text
from tests.watcher.test_watcher_following import Watched
from watcher import tree
from watcher.agenda import SETTLE, WINDOW
from watcher.folder import Folder
from watcher.following import Following
from watcher.limits import MIB, Ledger, Limits
from watcher.loading import load
from watcher.roots import Root
from watcher.sources import SourceListed
from watcher.state import Changes
from watcher.tree import OutsideError, Room, opened, survey

SMALL = Limits(file=8192, total=16384)
"""Sixteen objects a file, thirty-two in all."""


def many(prefix: str, number: int) -> str:
    return text(*(mapping(f"{prefix}{each}") for each in range(number)))


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    root = tmp_path / "config"
    root.mkdir()
    made = Watched(root)
    made.following = Following((Root.at(root),), "default", {}, made.notices, clock=lambda: made.now, limits=SMALL)
    made.step()
    made.now += WINDOW
    yield made
    made.notices.close()


def names(changes: Changes) -> set[str]:
    return {name.rpartition("/")[2] for name in changes.records if not name.startswith("dragoman/")}


def reasons(changes: Changes) -> dict[str, str]:
    return {told.source.name: told.problem.message for told in changes.appeared}


# Files and their sum


def test_a_file_may_use_what_is_left_but_large_ones_not_the_last_quarter() -> None:
    ledger = Ledger(16 * MIB)
    assert ledger.hold("a", 8 * MIB)
    assert not ledger.hold("b", 5 * MIB)
    assert ledger.hold("b", 4 * MIB)
    assert not ledger.hold("c", 2 * MIB)
    assert all(ledger.hold(f"small-{number}", MIB) for number in range(4))
    assert not ledger.hold("d", 1)
    assert ledger.hold("a", 8 * MIB), "what is held already stays"
    ledger.refuse("c", 2 * MIB)
    ledger.refuse("d", 1)
    assert ledger.welcome() == []
    assert ledger.hold("a", 6 * MIB)
    assert ledger.welcome() == ["d"]
    ledger.drop("b")
    assert ledger.welcome() == ["c"]
    assert ledger.welcome() == []


def test_who_is_refused_keeps_what_it_had_and_is_read_when_there_is_room(watched: Watched) -> None:
    first, second, third = (watched.root / f"{name}.yaml" for name in "abc")
    first.write_text(many("a", 15))
    second.write_text(many("b", 15))
    third.write_text(many("c", 1))
    assert len(names(watched.step())) == 31
    third.write_text(many("c", 4))
    changes = watched.step(WINDOW)
    assert names(changes) == set()
    assert reasons(changes)["c.yaml"].startswith("what it had before stays: with it all files have more than")
    assert "DRAGOMAN_CONFIG_SUM_MIB" in reasons(changes)["c.yaml"]
    first.write_text(many("a", 14).replace('"/"', '"/changed/"'))
    assert len(names(watched.step(WINDOW))) == 15, "others' changes are taken"
    second.unlink()
    watched.step(WINDOW)
    found = names(watched.step(SETTLE)) | names(watched.step(WINDOW))
    assert {"c1", "c2", "c3"} < found


def test_a_folder_of_many_files_leaves_others_the_room_for_their_changes(tmp_path: Path) -> None:
    for where, number in (("a", 40), ("a/below", 40), ("b", 1), ("z", 1)):
        (tmp_path / where).mkdir()
        for each in range(number):
            (tmp_path / where / f"{each:02}.yaml").write_text(many(f"{where.replace('/', '-')}{each}-", 1))
    folder = Folder([Root.at(tmp_path)], "default", limits=SMALL)

    def listed(*names: str) -> int:
        paths = [str(tmp_path / name) for name in names] or folder.look(str(tmp_path)).files
        events = [folder.take(folder.read(path)) for path in paths]
        return sum(len(event.objects) for event in events if isinstance(event, SourceListed))

    assert listed() == 24, "three quarters of the room"
    for name in ("b/00.yaml", "z/00.yaml"):
        (tmp_path / name).write_text(many(name[0], 3))
        assert listed(name) == 3
    (tmp_path / "a" / "00.yaml").write_text(many("a", 2))
    assert listed("a/00.yaml") == 0


def test_a_restart_finds_what_was_refused_refused(tmp_path: Path) -> None:
    (tmp_path / "z.yaml").write_text(many("z", 16))
    (tmp_path / "y.yaml").write_text(many("y", 15))
    before = load(tmp_path, limits=SMALL).objects
    assert len(before) == 31
    (tmp_path / "a.yaml").write_text(many("a", 2))
    folder = Folder([Root.at(tmp_path)], "default", limits=SMALL)
    held: dict[str, dict[str, Record]] = {"z.yaml": {}, "y.yaml": {}}
    for name, record in before.items():
        held[str(record.notes["source"]).partition("#")[0]][name] = record
    sources = {folder.source_of(f"{tmp_path}/{name}"): objects for name, objects in held.items()}
    again = Folder([Root.at(tmp_path)], "default", sources, limits=SMALL)
    events = [again.take(again.read(path)) for path in again.look(str(tmp_path)).files]
    listed = {event.source.name: event for event in events if isinstance(event, SourceListed)}
    assert not listed["a.yaml"].objects
    assert "what it had before stays" in listed["a.yaml"].problems[0].message
    assert len(listed["z.yaml"].objects) + len(listed["y.yaml"].objects) == 31


def test_a_file_that_stays_broken_and_always_says_something_new_is_bounded(
    watched: Watched,
) -> None:
    path = watched.root / "a.yaml"
    told: dict[str, str] = {}
    for number in range(6):
        path.write_text(many(f"round{number}-", 4) + "---\nbroken: [\n")
        told |= reasons(watched.step(WINDOW))
    objects = watched.step(WINDOW)
    assert "with what it had before, it has more than" in told["a.yaml"]
    path.write_text(many("healed", 1))
    objects = watched.step(WINDOW)
    assert len(names(objects)) == 17, "the one, and the sixteen that go"


# Numbers of files and folders


def test_where_there_are_too_many_files_each_folder_has_the_same_right(tmp_path: Path) -> None:
    for folder, number in (("many", 20), ("few", 3), ("some", 5)):
        (tmp_path / folder).mkdir()
        for each in range(number):
            (tmp_path / folder / f"{each:02}.yaml").write_text("")
    found = survey(str(tmp_path), str(tmp_path), room=Room(files=14))
    assert len([path for path in found.files if "/many/" in path]) == 6
    assert max(path for path in found.files if "/many/" in path).endswith("05.yaml")
    assert len([path for path in found.files if "/few/" in path]) == 3
    assert len([path for path in found.files if "/some/" in path]) == 5
    assert set(found.cut) == {f"{tmp_path}/many"}
    assert found.hides(f"{tmp_path}/many/19.yaml")
    assert not found.hides(f"{tmp_path}/few/19.yaml")


def test_links_yield_to_folders_and_a_jungle_of_them_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "MAX_LINKED", 50)
    for number in range(6):
        (tmp_path / f"f{number}" / "deep").mkdir(parents=True)
        (tmp_path / f"f{number}" / "x.yaml").write_text("")
    for number in range(6):
        for other in range(6):
            (tmp_path / f"f{number}" / f"l{other}").symlink_to(f"../f{other}")
    walked: list[str] = []
    found = survey(str(tmp_path), str(tmp_path), walked.append)
    plain = {str(tmp_path), *(f"{tmp_path}/f{n}" for n in range(6)), *(f"{tmp_path}/f{n}/deep" for n in range(6))}
    assert plain < found.folders
    assert len(found.folders) == 13 + 50 == len(walked)
    assert any("more than" in reason for reason in found.unlisted.values())
    assert {path for path in found.files if "/l" not in path} == {f"{tmp_path}/f{n}/x.yaml" for n in range(6)}


def test_folders_are_bounded(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"f{number}").mkdir()
    found = survey(str(tmp_path), str(tmp_path), room=Room(folders=11))
    assert len(found.folders) == 11
    assert len(found.unlisted) == 20


def test_not_each_of_very_many_links_is_told(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"l{number}").symlink_to("/")
    found = survey(str(tmp_path), str(tmp_path))
    assert len(found.unlisted) == 300
    assert len([reason for reason in found.unlisted.values() if reason]) == 100


# Inside and outside


@pytest.mark.parametrize("proc", ["/proc/self/fd", "/nowhere"])
def test_what_is_swapped_for_a_link_at_the_last_moment_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proc: str
) -> None:
    monkeypatch.setattr(tree, "_HERE", proc)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.yaml").write_text("secret")
    root = tmp_path / "root"
    (root / "d").mkdir(parents=True)
    (root / "d" / "a.yaml").write_text("")
    path, real = f"{root}/d/a.yaml", tree.resolve

    def swapped(asked: str, within: str) -> str:
        found = real(asked, within)
        (root / "d").rename(root / "away")
        (root / "d").symlink_to(outside)
        return found

    with monkeypatch.context() as racing:
        racing.setattr(tree, "resolve", swapped)
        with pytest.raises((FileNotFoundError, OutsideError)), opened(path, str(root)):
            pytest.fail("it was opened")
    with pytest.raises(OutsideError, match="leads out of the folder, to"), opened(path, str(root)):
        pytest.fail("it was opened")
    with opened(f"{root}/away/a.yaml", str(root)) as descriptor:
        assert os.fstat(descriptor).st_size == 0


def test_a_file_that_became_a_link_outside_keeps_its_last_version_and_heals(watcher: RunningWatcher) -> None:
    path, outside = watcher.config / "a.yaml", watcher.config.parent / "outside.yaml"
    path.write_text(text(mapping("a")))
    outside.write_text(text(mapping("a", "/outside/")))
    watcher.start().until(mapping("a"))
    beside = watcher.config / ".a.yaml"
    beside.symlink_to(outside)
    beside.rename(path)
    said = {"a.yaml": f"it is a link that leads out of the folder, to {outside}: not followed"}
    watcher.until(mapping("a"), problems=said)
    inside = watcher.config / "inside.txt"
    inside.write_text(text(mapping("a", "/inside/")))
    beside.symlink_to(inside)
    beside.rename(path)
    watcher.until(mapping("a", "/inside/"), problems={})


def test_a_folder_swapped_for_a_link_outside_is_told_and_what_it_had_stays(watcher: RunningWatcher) -> None:
    (watcher.config / "team").mkdir()
    (watcher.config / "team" / "a.yaml").write_text(text(mapping("a")))
    watcher.start().until(mapping("a"))
    (watcher.config / "team").rename(watcher.config / ".team")
    (watcher.config / "team").symlink_to("/etc")
    watcher.until(mapping("a"), problems={"team": "it is a link that leads out of the folder, to /etc: not followed"})
    (watcher.config / "team").unlink()
    (watcher.config / ".team").rename(watcher.config / "team")
    (watcher.config / "team" / "a.yaml").write_text(text(mapping("b")))
    watcher.until(mapping("b"), problems={})


# What takes a while to be read


def test_a_large_file_that_is_renamed_never_vanishes(watcher: RunningWatcher) -> None:
    path = watcher.config / "a.yaml"
    path.write_text(many("m", 4000))
    watcher.start()
    seen = watcher.snapshot.reader("objects")
    seen.changes()
    path.rename(watcher.config / "z.yaml")
    changed: dict[str, Record | None] = {}
    while len(changed) < 4000:
        changed |= seen.changes().records
    assert None not in changed.values()
    assert {str(record and record.notes["source"]).partition("#")[0] for record in changed.values()} == {"z.yaml"}
    assert key("m0") in watcher.objects()


def test_a_large_file_that_changes_while_it_is_read_is_read_once_more(watcher: RunningWatcher) -> None:
    path = watcher.config / "a.yaml"
    path.write_text(text(mapping("a")))
    watcher.start()
    for number in range(5):
        path.write_text(many(f"round{number}-", 2000))
    watcher.until(*(mapping(f"round4-{each}") for each in range(2000)))
    path.unlink()
    watcher.until(problems={})
