"""Is it alive, is it ready? Decisions only: what is known goes in, and a sentence comes out when the answer is no.

Alive means Envoy: a lost control plane or API server must not restart a container that serves well. (That supervisord
lives is watched by the entrypoint, which ends the container with it.)
Ready means that Envoy serves a configuration that it accepted. Once it does, only Envoy itself can take that back: what
else hangs is told, and changes nothing, for what hangs in one replica may hang in all. But when the entrypoint hangs
for long, nothing is replaced or drained any more: then traffic is sent elsewhere first, and the container restarted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from diagnostics.admin import BUSY
from diagnostics.view import Progress

LIVE: Final = "LIVE"
STARTING: Final = frozenset({"PRE_INITIALIZING", "INITIALIZING"})
UNMADE: Final = "no configuration was made yet: the log of the watcher and the translator says what they wait for"

BLIND: Final = "no Host can be served, and Secrets may not be read: the log of the watcher names the right"

GRACE: Final = 30.0
"""Seconds that Envoy may be silent, at our start or since it answered last: it may be coming back."""

BUSY_AT_MOST: Final = 10.0
"""Seconds that an Envoy which was ready may be too busy to answer: its workers serve while its main thread applies a
large configuration or sums up its metrics, and on a crowded machine all replicas may be as slow at once."""

SETTLING: Final = 5.0
"""Seconds that a first configuration is waited for beyond its first listener: one that never comes blocks nothing."""


ORPHANED: Final = 60.0
"""Seconds that the entrypoint may show no life until the pod is not ready; twice as many, and it is not alive."""

_GAP: Final = 10.0
"""How many seconds between two questions count at most: nobody may have asked for long, or all of us slept."""


class Silence:
    """For how long something that changes while its owner lives has been the same. Times as in `Life`."""

    def __init__(self) -> None:
        self._seen: int | None = None
        self._asked: float | None = None
        self._seconds = 0.0

    def of(self, sign: int | None, now: float) -> float:
        """Its seconds as of `now`; `sign` None: nobody tells."""
        gap = 0.0 if self._asked is None else min(now - self._asked, _GAP)
        self._asked = now
        self._seconds = self._seconds + gap if sign is not None and sign == self._seen else 0.0
        self._seen = sign
        return self._seconds


def orphaned(silence: float, bound: float) -> str | None:
    """Why a pod should not go on whose entrypoint has been silent for so long (s); None: it may."""
    return None if silence < bound else f"the entrypoint hangs: it has been silent for {silence:.0f} s"


def hanging(hung: Mapping[str, str]) -> str:
    """What hangs, as the rest of a sentence; empty when nothing does."""
    return "; ".join(f"{part} hangs: {how}" for part, how in sorted(hung.items()))


class Life:
    """Since when Envoy is silent; times are of one monotonic clock, in seconds."""

    def __init__(self, now: float) -> None:
        """`now`: when we began to ask."""
        self._silent_since: float | None = now

    def wrong(self, state: str | None, now: float) -> str | None:
        """Why the container should be restarted; None: it should not. `state` is Envoy's own word, None: no answer.

        The grace begins with the first question that it does not answer, since nobody may have asked for long.
        """
        if state not in (None, BUSY):
            self._silent_since = None
            return None
        if self._silent_since is None:
            self._silent_since = now
        silence = now - self._silent_since
        return None if silence < GRACE else f"Envoy's admin interface has not answered for {silence:.0f} s"


@dataclass(slots=True)
class Readiness:
    """Remembers whether this Envoy was ready before: then a change under way does not make it unready."""

    _was_ready: bool = False
    _busy_since: float | None = field(default=None)
    _first_listener_at: float | None = field(default=None)

    def is_settled(self, state: str | None, listening: frozenset[str]) -> bool:
        """Whether `wrong` can be told without knowing how far our configuration has come."""
        if state != LIVE:
            return state not in STARTING
        return self._was_ready and bool(listening)

    def wrong(self, state: str | None, listening: frozenset[str], progress: Progress | None, now: float) -> str | None:
        """Why no traffic should come at `now` (s); None: it may.

        `listening` are Envoy's own active listeners. `progress` None: the snapshot cannot be asked, or need not be.
        """
        if state == BUSY and self._was_ready and self._may_be_busy(now):
            return None
        if state != BUSY:
            self._busy_since = None
        if state != LIVE:
            self._was_ready, self._first_listener_at = False, None
            return _why_not_live(state, progress)
        if listening and self._was_ready:
            return None
        if progress is None:
            return "the snapshot cannot be read yet"
        if not listening:
            return _why_none_listens(progress)
        missing = _missing(progress) or self._awaited(listening, progress, now)
        if missing is None and progress.is_blind:
            missing = BLIND
        self._was_ready = missing is None
        return missing

    def _may_be_busy(self, now: float) -> bool:
        if self._busy_since is None:
            self._busy_since = now
        return now - self._busy_since < BUSY_AT_MOST

    def _awaited(self, listening: frozenset[str], progress: Progress, now: float) -> str | None:
        """A published listener that Envoy neither refused nor serves, while there is still time for it."""
        if self._first_listener_at is None:
            self._first_listener_at = now
        if now - self._first_listener_at >= SETTLING:
            return None
        for name in sorted(progress.listeners - listening):
            ack = progress.acks.get(name)
            if not (ack and ack.refused):
                return f"Envoy does not serve the listener {name} yet"
        return None


def _why_not_live(state: str | None, progress: Progress | None) -> str:
    if state in (None, BUSY):
        return "Envoy's admin interface does not answer"
    waits = state in STARTING and progress is not None and not progress.is_published
    return f"Envoy is {state}" + (f", since {UNMADE}" if waits else "")


def _missing(progress: Progress) -> str | None:
    """What must be there before Envoy can have accepted a configuration."""
    if not progress.is_published:
        return UNMADE
    if not any(ack.accepted for ack in progress.acks.values()):
        return "Envoy has not accepted a listener yet"
    return None


def _why_none_listens(progress: Progress) -> str:
    if not progress.is_published:
        return UNMADE
    if not progress.listeners:
        return "there is no listener: a Listener, a Gateway or an Ingress is missing or has a problem"
    acks = [progress.acks.get(name) for name in sorted(progress.listeners)]
    refused = [ack.message for ack in acks if ack and ack.refused]
    if len(refused) == len(acks):
        return f"Envoy refuses every listener: {' '.join(refused[0].split())[:300]}".rstrip(": ")
    return "Envoy does not serve a listener yet"
