"""How much may be done in a time: tokens that come at a steady rate, up to a burst."""

from dataclasses import dataclass


@dataclass(slots=True)
class Allowance:
    """`rate` tokens a second, `burst` at most; it begins full. Times are of any clock that only goes forward."""

    rate: float
    burst: float
    _left: float | None = None
    _at: float = 0.0

    def wait(self, now: float) -> float:
        """Seconds until there is a token."""
        missing = 1.0 - self._level(now)
        return 0.0 if missing <= 1e-9 else missing / self.rate

    def take(self, now: float) -> bool:
        """Take a token; whether there was one."""
        level = self._level(now)
        if level < 1.0 - 1e-9:
            return False
        self._left, self._at = level - 1.0, now
        return True

    def spend(self, now: float) -> None:
        """A token is used, though there be none: then it is owed, and the next one comes later."""
        self._left, self._at = self._level(now) - 1.0, now

    def _level(self, now: float) -> float:
        if self._left is None:
            return self.burst
        return min(self.burst, self._left + (now - self._at) * self.rate)
