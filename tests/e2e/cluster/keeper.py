"""The cluster from outside: a process that starts it, and leaves nothing of it behind when its owner asks or is gone.

    python -m tests.e2e.cluster.keeper FOLDER OWNER      the owner's pid; it ends the cluster by closing our stdin

It is in a session of its own, so that neither Ctrl-C nor a kill -9 of the owner reaches it: namespaces end with their
first process, but cgroups and files are nobody's.
"""

import contextlib
import json
import os
import select
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support.child import Child

_CGROUPS = Path("/sys/fs/cgroup")
_INHERITED = ("cpuset.cpus", "cpuset.mems")  # of cgroup v1: empty in a new group, and then no process may enter it
_SETTLE = 20.0  # seconds until a killed namespace's cgroups are empty

ENTER = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")


def main(folder: Path, owner: int) -> int:
    """Keep the cluster of a folder until its owner's end; the exit code is 0 unless the cluster ended first."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    plan = json.loads((folder / "plan.json").read_text())
    command = (*ENTER, sys.executable, "-m", "tests.e2e.cluster.node", folder)
    listeners = [number for number, _, _ in plan["forwards"]]
    inside = Child("cluster", command, folder / "node.log", pass_fds=listeners)
    try:
        for name in (plan["cgroup"], *(f"{plan['cgroup']}/{node}" for node in plan["nodes"])):
            _make_cgroup(name)
        inside.start()
        (folder / "pid").write_text(f"{_first_process(inside)}\n")
        return 0 if _wait(inside, owner) else 1
    finally:
        inside.kill()
        remove_cgroups(plan["cgroup"])
        for path in plan["remove"]:
            shutil.rmtree(path, ignore_errors=True)


def _first_process(inside: Child) -> int:
    """The first process of the new pid namespace, as this machine counts."""
    while True:
        inside.check()
        for status in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                if int(status.read_text().rpartition(")")[2].split()[1]) == inside.pid:
                    return int(status.parent.name)
        time.sleep(0.01)


def _wait(inside: Child, owner: int) -> bool:
    """Until the owner closes our stdin or ends (True), or the cluster ends by itself."""
    try:
        ends = [sys.stdin.fileno(), os.pidfd_open(owner)]
    except ProcessLookupError:
        return True
    own = os.pidfd_open(inside.pid)
    ready, _, _ = select.select([*ends, own], [], [])
    return own not in ready


def hierarchies() -> Iterator[Path]:
    """The roots of the machine's cgroups: one for all controllers (v2), or one for each (v1)."""
    if (_CGROUPS / "cgroup.controllers").exists():
        yield _CGROUPS
        return
    for root in _CGROUPS.iterdir():
        if not root.is_symlink() and (root / "cgroup.procs").exists():
            yield root


def _make_cgroup(name: str) -> None:
    for root in hierarchies():
        group = root / name
        group.mkdir()
        for setting in _INHERITED:
            if (group / setting).exists() and not (root / "cgroup.controllers").exists():
                (group / setting).write_text((group.parent / setting).read_text())


def remove_cgroups(name: str) -> None:
    """Remove a group and all below it, deepest first, as soon as they are empty."""
    end = time.monotonic() + _SETTLE
    for root in hierarchies():
        groups = sorted((root / name).glob("**/"), key=lambda group: -len(group.parts))
        for group in groups:
            while True:
                try:
                    group.rmdir()
                except FileNotFoundError:
                    pass
                except OSError:
                    if time.monotonic() < end:
                        time.sleep(0.02)
                        continue
                break


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
