"""The doorbell: one byte to whoever listens, so that a commit is seen at once and nobody has to poll quickly.

A listener binds a datagram socket in a directory of bells, and says in its name which databases it wants to hear of;
whoever committed sends a byte to every socket that this concerns. Others are left asleep: a process that wakes up for
nothing takes the processor just when the one that has work needs it. A lost ring costs time only: every listener also
looks by itself now and then, and when it does, it hangs its bell up again if somebody took it down.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Self

from snapshot.layout import Database

if TYPE_CHECKING:
    import asyncio

_NOT_SOONER = 0.5
"""Seconds between two times that a bell is hung up: whoever takes it down again and again shall not keep us busy."""
_RINGABLE = stat.S_IWUSR
_NAME = re.compile(r"(?P<name>[^+]+)(?P<databases>(?:\+[^+]+)*)\.(?P<pid>\d+)\.sock")


class Bell:
    """A bell of this process, to be waited for in one task at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket, self._identity = _hung_up(path)
        self._since = monotonic()
        self._rang = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiter: asyncio.Future[None] | None = None

    @classmethod
    def listen(cls, directory: Path, name: str, *databases: Database) -> Self:
        """Bind `directory/name.<pid>.sock` (mode 0600 in a 0700 directory); what dead processes left there goes.

        With `databases` the name is `name+database+database`, and only their commits ring; without, every commit does.
        OSError when the directory cannot be made or written to.
        """
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_leftovers(directory)
        return cls(directory / f"{'+'.join((name, *databases))}.{os.getpid()}.sock")

    async def wait(self, timeout: float | None = None) -> bool:  # noqa: ASYNC109 -- the caller's slow poll, not a deadline
        """Whether it rang within `timeout` seconds (None: wait until it does); rings before the call count too.

        A bell that was taken down may have been rung: it is hung up again, and counts as rung.
        """
        if self._was_taken_down() or self._take():
            return True
        import asyncio  # noqa: PLC0415 -- 4 MiB, and most of a start, for the readers of a folder, who hear no bell

        loop = asyncio.get_running_loop()
        if self._loop is not loop:  # from then on it listens on, since to begin and to end costs more than a ring
            loop.add_reader(self._socket, self._hear)
            self._loop = loop
        self._waiter = waiter = loop.create_future()
        timer = None if timeout is None else loop.call_later(max(timeout, 0.0), _end, waiter)
        try:
            await waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()
        return self._take()

    def close(self) -> None:
        """Take the bell down."""
        self._listen_no_more()
        self._socket.close()
        self.path.unlink(missing_ok=True)

    def _hear(self) -> None:
        """It rang, or somebody was faster; nobody may be waiting just now."""
        self._rang = self._drain() or self._rang
        if self._rang and self._waiter is not None:
            _end(self._waiter)

    def _take(self) -> bool:
        """Whether it rang since this was asked last."""
        rang, self._rang = self._drain() or self._rang, False
        return rang

    def _listen_no_more(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._socket)
        self._loop = None

    def _was_taken_down(self) -> bool:
        """Whether it had been, and hangs again; where it cannot be hung up the listener goes on looking by itself."""
        try:
            here = os.stat(self.path)  # noqa: PTH116 -- with every wait
        except OSError:
            here = None
        if here and (here.st_dev, here.st_ino) == self._identity and here.st_mode & _RINGABLE == _RINGABLE:
            return False
        if monotonic() - self._since < _NOT_SOONER:
            return False
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            heard, identity = _hung_up(self.path)
        except OSError:
            return False
        self._listen_no_more()
        self._socket.close()
        self._socket, self._identity, self._since = heard, identity, monotonic()
        return True

    def _drain(self) -> bool:
        rang = False
        with contextlib.suppress(BlockingIOError):
            while self._socket.recv(16):
                rang = True
        return rang


def _end(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _hung_up(path: Path) -> tuple[socket.socket, tuple[int, int]]:
    """A socket that is bound there, in place of whatever was, and which file that is."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        with _short(path.parent) as short:
            heard.bind(f"{short}/{path.name}")
        path.chmod(0o600)
        here = path.stat()
    except OSError:
        heard.close()
        raise
    return heard, (here.st_dev, here.st_ino)


def ring(directory: Path, database: Database | None = None) -> None:
    """Ring the bells of those who want to hear of a database (None: every bell in the directory).

    Never blocks or raises: a full or deaf bell is not the ringer's business.
    """
    try:
        names = [name for name in os.listdir(directory) if _wants(name, database)]  # noqa: PTH208 -- with every commit
        if not names:
            return
        with _short(directory) as short, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ringer:
            ringer.setblocking(False)
            for name in names:
                _ring_one(ringer, f"{short}/{name}")
    except OSError:
        return


def _wants(name: str, database: Database | None) -> bool:
    bell = _NAME.fullmatch(name)
    if bell is None:
        return False
    return database is None or not bell["databases"] or database in bell["databases"].split("+")


def _ring_one(ringer: socket.socket, path: str) -> None:
    try:
        ringer.sendto(b"!", path)
    except ConnectionRefusedError:
        with contextlib.suppress(OSError):
            os.unlink(path)  # noqa: PTH108
    except OSError:
        return


@contextlib.contextmanager
def _short(directory: Path) -> Iterator[str]:
    """The directory under a name that fits into a socket's address (108 bytes), however deep it lies."""
    descriptor = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _remove_leftovers(directory: Path) -> None:
    for entry in directory.iterdir():
        named = _NAME.fullmatch(entry.name)
        if named and not Path(f"/proc/{named['pid']}").exists():
            entry.unlink(missing_ok=True)
