"""Which process hangs? Decisions only: what was seen of each at a tick goes in, and who is to be replaced comes out.

A process that shows no sign of life may be stopped, may wait for what never comes, or may have much to do. These are
told apart by what the kernel knows of its main thread, since it is no fault to be busy, and least on a machine where
everything is slow:

    stopped     the kernel says so (SIGSTOP, a debugger): nothing will come of it, however long one waits
    asleep      it sleeps and uses no processor: it waits. Whoever may have to wait says for how long (its patience)
    computing   it uses the processor and comes to no end. This is counted in the processor's time, not in ours, and
                long computations show life at each step
    slow        anything in between

Time is counted in ticks that came when they should: one that is late counts as one, however late it is. So after a
machine was suspended, or a container frozen, everybody is given their time anew.

Nothing is made worse: one is replaced at a time, few a minute; whoever slept meanwhile may have waited for just that
one; and whoever was replaced for being asleep, busy or slow is given twice the time each time it comes to that again.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import Final

TICK: Final = 1.0
"""Seconds between two ticks."""

SUSPECT: Final = 0.7
"""The share of its time after which it is told of whom there is no life."""

STOPPED_FOR: Final = 4.0

_LATE: Final = 1.5
"""How many seconds a tick counts at most."""

_REPLACEMENTS, _REPLACEMENTS_WITHIN = 12, 60.0
_REMEMBERED: Final = 900.0
"""Seconds for which a replacement makes the next one later."""

_PATIENT_AT_MOST: Final = 300.0
_LONGEST: Final = 64
_BEGINS: Final = "being replaced"


@dataclass(frozen=True, slots=True)
class Bounds:
    """For how many seconds a process may show no life: asleep; computing, in seconds of a processor; or at all.

    `unborn`: how long it may sleep before it has shown any; `waiting`: while another one is silent and at work.
    """

    asleep: float
    computing: float
    silent: float
    unborn: float
    waiting: float


OURS: Final = Bounds(asleep=5.0, computing=7.0, silent=60.0, unborn=60.0, waiting=30.0)
ENVOY: Final = Bounds(asleep=30.0, computing=inf, silent=inf, unborn=60.0, waiting=30.0)
"""Its main thread wakes up several times a second. Busy it may be, while its workers serve: that is for the probes."""
SUPERVISORD: Final = Bounds(asleep=30.0, computing=inf, silent=inf, unborn=60.0, waiting=30.0)
UNKNOWN: Final = Bounds(inf, inf, inf, inf, inf)
"""Of whom no sign of life is expected: being stopped is all that can be seen."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a process looks like at a tick. Its main thread's state and processor time (s), as the kernel has them.

    `life`: anything that is different whenever it has shown life; None: that cannot be seen. `cpu` None: it was not
    looked at, since there was life, or since it does not matter.
    """

    pid: int
    life: int | None
    state: str
    cpu: float | None
    bounds: Bounds
    patience: float = 0.0

    @property
    def is_stopped(self) -> bool:
        """By a signal, or by whoever traces it."""
        return self.state in ("T", "t")


@dataclass(slots=True)
class _Watched:
    """What is remembered of a process. The four durations are those of its present silence."""

    pid: int
    life: int | None
    cpu: float | None
    born: bool = False
    silent: float = 0.0
    stopped: float = 0.0
    asleep: float = 0.0
    computing: float = 0.0

    def see(self, sight: Sight, elapsed: float) -> None:
        """One tick more."""
        used = 0.0 if sight.cpu is None or self.cpu is None else sight.cpu - self.cpu
        self.cpu = sight.cpu
        if sight.life != self.life:
            self.life, self.born = sight.life, True
            self.silent = self.asleep = self.computing = 0.0
        elif sight.life is not None:
            self.silent += elapsed
            self.computing += used
            self.asleep = self.asleep + elapsed if used <= 0 and sight.state == "S" else 0.0
        self.stopped = self.stopped + elapsed if sight.is_stopped else 0.0


@dataclass(frozen=True, slots=True)
class Hung:
    """A process that hangs. `how`: a few words for people; `due`: it is to be replaced now."""

    part: str
    pid: int
    how: str
    is_stopped: bool = False
    due: bool = False


class Vigil:
    """Remembers what was seen of the processes, and judges. Times are of a clock that only goes forward, in seconds."""

    def __init__(self) -> None:
        self._watched: dict[str, _Watched] = {}
        self._replacing: dict[str, int] = {}
        self._replacements: deque[float] = deque()
        self._doubtful: dict[str, deque[float]] = {}
        self._last_tick: float | None = None

    def look(self, sights: Mapping[str, Sight], now: float) -> list[Hung]:
        """Who hangs as of this tick, or has not begun to work since it was replaced; at most one of them is due."""
        elapsed = 0.0 if self._last_tick is None else min(now - self._last_tick, _LATE * TICK)
        self._last_tick = now
        self._watched = {part: self._watch(part, sight, elapsed) for part, sight in sights.items()}
        judged = (self._judge(part, sight, now) for part, sight in sights.items())
        found = {hung.part: hung for hung in judged if hung}
        first = self._first([hung for hung in found.values() if hung.due], now)
        told = [replace(hung, due=hung is first) for hung in found.values()]
        told += [Hung(part, pid, _BEGINS) for part, pid in self._not_back().items() if part not in found]
        if first is not None:
            self._take_note(first, now)
        return told

    def last_life(self, part: str) -> int | None:
        """The last sign of life that was seen of a part."""
        watched = self._watched.get(part)
        return watched.life if watched else None

    def _watch(self, part: str, sight: Sight, elapsed: float) -> _Watched:
        watched = self._watched.get(part)
        if watched is None or watched.pid != sight.pid:
            return _Watched(sight.pid, sight.life, sight.cpu)
        watched.see(sight, elapsed)
        return watched

    def _judge(self, part: str, sight: Sight, now: float) -> Hung | None:
        """What the process shows that is not as it should be, or None."""
        seen, bounds, slack = self._watched[part], sight.bounds, self._slack(part, now)
        patience = min(sight.patience, _PATIENT_AT_MOST)
        asleep = max(bounds.asleep if seen.born else bounds.unborn, patience)
        if self._others_work(part):
            asleep = max(asleep, bounds.waiting)
        signs = (
            (seen.stopped, STOPPED_FOR, "stopped for {:.0f} s"),
            (seen.asleep, asleep * slack, "asleep for {:.0f} s"),
            (seen.computing, bounds.computing * slack, "computing for {:.0f} s without a step"),
            (seen.silent, max(bounds.silent, patience) * slack, "silent for {:.0f} s"),
        )
        for shown, bound, how in signs:
            if shown >= SUSPECT * bound:
                return Hung(part, seen.pid, how.format(shown), is_stopped=seen.stopped > 0, due=shown >= bound)
        return None

    def _others_work(self, part: str) -> bool:
        """Whether another one is silent since it has much to do: who sleeps meanwhile may wait for it."""
        others = (watched for name, watched in self._watched.items() if name != part)
        return any(other.silent >= 3 * TICK and not other.asleep and not other.stopped for other in others)

    def _slack(self, part: str, now: float) -> int:
        """How many times as long as usual the part is borne with."""
        times = self._doubtful.get(part, deque())
        while times and times[0] < now - _REMEMBERED:
            times.popleft()
        return min(1 << len(times), _LONGEST)

    def _first(self, due: list[Hung], now: float) -> Hung | None:
        """Who is replaced: a stopped one before all others, then the one that has been silent longest."""
        while self._replacements and self._replacements[0] < now - _REPLACEMENTS_WITHIN:
            self._replacements.popleft()
        if not due or len(self._replacements) >= _REPLACEMENTS:
            return None
        return max(due, key=lambda hung: (self._watched[hung.part].stopped, self._watched[hung.part].silent))

    def _take_note(self, hung: Hung, now: float) -> None:
        self._replacements.append(now)
        self._replacing[hung.part] = hung.pid
        if not self._watched.pop(hung.part).stopped:
            self._doubtful.setdefault(hung.part, deque()).append(now)
        for other in self._watched.values():
            other.asleep = 0.0

    def _not_back(self) -> dict[str, int]:
        """The parts that were replaced and whose new process has not shown life yet."""
        for part in list(self._replacing):
            watched = self._watched.get(part)
            if watched and _is_back(watched, self._replacing[part]):
                del self._replacing[part]
        return self._replacing


def _is_back(watched: _Watched, replaced: int) -> bool:
    """Whether it works again: another process, or the same if it was woken."""
    return watched.born if watched.life is not None else watched.pid != replaced
