"""Clients that stay on one connection, as long as the other side lets them."""

import contextlib
import http.client
import socket

import httpx

from tests.support.certificates import unverified
from tests.support.scoped import Scoped

_PATIENCE = 20.0


def _connected(port: int, server_name: str | None) -> socket.socket:
    plain = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE)
    if server_name is None:
        return plain
    context = unverified()
    return context.wrap_socket(plain, server_hostname=server_name)


class KeptAlive(Scoped):
    """One HTTP/1.1 connection, by TLS when there is a `server_name`. `served` counts answers with 200 by their body."""

    def __init__(self, port: int, *, host: str = "127.0.0.1", server_name: str | None = None) -> None:
        self.served: list[str] = []
        self.failures: list[str] = []
        self.is_open = True
        self._port, self._host, self._server_name = port, host, server_name
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
        self._connection.auto_open = 0

    def start(self) -> None:
        self._connection.sock = _connected(self._port, self._server_name)

    def close(self) -> None:
        self._connection.close()

    def ask(self, path: str = "/", **headers: str) -> bool:
        """One more request; False when the connection has come to its end, which is no failure.

        In the names of headers `_` stands for `-`.
        """
        if not self.is_open:
            return False
        try:
            more = {name.replace("_", "-"): value for name, value in headers.items()}
            self._connection.request("GET", path, headers={"host": self._host, **more})
            response = self._connection.getresponse()
            body = response.read().decode()
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            self.is_open = False
            return False
        if response.status == httpx.codes.OK:
            self.served.append(body)
        else:
            self.failures.append(f"status {response.status}: {body}")
        self.is_open = response.getheader("connection") != "close"
        return True


class Lines(Scoped):
    """One TCP connection of lines: what is said comes back."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE)

    def start(self) -> None:
        """It is open already."""

    def close(self) -> None:
        self._socket.close()

    def say(self, text: bytes) -> bytes:
        """What comes back; nothing when the connection has come to its end."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._socket.sendall(text)
            return self._socket.recv(4096)
        return b""


class WebSocket(Lines):
    """One WebSocket; what is said comes back."""

    def __init__(self, port: int, *, host: str = "127.0.0.1", path: str = "/") -> None:
        super().__init__(port)
        lines = [
            f"GET {path} HTTP/1.1",
            f"host: {host}",
            "connection: Upgrade",
            "upgrade: websocket",
            "sec-websocket-version: 13",
            "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
            "",
            "",
        ]
        answer = super().say("\r\n".join(lines).encode())
        if not answer.startswith(b"HTTP/1.1 101"):
            raise ConnectionError(f"no WebSocket: {answer!r}")

    def say(self, text: bytes) -> bytes:
        """A message of less than 126 bytes, and what is in the one that comes back."""
        return super().say(b"\x81" + bytes([0x80 | len(text)]) + b"\0\0\0\0" + text)[2:]
