"""`dragoman run --live`: the gateway in a process of its own, and its terminal as one picture that changes.

What the gateway would have written to the terminal becomes lines of the picture, and stands there at the end. Whoever
presses Ctrl-C means both processes, and the terminal tells both: this one waits for the other, and ends as it did.
"""

import contextlib
import os
import select
import signal
import sys
import termios
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from cli.diag import PAGE, Diag
from cli.looking import Looking
from cli.picture import Seen, picture
from cli.screen import size
from entrypoint.orphans import dying_with
from entrypoint.ready import diagnostics_host
from process.settings import Settings
from process.text import escaped

LAST: Final = 20
"""Lines of the log that stay on the terminal at the end."""

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGWINCH, signal.SIGCHLD)
_ENTER: Final = "\x1b[?1049h\x1b[?25l\x1b[?7l"
"""A screen of our own, without a cursor, whose lines do not go on below."""
_LEAVE: Final = "\x1b[?7h\x1b[?25h\x1b[?1049l"


def is_possible(environ: Mapping[str, str]) -> bool:
    """Whether there is a terminal that can show a picture."""
    return sys.stdin.isatty() and sys.stdout.isatty() and environ.get("TERM", "dumb") != "dumb"


def shown(gateway: Callable[[], int], settings: Settings) -> int:
    """Run the gateway in a process of its own, and show it; its exit code."""
    reading, writing = os.pipe()
    mine, pid = os.getpid(), os.fork()
    if pid == 0:
        _become(gateway, mine, reading, writing)
    os.close(writing)
    base = _diagnostics(settings)
    seen = Seen(str(settings.config_dir), f"{base}{PAGE}")
    with Looking(Diag(base)) as looking, _waking() as woken, _screen():
        code = _Show(pid, reading, woken, seen, looking).run()
    for line in [*seen.log][-LAST:]:
        sys.stdout.write(f"{line}\n")
    return code if code >= 0 else 128 - code


def _become(gateway: Callable[[], int], parent: int, reading: int, writing: int) -> None:
    """Be the gateway, to whom the pipe is the terminal; does not return."""
    dying_with(parent)()
    os.close(reading)
    for stream in (1, 2):
        os.dup2(writing, stream)
    os.close(writing)
    code = 1
    try:
        code = gateway()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _diagnostics(settings: Settings) -> str:
    host = diagnostics_host(settings)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.diagnostics_port}"


@contextlib.contextmanager
def _waking() -> Iterator[int]:
    """A descriptor that can be read when a signal came, which then does nothing else."""
    reading, writing = os.pipe()
    for each in (reading, writing):
        os.set_blocking(each, False)
    before = {number: signal.signal(number, lambda *_: None) for number in _SIGNALS}
    woken = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        yield reading
    finally:
        signal.set_wakeup_fd(woken)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reading)
        os.close(writing)


@contextlib.contextmanager
def _screen() -> Iterator[None]:
    """The terminal without echo and suspension; as it was afterwards."""
    was = termios.tcgetattr(0)
    now = termios.tcgetattr(0)
    now[3] &= ~(termios.ECHO | termios.ICANON)
    now[6][termios.VSUSP] = b"\0"  # the picture would stand in the shell
    termios.tcsetattr(0, termios.TCSADRAIN, now)
    _write(_ENTER)
    try:
        yield
    finally:
        _write(_LEAVE)
        with contextlib.suppress(termios.error):  # it was closed
            termios.tcsetattr(0, termios.TCSAFLUSH, was)


def _write(text: str) -> None:
    with contextlib.suppress(OSError):  # it was closed
        sys.stdout.write(text)
        sys.stdout.flush()


class _Show:
    """The loop: draws when something is told, or the terminal has another size."""

    def __init__(self, pid: int, log: int, woken: int, seen: Seen, looking: Looking) -> None:
        self._pid = pid
        self._log = log
        self._woken = woken
        self._seen = seen
        self._looking = looking
        self._rest = b""

    def run(self) -> int:
        """Until the gateway has ended; its exit code, minus the signal that ended it."""
        streams = [self._log, self._woken, self._looking.fd]
        while True:
            self._draw()
            ready, _, _ = select.select(streams, [], [])
            if self._looking.fd in ready:
                self._seen.answer = self._looking.answer()
            if self._log in ready and not self._read():
                streams.remove(self._log)
            if self._woken in ready:
                self._heard(os.read(self._woken, 4096))
            ended, status = os.waitpid(self._pid, os.WNOHANG)
            if ended:
                self._read_rest()
                return os.waitstatus_to_exitcode(status)

    def _draw(self) -> None:
        here = size()
        lines = picture(self._seen, here.columns, here.lines)
        _write("\x1b[H" + "\r\n".join(f"{line}\x1b[K" for line in lines) + "\x1b[J")

    def _heard(self, numbers: bytes) -> None:
        """Signals: what ends us ends the gateway. Ctrl-C the terminal has told it itself."""
        if signal.SIGTERM in numbers or signal.SIGHUP in numbers:
            os.kill(self._pid, signal.SIGTERM)
        if {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}.intersection(numbers):
            self._seen.is_ending = True

    def _read(self) -> bool:
        """Take over what there is of the log; False: there will be no more."""
        chunk = os.read(self._log, 65536)
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        self._seen.log.extend(escaped(line.decode(errors="replace")) for line in whole)
        return bool(chunk)

    def _read_rest(self) -> None:
        """What was written before the end; somebody whom nobody could end may still have the pipe."""
        while select.select([self._log], [], [], 0)[0] and self._read():
            pass
