"""Who of the replicas leads: decisions only, by what was seen and when. `kubeapi.lease` sends what is decided here.

A Lease (coordination.k8s.io/v1) names its holder, who writes a new time into it again and again. Everybody else looks
at it now and then, and takes it when it has not changed for as long as its holder said. Three things make that safe:

- Nobody's clock is compared with anybody's. A time in the Lease is for people; whether it *changed* is what counts, and
  how long ago that was is measured by the looker's own clock, from his own first look at it. Was there a hole in his
  looking (he was stopped, his clock jumped, the API server did not answer), he starts to measure anew.
- Every write names the version that it replaces, so of two who try, one is refused.
- A holder counts from when he *sent* his last good write, and stops before anyone else may begin.

A holder that is started again in the same pod takes its lease at once: what ran there before has ended. It may do so
once; a second process of the same name, if there ever is one, is from then on a stranger like any other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

NOBODY: Final = ""
LONGEST: Final = 60.0
"""Seconds that a holder's own word on the duration is believed, at most: people can edit a Lease."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Seconds. Those of client-go's leader election, which are known to be kind to an API server."""

    duration: float = 15.0
    """A lease that did not change for so long may be taken."""
    deadline: float = 10.0
    """A holder that could not write for so long does not act as one; well below `duration`, for clocks that differ."""
    retry: float = 2.0
    """Between two looks, or two writes of a holder."""


@dataclass(frozen=True, slots=True)
class Record:
    """A Lease as it was seen. `holder` is NOBODY when it was given back."""

    version: str
    holder: str
    duration: float
    acquired: str = ""
    transitions: int = 0


@dataclass(frozen=True, slots=True)
class Look:
    """Read the Lease, and tell `looked`."""


@dataclass(frozen=True, slots=True)
class Write:
    """Write this, in place of exactly `version` (None: it must not exist yet), and tell `written` or `refused`.

    `acquired` is None where the holder changes: the time of writing.
    """

    version: str | None
    holder: str
    duration: float
    acquired: str | None
    transitions: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing for so many seconds."""

    seconds: float


Step = Look | Write | Wait


def identity_of(pod: str, process: str) -> str:
    """The name of a process of a pod as a holder; `process` must be new each time."""
    return f"{pod}_{process}"


class Election:
    """One candidate. Times are of a clock of its own that goes on while the machine sleeps."""

    def __init__(self, identity: str, terms: Terms, spread: Callable[[], float]) -> None:
        """`spread` gives numbers from 0 to 1, so that candidates that began together do not stay together."""
        self._identity = identity
        self._terms = terms
        self._spread = spread
        self._record: Record | None = None
        self._unchanged_since = 0.0
        self._last_look: float | None = None
        self._may_inherit = True
        self._next: Step = Look()
        self._due = float("-inf")
        self._sent = 0.0
        self._held_until = float("-inf")

    def holds(self, now: float) -> bool:
        """Whether this candidate leads at this moment. To be asked before each act of a leader."""
        return now < self._held_until

    @property
    def holder(self) -> str:
        """Who held it when it was last seen."""
        return self._record.holder if self._record else NOBODY

    def step(self, now: float) -> Step:
        """What to do next. Each step but Wait wants an answer before the next one is asked for."""
        if now < self._due:
            return Wait(self._due - now)
        self._sent = now
        return self._next

    def looked(self, now: float, record: Record | None) -> None:
        """The Lease is so; None: there is none."""
        self._observe(now, record)
        if self._may_take(now, record):
            self._then(now, self._claim(record))
        else:
            self._held_until = float("-inf")
            self._may_inherit = False
            self._then(self._later(now), Look())

    def written(self, now: float, record: Record) -> None:
        """The write was done, and made this of the Lease."""
        self._observe(now, record)
        self._may_inherit = False
        self._held_until = self._sent + self._terms.deadline
        self._then(self._sent + self._terms.retry, self._claim(record))

    def refused(self, now: float) -> None:
        """The Lease is not what the write was to replace."""
        self._then(now + 0.1 * self._terms.retry * self._spread(), Look())

    def failed(self, now: float) -> None:
        """There was no answer, or none that says anything; a write may have been done all the same."""
        self._then(self._later(now), Look())

    def release(self, now: float) -> Write | None:
        """What gives the lease back, if it is held; the candidate is one no more."""
        if self._record is None or not self.holds(now):
            return None
        self._held_until = float("-inf")
        return Write(self._record.version, NOBODY, 1.0, self._record.acquired, self._record.transitions)

    def _then(self, due: float, step: Step) -> None:
        self._due, self._next = due, step

    def _later(self, now: float) -> float:
        return now + self._terms.retry * (1 + 0.2 * self._spread())

    def _observe(self, now: float, record: Record | None) -> None:
        hole = self._last_look is None or now - self._last_look > self._terms.duration / 2
        if hole or record != self._record:
            self._unchanged_since = now
        self._record, self._last_look = record, now

    def _may_take(self, now: float, record: Record | None) -> bool:
        if record is None or record.holder in {NOBODY, self._identity}:
            return True
        if self._may_inherit and _pod_of(record.holder) == _pod_of(self._identity):
            return True
        allowed = min(max(record.duration, self._terms.duration), LONGEST)
        return now - self._unchanged_since >= allowed

    def _claim(self, record: Record | None) -> Write:
        if record is None:
            return Write(None, self._identity, self._terms.duration, None, 0)
        if record.holder == self._identity:
            return Write(record.version, self._identity, self._terms.duration, record.acquired, record.transitions)
        return Write(record.version, self._identity, self._terms.duration, None, record.transitions + 1)


def _pod_of(identity: str) -> str:
    return identity.partition("_")[0]
