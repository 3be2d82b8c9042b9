"""Other processes that use the snapshot: real ones, since its promises are made between processes."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]

Process = subprocess.Popen[str]
Start = Callable[..., Process]


def spawn(source: str, *arguments: object) -> Process:
    """Python on the project's packages, with the source's text and arguments, and pipes for stdin and stdout."""
    return subprocess.Popen(
        [sys.executable, "-c", source, *map(str, arguments)],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for a condition; AssertionError when it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.005)


HOLDER = """
import os, sys
from pathlib import Path
from snapshot import Record, Snapshot
snapshot = Snapshot.open(Path(sys.argv[1]))
writer = snapshot.writer(sys.argv[2])
writer.commit({"held": Record("1", b"by another process")})
print(os.getpid(), flush=True)
for line in sys.stdin:
    print(writer.commit({"held": Record(line, b"")}), flush=True)
snapshot.close()
"""
"""Opens the snapshot, commits one record, says its pid, and commits once more for every line it is sent."""


def hold(start: Start, path: Path, database: str) -> Process:
    """A HOLDER of this database that has committed its record."""
    holder = start(HOLDER, path, database)
    assert int(holder.stdout.readline()) == holder.pid
    return holder


def kill(process: Process) -> None:
    """kill -9, and wait for the end."""
    process.kill()
    process.wait()
