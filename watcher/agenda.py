"""When to look at which path: pure, on a clock that the caller reads.

A file that was closed after writing or moved into place is looked at at once. One that is being written, or is gone,
may be half of a change (an editor moves the old file away, then writes the new one), so it has to be calm for a while.
A burst is taken in batches: the first at once, then one a window.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

WINDOW: Final = 0.05
"""Seconds between two batches; the longest that a burst delays a change."""

SETTLE: Final = 0.25
"""Seconds that a file must have been gone or empty to be believed."""

QUIET: Final = 2.0
"""Seconds without a further write after which a file that nobody closed counts as complete."""

PATIENCE: Final = 10.0
"""Seconds after which a file that is written without a pause is looked at as it is."""


class Sign(Enum):
    """What was noticed of a path."""

    COMPLETE = "closed, moved here, or made at once"
    GROWING = "written to and not closed"
    GONE = "removed, moved away, or found empty"
    TOUCHED = "given other rights or times"
    CONFIRMED = "found changed by two polls alike"


_DELAYS: Final = {
    Sign.COMPLETE: 0.0,
    Sign.GROWING: QUIET,
    Sign.GONE: SETTLE,
    Sign.TOUCHED: SETTLE,
    Sign.CONFIRMED: 0.0,
}


@dataclass(frozen=True, slots=True)
class Item:
    """A path to be looked at. `calm`: it had its time, what is seen now is meant, be it nothing."""

    path: str
    calm: bool


@dataclass(slots=True)
class _Entry:
    since: float
    due: float
    sign: Sign


class Agenda:
    """The paths to be looked at, each with its time; the last sign of a path counts."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._next_batch = 0.0

    def __contains__(self, path: str) -> bool:
        """Whether the path's content is about to change or has just changed: what was read of it does not count."""
        entry = self._entries.get(path)
        return entry is not None and entry.sign is not Sign.TOUCHED

    def note(self, path: str, sign: Sign, now: float) -> None:
        """Something was noticed of a path at `now` (s)."""
        entry = self._entries.get(path)
        if entry and sign is Sign.TOUCHED:
            return
        since = entry.since if entry else now
        due = min(now + _DELAYS[sign], since + PATIENCE)
        self._entries[path] = _Entry(since, due, sign)

    def take(self, now: float) -> list[Item]:
        """The paths to look at now, in order; empty until the window since the last batch is over."""
        if now < self._next_batch:
            return []
        due = sorted(path for path, entry in self._entries.items() if entry.due <= now)
        if due:
            self._next_batch = now + WINDOW
        return [Item(path, self._entries.pop(path).sign is not Sign.COMPLETE) for path in due]

    def claim(self, path: str) -> bool:
        """Whether the path may be read now, with another one; then what was noticed of it before is settled."""
        entry = self._entries.get(path)
        if entry and entry.sign is Sign.GROWING:
            return False
        self._entries.pop(path, None)
        return True

    def take_gone(self, path: str) -> list[Item]:
        """The path, or the folder of it that is on the agenda, when it waits to be believed gone."""
        while path:
            entry = self._entries.get(path)
            if entry and entry.sign is Sign.GONE:
                del self._entries[path]
                return [Item(path, calm=True)]
            path = path.rpartition("/")[0]
        return []

    def wake_at(self) -> float | None:
        """When `take` will have something; None when there is nothing."""
        if not self._entries:
            return None
        return max(self._next_batch, min(entry.due for entry in self._entries.values()))
