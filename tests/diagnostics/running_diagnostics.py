"""The diagnostics as a process of its own, and, where no real Envoy would do, a stand-in for its admin interface."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import orjson

from tests.support.envoy import wait_until

ROOT = Path(__file__).parents[2]


class RunningDiagnostics:
    """`python -m diagnostics` on a run directory and a port of its own. A context manager."""

    def __init__(self, run_dir: Path, **environment: str) -> None:
        self.run_dir = run_dir
        self.log_path = run_dir / "diagnostics.log"
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            self.port = int(holder.getsockname()[1])
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "DRAGOMAN_RUN_DIR": str(run_dir),
            "AMBASSADOR_HEALTHCHECK_BIND_ADDRESS": "127.0.0.1",
            "AMBASSADOR_HEALTHCHECK_BIND_PORT": str(self.port),
            **environment,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(signal.SIGKILL)

    def start(self) -> None:
        """Start the process; returns when it listens."""
        before = self.log().count("listening")
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "diagnostics"], env=self._environment, stderr=log, cwd="/"
            )
        wait_until(lambda: self._runs() and self.log().count("listening") > before, what="diagnostics listening")

    def _runs(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            raise RuntimeError(f"diagnostics ended:\n{self.log()}")
        return True

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End the process; its exit code."""
        assert self.process
        self.process.send_signal(number)
        return self.process.wait(20)

    def log(self) -> str:
        """What it logged so far."""
        return self.log_path.read_text() if self.log_path.exists() else ""

    def get(self, path: str, *, method: str = "GET") -> httpx.Response:
        """One request."""
        return httpx.request(method, f"http://127.0.0.1:{self.port}{path}", timeout=20)

    def said(self, path: str) -> tuple[int, str]:
        """Status and text of one request."""
        response = self.get(path)
        return response.status_code, response.text.strip()

    def diag(self, only: str | None = None) -> Any:
        """The report, or one of its keys."""
        response = self.get("/ambassador/v0/diag/?json=true" + (f"&filter={only}" if only else ""))
        assert response.status_code == 200, response.text
        return orjson.loads(response.content)


class StandIn:
    """Answers on an admin socket as it is told: `answer` is given a connection after each request's head."""

    def __init__(self, path: Path, answer: Callable[[socket.socket, str], None]) -> None:
        self._answer = answer
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(path))
        self._socket.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            head = b""
            while b"\r\n\r\n" not in head and (more := connection.recv(65536)):
                head += more
            try:
                self._answer(connection, head.split(b" ")[1].decode())
            except OSError:
                return
