"""The watcher as a process: its start and restart, what it publishes when, and what ends it."""

import random
import shutil
import threading
import time
from pathlib import Path

import orjson

from tests.support.envoy import wait_until
from tests.support.pace import is_within
from tests.support.part import Part
from tests.watcher.editing import BROKEN, A, B, C, replace
from tests.watcher.running_watcher import RunningWatcher, key, mapping, text
from watcher.agenda import SETTLE


def test_a_folder_is_published_and_followed(watcher: RunningWatcher) -> None:
    deep = watcher.config / "team" / "x"
    deep.mkdir(parents=True)
    (watcher.config / "a.yaml").write_text(text(A))
    (deep / "b.json").write_text(orjson.dumps(B).decode())
    watcher.start().until(A, B, problems={})
    (watcher.config / "new" / "deeper").mkdir(parents=True)
    (watcher.config / "new" / "deeper" / "c.yml").write_text(text(C))
    watcher.until(A, B, C)
    changed = mapping("b", "/changed/")
    (deep / "b.json").write_text(orjson.dumps(changed).decode())
    watcher.until(A, changed, C)
    (watcher.config / "a.yaml").unlink()
    watcher.until(changed, C)
    assert watcher.end(10) == 0


def test_an_empty_folder_is_a_first_view_too(watcher: RunningWatcher) -> None:
    watcher.start().until()
    assert watcher.sequence == 1


def test_an_isolated_change_is_published_at_once(watcher: RunningWatcher) -> None:
    """Within some tens of milliseconds, where a poll or a debounce would need half a second or more."""
    path = watcher.config / "a.yaml"
    path.write_text(text(A))
    watcher.start().until(A)
    took = []
    for number in range(5):
        time.sleep(0.1)  # so that it is isolated
        began = time.monotonic()
        replace(path, text(mapping("a", f"/{number}/")))
        watcher.until(mapping("a", f"/{number}/"))
        took.append(time.monotonic() - began)
    assert is_within(sorted(took)[2], 0.4), took


def test_generated_objects_are_read_beside_the_users_which_count_first(watcher: RunningWatcher) -> None:
    (watcher.config / "b.yaml").write_text(text(A))
    watcher.start().until(A)
    generated = watcher.run_dir / "generated"
    generated.mkdir()
    (generated / "a.yaml").write_text(text(mapping("a", "/generated/"), C))
    watcher.until(A, C, problems={})
    replace(generated / "a.yaml", text(C))
    watcher.until(A, C, problems={})


def test_a_comment_is_no_commit_and_a_burst_is_few(watcher: RunningWatcher) -> None:
    for number in range(100):
        (watcher.config / f"{number}.yaml").write_text(text(mapping(f"m{number}")))
    watcher.start()
    before = watcher.sequence
    (watcher.config / "0.yaml").write_text("# why\n" + text(mapping("m0")))
    time.sleep(0.1)
    began = time.monotonic()
    for number in range(1, 100):
        replace(watcher.config / f"{number}.yaml", text(mapping(f"m{number}", "/changed/")))
    watcher.until(mapping("m0"), *(mapping(f"m{number}", "/changed/") for number in range(1, 100)))
    assert watcher.sequence - before <= 2 + (time.monotonic() - began) / 0.05


def test_a_restart_is_silent_when_nothing_changed_and_tells_what_did(watcher: RunningWatcher) -> None:
    (watcher.config / "a.yaml").write_text(text(A))
    (watcher.config / "b.yaml").write_text(text(B))
    watcher.start().until(A, B)
    before = watcher.sequence
    watcher.kill()
    watcher.start()
    (watcher.config / "marker.yaml").write_text(text(C))
    watcher.until(A, B, C)
    assert watcher.sequence == before + 1
    watcher.kill()
    (watcher.config / "a.yaml").unlink()
    (watcher.config / "b.yaml").write_text(text(mapping("b", "/changed/")))
    watcher.start().until(mapping("b", "/changed/"), C)


def test_the_last_good_version_survives_a_restart_and_a_move_of_its_file_before(watcher: RunningWatcher) -> None:
    path = watcher.config / "a.yaml"
    path.write_text(text(A, B))
    watcher.start().until(A, B)
    path = path.rename(watcher.config / "z.yaml")
    wait_until(lambda: watcher.records()[key("a")].notes == {"source": "z.yaml#1"}, what="the new name")
    watcher.kill()
    path.write_text(BROKEN)
    watcher.start().until(A, B)
    wait_until(lambda: "z.yaml" in watcher.problems(), what="the problem")
    watcher.kill()
    watcher.start().until(A, B)
    path.write_text(text(A))
    watcher.until(A, problems={})


def test_a_missing_folder_at_start_keeps_what_was_published(watcher: RunningWatcher) -> None:
    (watcher.config / "a.yaml").write_text(text(A))
    watcher.start().until(A)
    watcher.kill()
    watcher.config.rename(watcher.config.with_name("away"))
    watcher.start()
    wait_until(lambda: "." in watcher.problems(), what="the problem")
    watcher.until(A)
    watcher.config.with_name("away").rename(watcher.config)
    watcher.until(A, problems={})


def test_kills_while_files_change_lose_nothing(watcher: RunningWatcher) -> None:
    """A file is rewritten in place all the time; its object is never gone, and the last write is what remains."""
    path, stop, slow = watcher.config / "a.yaml", threading.Event(), threading.Event()
    path.write_text(text(A, B))
    watcher.start().until(A, B)
    seen = watcher.snapshot.reader("objects")
    seen.changes()

    def edit() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            began = time.monotonic()
            path.write_text(text(mapping("a", f"/{number}/"), B))
            if time.monotonic() - began > SETTLE:  # so long was it empty, on a very busy machine
                slow.set()
            time.sleep(0.003)

    editor = threading.Thread(target=edit)
    editor.start()
    try:
        for _ in range(8):
            watcher.kill()
            watcher.start()
            before = watcher.sequence
            wait_until(lambda before=before: watcher.sequence > before + 2, what="changes")  # type: ignore[misc]
            assert None not in seen.changes().records.values() or slow.is_set()
    finally:
        stop.set()
        editor.join()
    path.write_text(text(C))
    watcher.until(C)


def test_a_full_snapshot_is_told_and_tried_again(tmp_path: Path) -> None:
    """The snapshot's map is made small; the change that does not fit is published when another one went."""
    config, run = tmp_path / "config", tmp_path / "run"
    config.mkdir()
    (config / "a.yaml").write_text(text(A))
    program = (
        "import snapshot.share; snapshot.share.Snapshot.open.__func__.__kwdefaults__['map_size'] = 400_000;"
        "import runpy; runpy.run_module('watcher', run_name='__main__')"
    )
    settings = {"DRAGOMAN_CONFIG_DIR": str(config), "DRAGOMAN_RUN_DIR": str(run), "AES_LOG_LEVEL": "debug"}
    with Part("watcher", tmp_path / "log", settings, program=program) as process:
        wait_until(lambda: "published" in process.log(), what="the first view")
        long = "/" + random.Random(1).randbytes(500_000).hex()  # which cannot be packed into much less
        (config / "large.yaml").write_text(text(mapping("large", long)))
        wait_until(lambda: "no room for the objects" in process.log(), what="the failure")
        (config / "large.yaml").write_text(text(B))
        wait_until(lambda: "there is room again" in process.log(), what="the retry")
        wait_until(lambda: process.log().count("published") == 2, what="the second commit")
    assert process.log().count("no room for the objects") == 1


def test_without_a_folder_it_says_which_variable_to_set(watcher: RunningWatcher) -> None:
    watcher.environ |= {"DRAGOMAN_CONFIG_DIR": "", "AMBASSADOR_CONFIG_DIR": ""}
    watcher.begin()
    assert watcher.wait() == 2
    assert "set DRAGOMAN_CONFIG_DIR to a folder of YAML" in watcher.log()


def test_a_second_watcher_is_refused(watcher: RunningWatcher, tmp_path: Path) -> None:
    watcher.start()
    with Part("watcher", tmp_path / "other.log", watcher.environ) as other:
        assert other.wait() == 1
    assert "another watcher runs" in other.log()


def test_a_lost_object_of_our_own_stays_as_it_is_put_back(watcher: RunningWatcher) -> None:
    """The entrypoint's, beside the folder: it puts its file back, and meanwhile nobody is without the certificate."""
    own = watcher.run_dir / "generated"
    own.mkdir()
    (own / "b.yaml").write_text(text(B))
    (watcher.config / "a.yaml").write_text(text(A))
    watcher.start().until(A, B)
    for lose in ((own / "b.yaml").unlink, lambda: shutil.rmtree(own)):
        before = watcher.sequence
        lose()
        (watcher.config / "c.yaml").write_text(text(C))
        watcher.until(A, B, C)
        time.sleep(1)  # four times as long as a file has to be gone to be believed
        (watcher.config / "c.yaml").unlink()
        watcher.until(A, B)
        assert watcher.sequence == before + 2
    own.mkdir()
    changed = mapping("b", "/changed/")
    (own / "b.yaml").write_text(text(changed))
    watcher.until(A, changed)
