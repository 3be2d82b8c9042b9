"""When to ask again: for one kind after its own failures, and for all when the API server is not there. Pure.

While nobody is answered, one asks for all, every second or two; the first answer wakes the others. So an outage of
hours costs the API server a request every second or two, not one of every kind, and still all is known soon after it.
"""

from collections.abc import Callable
from typing import Final

Random = Callable[[], float]
"""From 0 to 1."""

FIRST: Final = 0.8
LONGEST: Final = 30.0
LONGEST_OF_ALL: Final = 1.0
"""Seconds between two requests, at most, while nobody is answered."""

SPREAD: Final = 0.5
"""Seconds over which those who are woken are spread."""

ALIVE: Final = 90.0
"""Seconds for which a stream shows that the server is there after its last line; there is a bookmark every minute."""


def pause(failures: int, random: Random, longest: float = LONGEST) -> float:
    """Seconds until the next try after so many failures in a row: doubled each time, up to twice that by chance."""
    return min(longest, FIRST * 2.0 ** min(failures - 1, 16) * (1 + random()))


class Server:
    """Whether the API server answers anybody, as far as those who ask it know."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._heard: dict[str, float] = {}
        self._failed: dict[str, Callable[[float], None]] = {}
        self._scout: str | None = None
        self._failures = 0
        self._due = 0.0
        self.reason = ""
        """Why nobody is answered; empty while somebody is."""
        self.wakes = 0
        """How often those who waited were woken."""

    def may_ask(self, name: str, now: float) -> float | None:
        """None when it may ask now; else until when it waits (it is woken when that is sooner)."""
        if not self.reason or self._scout == name:
            return None
        if self._scout is None and now >= self._due:
            self._scout = name
            return None
        return self._due if self._scout is None else now + LONGEST_OF_ALL

    def answered(self, name: str, now: float, *, open_stream: bool = False) -> None:
        """It got an answer, or a line of one that goes on: if that is news, the others are woken."""
        if open_stream:
            self._heard[name] = now
        recovered = self._failed.pop(name, None) is not None or self.reason
        if self._scout == name:
            self._scout = None
        if recovered:
            waiting, self._failed = self._failed, {}
            self.reason, self._failures = "", 0
            self.wakes += 1
            for wake in waiting.values():
                wake(now + self._random() * SPREAD)

    def failed(
        self, name: str, now: float, reason: str, wake: Callable[[float], None], retry_after: float = 0.0
    ) -> None:
        """It was not answered, or told to go away. Once somebody is answered, `wake` is told when to ask again."""
        self._heard.pop(name, None)
        self._failed[name] = wake
        is_scout = self._scout == name
        if is_scout:
            self._scout = None
        if any(now - heard <= ALIVE for heard in self._heard.values()):
            return
        if is_scout or not self.reason:
            self._put_off(now, retry_after)
        self.reason = reason

    def ended(self, name: str, now: float) -> None:
        """Its request is over. If it asked for all and got no answer that makes sense, another one is next."""
        self._heard.pop(name, None)
        if self._scout == name:
            self._scout = None
            self._put_off(now)

    def _put_off(self, now: float, at_least: float = 0.0) -> None:
        self._failures += 1
        self._due = now + max(at_least, pause(self._failures, self._random, LONGEST_OF_ALL))

    def left(self, name: str) -> None:
        """It will not ask any more."""
        self._heard.pop(name, None)
        self._failed.pop(name, None)
        if self._scout == name:
            self._scout = None
