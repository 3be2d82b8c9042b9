"""A program in a terminal of its own, as a shell starts it: what it shows, and keys that are pressed."""

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import termios
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.entrypoint.house import MARK, left
from tests.support.envoy import wait_until
from tests.support.gateway import ROOT

CTRL_C = b"\x03"


@dataclass(slots=True)
class Terminal:
    """A program in a terminal of its own."""

    process: subprocess.Popen[bytes]
    screen: int
    mark: str
    _text: list[bytes] = field(default_factory=list)

    def read(self) -> None:
        """Collect what is shown, until the program and its children have ended."""
        with contextlib.suppress(OSError):  # how a terminal that nobody has open any more says so
            while chunk := os.read(self.screen, 65536):
                self._text.append(chunk)

    @property
    def text(self) -> str:
        """What is shown so far."""
        return b"".join(self._text).decode(errors="replace").replace("\r\n", "\n")

    def wait_for(self, said: str) -> None:
        """Wait until it is shown."""
        wait_until(lambda: said in self.text or self._check(), 60, what=f"{said!r} in:\n{self.text}")

    def _check(self) -> bool:
        assert self.process.poll() is None, self.text
        return False

    def resize(self, columns: int, lines: int) -> None:
        """Make it another size, as who draws its window does."""
        fcntl.ioctl(self.screen, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def press(self, key: bytes) -> None:
        """Press a key."""
        os.write(self.screen, key)

    def code(self) -> int:
        """Wait for the end; the exit code."""
        return self.process.wait(60)


@contextlib.contextmanager
def terminal(*command: str, **environment: str) -> Iterator[Terminal]:
    """Run a command in a new terminal, as a shell does: as the leader of its foreground group."""
    screen, inside = pty.openpty()
    mark = uuid.uuid4().hex
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environ | environment | {MARK: mark},
        stdin=inside,
        stdout=inside,
        stderr=inside,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(inside, termios.TIOCSCTTY, 0),  # noqa: PLW1509 -- one system call
    )
    os.close(inside)
    shown = Terminal(process, screen, mark)
    reader = threading.Thread(target=shown.read)
    reader.start()
    try:
        yield shown
    finally:
        process.terminate()  # else Envoy, which shows nobody's environment, would be left
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        for pid in (process.pid, *left(mark)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)
        process.wait()
        reader.join(30)
        os.close(screen)
