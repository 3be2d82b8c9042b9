"""The command: quick to help, right about versions, clear about mistakes."""

import os
import resource
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cli.__main__ import COMMANDS, main
from process.version import VERSION
from tests.support.gateway import ROOT

SCRIPT = ROOT / "scripts" / "dragoman"
BARE = ("-c", "import click; click.Command('x').get_help(click.Context(click.Command('x')))")


def dragoman(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "cli", *arguments]
    environ = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


def test_help_names_every_command() -> None:
    done = dragoman("--help")
    assert done.returncode == 0
    assert all(f"  {command} " in done.stdout for command in COMMANDS)


def test_help_costs_little_more_than_the_library_that_prints_it() -> None:
    """Side by side, in CPU time: about as much."""
    ours, bare = (min(_cpu(command) for _ in range(5)) for command in (("-m", "cli", "--help"), BARE))
    assert ours < 2 * bare


def _cpu(arguments: tuple[str, ...]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run((sys.executable, *arguments), cwd=ROOT, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_help_imports_no_command() -> None:
    imported = dragoman("--help", PYTHONPROFILEIMPORTTIME="1").stderr
    assert "click" in imported
    for heavy in ("cli.run", "cli.version", "entrypoint", "process.settings", "yaml", "structlog"):
        assert f"{heavy}\n" not in imported, heavy


def test_every_command_is_there_and_explains_itself() -> None:
    for command in COMMANDS:
        done = CliRunner().invoke(main, [command, "--help"])
        assert done.exit_code == 0, done.output
        assert done.output.startswith("Usage: main " + command)
        assert f"dragoman {command}" in done.output.partition("Example")[2], f"{command} has no example"


def test_an_unknown_command_is_refused() -> None:
    done = dragoman("rum")
    assert done.returncode == 2
    assert "No such command 'rum'" in done.stderr


def test_our_version_is_the_projects() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION


@pytest.mark.envoy
def test_version_tells_ours_and_envoys() -> None:
    ours, envoys, pythons = dragoman("version").stdout.splitlines()
    assert ours == f"dragoman {VERSION}"
    assert envoys.startswith("envoy 1.")
    assert pythons == f"python {sys.version.split()[0]}"


def test_version_without_an_envoy_says_what_is_missing() -> None:
    done = dragoman("version", ENVOY_PATH="/nowhere/envoy")
    assert done.returncode == 1
    assert "there is no program at /nowhere/envoy" in done.stderr


def test_version_asks_only_an_envoy(tmp_path: Path) -> None:
    other = tmp_path / "envoy"
    other.write_text("#!/bin/sh\necho tea is ready\n")
    other.chmod(0o755)
    done = dragoman("version", ENVOY_PATH=str(other))
    assert done.returncode == 1
    assert "tea is ready" in done.stderr


@pytest.mark.parametrize("option", ["--context", "--namespace", "--selector"])
def test_why_takes_no_word_about_replicas_that_it_does_not_ask(option: str) -> None:
    done = CliRunner().invoke(main, ["why", "GET", "http://a.test/", option, "x"])
    assert done.exit_code == 2
    assert f"{option} says where replicas are: give --all-replicas, too" in " ".join(done.output.split())


def test_run_wants_a_folder_that_is_there(tmp_path: Path) -> None:
    done = dragoman("run", str(tmp_path / "missing"))
    assert done.returncode == 2
    assert f"Directory '{tmp_path}/missing' does not exist" in done.stderr


def test_run_refuses_a_setting_that_cannot_be(tmp_path: Path) -> None:
    done = dragoman("run", str(tmp_path), "--address", "localhost")
    assert done.returncode == 2
    assert done.stderr == "dragoman: AMBASSADOR_ENVOY_BIND_ADDRESS: 'localhost' is not an IP address\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_for_each_shell_asks_by_the_variable_that_is_answered(shell: str) -> None:
    script = CliRunner().invoke(main, ["completion", shell])
    assert script.exit_code == 0
    assert f"_DRAGOMAN_COMPLETE={shell}_complete" in script.stdout


def test_what_is_typed_in_bash_is_completed() -> None:
    def completed(*words: str) -> list[str]:
        asked = {
            "_DRAGOMAN_COMPLETE": "bash_complete",
            "COMP_WORDS": " ".join(words),
            "COMP_CWORD": str(len(words) - 1),
        }
        return dragoman(**asked).stdout.split()

    assert completed("dragoman", "st") == ["plain,status"]
    assert completed("dragoman", "diff", "--pr") == ["plain,--prune", "plain,--prove"]


def test_kubectl_dragoman_is_the_same_program(tmp_path: Path) -> None:
    if not (ROOT / ".venv/bin/python").exists():
        pytest.skip("no .venv in this checkout: make makes it")
    for name in ("kubectl-dragoman", "kubectl_complete-dragoman"):
        (tmp_path / name).symlink_to(SCRIPT)
    done = subprocess.run([tmp_path / "kubectl-dragoman", "why", "--help"], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("Usage: kubectl dragoman why ")
    command = [tmp_path / "kubectl_complete-dragoman", "l"]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    assert told.splitlines() == [f"lint\t{_short('lint')}", ":4"]


def _short(command: str) -> str:
    found = main.get_command(click.Context(main), command)
    assert found is not None
    return found.get_short_help_str()


def test_the_checkouts_script_is_the_same_command(tmp_path: Path) -> None:
    link = tmp_path / "dragoman"
    link.symlink_to(SCRIPT)
    if not (ROOT / ".venv/bin/python").exists():
        pytest.skip("no .venv in this checkout: make makes it")
    done = subprocess.run([link, "--help"], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.stdout == dragoman("--help").stdout
