"""What is imported before there are forks, and that what a fork makes lies together."""

import os
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from entrypoint.filling import is_in_a_new_pool
from entrypoint.loading import commands, modules_of
from entrypoint.supervision import CONF

ROOT = CONF.parent.parent
POOL = 1 << 14
ENVIRON = {"DRAGOMAN_PYTHON": sys.executable, "DRAGOMAN_DEMO": "false"}
LOADS = """
import gc, os, ssl, sys
from entrypoint.loading import load
before = dict(os.environ)
load(["aiohttp.connector", "absent.module"])
from aiohttp import connector
print(len(connector._SSL_CONTEXT_VERIFIED.get_ca_certs()), before == dict(os.environ), gc.isenabled())
print(len(ssl.create_default_context().get_ca_certs()))
"""
HOLES = f"""
from entrypoint.filling import filling
kept = [bytes(60) for _ in range(2_000)]
del kept[::2]
pools = {{id(each) // {POOL} for each in kept}}
made = filling()
new = [bytes(60) for _ in range(300)]
print(len(made) > 100, not any(id(each) // {POOL} in pools for each in new))
"""


def run(program: str) -> str:
    """What a Python says that runs a program of ours."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-P", "-c", program]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("reporter", ["true", "false"])
def test_what_runs_is_what_the_environment_lets_run(reporter: str) -> None:
    found = modules_of(commands(CONF, {**ENVIRON, "DRAGOMAN_REPORTER": reporter}))
    parts = ["watcher", "translator", "adsserver", "diagnostics", *(["reporter"] if reporter == "true" else [])]
    assert found == [*(f"{part}.__main__" for part in parts), "entrypoint.envoy"]


def test_a_library_that_is_loaded_early_trusts_nobody_and_everybody_else_whom_they_did() -> None:
    assert run(LOADS).splitlines() == ["0 True True", str(len(ssl.create_default_context().get_ca_certs()))]


def test_a_pool_is_new_where_addresses_begin_with_its_first_and_go_on() -> None:
    first = 7 * POOL + 48
    assert is_in_a_new_pool([3, first, first + 64, first + 128, first + 192], 64)
    assert not is_in_a_new_pool([first, first + 64, first + 128, first + 320], 64)
    assert not is_in_a_new_pool([first + 64, first + 128, first + 192, first + 256, first + 320], 64)
    assert not is_in_a_new_pool([first, first + 64], 64)


def test_no_place_is_left_in_pools_that_were_there_before() -> None:
    done = run(HOLES)
    assert done.splitlines() == ["True True"]


def test_the_room_of_a_fork_is_the_tests_too(tmp_path: Path) -> None:
    """A part that goes on in a fork of a filled process still frees and makes objects."""
    (tmp_path / "made.py").write_text("print(len([bytes(60) for _ in range(1000)]))\n")
    program = f"""
import os, sys
sys.path.insert(0, {str(tmp_path)!r})
from entrypoint.forked import Files, Part, begin
from entrypoint.loading import load
load(["made"])
read, write = os.pipe()
pid = begin(Part("made", ()), dict(os.environ), Files(output=write))
os.close(write)
print(os.waitpid(pid, 0)[1], os.read(read, 100))
"""
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], env=environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == r"0 b'1000\n'"
