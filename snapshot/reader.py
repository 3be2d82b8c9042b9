"""Reading a database: what is new since the last look, from the log of commits or by comparing."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import orjson

from snapshot.errors import SnapshotBrokenError
from snapshot.file import File
from snapshot.layout import Database, State, Transaction, log_key, read_state
from snapshot.past import Former, formers
from snapshot.record import JSON, Record, decode, header_of, key_bytes, unframe

T = TypeVar("T")

_BITS: Final = (1 << 60) - 1
"""Of a hash these are kept: with four more, Python's integer takes half as much again."""


@dataclass(frozen=True, slots=True)
class Told(Generic[T]):
    """What is new in a database.

    `sequence` is the number of the last commit seen. 0 says that the writer has not published anything into this
    file yet: its contents are unknown, not empty. `records`, or what was made of them, are by key, None for one that is
    gone. `whole`: these are all there are (a reader's first call). `since`: when the first of what led to these changes
    began (Unix time), as their writers said it; None where none did, or where the log has forgotten it.
    """

    sequence: int
    records: Mapping[str, T | None]
    whole: bool
    since: float | None = None


@dataclass(frozen=True, slots=True)
class Changes(Told[Record]):
    """What is new, as whole records."""


@dataclass(frozen=True, slots=True)
class Commit:
    """What the log has of a commit: the keys that it changed or removed, and what its writer said of it.

    `at`: when it was written (Unix time).
    """

    sequence: int
    keys: tuple[str, ...]
    since: float | None
    at: float
    notes: Mapping[str, JSON]


class Reader:
    """A view of a database that catches up when asked; for one thread at a time.

    It keeps of the records it has told of a hash of the header (60 bits, not the bodies), so that it can find out what
    changed even when the log has forgotten. Its keys are those that it tells, so that who keeps them has them once.

    `beginning`: it tells only of records whose keys begin so, and knows of no others.
    """

    def __init__(self, file: File, database: Database, beginning: str = "") -> None:
        self._file = file
        self._tables = file.tables[database]
        self._beginning = beginning
        self._sequence: int | None = None
        self._state: bytes | None = None
        """The database's state as it was then: while it is the same there is nothing to be read."""
        self._changed = 0
        self._headers: dict[str, int] = {}

    @property
    def sequence(self) -> int:
        """The number of the last commit in the file, 0 before the first; nobody has to have been told of it."""
        with self._file.reading() as txn:
            return read_state(txn, self._tables).sequence

    def changes(self) -> Changes:
        """What is new since the last call, everything at the first one.

        Several commits since then count as one: of a record that came and went nothing is told.

        Raises SnapshotReplacedError when the file is no longer the one at its path, SnapshotBrokenError when it is
        damaged; the next call then tells the same again.
        """
        news = self.told(_itself)
        return Changes(news.sequence, news.records, news.whole, news.since)

    def told(self, reduce: Callable[[Record], T]) -> Told[T]:
        """As `changes`, with what `reduce` makes of each record, never None: nothing else of it stays in memory."""
        named, meta = self._tables.state_key, self._tables.meta
        if self._sequence is not None and self._file.value(named, meta) == self._state:
            return Told(self._sequence, {}, whole=False)
        with self._file.reading() as txn:
            state = read_state(txn, self._tables)
            raw = txn.get(named, db=meta)
            seen = None if raw is None else bytes(raw)
            whole = self._sequence is None
            since, start = None, self._logged_since(state)
            if start is None:
                found = self._by_comparing(txn)
            else:
                keys, since = self._logged(txn, start, state)
                found = self._from_log(txn, keys)
            records: dict[str, T | None] = {}
            headers: dict[str, int] = {}
            gone: list[str] = []
            for key, name, value in found:
                if value is None:
                    records[key] = None
                    gone.append(key)
                else:
                    records[key] = reduce(decode(name, value))
                    headers[key] = _hash(value)
        self._headers.update(headers)
        for key in gone:
            self._headers.pop(key, None)
        self._sequence, self._changed = state.sequence, state.changed
        self._state = seen
        return Told(state.sequence, records, whole, since)

    def get(self, key: str) -> Record | None:
        """The record as of the last commit. ValueError for a key that cannot be."""
        name = key_bytes(key)
        with self._file.reading() as txn:
            raw = txn.get(name, db=self._tables.records)
            return None if raw is None else decode(name, raw)

    def all(self, beginning: str = "") -> dict[str, Record]:
        """Every record as of the last commit whose key begins so."""
        with self._file.reading() as txn:
            return {key.decode(): decode(key, value) for key, value in self._stored(txn, beginning.encode())}

    def commits(self, after: int = 0) -> list[Commit]:
        """Those after the one of this number that the log remembers, the oldest first; nothing of this is kept."""
        with self._file.reading() as txn:
            cursor = txn.cursor(db=self._tables.log)
            if not cursor.set_range(log_key(after + 1)):
                return []
            return [_commit(bytes(number), entry) for number, entry in cursor.iternext(keys=True, values=True)]

    def past(self) -> list[Former]:
        """What records were before they changed, the oldest first; nothing of this is kept."""
        if self._tables.past is None:
            return []
        with self._file.reading() as txn:
            return list(formers(txn, self._tables.past))

    def _stored(self, txn: Transaction, first: bytes) -> Iterator[tuple[bytes, memoryview]]:
        """The keys that begin so, in order, and values as they are in the file."""
        cursor = txn.cursor(db=self._tables.records)
        if not (cursor.set_range(first) if first else cursor.first()):
            return
        for raw, value in cursor.iternext(keys=True, values=True):
            key = bytes(raw)
            if not key.startswith(first):
                return
            yield key, value

    def _logged_since(self, state: State) -> int | None:
        """Where in the log to go on; None when it has forgotten that, or when comparing costs less."""
        if self._sequence is None or self._sequence < state.log_from:
            return None
        return self._sequence if state.changed - self._changed <= max(state.count, 64) else None

    def _logged(self, txn: Transaction, start: int, state: State) -> tuple[Iterable[str], float | None]:
        """The keys of the commits after `start`, and when the first of what led to them began."""
        keys: dict[str, None] = {}
        begun: list[float] = []
        for sequence in range(start + 1, state.sequence + 1):
            number = log_key(sequence)
            entry = txn.get(number, db=self._tables.log)
            if entry is None:
                raise SnapshotBrokenError(f"{self._file.path}: commit {sequence} is missing in the log")
            header, changed = unframe(number, entry)
            keys.update((key, None) for key in orjson.loads(changed) if key.startswith(self._beginning))
            since = header.get("since")
            begun += [since] if isinstance(since, float) else []
        return keys, min(begun, default=None)

    def _from_log(self, txn: Transaction, keys: Iterable[str]) -> "_Found":
        for key in keys:
            name = key.encode()
            value = txn.get(name, db=self._tables.records)
            if (None if value is None else _hash(value)) != self._headers.get(key):
                yield key, name, value

    def _by_comparing(self, txn: Transaction) -> "_Found":
        unseen = set(self._headers)
        for name, value in self._stored(txn, self._beginning.encode()):
            key = name.decode()
            unseen.discard(key)
            if self._headers.get(key) != _hash(value):
                yield key, name, value
        yield from ((key, key.encode(), None) for key in unseen)


def _commit(number: bytes, entry: memoryview) -> Commit:
    header, changed = unframe(number, entry)
    since, at, notes = header.get("since"), header.get("at"), header.get("notes")
    return Commit(
        int.from_bytes(number),
        tuple(orjson.loads(changed)),
        since if isinstance(since, float) else None,
        at if isinstance(at, float) else 0.0,
        notes if isinstance(notes, dict) else {},
    )


def _itself(record: Record) -> Record:
    return record


def _hash(value: memoryview) -> int:
    return hash(header_of(value)) & _BITS


_Found = Iterator[tuple[str, bytes, memoryview | None]]
"""The records that are others than was told: their keys, twice, and values as they are in the file; None: gone."""
