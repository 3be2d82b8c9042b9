"""HTTP/1.1 as it is written: no client library that puts a path in order, joins headers or refuses to send them."""

import io
import socket
import ssl
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """The value of a header, or None."""
        return next((value for key, value in self.headers if key.lower() == name), None)


class RawConnection:
    """A connection, made again when the server closed it; a context manager. Over TLS with the name `sni`, if given."""

    def __init__(self, port: int, *, context: ssl.SSLContext | None = None, sni: str | None = None) -> None:
        self._port = port
        self._context = context
        self._sni = sni
        self._socket: socket.socket | None = None
        self._stream: io.BufferedReader | None = None

    def ask(
        self, host: str, path: str, *lines: str, method: str = "GET", version: str = "1.1", body: bytes = b""
    ) -> Answer:
        """One request with these header lines, and then `body` as it is; its answer."""
        if self._socket is None or self._stream is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=10)
            if self._context is not None:
                self._socket = self._context.wrap_socket(self._socket, server_hostname=self._sni)
            self._stream = self._socket.makefile("rb")
        head = "\r\n".join([f"{method} {path} HTTP/{version}", f"host: {host}", *lines, "", ""])
        self._socket.sendall(head.encode("latin-1") + body)
        answer = _read(self._stream)
        if answer.header("connection") == "close" or version == "1.0":
            self.close()
        return answer

    def is_closed(self, patience: float) -> bool:
        """Whether the other end closes it within so many seconds."""
        if self._socket is None:
            return True
        self._socket.settimeout(patience)
        try:
            return not self._socket.recv(1)
        except TimeoutError:
            return False

    def close(self) -> None:
        """Close it."""
        for each in (self._stream, self._socket):
            if each is not None:
                each.close()
        self._stream = self._socket = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _read(stream: io.BufferedReader) -> Answer:
    """An answer; one without a length ends with the connection, or has no body when the protocol changes."""
    status = int(stream.readline().split()[1])
    headers = []
    while line := stream.readline().strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers.append((name, value.strip()))
    answer = Answer(status, tuple(headers), b"")
    length = answer.header("content-length")
    if answer.header("transfer-encoding") == "chunked":
        body = b"".join(_chunks(stream))
    elif length is not None:
        body = stream.read(int(length))
    else:
        body = b"" if status == 101 else stream.read()
    return Answer(status, tuple(headers), body)


def _chunks(stream: io.BufferedReader) -> list[bytes]:
    chunks = []
    while size := int(stream.readline(), 16):
        chunks.append(stream.read(size))
        stream.readline()
    stream.readline()
    return chunks
