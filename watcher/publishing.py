"""From changes to the snapshot: what could not be written is kept and tried again."""

import time
from collections import Counter
from collections.abc import Mapping
from typing import Protocol

from process import logs
from snapshot import Reader, Record, SnapshotFullError, Writer
from watcher.parsing import source_of
from watcher.sources import FILE, Source
from watcher.state import Changes, LocatedProblem

MOST_LINES = 1000
"""Lines about problems that one change gives, of those that appeared and of those that are gone."""

RETRY = 1.0
"""Seconds until a commit that found no room is tried again."""

_PROBLEM = {FILE: "a file has a problem"}
_SOURCE = {FILE: "file"}

log = logs.get()


def remembered_objects(reader: Reader) -> dict[str, Record] | None:
    """What an earlier process has published, but for what it told of its sources; None when there was none."""
    if not reader.sequence:
        return None
    return {key: record for key, record in reader.all().items() if not key.startswith("dragoman/")}


def remembered(reader: Reader, labels: tuple[str, ...]) -> dict[Source, dict[str, Record]]:
    """What an earlier process has published, by the file it came from; `labels` are those of the roots, in order."""
    found: dict[Source, dict[str, Record]] = {}
    for key, record in reader.all().items():
        name = None if key.startswith("dragoman/") else source_of(record)
        if name:
            rank = next((rank for rank, label in enumerate(labels) if label and name.startswith(label)), 0)
            found.setdefault(Source(rank, name, yields=bool(labels[rank])), {})[key] = record
    return found


class Publishing(Protocol):
    """Whoever takes over what changed."""

    def publish(self, changes: Changes) -> None:
        """Take over what changed."""


class Publisher:
    """Writes changes; those that there was no room for are its state, until there is. `quiet`: logs only failures."""

    def __init__(self, writer: Writer, *, quiet: bool = False) -> None:
        self._writer = writer
        self._quiet = quiet
        self._pending: dict[str, Record | None] = {}
        self._since: float | None = None
        self._whole = False
        self._full = False

    @property
    def retry(self) -> float | None:
        """Seconds until `publish` should be called again even without changes; None: not needed."""
        return RETRY if self._full else None

    def publish(self, changes: Changes, heard: float | None = None) -> None:
        """Log the problems that are news, and write what changed. SnapshotError when the file is no longer usable.

        `heard`: when the changes were heard of (Unix time), if that was not just now.
        """
        for told in changes.appeared[:MOST_LINES]:
            log.warning(_PROBLEM.get(told.source.kind, "something cannot be watched"), **_said(told))
        for told in changes.healed[:MOST_LINES]:
            log.info("the problem is gone", **_said(told))
        untold = len(changes.appeared[MOST_LINES:]) + len(changes.healed[MOST_LINES:])
        if untold:
            log.warning("more problems appeared or are gone", how_many=untold, see="/ambassador/v0/diag/?json=true")
        self._pending = {**({} if changes.whole else self._pending), **changes.records}
        self._whole = self._whole or changes.whole
        if self._pending or self._whole:
            self._since = self._since or heard or time.time()
            self._write()
        else:
            self._writer.look()

    def _write(self) -> None:
        try:
            if self._whole:
                sequence = self._writer.replace({key: record for key, record in self._pending.items() if record})
            else:
                sequence = self._writer.commit(self._pending, since=self._since)
        except SnapshotFullError as error:
            if not self._full:
                log.error("no room for the objects", reason=str(error), next_try_s=RETRY)  # noqa: TRY400
            self._full = True
            return
        if self._full:
            log.info("there is room again")
        self._full = False
        counted = _counted(self._pending, whole=self._whole)
        if sequence is not None and counted and not self._quiet:
            # The translator tells of each change what it led to: once is enough for whoever reads the log.
            (log.info if self._whole else log.debug)("published", sequence=sequence, **counted)
        self._pending, self._whole, self._since = {}, False, None


def _said(told: LocatedProblem) -> dict[str, object]:
    problem = told.problem
    places = {"document": problem.document, "line": problem.line}
    return {
        _SOURCE.get(told.source.kind, "watched"): told.source.name,
        **{name: at for name, at in places.items() if at is not None},
        "reason": problem.message,
    }


def _counted(records: Mapping[str, Record | None], *, whole: bool) -> dict[str, int]:
    objects = [record is not None for key, record in records.items() if not key.startswith("dragoman/")]
    if whole:
        return {"objects": len(objects)}
    counted = Counter(objects)
    return {word: counted[here] for word, here in (("changed", True), ("gone", False)) if counted[here]}
