"""Opening the snapshot: how processes that start together, crash and come back always find a file that is sound."""

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from snapshot.bell import ring
from snapshot.file import File
from snapshot.layout import Database
from snapshot.opening import CHECK_PATIENCE, OPEN_PATIENCE, open_file
from snapshot.past import Keeps
from snapshot.reader import Reader
from snapshot.writer import Writer

MAP_SIZE = 8 << 30
"""Bytes of address space, not of memory: the file is as large as its records need."""


OPENING = int(OPEN_PATIENCE + CHECK_PATIENCE)
"""Seconds that opening may take where others open it at the same time; nothing is heard of this process meanwhile."""


class Snapshot:
    """The shared snapshot, open in this process; one a path. It may not be used across a fork."""

    def __init__(self, file: File, bells: Path | None, replaced: str | None, undo: ExitStack) -> None:
        self._file = file
        self._bells = bells
        self._undo = undo
        self.replaced = replaced
        """Why `open` threw the former file away; None when it did not."""

    @classmethod
    def open(cls, path: Path, *, bells: Path | None = None, map_size: int = MAP_SIZE) -> Self:
        """Open the folder `path`, made when missing (0700, its files 0600); an unreadable or foreign file is replaced.

        `bells` is the directory whose bells ring with commits. Any number of processes may do this at once.
        Raises SnapshotFullError when there is not even room for an empty file, SnapshotError when this process has
        it open already or the folder cannot be used.
        """
        file, replaced, undo = open_file(path, map_size)
        snapshot = cls(file, bells, replaced, undo)
        if replaced:
            snapshot._ring()
        return snapshot

    def writer(self, database: Database, *, rings: bool = True, keeps: Keeps | None = None) -> Writer:
        """The right to write a database. WriterBusyError, naming the process, when another one has it.

        `rings` False: nobody is woken by its commits; who reads it looks when something else wakes them.
        `keeps` says of which records it is kept what they were before they changed, where there is room for that.
        """
        writer = Writer(self._file, database, partial(self._ring, database) if rings else _nobody, keeps)
        self._undo.callback(writer.close)
        return writer

    def reader(self, database: Database, beginning: str = "") -> Reader:
        """A reader of a database, or of the records whose keys begin so, with a memory of its own of what it told."""
        return Reader(self._file, database, beginning)

    def check(self) -> None:
        """Raise SnapshotReplacedError when another process has replaced the file; for a process that only writes.

        Whoever reads finds out by reading. To be called now and then, as a reader polls.
        """
        self._file.look()

    def close(self) -> None:
        """Give up the file and the right to write; a second call does nothing."""
        self._undo.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _ring(self, database: Database | None = None) -> None:
        if self._bells is not None:
            ring(self._bells, database)


def _nobody() -> None:
    """Who is woken by a commit that rings no bell."""
