"""Conditions: what a status says is so or not, and why. Times and generations are added by who writes them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

So = Literal["True", "False", "Unknown"]


@dataclass(frozen=True, slots=True)
class Condition:
    """One of them. `path` is where in the object the cause stands."""

    type: str
    status: So
    reason: str
    message: str
    path: str = ""

    def json(self) -> dict[str, Any]:
        """As it stands in a status."""
        return {"type": self.type, "status": self.status, "reason": self.reason, "message": self.message}


def true(kind: str, reason: str = "", message: str = "") -> Condition:
    """Something is so."""
    return Condition(kind, "True", reason or kind, message or _SAID.get(kind, f"{kind}."))


def false(kind: str, reason: str, message: str, path: str = "") -> Condition:
    """Something is not so."""
    return Condition(kind, "False", reason, message, path)


def listed(conditions: Iterable[Condition | None]) -> list[dict[str, Any]]:
    """Those that there are."""
    return [each.json() for each in conditions if each is not None]


_SAID: Final = {
    "Accepted": "It is valid.",
    "ResolvedRefs": "All references resolved.",
    "Programmed": "Envoy has accepted it.",
}
