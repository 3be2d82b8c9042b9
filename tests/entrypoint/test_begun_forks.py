"""supervisord is a fork of the entrypoint that cannot be told from a process that was started for it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from entrypoint.supervision import CONF
from tests.support.envoy import wait_until

ROOT = CONF.parent.parent
PARENT = """
import asyncio, logging, os, pathlib, signal, sys, time, warnings
from entrypoint.forked import Files, Part, begin

async def main():
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, print, "the parent's")
    logging.captureWarnings(True)
    sys.excepthook = lambda *_: print("the parent's")
    other = os.open("/dev/null", os.O_RDONLY)
    kept = os.open("/dev/null", os.O_RDONLY)
    read, write = os.pipe()
    pid = begin(Part("tells", ("one", sys.argv[1])), {"ONLY": "this"}, Files(output=write, kept=(kept,)))
    os.close(write)
    said = b""
    while b"\\n" not in said:
        said += os.read(read, 1 << 16)
    print(pid, kept, other, flush=True)
    print(said.decode(), end="", flush=True)
    if sys.argv[1] == "linger":
        time.sleep(60)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)

asyncio.run(main())
"""
TELLS = """
import asyncio, json, logging, os, pathlib, signal, sys, time
async def nothing():
    return "ran"
if __name__ == "__main__":
    print(json.dumps({
        "argv": sys.argv[1:],
        "environ": dict(os.environ),
        "folder": os.getcwd(),
        "files": sorted(int(name) for name in os.listdir("/proc/self/fd")),
        "session": os.getsid(0) == os.getpid(),
        "handler": signal.getsignal(signal.SIGTERM) is signal.SIG_DFL,
        "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
        "wakes": signal.set_wakeup_fd(-1),
        "hook": sys.excepthook is sys.__excepthook__,
        "loop": asyncio.run(nothing()),
        "path": sys.path[0],
        "command": pathlib.Path("/proc/self/cmdline").read_bytes().rstrip(b"\\0").replace(b"\\0", b" ").decode(),
        "mark": "MARK=here" in pathlib.Path("/proc/self/environ").read_text(errors="replace"),
    }))
    if sys.argv[2] == "linger":
        time.sleep(60)
    sys.exit(7)
"""


def started(folder: Path, word: str) -> subprocess.Popen[str]:
    """A parent that has begun the part."""
    (folder / "tells.py").write_text(TELLS)
    (folder / "p.py").write_text(PARENT)
    return subprocess.Popen(
        ["p", "p.py", word],
        executable=sys.executable,
        cwd=folder,
        env={"FIRST": "x" * 300, **os.environ, "PYTHONPATH": f"{ROOT}:{folder}", "MARK": "here"},
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def told(tmp_path: Path) -> dict[str, Any]:
    """What a part says of itself that was begun within a running event loop, and what its parent says of it."""
    with started(tmp_path, "two") as parent:
        out, _ = parent.communicate(timeout=60)
    head, said, code = out.splitlines()
    pid, kept, other = map(int, head.split())
    return {**json.loads(said), "pid": pid, "kept": kept, "other": other, "code": code}


def test_nothing_of_its_parent_is_left_in_it(told: dict[str, Any]) -> None:
    assert told["argv"] == ["one", "two"]
    assert told["environ"] == {"ONLY": "this"}
    assert told["folder"] == "/"
    assert told["files"][:3] == [0, 1, 2]
    assert told["kept"] in told["files"]
    assert told["other"] not in told["files"]
    assert told["session"]
    assert told["handler"]
    assert told["blocked"] == []
    assert told["wakes"] == -1
    assert told["hook"]
    assert told["loop"] == "ran"
    assert told["path"] == str(ROOT)
    assert told["code"] == "7"


def test_its_name_may_be_longer_than_its_parents(told: dict[str, Any]) -> None:
    name = told["command"]
    assert name.endswith(" -P -m tells one two")
    assert len(name) > len("p p.py two")
    assert told["mark"]  # the rest of the environment of the start is still told


def test_it_is_told_when_its_parent_dies(tmp_path: Path) -> None:
    with started(tmp_path, "linger") as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline().split()[0])
        assert parent.stdout.readline()
        parent.send_signal(signal.SIGKILL)
        wait_until(lambda: not Path(f"/proc/{pid}/task").exists() or _is_dead(pid), what="the fork ends")


def _is_dead(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
