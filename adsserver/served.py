"""How long it takes until a change is served, from when the watcher heard of it until Envoy has answered; and refusals.

Counted here, where both ends are known, and told in the snapshot: the diagnostics make metrics of it. What Envoy never
gets, since it changes nothing for it, is not counted.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from adsserver.session import Mark, Session
from snapshot import JSON, Record

SERVED_KEY: Final = "served"

BOUNDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Seconds: the upper ends of the classes; one more class has what took longer."""

_MOST_WAITING: Final = 4096
"""Changes that are waited for; what comes while there are so many, as without an Envoy, is not counted."""

_NO_STREAM: Final = Mark("none", 0, 0)


class Taken(NamedTuple):
    """Commits of `resources` that were taken together, by their numbers.

    `since`: when what led to them began, `at`: when they were taken (Unix times).
    """

    since: float
    first: int
    last: int
    at: float


class _Waiting(NamedTuple):
    taken: Taken
    mark: Mark


class Served:
    """The changes that Envoy has still to answer for, and the numbers of those that it has answered for."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives Unix times."""
        self._clock = clock
        self._waiting: deque[_Waiting] = deque()
        self._classes = [0] * (len(BOUNDS) + 1)
        self._seconds = 0.0
        self._last: float | None = None
        self._refused: dict[str, int] = {}
        self._answered: list[JSON] = []

    @property
    def is_awaited(self) -> bool:
        """Whether there is a change that Envoy has still to answer for."""
        return bool(self._waiting)

    def came(self, taken: Taken, session: Session | None) -> None:
        """A change was given to the newest stream, or waits for there to be one."""
        if len(self._waiting) < _MOST_WAITING:
            self._waiting.append(_Waiting(taken, session.mark if session else _NO_STREAM))

    def look(self, session: Session) -> bool:
        """Count what the newest stream has answered for; whether there was something."""
        if not self._waiting:
            return False
        if self._waiting[0].mark.stream != session.name:  # what was given to another, this one is given with all
            self._waiting = deque(each._replace(mark=session.mark) for each in self._waiting)
        before = len(self._waiting)
        while self._waiting and session.has_brought(self._waiting[0].mark):
            self._count(self._waiting.popleft())
        return len(self._waiting) < before

    def refused(self, kind: str) -> None:
        """Envoy refused a version of a resource of this kind."""
        self._refused[kind] = self._refused.get(kind, 0) + 1

    @property
    def record(self) -> Record:
        """The numbers, as a record of `acks`."""
        notes: dict[str, JSON] = {
            "bounds": list(BOUNDS),
            "classes": list(self._classes),
            "seconds": round(self._seconds, 6),
            "last": self._last,
            "refused": dict(self._refused),
        }
        return Record(f"{sum(self._classes)} {self._last} {sum(self._refused.values())}", b"", notes)

    @property
    def log(self) -> dict[str, JSON]:
        """What is not told yet: of each change its beginning and end, and when which commits were taken."""
        return {"served": list(self._answered)} if self._answered else {}

    def told(self) -> None:
        """The log has them."""
        self._answered.clear()

    def _count(self, answered: _Waiting) -> None:
        now, (since, first, last, at) = self._clock(), answered.taken
        took = max(0.0, now - since)
        self._classes[bisect_left(BOUNDS, took)] += 1
        self._seconds += took
        self._answered.append([since, now, round(at, 4), first, last])
        self._last = now
