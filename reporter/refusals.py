"""What the API server does not take for now, and where: so that what is wrong in one place silences no other."""

from dataclasses import dataclass, field
from typing import Final

EVERYWHERE: Final = ""
"""Stands for the namespace of what is so in all of them."""

REFUSED_FOR: Final = 600.0
"""Seconds after which it is tried again where a right is missing, or the CRD is another one."""

FAILING_TOGETHER: Final = 4
"""Objects of a kind whose writes failed, with none between that went well, until the kind as a whole waits."""

FIRST_BACKOFF, LONGEST_BACKOFF = 0.5, 30.0


def backoff(failures: int) -> float:
    """Seconds to wait after so many failures in a row, at most."""
    return min(LONGEST_BACKOFF, FIRST_BACKOFF * 2.0 ** min(failures - 1, 10))


@dataclass(slots=True)
class Refusals:
    """By kind and namespace. Times come from the caller."""

    _until: dict[tuple[str, str], float] = field(default_factory=dict)
    _failing: dict[str, set[str]] = field(default_factory=dict)

    def add(self, kind: str, namespace: str, now: float, seconds: float = REFUSED_FOR) -> bool:
        """Nothing of this kind is to be written there so long; whether that is news, which it is until something is."""
        before = self._until.get((kind, namespace))
        self._until[kind, namespace] = max(before or now, now + seconds)
        return before is None

    def failed(self, kind: str, key: str, now: float) -> bool:
        """The write of one object failed. Where others did too, the kind waits; whether that is news."""
        failing = self._failing.setdefault(kind, set())
        failing.add(key)
        too_many = len(failing) - FAILING_TOGETHER + 1
        return too_many > 0 and self.add(kind, EVERYWHERE, now, backoff(too_many))

    def left(self, kind: str, namespace: str, now: float) -> float:
        """Seconds for which nothing of this kind is to be written there; 0: it may be."""
        return max(0.0, *(self._until.get((kind, where), now) - now for where in (namespace, EVERYWHERE)))

    def is_known(self, kind: str, namespace: str) -> bool:
        """Whether it is so, or was when it was last tried."""
        return (kind, namespace) in self._until or (kind, EVERYWHERE) in self._until

    def over(self, kind: str, namespace: str) -> bool:
        """Something of this kind was written there; whether that is news."""
        self._failing.pop(kind, None)
        ended = [self._until.pop((kind, where), None) for where in (namespace, EVERYWHERE)]
        return any(until is not None for until in ended)
