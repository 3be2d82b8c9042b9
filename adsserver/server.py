"""The gRPC shell around the sessions: one method, delta ADS, on a unix socket that only our own user may open."""

import asyncio
import os
import secrets
import shutil
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import grpc
import grpc.aio

from adsserver.acks import Acks
from adsserver.ledger import Ledger
from adsserver.messages import Request, Response
from adsserver.resources import Catalog, Edits
from adsserver.round import Timing
from adsserver.served import Taken
from adsserver.session import Session
from envoyapi.reading import DecodeError
from process import logs

SERVICE = "envoy.service.discovery.v3.AggregatedDiscoveryService"
METHOD = "DeltaAggregatedResources"

_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # Envoy's keepalive pings, which find a hung server, would end the stream under gRPC's own policy
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 100),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.so_reuseport", 0),
)

_NEW = ".new"
_LONGEST_SOCKET_PATH = 107 - len(_NEW)  # bytes: sockaddr_un

_log = logs.get("ads")

_Identity = tuple[int, int, int]
"""Of a file: its device, its number there, and its kind and rights."""

_Context = grpc.aio.ServicerContext[bytes, bytes]


class SocketError(Exception):
    """The socket cannot be listened on; the message names it and the reason."""


class Stream:
    """One Envoy's stream: feeds its session, sends what comes out, wakes it up in time."""

    def __init__(self, session: Session, acks: Acks, is_newest: Callable[["Stream"], bool]) -> None:
        self.session = session
        self.node = ""
        self.task = asyncio.current_task()
        self._acks = acks
        self._is_newest = is_newest
        self._outgoing: asyncio.Queue[Response] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._deadline: float | None = None

    def request(self, request: Request) -> None:
        """Envoy said something."""
        if request.nonce and self._is_newest(self):
            self._acks.answered(self.session.name, request)
        self._send(self.session.on_request(request, self._loop.time()))

    def change(self, edits: Edits) -> None:
        """The catalog changed."""
        self._send(self.session.on_change(edits, self._loop.time()))

    async def write(self, context: _Context) -> None:
        """Send what comes out of the session, in order, for as long as the stream lives."""
        while True:
            response = await self._outgoing.get()
            await context.write(response.encode())

    def close(self) -> None:
        """Nothing more will be sent."""
        self._acks.ended(self.session.name)
        if self._timer is not None:
            self._timer.cancel()

    def _on_timer(self) -> None:
        self._timer = self._deadline = None
        self._send(self.session.on_timer(self._loop.time()))

    def _send(self, responses: list[Response]) -> None:
        is_newest = self._is_newest(self)
        if is_newest:
            self._acks.look(self.session)
        self._acks.note()  # first: a batch's doubt must be saved before the batch is sent
        for response in responses:
            self._outgoing.put_nowait(response)
            if is_newest:
                self._acks.sent(response)
        deadline = self.session.deadline
        if deadline != self._deadline:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = None if deadline is None else self._loop.call_at(deadline, self._on_timer)
            self._deadline = deadline


class Server:
    """All streams of this process; the newest one's acceptances and refusals are what the snapshot is told."""

    def __init__(self, catalog: Catalog, ledger: Ledger, acks: Acks, timing: Timing) -> None:
        self._catalog = catalog
        self._timing = timing
        self._ledger = ledger
        self._acks = acks
        self._streams: list[Stream] = []
        self._server: grpc.aio.Server | None = None
        self._path: Path | None = None
        self._identity: _Identity | None = None
        self._trouble = ""

    async def start(self, path: Path) -> None:
        """Listen on a unix socket, mode 0600. SocketError when it cannot be, or when somebody answers there already.

        Whatever is not delta ADS is answered with UNIMPLEMENTED.
        """
        _check_socket(path)
        self._path = path
        await self._listen(path)

    async def keep_socket(self) -> None:
        """Listen anew where the socket was removed, or its rights were: the next Envoy could not find us there.

        The streams that there are end with the former listener; their Envoys come back, and go on where they were.
        """
        if self._path is None or _status(self._path) == self._identity:
            return
        former = self._server
        try:
            await self._listen(self._path)
        except SocketError as error:
            if str(error) != self._trouble:
                _log.warning("the socket was lost and cannot be made again yet", reason=str(error))
            self._trouble = str(error)
            return
        self._trouble = ""
        _log.warning("listening again: the socket was lost", socket=str(self._path))
        if former is not None:
            await former.stop(grace=None)

    async def _listen(self, path: Path) -> None:
        """A listener under another name takes the place of whatever is at the path: nobody ever finds none there.

        It keeps gRPC from removing at its end what another listener may have at the path by then.
        """
        beside = path.with_name(path.name + _NEW)
        delta = grpc.stream_stream_rpc_method_handler(self._serve)
        server = grpc.aio.server(options=_OPTIONS)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {METHOD: delta}),))
        mask = os.umask(0o177)
        try:
            _remove(beside)
            server.add_insecure_port(f"unix:{beside}")
            await server.start()
            _move(beside, path)
        except (RuntimeError, OSError) as error:
            await server.stop(grace=None)
            raise SocketError(f"{path}: {error}") from None
        finally:
            os.umask(mask)
        self._server, self._identity = server, _status(path)

    async def stop(self) -> None:
        """End every stream at once; Envoy keeps what it has."""
        if self._server is not None:
            await self._server.stop(grace=None)
        if self._path is not None and _status(self._path) == self._identity:
            self._path.unlink(missing_ok=True)
        serving = [stream.task for stream in self._streams if stream.task]
        if serving:
            await asyncio.wait(serving, timeout=1.0)

    def changed(self, edits: Edits, taken: Taken | None = None) -> None:
        """The catalog changed: every stream is told. `taken`: by what, where it is known when that began."""
        self._acks.changed(edits)
        for names in edits.values():
            for entry in names.values():
                if entry is not None:
                    self._ledger.review(entry)
        for stream in self._streams:
            stream.change(edits)
        if taken is not None:
            self._acks.await_answer(taken, self._streams[-1].session if self._streams else None)
        self._acks.note()

    async def _serve(self, requests: AsyncIterator[bytes], context: _Context) -> None:
        stream = self._open()
        reading = asyncio.ensure_future(self._read(stream, requests))
        writing = asyncio.ensure_future(stream.write(context))
        try:
            await asyncio.wait((reading, writing), return_when=asyncio.FIRST_COMPLETED)
            for task in (reading, writing):
                if task.done():
                    task.result()
        except DecodeError as error:
            _log.warning("unreadable request", node=stream.node, reason=str(error))
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except Exception:
            _log.exception("stream failed", node=stream.node)
            raise
        finally:
            reading.cancel()
            writing.cancel()
            self._close(stream)

    async def _read(self, stream: Stream, requests: AsyncIterator[bytes]) -> None:
        async for data in requests:
            request = Request.decode(data)
            if isinstance(request, str):
                _log.warning("unknown kind asked for", type=request)
                continue
            self._know(stream, request)
            stream.request(request)

    def _open(self) -> Stream:
        if self._streams:
            self._streams[-1].session.use(self._ledger.shadow())
        session = Session(self._catalog, self._ledger, self._timing, secrets.token_hex(8))
        stream = Stream(session, self._acks, self._is_newest)
        self._streams.append(stream)
        return stream

    def _is_newest(self, stream: Stream) -> bool:
        return stream is self._streams[-1]

    def _know(self, stream: Stream, request: Request) -> None:
        if request.node and not stream.node:
            stream.node = request.node
            _log.info("Envoy connected", node=request.node, streams=len(self._streams))
            if stream is self._streams[-1]:
                self._acks.tell_stream(connected=True, node=request.node)

    def _close(self, stream: Stream) -> None:
        stream.close()
        was_newest = stream is self._streams[-1]
        self._streams.remove(stream)
        _log.info("Envoy disconnected", node=stream.node, streams=len(self._streams))
        if not was_newest:
            return
        if self._streams:
            newest = self._streams[-1]
            newest.session.use(self._ledger)
            self._acks.tell_stream(connected=True, node=newest.node)
        else:
            self._acks.tell_stream(connected=False, node=stream.node)


def _check_socket(path: Path) -> None:
    """Raise unless the socket's path is usable and what may be there is a dead process's."""
    if len(os.fsencode(path)) > _LONGEST_SOCKET_PATH:
        raise SocketError(f"{path}: longer than the {_LONGEST_SOCKET_PATH} bytes that a unix socket's path may have")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return
    raise SocketError(f"{path}: another process answers there")


def _status(path: Path) -> _Identity | None:
    try:
        here = path.lstat()
    except OSError:
        return None
    return here.st_dev, here.st_ino, here.st_mode


def _move(path: Path, to: Path) -> None:
    if to.is_dir() and not to.is_symlink():
        _remove(to)
    path.replace(to)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
