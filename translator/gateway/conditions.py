"""Conditions: what a status says is so or not, and why. Times and generations are added by who writes them.

A route may have hundreds of references, and a port hundreds of listeners. The API server refuses a status with a
message that is too long, so that nothing would be told at all; the log and the diagnostics say the rest. Names that
others wrote are in it, of which Kubernetes asks no more than a length: so it is one line, whatever these are.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal

from process.text import printable
from translator.values import dataclass

LONGEST: Final = 1024
"""Characters of a message. The API takes 32,768, but an object has no room for that in each of 32 parents."""

_ROOM: Final = 32
"""For how long a message would be that is cut."""

MOST_NAMED: Final = 8
"""Names that a message lists."""

So = Literal["True", "False", "Unknown"]


@dataclass(frozen=True, slots=True)
class Condition:
    """One of them. `path` is where in the object the cause stands; `is_absent`: it is a Secret that is not there."""

    type: str
    status: So
    reason: str
    message: str
    path: str = ""
    is_absent: bool = False

    def json(self) -> dict[str, Any]:
        """As it stands in a status."""
        message = self.message
        if len(message) > LONGEST or not message.isprintable():
            message = printable(message, LONGEST - _ROOM)
        return {"type": self.type, "status": self.status, "reason": self.reason, "message": message}


def true(kind: str, reason: str = "", message: str = "") -> Condition:
    """Something is so."""
    return Condition(kind, "True", reason or kind, message or _SAID.get(kind, f"{kind}."))


def false(kind: str, reason: str, message: str, path: str = "") -> Condition:
    """Something is not so."""
    return Condition(kind, "False", reason, message, path)


def listed(conditions: Iterable[Condition | None]) -> list[dict[str, Any]]:
    """Those that there are."""
    return [each.json() for each in conditions if each is not None]


def named(names: Sequence[str], count: int | None = None) -> str:
    """The first of some names, and how many more there are, of so many."""
    more = (len(names) if count is None else count) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


_SAID: Final = {
    "Accepted": "It is valid.",
    "ResolvedRefs": "All references resolved.",
    "Programmed": "Envoy has accepted it.",
}
