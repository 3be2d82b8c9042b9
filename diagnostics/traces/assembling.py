"""Changes put together from the logs of the snapshot: what was heard of, what it led to, and how Envoy took it. Pure.

A change here is what the translator took in at once: one edit, or a burst of them. Its commits say by numbers which
commits of `objects` they follow from; the log of `acks` says by numbers which commits of `resources` were answered for.
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from diagnostics.rows import number, text
from snapshot import Commit

NAMED: Final = 20
"""Objects that are named of a change; of the others only the number is told."""

MOST_PENDING: Final = 1000
"""Changes that wait for Envoy. Where there are more, since none is there, the oldest are told as they are."""

_ROUNDED: Final = 0.0002
"""Seconds that rounded times may be apart."""

_HEARD: Final = 4096
_EXCHANGES: Final = 4096
_ENDED: Final = 64


@dataclass(frozen=True, slots=True)
class Heard:
    """A commit of `objects`: since when the watcher knew (Unix times, here and below), and when it had written."""

    sequence: int
    since: float
    at: float
    keys: tuple[str, ...]
    count: int


@dataclass(frozen=True, slots=True)
class Exchange:
    """A response that was sent to Envoy, and its answer. `reason`: why it refuses; None: it accepts."""

    kind: str
    sent: float
    answered: float
    changed: int
    removed: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class Stopped:
    """How many objects the translator stops, and the first of them with its reason."""

    count: int
    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Change:
    """What was taken in at once.

    `resources`: the number of the commit that followed, None where nothing changed for Envoy. `translated`: when the
    translator had written. `delivered`: when the adsserver began with it, `served`: when Envoy had answered.
    """

    first: int
    last: int
    heard: tuple[Heard, ...]
    taken: float
    translated: float
    resources: int | None = None
    types: Mapping[str, int] = field(default_factory=dict)
    stopped: Stopped | None = None
    delivered: float | None = None
    served: float | None = None
    exchanges: tuple[Exchange, ...] = ()

    @property
    def began(self) -> float:
        """When the watcher heard of the first of it."""
        return min(each.since for each in self.heard)


@dataclass(frozen=True, slots=True)
class Logs:
    """Commits of each log, the oldest first.

    Who reads them one after the other reads them in this order: of what is answered, all that led to it is then there.
    """

    acks: tuple[Commit, ...] = ()
    statuses: tuple[Commit, ...] = ()
    resources: tuple[Commit, ...] = ()
    objects: tuple[Commit, ...] = ()


class Assembly:
    """The changes that are not told yet, and what is known of them so far; bounded."""

    def __init__(self) -> None:
        self._heard: deque[Heard] = deque(maxlen=_HEARD)
        self._pending: dict[int, Change] = {}
        self._exchanges: deque[Exchange] = deque(maxlen=_EXCHANGES)
        self._finished: list[Change] = []
        self._ended: deque[int] = deque(maxlen=_ENDED)

    def add(self, logs: Logs) -> None:
        """These were read, each after those of the last time."""
        for commit in logs.objects:
            if commit.since is not None:
                named = commit.keys[:NAMED]
                self._heard.append(Heard(commit.sequence, commit.since, commit.at, named, len(commit.keys)))
        for commit in logs.resources:
            self._translated(commit, gives_resources=True)
        for commit in logs.statuses:
            self._translated(commit, gives_resources=False)
        for commit in logs.acks:
            self._exchanges.extend(_exchanges(commit))
            for at, delivered, first, last in _served(commit):
                self._answered(at, delivered, first, last)
        self._end_silent()

    def take(self) -> list[Change]:
        """Those that have come to their end since the last time, in the order of their ends."""
        taken, self._finished = self._finished, []
        return taken

    @property
    def pending(self) -> list[Change]:
        """Those that have not, in their order."""
        return list(self._pending.values())

    def _translated(self, commit: Commit, *, gives_resources: bool) -> None:
        first, last = _range(commit.notes.get("objects"))
        if last in self._ended:
            return  # it was answered for before all of it was told
        known = self._pending.get(last)
        if known is None:
            heard = tuple(each for each in self._heard if first <= each.sequence <= last)
            if not heard:
                return  # the log has forgotten it, or nobody knows when it began
            known = Change(first, last, heard, number(commit.notes.get("taken")) or commit.at, commit.at)
        if gives_resources:
            types = Counter(key.partition("/")[0] for key in commit.keys)
            known = replace(known, resources=commit.sequence, types=types, translated=commit.at)
        else:
            known = replace(known, stopped=_stopped(commit.notes.get("stopped")))
        self._pending[last] = known

    def _answered(self, at: float, delivered: float, first: int, last: int) -> None:
        for key, change in list(self._pending.items()):
            if change.resources is None or change.resources > last:
                continue
            self._end(key)
            if change.resources >= first:  # else it was lost: the adsserver has begun again
                meant = tuple(each for each in self._exchanges if delivered - _ROUNDED <= each.sent <= at)
                change = replace(change, delivered=delivered, served=at, exchanges=meant)  # noqa: PLW2901
            self._finished.append(change)

    def _end(self, key: int) -> Change:
        self._ended.append(key)
        return self._pending.pop(key)

    def _end_silent(self) -> None:
        """Those that are nothing for Envoy, and those that are too many."""
        for key, change in list(self._pending.items()):
            if change.resources is None or len(self._pending) > MOST_PENDING:
                self._finished.append(self._end(key))


def _range(told: Any) -> tuple[int, int]:
    match told:
        case [int() as first, int() as last]:
            return first, last
    return 0, 0


def _stopped(told: Any) -> Stopped | None:
    match told:
        case {"count": int() as count, "object": str() as key, "reason": str() as reason}:
            return Stopped(count, key, reason)
    return None


def _served(commit: Commit) -> Iterable[tuple[float, float, int, int]]:
    told = commit.notes.get("served")
    for each in told if isinstance(told, list) else ():
        match each:
            case [_, int() | float() as at, int() | float() as delivered, int() as first, int() as last]:
                yield at, delivered, first, last


def _exchanges(commit: Commit) -> Iterable[Exchange]:
    told = commit.notes.get("exchanges")
    for each in told if isinstance(told, list) else ():
        match each:
            case [
                str() as kind,
                int() | float() as sent,
                int() | float() as took,
                int() as changed,
                int() as removed,
                *rest,
            ]:
                yield Exchange(kind, sent, sent + took, changed, removed, text(rest[0]) if rest else None)
