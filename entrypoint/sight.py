"""What the kernel and the run directory tell of a process: its state, its processor time, and its signs of life.

Parts of ours beat (`process.pulse`). Envoy and supervisord do not know of us, but their main threads wake up by
themselves, several times a second the one, once a second the other; and each time one goes to sleep again the kernel
counts it (`voluntary_ctxt_switches`). So they are watched without a question, which would cost a hundred times as much.

It is done each second for ever, so plain calls take the place of paths, and of whom a new sign of life is seen nothing
else is asked.
"""

import os
import re
from collections.abc import Mapping

from entrypoint.hanging import ENVOY, OURS, SUPERVISORD, UNKNOWN, Bounds, Sight

SUPERVISOR = "supervisord"
BEATING = ("watcher", "translator", "adsserver", "diagnostics", "reporter")
"""The parts that beat."""

_WAKING: Mapping[str, Bounds] = {"envoy": ENVOY, SUPERVISOR: SUPERVISORD}
_STATUS = re.compile(rb"\nState:\s*(\S).*\nvoluntary_ctxt_switches:\s*(\d+)", re.DOTALL)
_TICKS = os.sysconf("SC_CLK_TCK")
_NANO = 1_000_000_000
_DAY = 86_400


def sight_of(part: str, pid: int, beats: str, known: int | None) -> Sight | None:
    """The process as it is now; None when it is gone. `known`: its last sign of life that was seen."""
    try:
        if part in _WAKING:
            state, sleeps = _state_and_sleeps(pid)
            return Sight(pid, sleeps, state, None, _WAKING[part])
        beat, patience = _beat(f"{beats}/{part}") if part in BEATING else (None, 0.0)
        if beat is not None and beat != known:
            return Sight(pid, beat, "", None, OURS, patience)
        state, cpu = _state_and_cpu(pid)
        return Sight(pid, beat, state, cpu, UNKNOWN if beat is None else OURS, patience)
    except OSError:
        return None


def _state_and_cpu(pid: int) -> tuple[str, float]:
    """Of the main thread (proc_pid_stat(5)); the name before these fields may have spaces and brackets."""
    fields = _read(f"/proc/{pid}/task/{pid}/stat").rpartition(b")")[2].split()
    return fields[0].decode(), (int(fields[11]) + int(fields[12])) / _TICKS


def _state_and_sleeps(pid: int) -> tuple[str, int | None]:
    """Of the main thread: its state, and how often it went to sleep."""
    found = _STATUS.search(_read(f"/proc/{pid}/task/{pid}/status"))
    return (found[1].decode(), int(found[2])) if found else ("", None)


def _beat(file: str) -> tuple[int | None, float]:
    """The time of the last beat, and how long the next one may take; None when there is no such file to be had."""
    try:
        told = os.stat(file)  # noqa: PTH116
    except OSError:
        return None, 0.0
    patience = told.st_atime_ns / _NANO
    return told.st_mtime_ns, patience if patience < _DAY else 0.0


def _read(file: str) -> bytes:
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, 1 << 13)
    finally:
        os.close(descriptor)
