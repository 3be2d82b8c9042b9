"""Who is it that asks? What comes through the gateway's own Envoy gets no answer at the TCP port.

A Mapping or TCPMapping may lead here under any name: one of DNS, of a Service, an address in any spelling. What they
cannot change is which process holds the other end of the connection, and the kernel knows that: a connection from an
address of this network namespace has its other end in /proc/net/tcp, with the number of its socket, and the processes
that are kept together with this one, Envoy among them, show the numbers of theirs. Whoever comes from elsewhere (a
kubelet, Prometheus), or from here but from no such process (`kubectl port-forward`, a shell), is answered.

Source: proc(5), proc_net_tcp: addresses are words in the order of this machine's bytes, ports are plain numbers.
"""

import asyncio
import contextlib
import os
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from enum import Enum, auto
from pathlib import Path
from typing import Final, NamedTuple

_TABLES: Final = ("tcp", "tcp6")
_REST: Final = 4.0
"""A look at all descriptors is followed by a rest of so many times its length: who asks much must not cost much."""
_LONGEST_REST: Final = 2.0


class End(NamedTuple):
    """One end of a connection."""

    address: str
    port: int


class Connection(NamedTuple):
    """A connection, by both its ends. `here` is ours."""

    there: End
    here: End


class Verdict(Enum):
    """Whether one of the gateway's own processes has the other end; UNKNOWN: it cannot be told."""

    OWN = auto()
    OTHER = auto()
    UNKNOWN = auto()


class Peers:
    """Tells whose the other end of a connection is. All that are asked for while a look is taken share the next one."""

    def __init__(self, proc: Path = Path("/proc"), parent: int | None = None) -> None:
        """`parent`: whose children the gateway's own processes are; ours."""
        self._proc = proc
        self._parent = os.getppid() if parent is None else parent
        self._waiting: dict[Connection, asyncio.Future[Verdict]] = {}
        self._looking: asyncio.Task[None] | None = None

    async def whose(self, connection: Connection) -> Verdict:
        """Whose the other end is."""
        if not _is_local(connection.there.address):
            return Verdict.OTHER
        found = self._waiting.get(connection)
        if found is None:
            found = self._waiting[connection] = asyncio.get_running_loop().create_future()
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._look())
        return await asyncio.shield(found)

    async def _look(self) -> None:
        while self._waiting:
            asked, self._waiting = self._waiting, {}
            began = time.monotonic()
            verdicts = await asyncio.to_thread(self._verdicts, tuple(asked))
            for connection, future in asked.items():
                if not future.done():
                    future.set_result(verdicts[connection])
            await asyncio.sleep(min(_LONGEST_REST, _REST * (time.monotonic() - began)))

    def _verdicts(self, asked: Iterable[Connection]) -> dict[Connection, Verdict]:
        try:
            tables = [path.read_bytes() for name in _TABLES if (path := self._proc / "self/net" / name).exists()]
            own = {inode for process in self._relatives() for inode in _sockets(process)}
        except OSError:
            return dict.fromkeys(asked, Verdict.UNKNOWN)
        return {connection: _verdict(_inodes(tables, connection), own) for connection in asked}

    def _relatives(self) -> Iterator[Path]:
        """The other processes that the same supervisord keeps."""
        me = str(os.getpid())
        for process in self._proc.iterdir():
            if not process.name.isdecimal() or process.name == me:
                continue
            with contextlib.suppress(OSError, ValueError, IndexError):
                # The name of the program, in brackets, may hold anything.
                state = (process / "stat").read_text(errors="replace").rpartition(")")[2].split()
                if int(state[1]) == self._parent:
                    yield process


def _verdict(inodes: set[bytes], own: set[bytes]) -> Verdict:
    if not inodes - {b"0"}:
        return Verdict.UNKNOWN  # its end is closed, so that nobody could read an answer
    return Verdict.OTHER if own.isdisjoint(inodes) else Verdict.OWN


def _is_local(address: str) -> bool:
    """Whether an address is one of this network namespace; if the kernel lets every address be used, all may be."""
    plain = address.partition("%")[0]
    family = socket.AF_INET6 if ":" in plain else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as tried:
        try:
            tried.bind((address, 0))
        except OSError:
            # One of the link alone, whose interface is not told, is bound to none.
            return plain.lower().startswith("fe80:") and "%" not in address
    return True


def _inodes(tables: Iterable[bytes], connection: Connection) -> set[bytes]:
    """The sockets at the other end: of this very connection; where it was led here from another port, of its port."""
    theirs, ours = _spellings(connection.there), _spellings(connection.here)
    exact, alike = set(), set()
    for table in tables:
        for local in theirs:
            for line in _lines_with(table, b": " + local + b" "):
                columns = line.split()
                alike.add(columns[9])
                if columns[2] in ours:
                    exact.add(columns[9])
    return exact or alike


def _lines_with(table: bytes, needle: bytes) -> Iterator[bytes]:
    found = table.find(needle)
    while found >= 0:
        end = table.find(b"\n", found)
        begin = table.rfind(b"\n", 0, found) + 1
        yield table[begin : end if end >= 0 else len(table)]
        found = table.find(needle, found + len(needle))


def _spellings(end: End) -> tuple[bytes, ...]:
    """How the kernel writes an end: one of IPv4 is in its table of IPv6 when a socket for both has it."""
    address, port = end.address.partition("%")[0], b":%04X" % end.port
    if ":" not in address:
        plain = socket.inet_pton(socket.AF_INET, address)
        mapped = bytes(10) + b"\xff\xff" + plain
        return _words(plain) + port, _words(mapped) + port
    packed = socket.inet_pton(socket.AF_INET6, address)
    if packed.startswith(bytes(10) + b"\xff\xff"):
        return _words(packed[12:]) + port, _words(packed) + port
    return (_words(packed) + port,)


def _words(packed: bytes) -> bytes:
    return b"".join([b"%08X" % word for (word,) in struct.iter_unpack("=I", packed)])


def _sockets(process: Path) -> Iterator[bytes]:
    """The numbers of a process's sockets; OSError when it does not show them, but not when it has ended."""
    try:
        folder = os.open(process / "fd", os.O_RDONLY | os.O_DIRECTORY)
    except (FileNotFoundError, ProcessLookupError):
        return
    try:
        for name in os.listdir(folder):  # noqa: PTH208 -- a descriptor is no path; one look for each costs half
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                target = os.readlink(name, dir_fd=folder)
                if target.startswith("socket:["):
                    yield target[8:-1].encode()
    except (FileNotFoundError, ProcessLookupError):
        return
    finally:
        os.close(folder)
