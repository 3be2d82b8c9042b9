"""What each object's status says, as data: written to the snapshot for whoever shows it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

from translator.decode import Problem, Reason
from translator.emissary.objects import Subject
from translator.quarantine import Hold

_UNGUARDED: Final = {
    "AuthService": ": requests are NOT checked, everyone is let through",
    "RateLimitService": ": requests are NOT limited, however many there are",
}
State = Literal["ok", "warned", "stopped"]


@dataclass(frozen=True, slots=True)
class Told:
    """A problem and who found it."""

    path: str
    message: str
    stops: bool
    by: Literal["dragoman", "envoy"] = "dragoman"
    reason: Reason = "Invalid"


@dataclass(frozen=True, slots=True)
class Status:
    """The state of one object: in force, in force though something is said about it, or not in force."""

    problems: tuple[Told, ...] = ()
    is_held: bool = False
    """Envoy refused the object, so that an earlier version of it is what was translated."""
    waits: bool = False
    """Envoy's word on what the object gives is missing."""
    subject: Subject | None = None
    """Which version of the object this is about; None for what has no status in Kubernetes."""

    @property
    def state(self) -> State:
        """`stopped` when a problem stops the object, `warned` when there are others, `ok` when there is none."""
        if any(problem.stops for problem in self.problems):
            return "stopped"
        return "warned" if self.problems else "ok"

    def json(self) -> dict[str, Any]:
        """The status as JSON."""
        return {"state": self.state, "problems": [_json(problem) for problem in self.problems]}


def status_of_object(problems: Iterable[Problem], blames: Iterable[Told] = ()) -> Status:
    """The status of an object that is translated; `blames` are what Envoy refuses of it without being it."""
    found = {Told(problem.path, problem.message, problem.stops, reason=problem.reason) for problem in problems}
    found.update(blames)
    return Status(tuple(sorted(found, key=lambda told: (told.path, told.message))))


def status_of_held(hold: Hold) -> Status:
    """The status of an object that Envoy refused."""
    return Status((Told("", hold.message, stops=True, by="envoy"),), is_held=True)


def status_of_file(body: bytes) -> Status:
    """The status of a file that the watcher could not read."""
    document = orjson.loads(body)
    line = document.get("line")
    return Status((Told(f"line {line}" if line else "", str(document.get("message", "cannot be read")), stops=True),))


def status_of_unserved(kind: str) -> Status:
    """The status of an object of a kind that this version does not read; one that guards requests does not guard."""
    said = f"{kind} is not served by this version{_UNGUARDED.get(kind, '')}"
    return Status((Told("kind", said, stops=True, reason="NotServed"),))


def _json(told: Told) -> dict[str, Any]:
    return {"path": told.path, "message": told.message, "stops": told.stops, "from": told.by}
