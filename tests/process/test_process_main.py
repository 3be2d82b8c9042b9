"""The frame of a process, as a process: how it ends, what it says, and what starting it costs."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

Start = Callable[..., "subprocess.Popen[str]"]

FRAME = """
import asyncio, sys
from process.main import run

async def main(settings, stopping):
    print("ready", type(asyncio.get_running_loop()).__module__, flush=True)
{body}

sys.exit(run("watcher", main))
"""


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def run(*body: str, **environ: str) -> "subprocess.Popen[str]":
        source = FRAME.format(body="\n".join(f"    {line}" for line in body))
        environ["PYTHONPATH"] = str(ROOT)
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen([sys.executable, "-c", source], env=environ, text=True, **pipes)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(("body", "code"), [("return None", 0), ("return 0", 0), ("return 3", 3)])
def test_it_ends_with_the_code_that_its_coroutine_returns(start: Start, body: str, code: int) -> None:
    process = start(body)
    out, errors = process.communicate()
    assert (process.returncode, out, errors) == (code, "ready uvloop\n", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_asks_it_to_end(start: Start, number: signal.Signals) -> None:
    process = start("await stopping.wait()", "await asyncio.sleep(0)", "print('tidied up')")
    assert process.stdout.readline() == "ready uvloop\n"
    process.send_signal(number)
    assert process.communicate() == ("tidied up\n", "")
    assert process.returncode == 0


def test_a_second_signal_insists(start: Start) -> None:
    process = start("await stopping.wait()", "print('stopping', flush=True)", "await asyncio.sleep(3600)")
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "stopping\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate() == ("", "")
    assert process.returncode == 128 + signal.SIGINT


@pytest.mark.parametrize("json_logs", [False, True])
def test_a_failure_is_logged_on_one_line_and_gives_1(start: Start, json_logs: bool) -> None:
    process = start("raise KeyError('what')", AMBASSADOR_JSON_LOGGING=str(json_logs))
    _, errors = process.communicate()
    assert process.returncode == 1
    assert errors.count("\n") == 1
    assert "KeyError: 'what'" in errors
    if json_logs:
        assert json.loads(errors)["part"] == "watcher"
    else:
        assert " error   watcher     failed  failure=" in errors


def test_a_failure_while_it_is_stopping_is_a_failure_too(start: Start) -> None:
    process = start("await stopping.wait()", "raise RuntimeError('too late')")
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate()
    assert process.returncode == 1
    assert "RuntimeError: too late" in errors


def test_a_coroutine_that_cancels_itself_failed(start: Start) -> None:
    process = start("asyncio.current_task().cancel()", "await asyncio.sleep(0)")
    _, errors = process.communicate()
    assert process.returncode == 1
    assert errors.count("\n") == 1
    assert "CancelledError" in errors


def test_settings_come_from_the_environment_and_a_bad_one_gives_2(start: Start) -> None:
    process = start("print(settings.namespace)", AMBASSADOR_NAMESPACE="edge")
    assert process.communicate() == ("ready uvloop\nedge\n", "")
    process = start("print(settings.namespace)", AES_LOG_LEVEL="loud")
    out, errors = process.communicate()
    assert process.returncode == 2
    assert out == ""
    assert errors.startswith("watcher: AES_LOG_LEVEL: 'loud' is none of ")
    assert errors.count("\n") == 1


MEASURE = """
import sys
before = set(sys.modules)
import process.main, process.logs, snapshot, snapshot.bell
print(len(set(sys.modules) - before), *{name.partition(".")[0] for name in sys.modules})
"""


def test_the_frame_and_the_snapshot_import_little() -> None:
    """About 200 modules; every part has them, and each costs about 0.4 ms of CPU when the part starts."""
    command = [sys.executable, "-c", MEASURE]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    count, *names = run.stdout.split()
    assert not {"rich", "aiohttp", "grpc", "pydantic", "pygments", "multiprocessing", "unittest"} & set(names)
    assert int(count) < 260
