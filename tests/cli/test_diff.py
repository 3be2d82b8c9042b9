"""`dragoman diff`, the command: folders and revisions of git, exit codes, mistakes, JSON."""

import json
import os
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cli.__main__ import main
from tests.support.objects import mapping

QUOTE = mapping("quote", "*", "10.0.0.1:80", "/quote/")


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


def diff(*arguments: str | Path, cwd: Path, **environment: str) -> Done:
    """In this process: what a command imports takes a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        for name, value in environment.items():
            patch.setenv(name, value)
        done = CliRunner().invoke(main, ["diff", *map(str, arguments)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return Done(done.exit_code, done.stdout, done.stderr)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder in a repository with one commit."""
    (tmp_path / "k8s").mkdir()
    (tmp_path / "k8s" / "quote.yaml").write_text(QUOTE)
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@b.test", "commit", "--quiet", "--message=first")
    return tmp_path


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True)


def test_a_revision_of_git_is_the_folder_as_it_was(here: Path) -> None:
    same = diff("k8s", "--against", "git:main", cwd=here)
    assert (same.returncode, same.stdout, same.stderr) == (0, "git:main -> k8s: nothing differs\n", "")
    (here / "k8s" / "quote.yaml").write_text(QUOTE.replace("/quote/", "/quotes/"))
    (here / "k8s" / "more.yaml").write_text(mapping("more", "*", "10.0.0.1:80", "/more/", namespace_="team-b"))
    done = diff("k8s", "--against", "git:main", cwd=here)
    assert done.returncode == 3
    assert done.stdout == (
        "default\n"
        "  Mapping default/quote (k8s/quote.yaml#1)\n"
        "    ~ route       *, prefix /quotes/ to ip/10.0.0.1:80\n"
        "                  match.prefix: /quote/ -> /quotes/\n"
        "team-b\n"
        "  Mapping team-b/more (k8s/more.yaml#1)\n"
        "    + route       *, prefix /more/ to ip/10.0.0.1:80\n"
        "git:main -> k8s: 1 appears, 1 changes, of 2 objects\n"
    )
    assert git_status(here) == " M k8s/quote.yaml\n?? k8s/more.yaml\n", "the repository is as it was"


def git_status(folder: Path) -> str:
    return subprocess.run(
        ["git", "-C", folder, "status", "--porcelain"], check=True, capture_output=True, text=True
    ).stdout


def test_a_folder_that_a_revision_does_not_have_is_empty_there(here: Path) -> None:
    (here / "new").mkdir()
    (here / "new" / "q.yaml").write_text(QUOTE)
    done = diff("new", "--against", "git:main", cwd=here)
    assert "    + route       *, prefix /quote/ to ip/10.0.0.1:80\n" in done.stdout, "at the ports of a folder"
    assert done.returncode == 3


def test_it_is_the_repository_and_the_names_of_the_folder_also_in_a_hook(here: Path) -> None:
    (here / ":k").mkdir()
    (here / ":k" / "q.yaml").write_text(QUOTE.replace("/quote/", "/other/"))
    (here / ":k" / os.fsdecode(b"\xff.txt")).write_text("not ours")
    git(here, "--literal-pathspecs", "add", ":k")
    git(here, "-c", "user.name=a", "-c", "user.email=a@b.test", "commit", "--quiet", "--message=second")
    for folder in ("k8s", ":k"):
        same = diff(folder, "--against", "git:main", cwd=here, GIT_DIR=str(here / ".git"))
        assert (same.returncode, same.stdout) == (0, f"git:main -> {folder}: nothing differs\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_who_is_told_to_end_leaves_nothing_behind(here: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    made: list[Path] = []

    def told(*given: Any, **_: Any) -> None:
        made.append(Path(given[5].enter_context(tempfile.TemporaryDirectory())))
        os.kill(os.getpid(), number)
        time.sleep(10)

    monkeypatch.setattr("cli.diff._compared", told)
    before = signal.signal(number, signal.SIG_DFL)  # who starts the tests may have it ignored, as nohup does
    try:
        assert diff("k8s", "--against", "git:main", cwd=here).returncode == 128 + number
        assert not made[0].exists()
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)


def test_another_folder_and_json(here: Path) -> None:
    (here / "other").mkdir()
    (here / "other" / "q.yaml").write_text(QUOTE)
    assert diff("k8s", "--against", "other", cwd=here).returncode == 0
    (here / "other" / "q.yaml").unlink()
    done = diff("k8s", "--against", "other", "-o", "json", cwd=here)
    report = json.loads(done.stdout)
    assert (done.returncode, report["differs"], report["before"]) == (3, True, "other")
    found = [each for team in report["teams"] for one in team["objects"] for each in one["differences"]]
    assert {(each["what"], each["sort"]) for each in found} >= {("appears", "route"), ("appears", "cluster")}


def test_mistakes_are_told_as_lint_tells_them_and_the_rest_is_compared(here: Path) -> None:
    (here / "k8s" / "bad.yaml").write_text(mapping("bad", "*", "10.0.0.1:80", "/bad/", timeout_ms="soon"))
    done = diff("k8s", "--against", "git:main", cwd=here)
    assert done.returncode == 0, "what is stopped is nothing to Envoy"
    assert "k8s/bad.yaml:1:" in done.stderr
    assert "error DRG0202 Mapping/default/bad: spec.timeout_ms must be an integer" in done.stderr


def test_what_cannot_be_read_is_2(here: Path) -> None:
    unknown = diff("k8s", "--against", "git:nowhere", cwd=here)
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert unknown.stderr.startswith("Error: git rev-parse in k8s: ")
    missing = diff("k8s", "--against", "main", cwd=here)
    assert "there is no such folder (a revision of git is git:main)" in missing.stderr
    assert diff("k8s", "--against", "git:--help", cwd=here).returncode == 2
    assert diff("k8s", "--context", "a", "--against", "b", cwd=here).returncode == 2
    nobody = diff("k8s", "--context", "a", cwd=here, KUBECONFIG="/nowhere")
    assert (nobody.returncode, "there is no file /nowhere" in nobody.stderr) == (2, True)
    (here / "k8s" / "out.yaml").symlink_to("/etc/passwd")
    unread = diff("k8s", "--against", "git:main", cwd=here)
    assert unread.returncode == 2, unread.stderr


def test_without_an_envoy_nothing_is_proved(here: Path) -> None:
    (here / "k8s" / "quote.yaml").write_text(QUOTE.replace("/quote/", "/quotes/"))
    done = diff("k8s", "--against", "git:main", "--prove", cwd=here, ENVOY_PATH="/nowhere/envoy")
    assert done.returncode == 2
    assert "there is no program at /nowhere/envoy" in done.stderr
