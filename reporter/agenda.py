"""Whose turn it is to be looked at and written, and when: queue, limits and back-off. Times come from the caller."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from reporter.allowance import Allowance
from reporter.refusals import LONGEST_BACKOFF, backoff

WRITES: Final = 2
"""How often the same status is written to the same object: who changes it back more often is left in peace."""
FORGIVEN_AFTER: Final = 600.0
"""Seconds after which writes count no more: what was lost with a restored cluster is no fight."""
WRITES_A_SECOND, WRITES_AT_ONCE = 100.0, 100.0
AT_LEISURE: Final = 0.1
"""Seconds between two objects for which there is no hurry, so that they keep no other waiting."""


@dataclass(slots=True)
class _Turn:
    """What is remembered of an object: the wanted version it was looked at for, since when, its writes and failures."""

    uid: str
    version: str
    since: float
    writes: int = 0
    wrote_at: float = 0.0
    failures: int = 0
    rest_until: float = float("-inf")


@dataclass(slots=True)
class Agenda:
    """Owned by the reporter's loop. `spread` gives numbers from 0 to 1, for the jitter of the back-off.

    `comes_first` says of which objects, by their keys, a look is due before those of all others: few may be.
    """

    spread: Callable[[], float]
    comes_first: Callable[[str], bool] = lambda _: False
    _due: dict[str, float] = field(default_factory=dict)
    _ahead: list[tuple[float, str]] = field(default_factory=list)
    _queue: list[tuple[float, str]] = field(default_factory=list)
    _busy: set[str] = field(default_factory=set)
    _again: set[str] = field(default_factory=set)
    _turns: dict[str, _Turn] = field(default_factory=dict)
    _writes: Allowance = field(default_factory=lambda: Allowance(WRITES_A_SECOND, WRITES_AT_ONCE))
    _rest_until: float = float("-inf")
    _failures: int = 0
    _leisure: float = float("-inf")

    def touch(self, key: str, due: float) -> None:
        """Look at this object, not before `due`; while it is being written, afterwards."""
        if key in self._busy:
            self._again.add(key)
        elif due < self._due.get(key, float("inf")):
            self._due[key] = due
            heapq.heappush(self._ahead if self.comes_first(key) else self._queue, (due, key))

    def next(self, now: float) -> str | None:
        """The next object to look at, if one is due and something may be written; say `looked` or `wrote` of it."""
        if now < self._rest_until or self._writes.wait(now) > 0:
            return None
        for queue in (self._ahead, self._queue):
            while queue and queue[0][0] <= now:
                due, key = heapq.heappop(queue)
                if self._due.get(key) == due:
                    del self._due[key]
                    self._busy.add(key)
                    return key
        return None

    def wait(self, now: float) -> float | None:
        """Seconds until `next` may have something; None: not before something is touched."""
        for queue in (self._ahead, self._queue):
            while queue and self._due.get(queue[0][1]) != queue[0][0]:
                heapq.heappop(queue)
        first = min([queue[0][0] for queue in (self._ahead, self._queue) if queue], default=None)
        if first is None:
            return None
        return max(0.0, first - now, self._rest_until - now, self._writes.wait(now))

    def waits_since(self, key: str, uid: str, version: str, now: float) -> float:
        """Since when this version of its status has been wanted, as far as was seen."""
        turn = self._turns.get(key)
        if turn is None or (turn.uid, turn.version) != (uid, version):
            turn = self._turns[key] = _Turn(uid, version, now)
        if turn.writes and now - turn.wrote_at > FORGIVEN_AFTER:
            turn.writes = 0
        return turn.since

    def version(self, key: str, uid: str) -> str | None:
        """The version that was last wanted of this object; None: none, or it is gone."""
        turn = self._turns.get(key)
        return turn.version if turn is not None and turn.uid == uid else None

    def may_write(self, key: str) -> bool:
        """Whether the version that was last asked about may be written once more."""
        turn = self._turns.get(key)
        return turn is not None and turn.writes < WRITES

    def is_written(self, key: str) -> bool:
        """Whether it was written."""
        turn = self._turns.get(key)
        return turn is not None and turn.writes > 0

    def writes(self, key: str, now: float) -> int:
        """A write begins; the how manyeth of this version it is."""
        self._writes.spend(now)
        turn = self._turns.get(key)
        if turn is None:
            return 1
        turn.writes, turn.wrote_at = turn.writes + 1, now
        return turn.writes

    def looked(self, key: str, now: float, *, again_in: float | None = None) -> None:
        """The object had its turn. `again_in`: seconds after which it wants another."""
        self._busy.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.touch(key, now)
        elif again_in is not None:
            self.touch(key, now + again_in)

    def forget(self, key: str) -> None:
        """There is nothing to be said of this object any more."""
        self._turns.pop(key, None)

    def answered(self) -> None:
        """The API server does what it is asked."""
        self._failures = 0

    def took(self, key: str) -> bool:
        """The API server has taken the status of this object; whether it did not before."""
        turn = self._turns.get(key)
        if turn is None or not turn.failures:
            return False
        turn.failures, turn.rest_until = 0, float("-inf")
        return True

    def unwritten(self, key: str) -> None:
        """The write that began was none."""
        turn = self._turns.get(key)
        if turn is not None:
            turn.writes -= 1

    def failed(self, key: str, now: float, retry_after: float | None = None) -> tuple[int, float]:
        """The write of this object failed, which says nothing of others: the how manyeth time, and when it is next."""
        turn = self._turns.get(key)
        failures = turn.failures + 1 if turn is not None else 1
        rest = self._rest(failures, retry_after)
        if turn is not None:
            turn.failures, turn.rest_until = failures, now + rest
        return failures, rest

    def rests(self, key: str, now: float) -> float:
        """Seconds for which this object is not to be written, since that failed; 0: it may be."""
        turn = self._turns.get(key)
        return max(0.0, turn.rest_until - now) if turn is not None else 0.0

    def unreachable(self, now: float, retry_after: float | None = None) -> float:
        """The API server does not answer, or asks for rest: nobody has a turn for so many seconds."""
        self._failures += 1
        rest = self._rest(self._failures, retry_after)
        self._rest_until = max(self._rest_until, now + rest)
        return rest

    def pause(self, until: float) -> None:
        """Nobody has a turn before that."""
        self._rest_until = max(self._rest_until, until)

    def leisure(self, now: float) -> float:
        """Seconds until the next object may have its turn for which there is no hurry."""
        self._leisure = max(self._leisure, now) + AT_LEISURE
        return self._leisure - now

    def _rest(self, failures: int, retry_after: float | None) -> float:
        return max(backoff(failures) * (0.5 + 0.5 * self.spread()), min(retry_after or 0.0, LONGEST_BACKOFF))
