"""Every odd file that we know of beside a good one: that is served, and each odd one is told by its name and why."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from tests.support.envoy import wait_until
from tests.support.gateway import ROOT
from tests.watcher.editing import A, B
from tests.watcher.odd_files import KINDS, fill, name_of
from tests.watcher.running_watcher import RunningWatcher, key, mapping, text

LONG = 90.0
"""Seconds that a busy machine may take for what takes two on an idle one."""


def expected() -> dict[str, str]:
    """What is told, by file."""
    return {
        **{name_of(kind): odd.told for kind, odd in KINDS.items() if odd.told is not None},
        "name-\\xff.yaml": "its name is not UTF-8",
    }


def begin(watcher: RunningWatcher) -> None:
    """Start it; returns when all is told."""
    watcher.begin()
    wait_until(lambda: watcher.problems().keys() == expected().keys(), LONG, what="all of them told")


def check_told(problems: dict[str, str]) -> None:
    for name, told in expected().items():
        assert re.search(told if "|" in told else re.escape(told), problems.get(name, "")), (name, problems.get(name))
    assert problems.keys() == expected().keys()


@pytest.fixture
def odd(watcher: RunningWatcher) -> RunningWatcher:
    (watcher.config / "good.yaml").write_text(text(A))
    fill(watcher.config)
    return watcher


def test_the_good_file_is_served_and_every_other_is_told(odd: RunningWatcher) -> None:
    assert len(KINDS) > 80
    begin(odd)
    check_told(odd.problems())
    assert all(len(told) < 20 * 500 for told in odd.problems().values())
    assert odd.objects()[key("a")] == A
    assert key("linked") in odd.objects()
    assert key("outside") not in odd.objects()
    assert key("x") not in odd.objects()
    seen = odd.records()
    odd.kill()
    odd.begin()
    (odd.config / "later.yaml").write_text(text(B))
    wait_until(lambda: key("b") in odd.objects(), LONG, what="a change after a restart")
    seen[key("b")] = odd.records()[key("b")]
    wait_until(lambda: odd.records() == seen, LONG, what="all as before")
    assert odd.end(10) == 0


def test_a_change_of_a_good_file_does_not_wait_for_large_ones(watcher: RunningWatcher) -> None:
    """Of ten files that take a third of a second each, most are still being read when it is published."""
    watcher.environ["DRAGOMAN_CONFIG_SUM_MIB"] = "64"
    (watcher.config / "good.yaml").write_text(text(A))
    watcher.start()
    large = [watcher.config / f"large-{number}.yaml" for number in range(10)]
    for again in range(2):
        for path in large:
            path.write_text(f"[{'a,' * 200_000}{again}]\n---\nk{again}: 1\nk{again}: 2\n")
        changed = mapping("a", f"/{again}/")
        (watcher.config / "good.yaml").write_text(text(changed))
        wait_until(lambda changed=changed: watcher.objects() == {key("a"): changed}, LONG)  # type: ignore[misc]
        told = f"the key 'k{again}' occurs twice"
        assert sum(told in problem for problem in watcher.problems().values()) < 8
        (watcher.config / "good.yaml").unlink()
        wait_until(lambda: not watcher.objects(), LONG, what="the good file is gone")
        wait_until(
            lambda told=told: sum(told in problem for problem in watcher.problems().values()) == 10,  # type: ignore[misc]
            LONG,
            what="all large ones told",
        )


def test_whoever_reads_the_folder_reads_the_same(odd: RunningWatcher, tmp_path: Path) -> None:
    """The watcher, `dragoman translate`, and what the entrypoint asks before the start."""
    begin(odd)
    translated = run("-m", "cli", "translate", "-f", str(odd.config))
    assert translated.returncode == 1, translated.stderr
    problems: dict[str, list[str]] = {}
    for problem in json.loads(translated.stdout)["problems"]:
        problems.setdefault(problem["object"], []).append(problem["message"])
    for name, told in odd.problems().items():
        for message in problems[name]:
            assert message in told

    glance = run("-m", "watcher.glance", DRAGOMAN_CONFIG_DIR=str(odd.config))
    assert glance.returncode == 0, glance.stderr
    assert {orjson.dumps(found) for found in orjson.loads(glance.stdout)} == {
        orjson.dumps(found) for key, found in odd.objects().items() if key.startswith("getambassador.io/")
    }


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    environ = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run([sys.executable, "-P", *arguments], env=environ, capture_output=True, check=False)
