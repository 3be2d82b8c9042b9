"""`make friends` builds what the chosen tests need, and one program that cannot be built stops no other."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance.programs import GO
from tests.friends.programs import FRIENDS, UNBUILT, build_all
from tests.support.part import ROOT

BROKEN = "github.com/fluxcd/flagger"

ASK = """
import json, sys
from tests.friends.chosen import needed
print(json.dumps([sorted(needed(["-k", each])) for each in sys.argv[1:]]))
"""


def test_only_programs_that_the_chosen_tests_need_are_built() -> None:
    cases = {
        "": set(FRIENDS),
        "flagger": {"flagger"},
        "rollout or external_dns": {"rollouts", "externaldns"},
        "cert_manager": {"certmanager", "pebble"},
        "nothing_of_this_name": set(),
    }
    done = run("-c", ASK, *cases)
    assert done.stdout, done.stderr
    assert [set(each) for each in json.loads(done.stdout)] == list(cases.values())


@pytest.fixture
def _compiler_that_knows_no_flagger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `go` of this machine, to which one module is unknown, and a cache that is empty."""
    go = tmp_path / "bin/go"
    go.parent.mkdir()
    go.write_text(
        f"""#!/bin/sh
case "$*" in
"env GOVERSION") echo go{".".join(map(str, GO.least))} ;;
list*) echo {tmp_path} ;;
*{BROKEN}*) echo "{BROKEN}: unrecognized import path" >&2; exit 1 ;;
*) while [ "$1" != -o ]; do shift; done; echo >"$2" ;;
esac
"""
    )
    go.chmod(go.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{go.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.usefixtures("_compiler_that_knows_no_flagger")
def test_the_others_are_built_where_one_cannot_be(tmp_path: Path) -> None:
    said: list[str] = []
    failed = build_all(["rollouts", "flagger", "externaldns"], said.append)
    assert failed == {"flagger": f"flagger could not be built:\n{BROKEN}: unrecognized import path\n"}
    assert f"flagger: {failed['flagger']}" in said
    built = {path.name for path in (tmp_path / "cache").glob("dragoman/friends-*/*") if path.is_file()} - {".lock"}
    assert built == {"rollouts-controller", "externaldns"}


def test_tests_of_what_could_not_be_built_fail_with_the_reason() -> None:
    unbuilt = {"flagger": "its module is served by nobody", "certmanager": "nor is this"}
    environ = {"DRAGOMAN_FRIENDS_NETWORK": "1", UNBUILT: json.dumps(unbuilt)}
    done = run("-m", "pytest", "-n", "0", "-m", "friends", "tests/friends", "-k", "flagger", **environ)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    assert "flagger is not there: its module is served by nobody" in done.stdout
    assert "nor is this" not in done.stdout
    assert "1 error" in done.stdout


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Python, with these variables beside ours."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
