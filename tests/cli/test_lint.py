"""`dragoman lint`, the command: exit codes, formats, files of silences, terminals."""

import json
import os
import pty
import re
import select
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

from cli.lint import FORMATS, SEVERITIES
from lint import findings
from lint.formats import FORMATS as WRITERS
from tests.support.objects import host, mapping
from tests.support.part import ROOT, product_environ

COMMAND = [sys.executable, "-P", "-m", "cli", "lint"]


def lint(*arguments: str | Path, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *map(str, arguments)]
    environ = product_environ(environment)
    return subprocess.run(command, env=environ, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "k8s"
    made.mkdir()
    (made / "good.yaml").write_text(mapping("good", "*", "10.0.0.1", "/good/"))
    return made


def test_good_files_give_zero(folder: Path) -> None:
    done = lint("k8s", cwd=folder.parent)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "1 object in 1 file: nothing found\n"


def test_an_error_gives_one_and_a_warning_when_asked(folder: Path) -> None:
    (folder / "warned.yaml").write_text(mapping("warned", "*", "10.0.0.1", "warned/"))
    assert lint(folder).returncode == 0
    assert lint(folder, "--fail-on", "warning").returncode == 1
    assert lint(folder, "--fail-on", "advice").returncode == 1
    (folder / "bad.yaml").write_text(mapping("bad", "*", "10.0.0.1", "/bad/", weight=200))
    done = lint("k8s", cwd=folder.parent)
    assert done.returncode == 1
    first = done.stdout.splitlines()[0]
    assert re.fullmatch(r"k8s/bad\.yaml:1:\d+: error DRG0204 Mapping/default/bad: spec\.weight must be .*", first)


def test_what_cannot_be_read_gives_two_and_all_else_is_told(folder: Path) -> None:
    (folder / "out.yaml").symlink_to("/etc/passwd")
    (folder / "bad.yaml").write_text(mapping("bad", "*", "10.0.0.1", "/bad/", weight=200))
    done = lint(folder)
    assert done.returncode == 2
    assert "DRG0101" in done.stdout
    assert "DRG0204" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Missing argument 'FOLDER...'"),
        (("nowhere",), "'nowhere' does not exist"),
        (("k8s", "--format", "xml"), "'xml' is not one of"),
        (("k8s", "--config", "nowhere"), "'nowhere' does not exist"),
    ],
)
def test_a_wrong_command_gives_two(folder: Path, arguments: tuple[str, ...], said: str) -> None:
    done = lint(*arguments, cwd=folder.parent)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_wrong_setting_or_file_of_silences_gives_two(folder: Path) -> None:
    done = lint(folder, DRAGOMAN_CONFIG_FILE_MIB="many")
    assert done.returncode == 2
    assert "DRAGOMAN_CONFIG_FILE_MIB" in done.stderr
    (folder / ".dragoman-lint.yaml").write_text("silence:\n- {codes: [DRG0703]}\n")
    done = lint(folder)
    assert done.returncode == 2
    assert "reason must say why" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_of_silences_is_found_above_and_can_be_named(folder: Path) -> None:
    (folder / "warned.yaml").write_text(mapping("warned", "*", "10.0.0.1", "warned/"))
    entry = "silence:\n- {codes: [DRG0703], paths: ['k8s/*.yaml'], reason: old clients}\n"
    (folder.parent / ".dragoman-lint.yaml").write_text(entry)
    done = lint(folder, "--fail-on", "advice")
    assert (done.returncode, done.stdout) == (0, "2 objects in 2 files: nothing found, 1 silenced\n")
    empty = folder.parent / "other.yaml"
    empty.write_text("silence: []\n")
    assert lint(folder, "--fail-on", "advice", "--config", empty).returncode == 1


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_by_the_command(folder: Path, form: str) -> None:
    (folder / "bad.yaml").write_text(mapping("bad", "*", "10.0.0.1", "/bad/", weight=200))
    done = lint("k8s", "--format", form, cwd=folder.parent)
    assert (done.returncode, done.stderr) == (1, "")
    assert "DRG0204" in done.stdout
    assert "\x1b" not in done.stdout
    if form in ("json", "sarif"):
        assert json.loads(done.stdout)
    if form == "junit":
        assert ET.fromstring(done.stdout).attrib["failures"] == "1"
    written = folder.parent / "out"
    again = lint("k8s", "--format", form, "--output", written, cwd=folder.parent)
    assert (again.returncode, again.stdout) == (1, "")
    assert written.read_text() == done.stdout


def test_an_output_that_cannot_be_written_is_told(folder: Path) -> None:
    done = lint(folder, "--output", folder / "no" / "where")
    assert done.returncode == 1
    assert "Could not open file" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_lists_of_the_command_are_the_rooms() -> None:
    """The command has its own, so that help imports nothing heavy."""
    assert tuple(WRITERS) == FORMATS
    assert findings.SEVERITIES == SEVERITIES


def test_help_has_an_example_and_imports_no_translator() -> None:
    done = subprocess.run(
        [*COMMAND, "--help"],
        env=product_environ({"PYTHONPROFILEIMPORTTIME": "1"}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "dragoman lint k8s/ --format sarif --output lint.sarif" in done.stdout
    assert "translator" not in done.stderr


def test_several_folders_and_files_are_one_configuration(folder: Path) -> None:
    hosts = folder.parent / "hosts.yaml"
    hosts.write_text(host("h", "h.example.com"))
    (folder / "m.yaml").write_text(mapping("m", "h.example.com", "10.0.0.1"))
    assert lint(folder, hosts, "--fail-on", "advice").returncode == 0
    (folder / "m.yaml").write_text(mapping("m", "other.example.com", "10.0.0.1"))
    assert "DRG0501" in lint(folder, hosts).stdout


def test_whoever_stops_reading_ends_it(folder: Path) -> None:
    for number in range(300):
        (folder / f"{number}.yaml").write_text(mapping(f"m{number}", "*", "10.0.0.1", f"m{number}/", nonsense=1))
    with subprocess.Popen(
        [*COMMAND, folder], env=product_environ({}), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as it:
        assert it.stdout is not None
        assert it.stderr is not None
        assert it.stdout.readline()
        it.stdout.close()
        assert b"Traceback" not in it.stderr.read()
        assert it.wait() in (0, 1)


def on_a_terminal(command: list[str], cwd: Path) -> tuple[bytes, int]:
    """What a command shows on a terminal that is its output and its errors, and its exit code."""
    leader, follower = pty.openpty()
    environ = product_environ({"TERM": "xterm"})
    with subprocess.Popen(command, env=environ, cwd=cwd, stdin=follower, stdout=follower, stderr=follower) as started:
        os.close(follower)
        shown = bytearray()
        while select.select([leader], [], [], 60)[0]:
            try:
                part = os.read(leader, 65536)
            except OSError:  # the last one that had the terminal has ended
                break
            shown += part
        code = started.wait()
    os.close(leader)
    return bytes(shown), code


def test_a_terminal_has_colours_and_a_bar_and_a_file_has_neither(folder: Path) -> None:
    (folder / "bad.yaml").write_text(mapping("bad", "*", "10.0.0.1", "/bad/", weight=200))
    shown, code = on_a_terminal([*COMMAND, "k8s"], folder.parent)
    assert code == 1
    assert b"\x1b[31m" in shown
    assert b"reading" in shown
    assert b"DRG0204" in shown
    done = lint("k8s", cwd=folder.parent)
    assert "\x1b" not in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("example", sorted(path.name for path in (ROOT / "examples").iterdir() if path.name != "ci"))
def test_our_own_examples_have_no_errors(example: str) -> None:
    done = lint(ROOT / "examples" / example)
    assert done.returncode == 0, done.stdout


def test_the_hook_and_the_workflow_name_what_is_there(folder: Path) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    entry = ROOT / hook["entry"]
    assert (hook["language"], hook["pass_filenames"]) == ("script", False)
    assert os.access(entry, os.X_OK)
    assert 'lint "$@"' in entry.read_text()
    workflow = yaml.safe_load((ROOT / "examples/ci/github-workflow.yaml").read_text())
    steps = [step.get("run", "") for step in workflow["jobs"]["lint"]["steps"]]
    (command,) = [step for step in steps if "dragoman lint" in step]
    arguments = command.partition(" lint ")[2].split()
    done = lint(*arguments, cwd=folder.parent)
    assert done.returncode == 0
    assert json.loads((folder.parent / "lint.sarif").read_text())["version"] == "2.1.0"
