"""What is kept of each record of the snapshot: no bodies of objects and resources."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from snapshot import JSON, Record

FILE_PREFIX: Final = "dragoman/"
"""Begins the keys of records that tell of a source of objects, like a file, not of an object."""

LONGEST_ANSWER: Final = 4000
"""Characters of Envoy's text on a resource that are shown; it may repeat all that it was given."""


@dataclass(frozen=True, slots=True)
class Ack:
    """What Envoy said of a resource: the version it accepted, the newer one it refuses, and why; Unix times."""

    accepted: str | None = None
    accepted_at: float | None = None
    refused: str | None = None
    refused_at: float | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """What became of an object; `problems` as the translator wrote them."""

    state: str
    problems: tuple[Mapping[str, Any], ...]
    more: int = 0
    """So many more problems there are than are listed."""
    carrier: str | None = None
    """The object that carries it in an annotation."""

    @property
    def faults(self) -> list[Mapping[str, Any]]:
        """Its problems that are some: what is only to be known is told, and not counted."""
        return [each for each in self.problems if not each.get("notice")]


def kind_of(key: str) -> str:
    """The kind in an object's key `<group>/<Kind>/<namespace>/<name>`."""
    return key.split("/", 2)[1]


def source_of(record: Record) -> str:
    """The file that an object is from, or none."""
    return text(record.notes.get("source")) or ""


def version_of(record: Record) -> str:
    """Its version."""
    return record.version


NOT_SERVED: Final = ("stopped", "pending", "other")
"""States of objects of which nothing is in force."""

_PLAIN: Final = {state: Status(state, ()) for state in ("ok", "other")}


def status_of(record: Record) -> Status:
    """What became of an object; those with nothing to tell are one value."""
    told = orjson.loads(record.body)
    state, problems, carrier = told["state"], tuple(told["problems"]), told.get("carrier")
    plain = None if problems or carrier else _PLAIN.get(state)
    return plain or Status(state, problems, told.get("more", 0), carrier)


def ack_of(record: Record) -> Ack:
    """What Envoy said of a resource."""
    notes = record.notes
    return Ack(
        accepted=text(notes.get("accepted")),
        accepted_at=number(notes.get("accepted_at")),
        refused=text(notes.get("refused")),
        refused_at=number(notes.get("refused_at")),
        message=(text(notes.get("message")) or "")[:LONGEST_ANSWER],
    )


def text(value: JSON) -> str | None:
    """A text that says something, or None."""
    return value if isinstance(value, str) and value else None


def number(value: JSON) -> float | None:
    """A number, or None."""
    return float(value) if isinstance(value, int | float) else None
