"""What happens where a part of the system is missing: it is named, the tests that need it are skipped, and CI fails."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import RequiresProgram
from tests.image.containers import TREE

TESTS = """
import pytest

def test_that_runs():
    pass

def test_that_needs_a_program(requires_program):
    requires_program("sh", "no-such-program")

@pytest.mark.xfail(strict=True)
def test_that_is_expected_to_fail():
    raise AssertionError
"""
COLLECTED = "import pytest\n\npytest.skip('not here', allow_module_level=True)\n"


def _pytest(folder: Path, ci: str | None) -> subprocess.CompletedProcess[str]:
    """Pytest on a folder of tests of its own, with our conftest.py."""
    shutil.copy(TREE / "tests/conftest.py", folder)
    environ = {name: value for name, value in os.environ.items() if name != "CI"} | ({"CI": ci} if ci else {})
    command = (sys.executable, "-m", "pytest", "-ra", "-c", os.devnull, "--rootdir", str(folder), str(folder))
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


def test_a_missing_program_skips_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "test_parts.py").write_text(TESTS)
    done = _pytest(tmp_path, ci=None)
    assert done.returncode == 0
    assert "1 passed, 1 skipped, 1 xfailed" in done.stdout
    assert "missing from the system: no-such-program (scripts/install-system installs them)" in done.stdout


def test_in_ci_a_skip_is_a_failure_with_the_same_reason(tmp_path: Path) -> None:
    (tmp_path / "test_parts.py").write_text(TESTS)
    done = _pytest(tmp_path, ci="true")
    assert done.returncode == 1
    assert "1 failed, 1 passed, 1 xfailed" in done.stdout
    assert "missing from the system: no-such-program" in done.stdout


def test_in_ci_a_module_that_skips_itself_is_a_failure_too(tmp_path: Path) -> None:
    (tmp_path / "test_parts.py").write_text(TESTS)
    (tmp_path / "test_whole_module.py").write_text(COLLECTED)
    done = _pytest(tmp_path, ci="true")
    assert done.returncode != 0
    assert "not here" in done.stdout
    assert _pytest(tmp_path, ci=None).returncode == 0


def test_a_program_that_is_there_skips_nothing(requires_program: RequiresProgram) -> None:
    try:
        requires_program("sh")
    except pytest.skip.Exception:
        pytest.fail("skipped for a shell")


def _system_with(folder: Path, **programs: str) -> dict[str, str]:
    """The environment of a system with little more than a shell, and these programs, given as shell scripts."""
    for name in ("bash", "basename", "cat", "mktemp", "rm", "sed"):
        (folder / name).symlink_to(shutil.which(name) or name)
    (folder / "python3").symlink_to(Path(sys.executable).resolve())
    for name, script in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return {"PATH": str(folder), "HOME": str(folder), "TMPDIR": str(folder)}


def _install(environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = ("bash", str(TREE / "scripts/install-system"))
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


def test_where_it_may_not_install_it_names_what_is_missing_in_one_line(tmp_path: Path) -> None:
    done = _install(_system_with(tmp_path, id="echo 1000"))
    assert done.returncode == 0
    assert done.stdout.count("\n") == 1
    assert "buildah, podman" in done.stdout
    assert "wrk" in done.stdout
    assert "skipped" in done.stdout


def test_as_root_it_installs_what_is_missing_and_only_that(tmp_path: Path) -> None:
    log = tmp_path / "log"
    tools = {"id": "echo 0", "apt-get": f'echo "$@" >>{log}', "wrk": "true", "curl": "true"}
    done = _install(_system_with(tmp_path, **tools))
    assert done.returncode == 0, done.stderr
    update, install = log.read_text().splitlines()
    assert update.startswith("update ")
    assert install.startswith("install ")
    assert {"buildah", "podman"} <= set(install.split())
    assert not {"wrk", "curl"} & set(install.split())


def test_a_repository_that_does_not_answer_is_left_to_the_installation(tmp_path: Path) -> None:
    environ = _system_with(tmp_path, **{"id": "echo 0", "apt-get": 'test "$1" = install'})
    assert _install(environ).returncode == 0


def test_a_failed_installation_fails_and_shows_what_apt_said(tmp_path: Path) -> None:
    environ = _system_with(tmp_path, **{"id": "echo 0", "apt-get": "echo no room on the disk; exit 100"})
    done = _install(environ)
    assert done.returncode == 1
    assert "no room on the disk" in done.stderr


def test_with_everything_there_it_says_nothing(tmp_path: Path) -> None:
    needs = (TREE / "scripts/install-system").read_text().partition('NEEDS="\n')[2].partition('"\n')[0].split()
    names = [need.partition(":")[0] for need in needs]
    if missing := [name for name in names if name.startswith("/") and not Path(name).exists()]:
        pytest.skip(f"missing from the system: {', '.join(missing)}")
    tools = {name: "true" for name in names if not name.startswith("/")}
    done = _install(_system_with(tmp_path, id="echo 1000", **tools))
    assert (done.returncode, done.stdout) == (0, "")
