"""The name of a process in `ps`: what the kernel shows is where its arguments were when it was started.

A fork has the arguments of the process that was started, and these may be shorter than its own name. The kernel reads
on into the environment of the start then, which lies behind them; so the name goes there, over as much of it as it
needs, and the rest stays to be read in /proc. Nothing of the process may point there any more.
"""

import ctypes
from pathlib import Path
from typing import Final

_STAT: Final = Path("/proc/self/stat")
_ARGUMENTS, _ARGUMENTS_END, _ENVIRONMENT_END = 48, 49, 51
"""Fields of proc_pid_stat(5); the first one behind the name is the third."""


def entitle(title: str) -> None:
    """Give this process a name; cut where there is no room. Where the kernel does not say the place, nothing."""
    fields = _STAT.read_bytes().rpartition(b")")[2].split()
    start, arguments_end, end = (int(fields[each - 3]) for each in (_ARGUMENTS, _ARGUMENTS_END, _ENVIRONMENT_END))
    if not 0 < start < arguments_end <= end:
        return
    before = ctypes.string_at(start) if ctypes.string_at(arguments_end - 1, 1) != b"\0" else b""
    name = title.encode(errors="surrogateescape")[: end - start - 1]
    room = max(arguments_end - start, len(before), len(name) + 1)
    ctypes.memmove(start, name.ljust(room, b"\0"), room)
