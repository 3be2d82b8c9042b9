"""When is a part that ends started again, and when is it given up? Decisions only: events in, a verdict out.

supervisord starts an ended part again by itself. Two things it cannot know are decided here, from what it says:
- A part that was *killed* (SIGKILL: by a person, a test, the kernel out of memory) was not at fault, however young it
  was; supervisord would let it wait. It is pardoned: started again at once.
- A part that ends *by itself* again and again cannot be kept alive, even if each life lasts longer than the second
  after which supervisord takes it for started. If requests are served without it, it rests for a while; else the
  whole ends, and says why.
"""

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto

CONFIGURATION = 78
"""The exit code of a part for which no further try can help (EX_CONFIG of sysexits.h)."""

DISPENSABLE = frozenset({"reporter"})
"""Parts without which requests are served all the same: one that cannot be kept alive rests, and the others go on."""

CONTROL_PLANE = frozenset({"watcher", "translator", "adsserver"})
"""Parts without which Envoy goes on with what it was told, once it was told something.

What ends them again and again may well be in the objects, which all replicas read: none may end for it that serves.
"""

REST = 60.0
"""Seconds of such a rest."""

_LAST_WORDS = 300
_FAILURES, _FAILURES_WITHIN = 10, 60.0
_PARDONS, _PARDONS_WITHIN = 50, 10.0


@dataclass(frozen=True, slots=True)
class Started:
    """A part has a new process."""

    part: str
    pid: int


@dataclass(frozen=True, slots=True)
class Ended:
    """A part's process ended unasked. `how`: "exit status 1" or "terminated by SIGKILL"."""

    part: str
    how: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """A part's process ended as it was told to."""

    part: str
    how: str


@dataclass(frozen=True, slots=True)
class GivenUp:
    """supervisord no longer tries to start a part."""

    part: str


@dataclass(frozen=True, slots=True)
class Said:
    """Anything else that supervisord tells. `level`: CRIT, ERRO, WARN, INFO; empty if it is no line of its log."""

    level: str
    text: str


Event = Started | Ended | Stopped | GivenUp | Said


class Verdict(Enum):
    """What is to be done when a part ended. LEAVE: nothing, supervisord sees to it; REST: stop it for a while."""

    LEAVE = auto()
    PARDON = auto()
    REST = auto()
    GIVE_UP = auto()


_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ([A-Z]{4}) (.*)")
_EVENTS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Event]], ...] = (
    (re.compile(r"spawned: '(\S+)' with pid (\d+)"), lambda found: Started(found[1], int(found[2]))),
    (re.compile(r"exited: (\S+) \((.+); (?:not )?expected\)"), lambda found: Ended(found[1], found[2])),
    (re.compile(r"stopped: (\S+) \((.+)\)"), lambda found: Stopped(found[1], found[2])),
    (re.compile(r"gave up: (\S+) entered FATAL state"), lambda found: GivenUp(found[1])),
)


def read(line: str) -> Event:
    """The event that a line of supervisord's log tells. Its log is the one place where it says how a process ended."""
    parsed = _LINE.fullmatch(line)
    if parsed is None:
        return Said("", line)
    for pattern, event in _EVENTS:
        if found := pattern.match(parsed[2]):
            return event(found)
    return Said(parsed[1], parsed[2])


@dataclass(slots=True)
class _Life:
    """What is remembered of a part."""

    how: str = ""
    ends: int = 0
    failures: deque[float] = field(default_factory=deque)
    pardons: deque[float] = field(default_factory=deque)


class Keeper:
    """Remembers how the parts ended, and judges. Times are of any clock that only goes forward, in seconds.

    `serving`: the gateway has been ready.
    """

    def __init__(self) -> None:
        self.serving = False
        self._lives: dict[str, _Life] = {}

    def judge(self, event: Ended | GivenUp, now: float) -> Verdict:
        """What an end, or supervisord's giving up, is answered with."""
        verdict = self._judge(event, now)
        dispensable = event.part in DISPENSABLE or (self.serving and event.part in CONTROL_PLANE)
        return Verdict.REST if verdict is Verdict.GIVE_UP and dispensable else verdict

    def _judge(self, event: Ended | GivenUp, now: float) -> Verdict:
        life = self._lives.setdefault(event.part, _Life())
        if isinstance(event, Ended):
            life.how = event.how
            life.ends += 1
        if _was_killed(life.how):
            life.pardons.append(now)
            affordable = _within(life.pardons, now, _PARDONS_WITHIN) <= _PARDONS
            return Verdict.PARDON if affordable else _without_pardon(event)
        if isinstance(event, GivenUp):
            return Verdict.GIVE_UP
        life.failures.append(now)
        if life.how == f"exit status {CONFIGURATION}" or _within(life.failures, now, _FAILURES_WITHIN) >= _FAILURES:
            return Verdict.GIVE_UP
        return Verdict.LEAVE

    def reason(self, part: str, last_line: str) -> str:
        """A sentence that says why `part` was given up; `last_line`: what it wrote last on stderr, if anything."""
        life = self._lives[part]
        how = f"with {life.how}" if life.how.startswith("exit") else f"({life.how})"
        if not life.how:
            what = "it could not be started"
        elif life.ends == 1:
            what = f"it ended {how}"
        else:
            what = f"it ended again and again, the last time {how}"
        said = f"; its last line was: {last_line[:_LAST_WORDS]}" if last_line else ""
        return f"{part} cannot be kept alive: {what}{said}"


def _was_killed(how: str) -> bool:
    return how.startswith("terminated by SIGKILL")


def _without_pardon(event: Ended | GivenUp) -> Verdict:
    return Verdict.GIVE_UP if isinstance(event, GivenUp) else Verdict.LEAVE


def _within(times: deque[float], now: float, seconds: float) -> int:
    """How many of `times` lie within the last `seconds`; older ones are forgotten."""
    while times and times[0] < now - seconds:
        times.popleft()
    return len(times)
