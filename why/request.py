"""A request as a person writes it, and how it is sent to a private listener of Envoy's."""

import contextlib
import ipaddress
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

PATIENCE: Final = 10.0
"""Seconds that Envoy may take for an answer."""
TOLD: Final = "x-dragoman-why-"
"""Begins the headers in which a private listener says what Envoy made of a request."""
PASSED: Final = f"{TOLD}passed"

_PORTS: Final = {"http": 80, "https": 443}


class RequestError(ValueError):
    """The request cannot be sent as it is written; the message says why."""


class AnswerError(Exception):
    """There is no answer; the message says what was met."""


class HandshakeError(AnswerError):
    """The connection did not come to a request."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked. `port`: the one that the URL names; `server_name`: what is asked for in TLS."""

    method: str
    scheme: str
    host: str
    port: int | None
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    client: str = "127.0.0.1"
    server_name: str | None = None

    @classmethod
    def of(cls, method: str, url: str, headers: Sequence[str], client: str, server_name: str | None = None) -> Self:
        """The request of a URL and of headers `name: value`. RequestError says what is wrong with them."""
        try:
            parts = urlsplit(url if "://" in url else f"http://{url}")
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise RequestError(f"{url}: {error}") from None
        if parts.scheme not in _PORTS or not host:
            raise RequestError(f"{url}: must be http://HOST/PATH or https://HOST/PATH")
        if not host.isascii():
            raise RequestError(f"{url}: a name with other letters must be written as clients send it, as xn--...")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if not target.isascii() or not target.isprintable() or " " in target:
            raise RequestError(f"{url}: what a path cannot have as it is must be written as %XX")
        if not method.isascii() or not method.replace("-", "").isalpha():
            raise RequestError(f"{method}: is no method")
        try:
            address = str(ipaddress.ip_address(client))
        except ValueError:
            raise RequestError(f"{client}: must be an IP address") from None
        pairs = tuple([_pair(each) for each in headers])
        request = cls(method, parts.scheme, host, port, target, pairs, address, server_name)
        if parts.scheme == "https" and not _can_be_asked_for(request.asked_name):
            raise RequestError(f"{request.asked_name}: cannot be asked for in TLS")
        return request

    @property
    def authority(self) -> str:
        """What a client says in the header Host."""
        named = f"[{self.host}]" if ":" in self.host else self.host
        return named if self.port is None or self.port == _PORTS[self.scheme] else f"{named}:{self.port}"

    @property
    def asked_name(self) -> str | None:
        """The name that a client asks for in TLS: none where the host is an address."""
        if self.server_name is not None:
            return self.server_name or None
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            return self.host
        return None


def _can_be_asked_for(name: str | None) -> bool:
    """Whether a name can be said in TLS: of labels that are neither empty nor too long."""
    try:
        return name is None or (not name.startswith(".") and bool(name.encode("idna")))
    except UnicodeError:
        return False


def _pair(written: str) -> tuple[str, str]:
    name, colon, value = written.partition(":")
    if not colon or not name or not name.isascii() or not name.isprintable() or " " in name:
        raise RequestError(f"-H {written}: must be NAME: VALUE")
    if "\r" in value or "\n" in value or not value.isprintable():
        raise RequestError(f"-H {name}: its value cannot be sent")
    if name.lower() == PASSED:
        raise RequestError(f"-H {name}: is a header of this command's own")
    return name, value.strip()


@dataclass(frozen=True, slots=True)
class Answer:
    """What Envoy answers. `told` are its words about the request, `headers` the others, both in lower case."""

    status: int
    told: Mapping[str, str]
    headers: Mapping[str, str]


def send(path: Path, request: Request, port: int, passed: str = "") -> Answer:
    """Send a request to the private listener at a path, as a client that came in at a port.

    Raises:
        HandshakeError: TLS was not agreed upon.
        AnswerError: there was no answer.
    """
    try:
        with _connected(path, request, port) as connection:
            connection.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
            if all(name.lower() != "host" for name, _ in request.headers):
                connection.putheader("Host", request.authority)
            for name, value in request.headers:
                connection.putheader(name, value.encode())
            if passed:
                connection.putheader(PASSED, passed)
            connection.endheaders()
            return _answer(connection.getresponse())
    except (OSError, HTTPException) as error:
        raise AnswerError(f"Envoy gives no answer: {error or type(error).__name__}") from None


@contextlib.contextmanager
def _connected(path: Path, request: Request, port: int) -> Iterator[HTTPConnection]:
    with socket.socket(socket.AF_UNIX) as plain:
        plain.settimeout(PATIENCE)
        plain.connect(str(path))
        plain.sendall(introduction(request.client, port))
        connection = HTTPConnection("localhost")
        if request.scheme == "http":
            connection.sock = plain
            yield connection
            return
        try:
            secure = unchecking().wrap_socket(plain, server_hostname=request.asked_name)
        except OSError as error:  # as which ssl's own count, too
            said = getattr(error, "reason", None) or error.strerror or str(error)
            raise HandshakeError(f"TLS is not agreed upon ({said})") from None
        with secure:
            connection.sock = secure
            yield connection


def introduction(client: str, port: int) -> bytes:
    """The first line of the PROXY protocol: who comes in, and at which port."""
    family, own = ("TCP6", "::1") if ":" in client else ("TCP4", "127.0.0.1")
    return f"PROXY {family} {client} {own} 40000 {port}\r\n".encode()


def unchecking() -> ssl.SSLContext:
    """Every version and cipher that there is: whom Envoy trusts, and what is weak, is not the question."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.set_alpn_protocols(["http/1.1"])
    return context


def _answer(response: HTTPResponse) -> Answer:
    pairs = [(name.lower(), _as_sent(value)) for name, value in response.getheaders()]
    told = {name.removeprefix(TOLD): value for name, value in pairs if name.startswith(TOLD)}
    return Answer(response.status, told, {name: value for name, value in pairs if not name.startswith(TOLD)})


def _as_sent(value: str) -> str:
    """A header's value, which `http.client` takes for Latin-1: clients send UTF-8, and Envoy passes it on."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeDecodeError:
        return value
