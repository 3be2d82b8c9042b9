"""Mistakes in the watcher's folder: the last good version stays, and the problem is told until it heals."""

import os
import re

from tests.support.envoy import wait_until
from tests.watcher.editing import A, B, C, quietly
from tests.watcher.running_watcher import RunningWatcher, key, mapping, text


def test_a_broken_edit_keeps_the_last_good_version_is_told_once_and_heals(watcher: RunningWatcher) -> None:
    path = watcher.config / "a.yaml"
    path.write_text(text(A))
    (watcher.config / "b.yaml").write_text(text(B))
    watcher.start().until(A, B)
    path.write_text("# note\n" + text(A)[:-3])
    reason = "it is not YAML: while parsing a flow mapping, did not find expected ',' or '}'"
    watcher.until(A, B, problems={"a.yaml": f"document 1, line 4: {reason}"})
    changed = mapping("b", "/changed/")
    (watcher.config / "b.yaml").write_text(text(changed))
    watcher.until(A, changed)
    path.write_text("# another\n# note\n" + text(A)[:-3])
    watcher.until(A, changed, problems={"a.yaml": f"document 1, line 5: {reason}"})
    path.write_text(text(mapping("a", "/healed/")))
    watcher.until(mapping("a", "/healed/"), changed, problems={})
    lines = [line for line in watcher.log().splitlines() if "problem" in line]
    assert len(lines) == 2, lines
    assert re.search(
        rf'warning +watcher +a file has a problem +file=a.yaml document=1 line=4 reason="{reason}"', lines[0]
    )
    assert re.search(r"info +watcher +the problem is gone +file=a.yaml document=1 line=5", lines[1])


def test_a_broken_document_keeps_what_vanished_and_lets_the_others_change(watcher: RunningWatcher) -> None:
    path = watcher.config / "a.yaml"
    path.write_text(text(A, B))
    watcher.start().until(A, B)
    changed = mapping("a", "/changed/")
    path.write_text(text(changed) + "---\nkind: Mapping\n" + text(C))
    watcher.until(changed, B, C, problems={"a.yaml": "document 2, line 3: apiVersion is missing; metadata is missing"})
    path.write_text(text(changed, C))
    watcher.until(changed, C, problems={})


def test_an_empty_moment_of_a_file_is_not_believed_but_a_lasting_one_is(watcher: RunningWatcher) -> None:
    path = watcher.config / "a.yaml"
    path.write_text(text(A))
    watcher.start().until(A)
    seen = watcher.snapshot.reader("objects")
    seen.changes()
    for _ in range(20):
        path.write_text("")
        path.write_text(text(A))
    quietly(watcher, watcher.config)
    assert key("a") not in seen.changes().records
    path.write_text("")
    watcher.until(problems={})


def test_the_same_object_in_two_files_counts_from_the_first_and_both_are_named(watcher: RunningWatcher) -> None:
    (watcher.config / "b.yaml").write_text(text(A))
    watcher.start().until(A)
    first = mapping("a", "/first/")
    (watcher.config / "a.yaml").write_text(text(first))
    watcher.until(first, problems={"b.yaml": f"{key('a')} is in a.yaml already, which counts"})
    (watcher.config / "a.yaml").unlink()
    watcher.until(A, problems={})


def test_a_file_that_cannot_be_opened_is_told_and_heals(watcher: RunningWatcher) -> None:
    path = watcher.config / "a.yaml"
    path.symlink_to("a.yaml")
    watcher.start()
    told = {"a.yaml": "it cannot be read: Too many levels of symbolic links"}
    wait_until(lambda: watcher.problems() == told, what="the problem")
    path.unlink()
    path.write_text(text(A))
    watcher.until(A, problems={})


def test_an_unreadable_file_is_told_and_heals_with_its_rights(watcher: RunningWatcher) -> None:
    path = watcher.config / "a.yaml"
    path.write_text(text(A))
    path.chmod(0)
    watcher.start()
    if os.geteuid():  # nothing is forbidden to root, who reads it at once
        wait_until(lambda: watcher.problems() == {"a.yaml": "it cannot be read: Permission denied"}, what="the problem")
    path.chmod(0o600)
    watcher.until(A, problems={})
