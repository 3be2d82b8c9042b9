"""What each object's status says, as data: written to the snapshot for whoever shows it."""

from collections.abc import Iterable
from typing import Any, Final, Literal

import orjson

from process.text import printable
from translator.decode import MOST, Problem, Reason, few
from translator.ir import ObjectKey
from translator.quarantine import Hold
from translator.subjects import Subject
from translator.values import dataclass

State = Literal["ok", "warned", "stopped", "other"]

LONGEST_ANSWER: Final = 4000
"""Characters of what Envoy, or a file's reader, says."""


@dataclass(frozen=True, slots=True)
class ReportedProblem:
    """A problem and who found it."""

    path: str
    message: str
    stops: bool
    by: Literal["dragoman", "envoy"] = "dragoman"
    reason: Reason = "Invalid"
    notice: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    """The state of one object: in force, in force though something is said about it, not in force, or another's."""

    problems: tuple[ReportedProblem, ...] = ()
    more: int = 0
    """So many more problems there are; none of them stops what is not stopped by one that is listed."""
    is_held: bool = False
    """Envoy refused the object, so that an earlier version of it is what was translated."""
    waits: bool = False
    """Envoy's word on what the object gives is missing."""
    subject: Subject | None = None
    """Which version of the object this is about; None for what has no status in Kubernetes."""
    carrier: ObjectKey = ""
    """The object that carries it in an annotation; empty where it stands for itself."""
    address: bytes = b""
    """Of an Ingress, where clients come in, as JSON: its status says so. Empty: nothing is said of it."""
    gateway: bytes = b""
    """Of an object of Gateway API, our own part of its status in Kubernetes, as JSON. Empty: nothing is said of it.

    It has no times and no generations: who writes it knows what was there before.
    """
    is_read: bool = True
    """Whether something is read here of its kind."""

    @property
    def state(self) -> State:
        """`stopped` when a problem stops the object, `warned` when there are others, `ok` when there is none.

        What is only to be known is none. `other`: it is for another gateway, or for none, and nothing of it is read.
        """
        if not self.is_read or (self.subject is not None and not self.subject.is_ours):
            return "other"
        if any(problem.stops for problem in self.problems):
            return "stopped"
        return "warned" if any(not problem.notice for problem in self.problems) else "ok"

    def json(self) -> dict[str, Any]:
        """The status as JSON."""
        rest = {"more": self.more} if self.more else {}
        carrier = {"carrier": self.carrier} if self.carrier else {}
        return {"state": self.state, "problems": [_json(problem) for problem in self.problems], **rest, **carrier}

    @property
    def rest(self) -> str:
        """What is to be said after the problems: how many more there are; empty when there are none."""
        return f"and {self.more:,} more" if self.more else ""


IN_ORDER: Final = Status()
UNREAD: Final = Status(is_read=False)


def status_of_object(problems: Iterable[Problem], blames: Iterable[ReportedProblem] = ()) -> Status:
    """The status of an object that is translated; `blames` are what Envoy refuses of it without being it."""
    problems, blames = tuple(problems), tuple(blames)
    if not problems and not blames:
        return IN_ORDER
    listed = few(dict.fromkeys(problem for problem in problems if not problem.more))
    found = {
        ReportedProblem(each.path, each.message, each.stops, reason=each.reason, notice=each.notice)
        for each in listed
        if not each.more
    }
    found.update(blames[:MOST])
    more = sum(problem.more for problem in (*problems, *listed)) + len(blames[MOST:])
    return Status(tuple(sorted(found, key=lambda problem: (problem.path, problem.message))), more)


def status_of_held(hold: Hold) -> Status:
    """The status of an object that Envoy refused."""
    return Status((ReportedProblem("", hold.message[:LONGEST_ANSWER], stops=True, by="envoy"),), is_held=True)


def status_of_files(hold: Hold) -> Status:
    """The status of files that objects name, which cannot be used as they are now."""
    return Status((ReportedProblem("", hold.message[:LONGEST_ANSWER], stops=hold.good is None),), is_held=True)


def status_of_file(body: bytes) -> Status:
    """The status of a file that the watcher could not read."""
    document = orjson.loads(body)
    line = document.get("line")
    message = printable(str(document.get("message", "cannot be read")), LONGEST_ANSWER)
    return Status((ReportedProblem(f"line {line}" if line else "", message, stops=True),))


def _json(problem: ReportedProblem) -> dict[str, Any]:
    said = {"path": problem.path, "message": problem.message, "stops": problem.stops, "from": problem.by}
    return {**said, "notice": True} if problem.notice else said
