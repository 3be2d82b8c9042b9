"""The file itself, open in this process: its transactions, and how LMDB's errors read to our callers."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic

import lmdb

from snapshot.errors import SnapshotBrokenError, SnapshotError, SnapshotFullError, SnapshotReplacedError
from snapshot.layout import DATABASES, FORMAT_HEADER, FORMAT_KEY, PAST, TABLES, Database, Table, Tables, Transaction
from snapshot.record import frame, unframe

DATA = "data.mdb"
LOCK = "lock.mdb"
COPY = "data.mdb.new"

MAX_READERS = 510
"""Reader slots of 64 bytes in the lock file, for all processes together."""

LOCK_BYTES = (MAX_READERS + 2) * 64
"""The size that LMDB's lock file has for so many."""

READER_CHECK_EVERY = 10.0
"""Seconds between two looks for slots of dead readers, which would keep old pages from being used again."""

NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
_NO_ROOM_IN_LMDB = NO_ROOM | {errno.EIO}  # its answer to a write that the filesystem cut short

_FULL = (lmdb.MapFullError, lmdb.TxnFullError)
_BROKEN = (
    lmdb.CorruptedError,
    lmdb.CursorFullError,
    lmdb.IncompatibleError,
    lmdb.InvalidError,
    lmdb.NotFoundError,
    lmdb.PageNotFoundError,
    lmdb.PanicError,
    lmdb.VersionMismatchError,
)


def _opened_files() -> Iterator[tuple[int, int]]:
    """All that this process has open, by device and inode. LMDB does not tell which of them are its own."""
    for each in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # that of the listing itself
            found = each.stat()
            yield found.st_dev, found.st_ino


class File:
    """An open snapshot file. One a process and path: LMDB's locks end when a second one is closed."""

    def __init__(self, path: Path, map_size: int) -> None:
        self.path = path
        self.broken = False
        """Whether this process met damaged bytes in it."""
        self._data, self._lock = str(path / DATA), str(path / LOCK)
        with self._translated():
            self._env = lmdb.open(
                str(path),
                map_size=map_size,
                max_dbs=TABLES,
                max_readers=MAX_READERS,
                max_spare_txns=2,
                mode=0o600,
                sync=False,
                metasync=False,
                readahead=False,
                writemap=False,
                lib_version=0,
            )
        self._inodes = self._opened()
        self._checked = monotonic()
        self.tables: dict[Database, Tables] = {}

    def create_tables(self) -> None:
        """Make an empty file one of ours, in one transaction. SnapshotFullError when there is no room for it."""
        with self._translated(), self._env.begin(write=True, buffers=True) as txn:
            self.tables = self._open_tables(txn, create=True)
            txn.put(FORMAT_KEY, frame(FORMAT_KEY, FORMAT_HEADER), db=self.tables["objects"].meta)

    def open_tables(self) -> None:
        """Find the tables of a file that is one of ours; SnapshotBrokenError when it is not."""
        with self._translated(), self._env.begin(write=True, buffers=True) as txn:  # only a writer's handles outlive it
            self.tables = self._open_tables(txn, create=False)
            found, _ = unframe(FORMAT_KEY, txn.get(FORMAT_KEY, b"", db=self.tables["objects"].meta))
            if found != FORMAT_HEADER:
                raise SnapshotBrokenError(f"it is of format {found}, not {FORMAT_HEADER}")

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """One consistent view, to be left soon: pages that it sees cannot be used again until then."""
        self.look()
        with self._translated(), self._begin_reading() as txn:
            yield txn

    def value(self, key: bytes, table: Table) -> bytes | None:
        """A value as of the last commit, unverified: the cheapest way to see that it is what it was."""
        self.look()
        try:
            txn = self._begin_reading()
            try:
                raw = txn.get(key, db=table)
                return None if raw is None else bytes(raw)
            finally:
                txn.abort()
        except lmdb.Error:
            with self._translated():
                raise

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """All or nothing; one in all processes at a time."""
        self.look()
        with self._translated(), self._env.begin(write=True, buffers=True) as txn:
            yield txn

    def look(self) -> None:
        """SnapshotReplacedError when the path has other files by now. Clears dead readers now and then."""
        try:
            here = (os.stat(self._data).st_ino, os.stat(self._lock).st_ino) == self._inodes  # noqa: PTH116
        except OSError:
            here = False
        if not here:
            raise self._replaced()
        if monotonic() - self._checked > READER_CHECK_EVERY:
            self.clear_dead_readers()

    def clear_dead_readers(self) -> int:
        """Free the slots of processes that died while reading; returns how many there were."""
        self._checked = monotonic()
        return self._env.reader_check()

    def close(self) -> None:
        """Close the environment; no transaction may be open."""
        self._env.close()

    def _opened(self) -> tuple[int, int]:
        """The files at the path, if they are those that LMDB has opened; else SnapshotReplacedError.

        Where the folder is removed just then, they may be those of who came after us: two that believe to share a file
        would never hear of each other, or write to one file under two locks.
        """
        try:
            found = [os.stat(path) for path in (self._data, self._lock)]  # noqa: PTH116
            opened = set(_opened_files())
        except OSError as error:
            self._env.close()
            raise self._replaced() from error
        if not opened.issuperset((each.st_dev, each.st_ino) for each in found):
            self._env.close()
            raise self._replaced()
        return found[0].st_ino, found[1].st_ino

    def _replaced(self) -> SnapshotReplacedError:
        return SnapshotReplacedError(f"{self.path}: another process replaced the snapshot file")

    def _begin_reading(self) -> Transaction:
        try:
            return self._env.begin(buffers=True)
        except lmdb.ReadersFullError:
            self.clear_dead_readers()
            return self._env.begin(buffers=True)

    def _open_tables(self, txn: Transaction, *, create: bool) -> dict[Database, Tables]:
        meta = self._env.open_db(b"meta", txn=txn, create=create)
        return {
            name: Tables(
                records=self._env.open_db(name.encode(), txn=txn, create=create),
                log=self._env.open_db(f"{name}.log".encode(), txn=txn, create=create),
                meta=meta,
                state_key=name.encode(),
                past=self._env.open_db(f"{name}.past".encode(), txn=txn, create=create) if name in PAST else None,
            )
            for name in DATABASES
        }

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except SnapshotBrokenError:
            self.broken = True
            raise
        except lmdb.Error as error:
            if isinstance(error, _FULL) or error.code in _NO_ROOM_IN_LMDB:
                raise SnapshotFullError(f"{self.path}: no room for the commit ({error}); the last one stays") from error
            if isinstance(error, _BROKEN):
                self.broken = True
                raise SnapshotBrokenError(f"{self.path}: {error}") from error
            raise SnapshotError(f"{self.path}: {error}") from error
