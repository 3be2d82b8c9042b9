"""Listeners that are open while somebody asks, beside those that the translator publishes: `dragoman why` brings them.

Who may open the socket, which is our own user alone, sends a listener without a name and an address. It is given both,
an address that is a unix socket beside ours, and goes to Envoy like any other; when Envoy has it, who asked is told
where, and when nobody has asked for a while it goes. While nobody asks, Envoy is sent nothing and has nothing.

Envoy keeps a listener that goes for as long as a drain takes. So there are not more of them in that time than Envoy
can well bear, and equal ones are one.
"""

import asyncio
import itertools
import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Final

import orjson

from adsserver.ledger import Ledger
from adsserver.resources import Catalog, Edits, Entry, Kind
from envoyapi.config_core_v3 import Address, Pipe
from envoyapi.config_listener_v3 import Listener
from process import logs
from process.settings import GUESTS

MOST: Final = 200
"""How many may come in the time of a drain ..."""
MOST_BYTES: Final = 4 << 20
"""... and bytes of all of them, of which each may be as many as twenty of Envoy's memory, or fifty."""
LARGEST: Final = 16 << 20
"""Bytes of a listener."""
PATIENCE: Final = 10.0
"""Seconds until who asks has to have said what, and Envoy has to have answered."""
LINGER: Final = 20.0
"""Seconds that a listener stays after the last who asked for it: one question seldom comes alone."""

_STEP: Final = 0.005
_SIZE: Final = 4

_log = logs.get("guests")


class RefusedError(Exception):
    """The listener is not open; the message says why."""


@dataclass(slots=True)
class Guest:
    """A listener of who asks."""

    entry: Entry
    path: Path
    asked_by: int = 0
    ending: asyncio.TimerHandle | None = None


@dataclass(slots=True)
class Guests:
    """The socket, and the listeners that came by it. `changed` tells the streams; `drain`: seconds."""

    socket: Path
    catalog: Catalog
    ledger: Ledger
    changed: Callable[[Edits], None]
    drain: float
    _here: dict[bytes, Guest] = field(default_factory=dict)
    _came: deque[tuple[float, int]] = field(default_factory=deque)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    _server: asyncio.Server | None = None
    _trouble: str = ""

    async def start(self) -> None:
        """Listen; where that fails nobody can ask, and everything else goes on."""
        mask = os.umask(0o177)
        try:
            self.socket.unlink(missing_ok=True)
            self._clear()
            self._server = await asyncio.start_unix_server(self._serve, self.socket)
            self._trouble = ""
        except OSError as error:
            if str(error) != self._trouble:
                _log.warning("nobody can ask why", socket=str(self.socket), reason=str(error))
            self._trouble = str(error)
        finally:
            os.umask(mask)

    async def keep(self) -> None:
        """Listen anew where the socket was removed."""
        if not self.socket.is_socket():
            if self._server is not None:
                self._server.close()
            await self.start()

    def _clear(self) -> None:
        """Remove the sockets of listeners that a process before us has not taken away: Envoy leaves them there."""
        ours = {guest.path for guest in self._here.values()}
        for path in self.socket.parent.glob("why-*.sock"):
            if path not in ours:
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Listen no more, and take away what is there, for the next process to begin without."""
        if self._server is not None:
            self._server.close()
        for guest in self._here.values():
            if guest.ending:
                guest.ending.cancel()
            guest.path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, TimeoutError, asyncio.IncompleteReadError):
            async with asyncio.timeout(PATIENCE):
                size = int.from_bytes(await reader.readexactly(_SIZE))
                body = await reader.readexactly(size) if size <= LARGEST else None
            if body is None:
                writer.write(_line(refused=f"is larger than {LARGEST} bytes"))
            else:
                await self._host(body, reader, writer)
        writer.close()

    async def _host(self, body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            guest = self._welcome(body)
        except RefusedError as error:
            writer.write(_line(refused=str(error)))
            return
        try:
            await self._until_open(guest)
            writer.write(_line(socket=str(guest.path)))
            await writer.drain()
            await reader.read(1)  # who asks has nothing more to say: it ends, or is sent away
        except RefusedError as error:
            writer.write(_line(refused=str(error)))
        finally:
            self._leave(body, guest)

    def _welcome(self, body: bytes) -> Guest:
        """The listener of these bytes: the one that is here, or a new one."""
        key = blake2b(body, digest_size=16).digest()
        guest = self._here.get(key)
        if guest is None:
            self._count(len(body))
            guest = self._here[key] = self._new(body)
            self.catalog.put(guest.entry.kind, guest.entry.name, guest.entry)
            self.changed({Kind.LISTENER: {guest.entry.name: guest.entry}})
        if guest.ending:
            guest.ending.cancel()
            guest.ending = None
        guest.asked_by += 1
        return guest

    def _count(self, size: int) -> None:
        """Remember that one more comes, of this size; RefusedError: there would be too many, or too much of them."""
        now = asyncio.get_running_loop().time()
        while self._came and self._came[0][0] <= now - self.drain:
            self._came.popleft()
        if len(self._came) >= MOST or (self._came and size + sum(each for _, each in self._came) > MOST_BYTES):
            wait = round(self._came[0][0] + self.drain - now) + 1
            raise RefusedError(f"Envoy still has the listeners of {len(self._came)} questions: ask again in {wait} s")
        self._came.append((now, size))

    def _new(self, body: bytes) -> Guest:
        name = f"{os.getpid()}-{next(self._numbers)}"
        path = self.socket.with_name(f"why-{name}.sock")
        address = Address(pipe=Pipe(path=str(path), mode=0o600))
        whole = body + bytes(Listener(name=f"{GUESTS}{name}", address=address))  # what comes last counts
        version = blake2b(whole, digest_size=8).hexdigest()
        return Guest(Entry(Kind.LISTENER, f"{GUESTS}{name}", version, whole), path)

    async def _until_open(self, guest: Guest) -> None:
        loop = asyncio.get_running_loop()
        by = loop.time() + PATIENCE
        while not self.ledger.has_accepted(guest.entry):
            said = self.ledger.refusal(guest.entry)
            if said is not None:
                raise RefusedError(f"Envoy refuses it: {said}")
            if loop.time() >= by:
                raise RefusedError(f"Envoy does not answer within {PATIENCE:.0f} s")
            await asyncio.sleep(_STEP)

    def _leave(self, body: bytes, guest: Guest) -> None:
        guest.asked_by -= 1
        if guest.asked_by == 0:
            key = blake2b(body, digest_size=16).digest()
            linger = LINGER if self.ledger.has_accepted(guest.entry) else 0.0
            guest.ending = asyncio.get_running_loop().call_later(linger, self._end, key)

    def _end(self, key: bytes) -> None:
        guest = self._here.pop(key)
        self.catalog.put(guest.entry.kind, guest.entry.name, None)
        self.changed({Kind.LISTENER: {guest.entry.name: None}})
        guest.path.unlink(missing_ok=True)


def _line(**said: str) -> bytes:
    return orjson.dumps(said) + b"\n"
