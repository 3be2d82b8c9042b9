"""Reading a database: what is new since the last look, from the log of commits or by comparing."""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from snapshot.errors import SnapshotBrokenError
from snapshot.file import File
from snapshot.layout import Database, State, Transaction, log_key, read_state
from snapshot.record import Record, decode, header_of, key_bytes, unframe


@dataclass(frozen=True, slots=True)
class Changes:
    """What is new in a database.

    `sequence` is the number of the last commit seen. 0 says that the writer has not published anything into this
    file yet: its contents are unknown, not empty. `records` are by key, None for one that is gone. `whole`: these
    are all there are (a reader's first call).
    """

    sequence: int
    records: Mapping[str, Record | None]
    whole: bool


class Reader:
    """A view of a database that catches up when asked; for one thread at a time.

    It keeps the headers of the records it has told of (not the bodies), so that it can find out what changed even
    when the log has forgotten.
    """

    def __init__(self, file: File, database: Database) -> None:
        self._file = file
        self._tables = file.tables[database]
        self._sequence: int | None = None
        self._changed = 0
        self._headers: dict[bytes, bytes] = {}

    def changes(self) -> Changes:
        """What is new since the last call, everything at the first one.

        Several commits since then count as one: of a record that came and went nothing is told.

        Raises SnapshotReplacedError when the file is no longer the one at its path, SnapshotBrokenError when it is
        damaged; the next call then tells the same again.
        """
        with self._file.reading() as txn:
            state = read_state(txn, self._tables)
            whole = self._sequence is None
            if state.sequence == self._sequence:
                return Changes(state.sequence, {}, whole=False)
            since = self._logged_since(state)
            found = self._by_comparing(txn) if since is None else self._from_log(txn, since, state)
        for key, (header, _) in found.items():
            if header is None:
                self._headers.pop(key, None)
            else:
                self._headers[key] = header
        self._sequence, self._changed = state.sequence, state.changed
        return Changes(state.sequence, {key.decode(): record for key, (_, record) in found.items()}, whole)

    def get(self, key: str) -> Record | None:
        """The record as of the last commit. ValueError for a key that cannot be."""
        name = key_bytes(key)
        with self._file.reading() as txn:
            raw = txn.get(name, db=self._tables.records)
            return None if raw is None else decode(name, raw)

    def all(self, beginning: str = "") -> dict[str, Record]:
        """Every record as of the last commit whose key begins so."""
        first = beginning.encode()
        with self._file.reading() as txn:
            cursor = txn.cursor(db=self._tables.records)
            if not (cursor.set_range(first) if first else cursor.first()):
                return {}
            found: dict[str, Record] = {}
            for raw, value in cursor.iternext(keys=True, values=True):
                key = bytes(raw)
                if not key.startswith(first):
                    break
                found[key.decode()] = decode(key, value)
            return found

    def _logged_since(self, state: State) -> int | None:
        """Where in the log to go on; None when it has forgotten that, or when comparing costs less."""
        if self._sequence is None or self._sequence < state.log_from:
            return None
        return self._sequence if state.changed - self._changed <= max(state.count, 64) else None

    def _from_log(self, txn: Transaction, since: int, state: State) -> "_Found":
        keys: dict[bytes, None] = {}
        for sequence in range(since + 1, state.sequence + 1):
            name = log_key(sequence)
            entry = txn.get(name, db=self._tables.log)
            if entry is None:
                raise SnapshotBrokenError(f"{self._file.path}: commit {sequence} is missing in the log")
            keys.update((key.encode(), None) for key in orjson.loads(unframe(name, entry)[1]))
        found: _Found = {}
        for key in keys:
            value = txn.get(key, db=self._tables.records)
            header = None if value is None else header_of(value)
            if header != self._headers.get(key):
                found[key] = (header, None if value is None else decode(key, value))
        return found

    def _by_comparing(self, txn: Transaction) -> "_Found":
        found: _Found = {}
        unseen = set(self._headers)
        for raw, value in txn.cursor(db=self._tables.records).iternext(keys=True, values=True):
            key, header = bytes(raw), header_of(value)
            unseen.discard(key)
            if self._headers.get(key) != header:
                found[key] = (header, decode(key, value))
        found.update((key, (None, None)) for key in unseen)
        return found


_Found = dict[bytes, tuple[bytes | None, Record | None]]
