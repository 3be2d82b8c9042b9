"""Nothing is left behind: whose child an orphan becomes, who dies with whom, and the end of every process below us.

As PID 1 the entrypoint inherits every orphan of the container; elsewhere it asks the kernel for the same (a child
subreaper, prctl(2)). So the children of a killed supervisord are found again, and ended.
"""

import ctypes
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

_prctl = ctypes.CDLL(None, use_errno=True).prctl


def adopt_orphans() -> None:
    """From now on, orphaned descendants become children of this process."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def dying_with(parent: int) -> Callable[[], None]:
    """What a process calls to get SIGTERM when `parent`, the process that started it, dies however it dies.

    It is made for `preexec_fn`: the setting survives an exec.
    """

    def prepare() -> None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it died before the kernel was told
            os._exit(1)

    return prepare


def reap() -> Iterator[tuple[int, int]]:
    """Each ended child that nobody has waited for: its process id and exit code (minus the signal that killed it)."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, os.waitstatus_to_exitcode(status)


def children() -> list[int]:
    """The process ids of this process's children, ended ones included (field 4 of /proc/PID/stat is the parent)."""
    mine = os.getpid()
    return [int(process.name) for process in Path("/proc").iterdir() if _parent(process) == mine]


def end_children(patience: float) -> int:
    """End every child and whatever they leave behind: SIGTERM, after `patience` s SIGKILL; how many there were."""
    deadline = time.monotonic() + patience
    told: set[int] = set()
    while True:
        for _ in reap():
            pass
        left = children()
        if not left:
            return len(told)
        late = time.monotonic() >= deadline
        for pid in left:
            if late or pid not in told:
                _signal(pid, signal.SIGKILL if late else signal.SIGTERM)
        told.update(left)
        time.sleep(0.005)


def _parent(process: Path) -> int | None:
    if not process.name.isdecimal():
        return None
    try:
        stat = (process / "stat").read_text(errors="replace")
    except OSError:
        return None
    return int(stat.rpartition(")")[2].split()[1])


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
