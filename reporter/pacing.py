"""How many statuses are written at the same time: fewer while the API server has much to do.

Whoever makes thousands of objects wants them served first, and their statuses after that; yet each write costs the
API server as much as the object itself did. It is slow where it has much to do: then there is one write at a time, and
after each a rest as long as it took, so that we take no more than a share of what is left.
"""

from dataclasses import dataclass
from typing import Final

AT_A_TIME: Final = 4
"""Writes at the same time, while the API server answers as it usually does."""

SLOW: Final = 2.0
"""So many times the usual is slow ..."""
QUICK: Final = 0.01
"""... but never less than so many seconds."""

LONGEST_REST: Final = 0.1
"""Seconds. So the slowest of servers is still told all there is."""

_NEWEST: Final = 0.25
"""The part that the last write has in how long they take now."""
_GROWTH: Final = 1.001
"""A server that has become slow for good is taken for a usual one after some hundred writes."""


@dataclass(slots=True)
class Pace:
    """How long writes take, in seconds: usually, and now."""

    _usual: float = 0.0
    _now: float = 0.0

    def took(self, seconds: float) -> float:
        """A write was answered after so many seconds; for how many none is to begin."""
        self._usual = min(seconds, self._usual * _GROWTH) if self._usual else seconds
        self._now += _NEWEST * (seconds - self._now) if self._now else seconds
        return min(seconds, LONGEST_REST) if self.is_slow else 0.0

    @property
    def is_slow(self) -> bool:
        """Whether the API server takes much longer than it usually does."""
        return self._now > max(QUICK, SLOW * self._usual)

    @property
    def at_a_time(self) -> int:
        """How many writes there may be at the same time."""
        return 1 if self.is_slow else AT_A_TIME
