"""Requests to the API server, and streams of lines from it: any status is a value, no answer is an error.

    async with Connection.open(settings) as api:
        answer = await api.request("GET", "/api/v1/namespaces/default/services/quote")
        async with api.stream("/api/v1/services", {"watch": "true"}) as stream:
            async for lines in stream.batches(): ...

Nothing is tried again here, but for one thing: an identity that is refused (401) is read again, since tokens and
certificates are renewed behind our back.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, TypeAlias

import aiohttp
import orjson

from kubeapi.official import Access, ConfigurationError
from process import logs
from process.settings import SERVICE_ACCOUNT, Settings
from process.version import VERSION

__all__ = ["Answer", "ConfigurationError", "Connection", "RefusedError", "Stream", "UnreachableError"]

REQUEST_SECONDS: Final = 30.0
CONNECT_SECONDS: Final = 10.0

RENEWAL_SECONDS: Final = 10.0
"""The least time between two readings of the configuration: a server that refuses us for good is not asked twice."""

MAX_LINE: Final = 64 << 20
"""Bytes of a line; an object has at most about 3 MiB, so that more is no line of an API server."""

_SHOWN: Final = 300

Params: TypeAlias = Mapping[str, str] | Sequence[tuple[str, str]] | None
"""What stands behind a path; by pairs where a name is there several times."""

log = logs.get("kubeapi")


class UnreachableError(Exception):
    """There was no answer, or it broke off; the message says why."""


class RefusedError(UnreachableError):
    """A WebSocket was not opened; the message is the server's, as far as it can be had."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server answered. `retry_after`: the seconds that it asks for until the next request."""

    status: int
    body: bytes
    retry_after: float | None = None

    @property
    def ok(self) -> bool:
        """Whether it is the answer to what was asked, and no refusal."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def message(self) -> str:
        """What it says about itself, for people: a Status' message, else the beginning of the body."""
        return message_of(self.body) or f"HTTP {self.status}"


def message_of(body: bytes) -> str:
    """The message of a Kubernetes Status, or the beginning of what is none."""
    try:
        said = orjson.loads(body)
    except ValueError:
        said = None
    message = said.get("message") if isinstance(said, dict) else None
    return message if isinstance(message, str) else body[:_SHOWN].decode(errors="replace").strip()


class Stream:
    """An answer that goes on: `answer` has no body when it is good, and the whole refusal when it is none."""

    def __init__(self, answer: Answer, response: aiohttp.ClientResponse) -> None:
        self.answer = answer
        self._response = response

    async def batches(self) -> AsyncIterator[list[bytes]]:
        """The lines as they come, all that have come at a time. A last line that has no end is not one.

        UnreachableError when the connection breaks, not when the server ends the answer.
        """
        begun: list[bytes] = []
        size = 0
        try:
            async for chunk in self._response.content.iter_any():
                head, *rest = chunk.split(b"\n")
                begun.append(head)
                size += len(head)
                if size > MAX_LINE:
                    raise UnreachableError(f"a line of the answer has more than {MAX_LINE} bytes")
                if rest:
                    lines = [b"".join(begun), *rest[:-1]]
                    begun, size = [rest[-1]], len(rest[-1])
                    yield [line for line in lines if line.strip()]
        except (aiohttp.ClientError, OSError) as error:
            raise UnreachableError(_reason(error)) from error


class Connection:
    """The way to the API server; made by `open`."""

    def __init__(self, kubeconfig: str | None, context: str | None, account: Path, access: Access) -> None:
        self._kubeconfig = kubeconfig
        self._context = context
        self._account = account
        self._access = access
        self._renewed = time.monotonic()
        self._doubted = False

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings, account: Path = SERVICE_ACCOUNT) -> AsyncIterator["Connection"]:
        """The way that the settings name. ConfigurationError when they name none; nobody is asked yet."""
        access = await Access.load(settings.kubeconfig, account, settings.kube_context)
        connection = cls(settings.kubeconfig, settings.kube_context, account, access)
        try:
            yield connection
        finally:
            await connection._access.close()

    @property
    def server(self) -> str:
        """The API server's URL, for people."""
        return self._access.server

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Params = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        timeout: float = REQUEST_SECONDS,  # noqa: ASYNC109 -- part of the request, as in every HTTP client
    ) -> Answer:
        """Ask, and give the answer, whatever it is. UnreachableError when there is none."""
        given = {
            "data": body,
            "headers": {"Accept": "application/json"} | ({"Content-Type": content_type} if body is not None else {}),
            "timeout": aiohttp.ClientTimeout(total=timeout, sock_connect=CONNECT_SECONDS),
        }
        async with self._ask(method, path, params, given) as response:
            return await _whole(response)

    @asynccontextmanager
    async def stream(self, path: str, params: Mapping[str, str] | None = None) -> AsyncIterator[Stream]:
        """GET an answer that is read while it goes on, without a limit of time once it has begun."""
        given = {
            "headers": {"Accept": "application/json", "Accept-Encoding": "identity"},
            "timeout": aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
        }
        async with self._ask("GET", path, params, given) as response:
            if response.status == HTTPStatus.OK:
                answer = Answer(response.status, b"", _retry_after(response))
            else:
                async with _unreachable(), asyncio.timeout(REQUEST_SECONDS):
                    answer = await _whole(response)
            yield Stream(answer, response)

    @asynccontextmanager
    async def socket(
        self, path: str, params: Sequence[tuple[str, str]], protocols: Sequence[str]
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A WebSocket, of which one of these protocols is spoken.

        RefusedError: the server does not open it. UnreachableError: there was no answer, or it broke.
        """
        access = self._access
        access.users += 1
        try:
            async with _unreachable(self._doubt):
                arguments = await access.arguments()
                headers = {"User-Agent": f"dragoman/{VERSION}"} | arguments.pop("headers")
                url = access.server + path
                async with access.session.ws_connect(
                    url, params=params, protocols=protocols, headers=headers, max_msg_size=MAX_LINE, **arguments
                ) as channel:
                    yield channel
        except UnreachableError as error:
            if not isinstance(error.__cause__, aiohttp.WSServerHandshakeError):
                raise
            raise await self._refusal(path, params, error.__cause__.status) from error
        finally:
            access.users -= 1
            await self._leave(access)

    async def _refusal(self, path: str, params: Sequence[tuple[str, str]], status: int) -> "RefusedError":
        """Why no WebSocket is opened: of an answer to that its body is lost, and of one to a plain request it is not.

        A plain request does nothing: what is behind such a path wants a WebSocket.
        """
        said = f"HTTP {status}"
        with suppress(UnreachableError):
            answer = await self.request("GET", path, params=params)
            said = answer.message if answer.status == status else said
        return RefusedError(status, said)

    @asynccontextmanager
    async def _ask(
        self, method: str, path: str, params: Params, given: dict[str, Any]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        if self._doubted or self._access.expired:
            await self._renew()
        for is_last in (False, True):
            access = self._access
            access.users += 1
            response = None
            try:
                response = await self._send(access, method, path, params, given)
                if response.status != HTTPStatus.UNAUTHORIZED or is_last or not await self._renew():
                    yield response
                    return
            finally:
                if response is not None:
                    response.close()
                access.users -= 1
                await self._leave(access)

    async def _send(
        self, access: Access, method: str, path: str, params: Params, given: dict[str, Any]
    ) -> aiohttp.ClientResponse:
        within = given["timeout"].total or REQUEST_SECONDS
        async with _unreachable(self._doubt), asyncio.timeout(within):
            arguments = await access.arguments()
            headers = {"User-Agent": f"dragoman/{VERSION}"} | given["headers"] | arguments.pop("headers")
            return await access.session.request(
                method, access.server + path, params=params, **arguments, **(given | {"headers": headers})
            )

    def _doubt(self, error: BaseException) -> None:
        """Certificates that do not fit may have been replaced: they are read again before the next request."""
        if isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)) or isinstance(error.__cause__, ssl.SSLError):
            self._doubted = True

    async def _renew(self) -> bool:
        """Read the configuration again; whether that was done."""
        now = time.monotonic()
        if now - self._renewed < RENEWAL_SECONDS:
            return False
        self._renewed, self._doubted = now, False
        try:
            access = await Access.load(self._kubeconfig, self._account, self._context)
        except ConfigurationError as error:
            log.warning("the configuration cannot be read again", reason=str(error), instead="keeping what it was")
            return False
        before, self._access = self._access, access
        await self._leave(before)
        return True

    async def _leave(self, access: Access) -> None:
        if not access.users and access is not self._access:
            await access.close()


@asynccontextmanager
async def _unreachable(note: Any = None) -> AsyncIterator[None]:
    try:
        yield
    except (aiohttp.ClientError, OSError, ConfigurationError) as error:
        if note:
            note(error)
        raise UnreachableError(_reason(error)) from error


async def _whole(response: aiohttp.ClientResponse) -> Answer:
    async with _unreachable():
        return Answer(response.status, await response.read(), _retry_after(response))


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error) or type(error).__name__


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    said = response.headers.get("Retry-After", "")
    if said.isascii() and said.isdigit():
        return float(said)
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - time.time())
    except ValueError:
        return None
