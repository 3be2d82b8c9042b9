"""Writing a database: whole commits, only what differs, and a log of the keys each commit changed."""

import fcntl
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace as with_changes
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import orjson

from snapshot.errors import SnapshotError, WriterBusyError
from snapshot.file import File
from snapshot.layout import (
    LOG_BYTES,
    LOG_COMMITS,
    Database,
    State,
    Tables,
    Transaction,
    log_key,
    read_state,
    write_state,
)
from snapshot.past import Keeps, Past
from snapshot.record import JSON, Record, checksum_of, encode, frame, key_bytes, version_of


class Edit(NamedTuple):
    """A key whose record is another one, as bytes and as text, and the checksum of the value it had (None: none)."""

    key: bytes
    name: str
    old_checksum: int | None


Records = Mapping[str, Record | None]
"""What is to be; None: gone. Each is asked for when it is its turn, so it may be made then, and need not be kept."""


class Writer:
    """The one writer of a database in all processes; its right ends with `close` or with the process."""

    def __init__(
        self, file: File, database: Database, on_commit: Callable[[], None], keeps: Keeps | None = None
    ) -> None:
        self._file = file
        self._database = database
        self._tables = file.tables[database]
        if keeps is not None and self._tables.past is None:
            raise ValueError(f"{database} has no room for what its records were before")
        self._past = Past(self._tables.past, keeps) if keeps is not None and self._tables.past is not None else None
        self._on_commit = on_commit
        self._lock_path = file.path / f"writer.{database}.lock"
        self._lock: int | None = _take(self._lock_path, database)

    @property
    def sequence(self) -> int:
        """The number of the last commit, 0 before the first."""
        with self._file.reading() as txn:
            return read_state(txn, self._tables).sequence

    def look(self) -> None:
        """SnapshotReplacedError when the file is no longer the one at its path."""
        self._file.look()

    def commit(
        self, changes: Records, *, since: float | None = None, notes: Mapping[str, JSON] | None = None
    ) -> int | None:
        """Write what differs of these records (None: the key goes), all or nothing.

        `since` (Unix time) is when that began which led to these changes; readers are told of it. `notes` stand beside
        it in the log, for who reads that.

        Returns the commit's sequence number, or None when nothing differed: then nothing is written and nobody woken.
        Raises ValueError for a key that cannot be stored, SnapshotFullError when there is no room,
        SnapshotReplacedError when the file is no longer the one at its path.
        """
        wanted = [(key_bytes(name), name) for name in changes]
        if not wanted:
            self._file.look()
            return None
        with self._file.reading() as txn:
            state = read_state(txn, self._tables)
            edits = [edit for key, name in wanted if (edit := _edit(key, name, changes, self._stored(txn, key)))]
        return self._write(state, edits, changes, _header(since, notes)) if edits else None

    def replace(self, records: Mapping[str, Record]) -> int | None:
        """Make these records the whole contents, writing only what differs; returns and raises as `commit`.

        The first one of a new file always commits, even without a record: from then on readers know that the
        contents are meant (see `Changes.sequence`).
        """
        new = {key_bytes(name): name for name in records}
        edits: list[Edit] = []
        with self._file.reading() as txn:
            state = read_state(txn, self._tables)
            for raw, value in txn.cursor(db=self._tables.records).iternext(keys=True, values=True):
                key = bytes(raw)
                edit = _edit(key, new.pop(key, "") or key.decode(), records, value)
                edits += [edit] if edit else []
        edits += [Edit(key, name, None) for key, name in new.items()]
        return self._write(state, edits, records, {}) if edits or not state.sequence else None

    def close(self) -> None:
        """Let another process write; a second call does nothing."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _stored(self, txn: Transaction, key: bytes) -> memoryview | None:
        return txn.get(key, db=self._tables.records)

    def _write(self, seen: State, edits: list[Edit], records: Records, header: Mapping[str, JSON]) -> int:
        if self._lock is None:
            raise SnapshotError(f"{self._file.path}: this writer of {self._database} is closed")
        self._keep_lock(self._lock)
        edits.sort()
        with self._forgetting(), self._file.writing() as txn:
            if read_state(txn, self._tables) != seen:
                raise SnapshotError(
                    f"{self._file.path}: another process wrote {self._database}; its lock file was removed"
                )
            past = self._past if seen.sequence else None  # what was read at first did not change
            before = past.before(txn, self._tables.records, [edit[:2] for edit in edits]) if past else []
            state = _account(seen, edits, _apply(txn, self._tables, edits, records, empty=not seen.count))
            now, since = time.time(), header.get("since")
            state = _log(txn, self._tables, state, [edit.key for edit in edits], {**header, "at": now})
            if past and before:
                at = since if isinstance(since, float) else now
                past.keep(txn, self._tables.records, state.sequence, at, before)
            write_state(txn, self._tables, state)
        self._on_commit()
        return state.sequence

    @contextmanager
    def _forgetting(self) -> Iterator[None]:
        """What is known of a transaction that came to nothing is nothing."""
        try:
            yield
        except BaseException:
            if self._past is not None:
                self._past.forget()
            raise

    def _keep_lock(self, lock: int) -> None:
        """Take the lock anew whose file was removed; WriterBusyError when somebody else has it by now."""
        if not self._lock_path.exists():
            self._lock = _take(self._lock_path, self._database)
            os.close(lock)


def _edit(key: bytes, name: str, records: Records, stored: memoryview | None) -> Edit | None:
    record = records.get(name)
    if record is None:
        return None if stored is None else Edit(key, name, checksum_of(stored))
    if stored is not None and version_of(stored) == record.version:
        return None
    return Edit(key, name, None if stored is None else checksum_of(stored))


def _apply(txn: Transaction, tables: Tables, edits: Iterable[Edit], records: Records, *, empty: bool) -> list[int]:
    """Write them one by one, in the order of their keys; the checksums of the values that are new.

    In an `empty` database each is the last one yet: LMDB then fills its pages, which else it would leave half empty.
    """
    came: list[int] = []
    for key, name, _ in edits:
        record = records.get(name)
        if record is None:
            txn.delete(key, db=tables.records)
        else:
            value = encode(key, record)
            txn.put(key, value, append=empty, db=tables.records)
            came.append(checksum_of(value))
    return came


def _account(state: State, edits: list[Edit], came: list[int]) -> State:
    """The state after these edits, the log apart."""
    went = [edit.old_checksum for edit in edits if edit.old_checksum is not None]
    return with_changes(
        state,
        sequence=state.sequence + 1,
        changed=state.changed + len(edits),
        count=state.count + len(came) - len(went),
        seal=(state.seal + sum(came) - sum(went)) % 2**64,
    )


def _log(txn: Transaction, tables: Tables, state: State, keys: Iterable[bytes], header: Mapping[str, JSON]) -> State:
    """Log the commit and forget the oldest ones; a commit too big for the log leaves it empty, and readers compare."""
    key = log_key(state.sequence)
    entry = frame(key, header, orjson.dumps([changed.decode() for changed in keys]))
    if len(entry) > LOG_BYTES:
        txn.drop(tables.log, delete=False)
        return with_changes(state, log_from=state.sequence, log_bytes=0)
    txn.put(key, entry, db=tables.log)
    log_from, log_bytes = state.log_from, state.log_bytes + len(entry)
    while state.sequence - log_from > LOG_COMMITS or log_bytes > LOG_BYTES:
        log_from += 1
        oldest = txn.pop(log_key(log_from), db=tables.log)
        log_bytes -= len(oldest or b"")
    return with_changes(state, log_from=log_from, log_bytes=log_bytes)


def _header(since: float | None, notes: Mapping[str, JSON] | None) -> dict[str, JSON]:
    return {**({} if since is None else {"since": since}), **({"notes": dict(notes)} if notes else {})}


def _take(path: Path, database: Database) -> int:
    """The lock's descriptor. The kernel ends the lock with the process, however that ends."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(lock, 20, 0).decode() or "unknown"
        os.close(lock)
        raise WriterBusyError(f"{path.parent}: {database} is being written by process {holder}") from None
    with suppress(OSError):  # a full filesystem: the lock counts, the number in it only explains
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
    return lock
