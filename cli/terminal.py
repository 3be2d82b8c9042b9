"""The terminal under `make run`: Ctrl-C is for the gateway alone, so that its exit code is make's too.

A terminal sends Ctrl-C to every process of its foreground group. Make would take it as its own end: it would wait for
the gateway, and then report an interruption, however well that ended. So the gateway takes the terminal for a group of
its own, and gives it back. Without make, or without a terminal, there is nothing to do.
"""

import contextlib
import os
import signal
from collections.abc import Iterator, Mapping

from entrypoint.orphans import dying_with


@contextlib.contextmanager
def foreground(environ: Mapping[str, str]) -> Iterator[None]:
    """Have the terminal for this process's own group, if it was started by make in the foreground of one.

    A make that dies, however it dies, ends this process.
    """
    if "MAKELEVEL" in environ:
        dying_with(os.getppid())()
    terminal = _shared_terminal() if "MAKELEVEL" in environ else None
    if terminal is None:
        yield
        return
    group = os.getpgrp()
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # to take the terminal from the background is what we want
    signal.signal(signal.SIGTSTP, signal.SIG_IGN)  # the shell knows make's group only, and could not wake ours
    os.setpgid(0, 0)
    os.tcsetpgrp(terminal, os.getpgrp())
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # the terminal may have been closed
            os.tcsetpgrp(terminal, group)
        os.close(terminal)


def _shared_terminal() -> int | None:
    """The controlling terminal, if this process is in its foreground group with another as the leader."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if os.tcgetpgrp(terminal) == os.getpgrp() != os.getpid():
            return terminal
    except OSError:
        pass
    os.close(terminal)
    return None
