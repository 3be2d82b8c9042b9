"""The watcher's folder, edited in all the ways that there are: nothing vanishes, and nothing is read half."""

import os
import subprocess
import time
from pathlib import Path

from tests.support.envoy import wait_until
from tests.support.pace import is_within
from tests.watcher.editing import A, B, C, quietly
from tests.watcher.running_watcher import RunningWatcher, key, mapping, text
from watcher.agenda import QUIET, SETTLE


def test_editors_that_move_the_old_file_away_first_never_make_it_vanish(watcher: RunningWatcher) -> None:
    """As vim does: a.yaml becomes a.yaml~, a new a.yaml is written, the backup is removed."""
    path = watcher.config / "a.yaml"
    path.write_text(text(A))
    watcher.start().until(A)
    seen = watcher.snapshot.reader("objects")
    seen.changes()
    is_long = False
    for number in range(30):
        moved = time.monotonic()
        path.rename(f"{path}~")
        time.sleep(0.005)  # the gap is what is tested
        path.write_text(text(mapping("a", f"/{number}/")))
        # On a very busy machine it is so long that it counts as gone.
        is_long = is_long or time.monotonic() - moved > SETTLE
        Path(f"{path}~").unlink()
        assert None not in seen.changes().records.values() or is_long
    watcher.until(mapping("a", "/29/"))
    assert None not in seen.changes().records.values() or is_long


def test_backups_hidden_and_other_files_are_left_alone(watcher: RunningWatcher) -> None:
    for name in ("b.yaml~", ".b.yaml.swp", ".b.yaml", "b.yaml.bak", "4913", "README.md", "b.YAML", "#b.yaml#"):
        (watcher.config / name).write_text(text(B))
    hidden = watcher.config / ".git"
    hidden.mkdir()
    (hidden / "b.yaml").write_text(text(B))
    (watcher.config / "a.yaml").write_text(text(A))
    os.mkfifo(watcher.config / "pipe")
    watcher.start().until(A, problems={})
    for name in ("c.yaml~", ".c.yaml.swp", ".c.yaml", "c.tmp"):
        (watcher.config / name).write_text(text(C))
    quietly(watcher, watcher.config)
    watcher.until(A, problems={})


def test_a_file_that_grows_in_several_writes_is_read_when_it_is_closed(watcher: RunningWatcher) -> None:
    (watcher.config / "a.yaml").write_text(text(A, B))
    watcher.start().until(A, B)
    seen = watcher.snapshot.reader("objects")
    seen.changes()
    changed = [mapping(name, "/new/") for name in "abc"]
    is_late = False
    with (watcher.config / "a.yaml").open("w") as file:
        for value in changed:
            written = time.monotonic()
            file.write(text(value))
            file.flush()
            quietly(watcher, watcher.config)
            found = watcher.objects()
            # On a busy machine it counts as complete from then on.
            is_late = is_late or time.monotonic() - written > QUIET
            assert is_late or found == {key("a"): A, key("b"): B}
    watcher.until(*changed)


def test_a_file_that_nobody_closes_is_read_when_it_is_quiet(watcher: RunningWatcher) -> None:
    watcher.start()
    with (watcher.config / "a.yaml").open("w") as file:
        file.write(text(A))
        file.flush()
        watcher.until(A)


def test_a_renamed_file_or_folder_changes_nothing(watcher: RunningWatcher) -> None:
    folder = watcher.config / "team"
    folder.mkdir()
    (folder / "a.yaml").write_text(text(A))
    (watcher.config / "b.yaml").write_text(text(B))
    watcher.start().until(A, B)
    seen = watcher.snapshot.reader("objects")
    seen.changes()
    (watcher.config / "b.yaml").rename(watcher.config / "z.yaml")
    folder.rename(watcher.config / "crew")
    wait_until(lambda: watcher.records()[key("a")].notes == {"source": "crew/a.yaml#1"}, what="the folder's new name")
    wait_until(lambda: watcher.records()[key("b")].notes == {"source": "z.yaml#1"}, what="the file's new name")
    assert None not in seen.changes().records.values()
    (watcher.config / "crew" / "a.yaml").write_text(text(C))
    watcher.until(B, C)
    (watcher.config / "crew").rename(watcher.config.parent / "away")
    watcher.until(B, problems={})
    assert "problem" not in watcher.log()


def test_a_configmap_volume_is_followed_through_its_swaps(watcher: RunningWatcher) -> None:
    """The kubelet's scheme: files are links through `..data`, which is swapped for another folder by a rename."""

    def publish(number: int, files: dict[str, str]) -> None:
        data = watcher.config / f"..2026_{number}"
        for name, content in files.items():
            (data / name).parent.mkdir(parents=True, exist_ok=True)
            (data / name).write_text(content)
            link = watcher.config / name.split("/")[0]
            if not link.is_symlink():
                link.symlink_to(f"..data/{link.name}")
        former = (watcher.config / "..data").resolve() if number else None
        (watcher.config / "..data_tmp").symlink_to(data.name)
        (watcher.config / "..data_tmp").rename(watcher.config / "..data")
        if former:
            subprocess.run(["rm", "-r", former], check=True)

    publish(0, {"a.yaml": text(A), "sub/b.yaml": text(B)})
    watcher.start().until(A, B)
    took = []
    for number in range(1, 8):
        values = [mapping("a", f"/{number}/"), mapping("b", f"/b{number}/")]
        publish(number, {"a.yaml": text(values[0]), "sub/b.yaml": text(values[1])})
        began = time.monotonic()
        watcher.until(*values, problems={})
        took.append(time.monotonic() - began)
    assert is_within(sorted(took)[3], 1.0), took  # noticed: two polls would need more
    publish(8, {"a.yaml": text(A)})
    (watcher.config / "sub").unlink()
    watcher.until(A, problems={})


def test_a_link_that_is_swapped_is_noticed_and_its_loops_are_not_walked(watcher: RunningWatcher) -> None:
    releases = watcher.config / ".releases"
    for name, value in (("1", A), ("2", B)):
        (releases / name).mkdir(parents=True)
        (releases / name / "x.yaml").write_text(text(value))
    (watcher.config / "loop").symlink_to(".")
    (watcher.config / "self.yaml").symlink_to("self.yaml")
    (watcher.config / "current").symlink_to(releases / "1")
    watcher.start().until(A)
    assert watcher.problems() == {"self.yaml": "it cannot be read: Too many levels of symbolic links"}
    (watcher.config / "next").symlink_to(releases / "2")
    (watcher.config / "next").rename(watcher.config / "current")
    watcher.until(B)
    (releases / "2" / "y.yaml").write_text(text(C))
    watcher.until(B, C)


def test_the_folder_itself_may_be_swapped_or_missing_for_a_while(watcher: RunningWatcher) -> None:
    (watcher.config / "a.yaml").write_text(text(A))
    watcher.start().until(A)
    old, new = watcher.config.with_name("old"), watcher.config.with_name("new")
    new.mkdir()
    (new / "b.yaml").write_text(text(B))
    watcher.config.rename(old)
    new.rename(watcher.config)
    watcher.until(B, problems={})
    watcher.config.rename(old.with_name("older"))
    wait_until(lambda: "." in watcher.problems(), what="the problem")
    assert watcher.problems() == {".": f"the folder {watcher.config} does not exist"}
    assert watcher.objects() == {key("b"): B}
    old.rename(watcher.config)
    watcher.until(A, problems={})
