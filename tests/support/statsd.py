"""A statsd server: what it was sent by UDP, line by line."""

import contextlib
import socket
import threading

from tests.support.scoped import Scoped


class StatsdSink(Scoped):
    """On a free port of 127.0.0.1."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.1)
        self.port = int(self._socket.getsockname()[1])
        self._open = True
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._open = False
        self._thread.join(5)
        self._socket.close()

    def _run(self) -> None:
        while self._open:
            with contextlib.suppress(TimeoutError):
                self.lines += self._socket.recv(65_536).decode(errors="replace").splitlines()
