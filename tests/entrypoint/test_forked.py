"""A fork that goes on as a part cannot be told from a Python that was started for it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from entrypoint.forked import Part, part_of
from entrypoint.loading import modules_of, parts
from entrypoint.supervision import CONF
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway

ROOT = CONF.parent.parent
PARENT = """
import os, signal, sys
from entrypoint.forked import become, part_of
signal.signal(signal.SIGTERM, lambda *_: None)
signal.signal(signal.SIGCHLD, lambda *_: None)
sys.argv = ["supervisord", "--configuration", "x" * 200]
__import__(sys.orig_argv[-1].split()[0])
child = os.fork()
if child == 0:
    become(part_of([sys.executable, "-P", "-m", *sys.orig_argv[-1].split()], sys.executable), ENVIRON)
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print("ended", code, flush=True)
"""
TELLS = """
import json, os, pathlib, signal, sys, threading
if __name__ == "__main__":
    print(json.dumps({
        "argv": sys.argv[1:],
        "file": pathlib.Path(sys.argv[0]).name,
        "main": sys.modules["__main__"].__dict__ is globals(),
        "environ": dict(os.environ),
        "signals": [signal.getsignal(number) is signal.SIG_DFL for number in (signal.SIGTERM, signal.SIGCHLD)],
        "interrupt": signal.getsignal(signal.SIGINT) is not signal.SIG_DFL,
        "command": pathlib.Path("/proc/self/cmdline").read_text().replace(chr(0), " ").strip(),
        "mark": "MARK=here" in pathlib.Path("/proc/self/environ").read_text(),
    }))
"""


def forked(folder: Path, program: str, words: str = "tells one two") -> subprocess.CompletedProcess[str]:
    """What a process says that imports `program`, and then becomes it in a fork."""
    (folder / "tells.py").write_text(program)
    (folder / "parent.py").write_text(PARENT.replace("ENVIRON", "{'ONLY': 'this'}"))
    return subprocess.run(
        [sys.executable, "-P", str(folder / "parent.py"), words],
        env={"FIRST": "x" * 200, **os.environ, "PYTHONPATH": f"{ROOT}:{folder}", "MARK": "here"},
        capture_output=True,
        text=True,
        check=True,
    )


def test_arguments_environment_signals_and_name_are_its_own(tmp_path: Path) -> None:
    done = forked(tmp_path, TELLS)
    said, ended = done.stdout.splitlines()
    assert done.stderr == ""
    assert ended == "ended 0"
    told = json.loads(said)
    assert told.pop("command") == f"{sys.executable} -P -m tells one two"
    assert told == {
        "argv": ["one", "two"],
        "file": "tells.py",
        "main": True,
        "environ": {"ONLY": "this"},
        "signals": [True, True],
        "interrupt": True,
        "mark": True,  # tools find processes by it
    }


@pytest.mark.parametrize(
    ("end", "code", "said"),
    [
        ("sys.exit()", 0, ""),
        ("sys.exit(7)", 7, ""),
        ("sys.exit(-1)", 255, ""),
        ("sys.exit('why')", 1, "why\n"),
        ("raise ValueError('odd')", 1, "ValueError: odd\n"),
        ("raise KeyboardInterrupt", 130, ""),
        ("os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM, ""),
    ],
)
def test_it_ends_as_an_interpreter_ends(tmp_path: Path, end: str, code: int, said: str) -> None:
    done = forked(tmp_path, f"import os, signal, sys\nif __name__ == '__main__': {end}\n")
    assert done.stdout == f"ended {code}\n"
    assert done.stderr.endswith(said)
    assert bool(done.stderr) == bool(said)


def test_its_threads_and_its_last_deeds_are_waited_for(tmp_path: Path) -> None:
    program = """
        import atexit, sys, threading, time
        if __name__ == "__main__":
            atexit.register(print, "at exit")
            threading.Thread(target=lambda: (time.sleep(0.1), print("thread"))).start()
            sys.exit(3)
    """
    assert forked(tmp_path, "if True:" + program).stdout.splitlines() == ["thread", "at exit", "ended 3"]


@pytest.mark.parametrize(
    "command",
    [
        ["/other/python", "-P", "-m", "watcher"],
        [sys.executable, "-m", "watcher"],
        [sys.executable, "-P", "-m"],
        [sys.executable, "-P", "-c", "pass"],
        ["/bin/true"],
        [],
    ],
)
def test_what_is_no_part_is_started_as_it_is(command: list[str]) -> None:
    assert part_of(command, sys.executable) is None


def test_a_part_is_told_by_its_command() -> None:
    command = [sys.executable, "-P", "-m", "entrypoint.demo", "127.0.0.1:80"]
    assert part_of(command, sys.executable) == Part("entrypoint.demo", ("127.0.0.1:80",))


def test_what_will_run_is_known_before_and_what_is_not_there_is_left_to_who_starts_it() -> None:
    commands = [
        f'"{sys.executable}" -P -m {module}' for module in ("watcher", "entrypoint.demo", "absent", "absent.too")
    ]
    assert modules_of([*commands, "/bin/sleep 5"]) == ["watcher.__main__", "entrypoint.demo"]


@pytest.mark.system
def test_the_parts_are_forks_and_share_what_they_do_not_change() -> None:
    with Gateway() as gateway:
        for part in set(parts(CONF)) - {"envoy", "demo", "reporter"}:
            pid = wait_until(lambda part=part: gateway.pid_of(part), what=part)
            lines = [line.split() for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]]
            sizes = {words[0]: int(words[1]) for words in lines}
            assert sizes["Pss_Anon:"] < 0.6 * sizes["Anonymous:"], part


def test_no_import_of_a_part_begins_a_thread() -> None:
    """A fork has one thread only, and what another held of locks would be held in it for ever."""
    modules = modules_of(f'"{sys.executable}" -P -m {part}' for part in parts(CONF) if part not in {"envoy", "demo"})
    assert len(modules) == 5
    count = "import importlib, os, sys; [importlib.import_module(name) for name in sys.argv[1:]]; "
    count += "print(len(os.listdir('/proc/self/task')))"
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-P", "-c", count, *modules], env=environ, capture_output=True, check=True)
    assert done.stdout == b"1\n"
