"""HTTP over a unix socket: how Envoy's admin interface and supervisord's commands are reached."""

import http.client
import socket
import xmlrpc.client
from pathlib import Path

_TIMEOUT = 2.0


class UnixConnection(http.client.HTTPConnection):
    """One connection to the server at a socket's path; every operation takes 2 s at most."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_TIMEOUT)
        self._path = path

    def connect(self) -> None:
        """Connect, in place of a TCP connection."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.sock.settimeout(self.timeout)
            self.sock.connect(str(self._path))
        except OSError:
            self.close()
            raise


def ask(path: Path, method: str, target: str) -> tuple[int, str]:
    """Status and body of one request; OSError or http.client.HTTPException when there is no answer."""
    connection = UnixConnection(path)
    try:
        connection.request(method, target)
        response = connection.getresponse()
        return response.status, response.read().decode(errors="replace")
    finally:
        connection.close()


class UnixTransport(xmlrpc.client.Transport):
    """The way of an `xmlrpc.client.ServerProxy` to the server at a socket's path."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: object) -> http.client.HTTPConnection:  # noqa: ARG002 -- as the base class has it
        """A connection for one call."""
        return UnixConnection(self._path)
