"""A part of ours as a fork of its supervisor: what parts import is there already, once in memory for all of them.

The fork is made like a Python that was just started, as far as its code can tell: signals, arguments, environment and
`__main__` are its own, and it ends as an interpreter ends. What it inherits of its parent's objects it never frees:
some hold numbers of files that are closed here, and that belong to others soon.
"""

import atexit
import gc
import os
import runpy
import signal
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import NoReturn

from setproctitle import setproctitle

_OPTIONS = ["-P", "-m"]
"""How supervisord's configuration starts Python for a part; with anything else a new one is started."""
_FORGOTTEN: list[ModuleType | None] = []
_KEPT = (signal.SIG_DFL, signal.SIG_IGN, None)


@dataclass(frozen=True, slots=True)
class Part:
    """What `python -P -m MODULE ARGUMENTS` names."""

    module: str
    arguments: tuple[str, ...]


def part_of(command: Sequence[str], python: str) -> Part | None:
    """The part that a command starts; None where it is not one for this very Python."""
    if list(command[1:3]) != _OPTIONS or command[0] != python or len(command) < 4:
        return None
    return Part(command[3], tuple(command[4:]))


def become(part: Part, environ: Mapping[str, str]) -> NoReturn:
    """Go on as this part, in a process that was just forked, and end with it."""
    gc.freeze()
    _forget_signals()
    os.environ["SPT_NOENV"] = "1"  # the title does not spread over what /proc tells of the environment
    setproctitle(" ".join([sys.executable, *_OPTIONS, part.module, *part.arguments]))
    os.environ.clear()
    os.environ.update(environ)
    sys.argv[1:] = part.arguments
    os._exit(_run(part.module))


def _run(module: str) -> int:
    """The exit code, by the interpreter's own rules."""
    code = 0
    try:
        _forget(module)
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = _code_of(end)
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    except BaseException:  # noqa: BLE001 -- nothing is above that could say it
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 -- as multiprocessing ends its forks
    atexit._run_exitfuncs()  # noqa: SLF001
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return code


def _forget(module: str) -> None:
    """Let it run as if it had not been imported; what it made then stays, since others may have taken it from there."""
    name = f"{module}.__main__" if hasattr(sys.modules.get(module), "__path__") else module
    _FORGOTTEN.append(sys.modules.pop(name, None))


def _code_of(end: SystemExit) -> int:
    if end.code is None or isinstance(end.code, int):
        return (end.code or 0) & 0xFF
    print(end.code, file=sys.stderr)  # noqa: T201 -- what `sys.exit(text)` means
    return 1


def _forget_signals() -> None:
    """As an exec does: what the parent handled is as it is by default; and as Python does at its start."""
    for number in signal.valid_signals():
        if signal.getsignal(number) not in _KEPT:
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
