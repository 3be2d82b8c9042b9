"""What is where in the file: the named databases, and the state that each of ours keeps beside its records."""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal, get_args

import lmdb

from snapshot.record import JSON, frame, unframe

Database = Literal["objects", "live", "resources", "statuses", "acks", "holds", "wanted", "catalog"]

DATABASES: tuple[Database, ...] = get_args(Database)

PAST: tuple[Database, ...] = ("objects", "holds")
"""Those of whose records it is kept what they were before."""

TABLES = 1 + 2 * len(DATABASES) + len(PAST)
"""LMDB's named databases: the state, and of each of ours its records, its log, and what is kept of its past."""

FORMAT_KEY = b"format"

FORMAT_HEADER: dict[str, JSON] = {"format": "dragoman-snapshot", "schema": 4}
"""The schema counts up whenever a program that reads the older file would misread the newer one."""

LOG_COMMITS = 4096
"""The log of a database remembers at most so many commits ..."""

LOG_BYTES = 1 << 20
"""... and at most so many bytes of keys; a reader further behind compares keys and versions."""

PAST_BYTES = 1 << 20
"""Of what a database's records were before, at most so many bytes are kept ..."""

PAST_OF_A_COMMIT = 1000
"""... and so many records of one commit, ..."""

PAST_LARGEST = 1 << 15
"""... none of them with more bytes than these."""

if TYPE_CHECKING:
    Table = lmdb._Database  # noqa: SLF001 -- the stub's only name for a handle
    Transaction = lmdb.Transaction[memoryview]
else:
    Table = Transaction = object


@dataclass(frozen=True, slots=True)
class Tables:
    """The handles of one of our databases: its records, the log of its commits, and what its records were before."""

    records: Table
    log: Table
    meta: Table
    state_key: bytes
    past: Table | None


@dataclass(frozen=True, slots=True)
class State:
    """One database's state, kept in the same commit as the records it tells of.

    The log holds the commits `log_from + 1` to `sequence`. `count` and `seal` (the sum of the records' checksums,
    modulo 2**64) let a check prove that the records are all there and of one commit.
    """

    sequence: int = 0
    changed: int = 0
    count: int = 0
    seal: int = 0
    log_from: int = 0
    log_bytes: int = 0


_STATE = tuple([field.name for field in fields(State)])


def read_state(txn: Transaction, tables: Tables) -> State:
    """The state as of this transaction; all zero before the first commit."""
    raw = txn.get(tables.state_key, db=tables.meta)
    if raw is None:
        return State()
    header, _ = unframe(tables.state_key, raw)
    return State(**header)  # type: ignore[arg-type]


def write_state(txn: Transaction, tables: Tables, state: State) -> None:
    """Store the state with the commit it belongs to."""
    txn.put(tables.state_key, frame(tables.state_key, {name: getattr(state, name) for name in _STATE}), db=tables.meta)


def log_key(sequence: int) -> bytes:
    """A log entry's key: eight bytes, big-endian, so that the log is in order."""
    return sequence.to_bytes(8, "big")
