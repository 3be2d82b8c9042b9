"""Processes that end with the one that started them, even when that is killed with SIGKILL."""

import signal
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support.scoped import Scoped

END = 60.0  # seconds that a process has to end, once it is asked to or killed

# The kernel sends the death signal when the *thread* that started a process ends. This one ends with our process only.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="starter")


class Child(Scoped):
    """A program that runs; its output goes to a file. `start` may be called again after an end."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        log: Path,
        *,
        environ: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        """`environ` and `cwd` None: ours. `pass_fds`: what it inherits of our open files."""
        self.name = name
        self.environ = None if environ is None else dict(environ)
        self.log_path = log
        self._command = ["setpriv", "--pdeathsig", "KILL", *map(str, command)]
        self._cwd = cwd
        self._pass_fds = pass_fds
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process id; RuntimeError when it was never started."""
        return self._started().pid

    @property
    def running(self) -> bool:
        """Whether it runs now."""
        return self._process is not None and self._process.poll() is None

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process

    def start(self) -> None:
        """Start it, unless it runs."""
        if self.running:
            return

        def begin() -> subprocess.Popen[bytes]:
            with self.log_path.open("ab") as log:
                return subprocess.Popen(
                    self._command,
                    cwd=self._cwd,
                    env=self.environ,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=self._pass_fds,
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
            self._process.wait(END)

    def wait(self, seconds: float = END) -> int:
        """The exit code of a process that ends; subprocess.TimeoutExpired when it does not."""
        return self._started().wait(seconds)

    def end(self, seconds: float = END) -> int:
        """SIGTERM, and the exit code; subprocess.TimeoutExpired when that does not end it."""
        self.signal(signal.SIGTERM)
        return self.wait(seconds)

    def close(self) -> None:
        """kill -9, if it runs."""
        self.kill()

    def check(self) -> None:
        """RuntimeError with the log's end when it does not run."""
        if not self.running:
            code = self._process.returncode if self._process else None
            raise RuntimeError(f"{self.name} ended with {code}:\n{self.log()[-4000:]}")

    def log(self) -> str:
        """What it wrote so far."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""
