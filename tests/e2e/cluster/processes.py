"""Processes that end with the one that started them, even when that is killed with SIGKILL."""

import contextlib
import random
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_GENTLY = 10.0  # seconds that a process has after SIGTERM

# The kernel sends the death signal when the *thread* that started a process ends. This one ends with our process only.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="starter")


class Child:
    """A program that runs; its output goes to a file. `start` may be called again after an end."""

    def __init__(self, name: str, command: Sequence[str | Path], log: Path) -> None:
        self.name = name
        self._command = ["setpriv", "--pdeathsig", "KILL", *map(str, command)]
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process id; RuntimeError when it was never started."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it runs now."""
        return self._process is not None and self._process.poll() is None

    def start(self, environ: Mapping[str, str] | None = None, pass_fds: Sequence[int] = ()) -> None:
        """Start it, unless it runs."""
        if self.running:
            return

        def begin() -> subprocess.Popen[bytes]:
            with self._log.open("ab") as log:
                return subprocess.Popen(
                    self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environ, pass_fds=pass_fds
                )

        self._process = _starter.submit(begin).result()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal; nothing when it has ended."""
        if self._process is not None:
            self._process.send_signal(number)

    def kill(self) -> None:
        """kill -9, and wait for the end."""
        self.signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def end(self) -> None:
        """SIGTERM, wait, and SIGKILL if that is not enough."""
        self.signal(signal.SIGTERM)
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_GENTLY)
        self.kill()

    def check(self) -> None:
        """RuntimeError with the log's end when it does not run."""
        if not self.running:
            code = self._process.returncode if self._process else None
            raise RuntimeError(f"{self.name} ended with {code}:\n{self.log()[-3000:]}")

    def log(self) -> str:
        """What it wrote so far."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""


def quiet_port() -> int:
    """A free TCP port of 127.0.0.1 that the kernel gives to nobody by itself.

    A server may so be killed and come back: no outgoing connection takes its port meanwhile (not even one that tries to
    reach it, and then would talk to itself).
    """
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.SystemRandom().randrange(10000, max(lowest, 10001))
        with socket.socket() as attempt, contextlib.suppress(OSError):
            attempt.bind(("127.0.0.1", port))
            return port
