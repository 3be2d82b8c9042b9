"""The diagnostics as a process of its own, and, where no real Envoy would do, a stand-in for its admin interface."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import orjson

from tests.support import plain
from tests.support.part import Part
from tests.support.ports import unused_port
from tests.support.scoped import Scoped


class RunningDiagnostics(Part):
    """`python -m diagnostics` on a run directory and a port of its own. A context manager."""

    ready = "listening"

    def __init__(self, run_dir: Path, *, program: str = "", **environment: str) -> None:
        self.run_dir = run_dir
        self.port = unused_port()
        settings = {
            "DRAGOMAN_RUN_DIR": str(run_dir),
            "AMBASSADOR_HEALTHCHECK_BIND_ADDRESS": "127.0.0.1",
            "AMBASSADOR_HEALTHCHECK_BIND_PORT": str(self.port),
            **environment,
        }
        super().__init__("diagnostics", run_dir / "diagnostics.log", settings, program=program)

    def get(self, path: str, *, method: str = "GET") -> httpx.Response:
        """One request."""
        return plain.request(method, f"http://127.0.0.1:{self.port}{path}", timeout=20)

    def said(self, path: str) -> tuple[int, str]:
        """Status and text of one request."""
        response = self.get(path)
        return response.status_code, response.text.strip()

    def diag(self, only: str | None = None) -> Any:
        """The report, or one of its keys."""
        response = self.get("/ambassador/v0/diag/?json=true" + (f"&filter={only}" if only else ""))
        assert response.status_code == 200, response.text
        return orjson.loads(response.content)


class StandIn(Scoped):
    """Answers on an admin socket as it is told: `answer` is given a connection after each request's head."""

    def __init__(self, path: Path, answer: Callable[[socket.socket, str], None]) -> None:
        self._answer = answer
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(path))
        self._socket.listen()

    def start(self) -> None:
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
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
