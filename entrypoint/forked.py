"""A part of ours as a fork of its supervisor: what parts import is there already, once in memory for all of them.

The fork is made like a Python that was just started, as far as its code can tell: signals, arguments, environment and
`__main__` are its own, and it ends as an interpreter ends. What it inherits of its parent's objects it never frees:
some hold numbers of files that are closed here, and that belong to others soon.
"""

import atexit
import contextlib
import gc
import logging
import os
import runpy
import signal
import sys
import threading
import traceback
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from entrypoint.orphans import dying_with
from entrypoint.title import entitle

_OPTIONS = ["-P", "-m"]
"""How supervisord's configuration starts Python for a part; with anything else a new one is started."""
_FORGOTTEN: list[ModuleType | None] = []
_ROOT = str(Path(__file__).resolve().parent.parent)
_HOOKS = sys.__excepthook__, threading.__excepthook__, sys.__unraisablehook__
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


@dataclass(frozen=True, slots=True)
class Files:
    """What a part has of open files: where it writes what it says, and what else stays open in it."""

    output: int
    kept: Collection[int] = ()


def begin(part: Part, environ: Mapping[str, str], files: Files) -> int:
    """Fork a process that goes on as this part; its process id. Only a process of one thread may ask.

    It has a session of its own, so that a terminal's Ctrl-C does not reach it, and is told when its parent dies.
    """
    parent = os.getpid()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # nobody reads there any more
            stream.flush()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    pid = os.fork()
    if pid == 0:
        _leave(parent, files)
        _forget_signals()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        become(part, environ)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return pid


def _leave(parent: int, files: Files) -> None:
    """Let go of what is the parent's: its terminal, its files, its folder, its handlers, its way to modules."""
    try:
        signal.set_wakeup_fd(-1)
        os.setsid()
        dying_with(parent)()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for descriptor, standard in ((nothing, 0), (files.output, 1), (files.output, 2)):
            os.dup2(descriptor, standard)
        for descriptor in _open_files() - {0, 1, 2, *files.kept}:
            with contextlib.suppress(OSError):
                os.close(descriptor)
        os.chdir("/")
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(line_buffering=True)
        logging.captureWarnings(capture=False)
        sys.excepthook, threading.excepthook, sys.unraisablehook = _HOOKS
        if not sys.flags.safe_path:
            sys.path[0] = _ROOT
    except BaseException:  # noqa: BLE001 -- nothing of the parent may go on in its fork
        traceback.print_exc()
        os._exit(1)


def _open_files() -> set[int]:
    return {int(name) for name in os.listdir("/proc/self/fd")}  # noqa: PTH208 -- numbers are wanted


def become(part: Part, environ: Mapping[str, str]) -> NoReturn:
    """Go on as this part, in a process that was just forked, and end with it."""
    gc.freeze()
    _forget_signals()
    os.environ.clear()
    entitle(" ".join([sys.executable, *_OPTIONS, part.module, *part.arguments]))
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
