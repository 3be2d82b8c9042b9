"""The one thing the processes share: records in named databases, in a file that lives in memory.

Each database has one writer and any number of readers in other processes. A writer commits changes, a reader
asks what changed since it last asked; what a crash leaves behind is the last whole commit. `docs/snapshot.md`
describes the file so that a program of another make can read it.
"""

from snapshot.errors import (
    SnapshotBrokenError,
    SnapshotError,
    SnapshotFullError,
    SnapshotReplacedError,
    WriterBusyError,
)
from snapshot.layout import Database
from snapshot.past import Former, Keeps
from snapshot.reader import Changes, Commit, Reader
from snapshot.record import JSON, Record
from snapshot.share import OPENING, Snapshot
from snapshot.writer import Writer

__all__ = [
    "JSON",
    "OPENING",
    "Changes",
    "Commit",
    "Database",
    "Former",
    "Keeps",
    "Reader",
    "Record",
    "Snapshot",
    "SnapshotBrokenError",
    "SnapshotError",
    "SnapshotFullError",
    "SnapshotReplacedError",
    "Writer",
    "WriterBusyError",
]
