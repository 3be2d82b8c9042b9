"""The snapshot in numbers, as metrics tell them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from diagnostics.rows import FILE_PREFIX, Ack, Status, kind_of, number
from snapshot import Record

TYPES: Final = ("cluster", "endpoint", "extension", "listener", "route", "runtime", "scope", "secret")

LISTED: Final = 1000
"""Objects with problems that are named among the numbers, those first that are stopped."""


@dataclass(frozen=True, slots=True)
class Served:
    """How long changes took until they were served, in classes of seconds, since the adsserver began."""

    bounds: tuple[float, ...] = ()
    classes: tuple[int, ...] = ()
    """One more than there are bounds."""
    seconds: float = 0.0
    last: float | None = None
    """When the last one was (Unix time)."""
    refused: Mapping[str, int] = field(default_factory=dict)
    """How many resources Envoy refused, by type."""


@dataclass(frozen=True, slots=True)
class Troubled:
    """An object with problems, and how many there are that stop it, and others."""

    key: str
    stopping: int
    others: int


@dataclass(frozen=True, slots=True)
class Numbers:
    """The snapshot in numbers."""

    sequences: Mapping[str, int]
    objects: Mapping[str, int]
    """By kind."""
    files: int
    """Those that cannot be read."""
    stopping: int
    """Problems that stop what they are about; `others` do not."""
    others: int
    resources: Mapping[str, int]
    """By type; those that are published."""
    refused: int
    unanswered: Mapping[str, int]
    """By type; those of whose published version Envoy has said nothing yet, though it has a use for them."""
    pending: int
    """Objects that the translator has not judged yet."""
    troubled: tuple[Troubled, ...]
    more_troubled: int
    """So many more there are than are listed."""
    served: Served


@dataclass(frozen=True, slots=True)
class Rows:
    """What is counted: of each database what is kept, by key, and the numbers of the last commits."""

    sequences: Mapping[str, int]
    objects: Mapping[str, str]
    resources: Mapping[str, str]
    statuses: Mapping[str, Status]
    acks: Mapping[str, Ack]
    unasked: frozenset[str] = frozenset()


def counted(rows: Rows, served: Served) -> Numbers:
    """All of it in numbers; as dear as there is much."""
    told, acks = rows.statuses.values(), rows.acks
    stops = Counter(bool(each["stops"]) for status in told for each in status.faults)
    kinds = Counter(kind_of(key) for key in rows.objects if not key.startswith(FILE_PREFIX))
    types = Counter(key.partition("/")[0] for key in rows.resources)
    unanswered = Counter(
        key.partition("/")[0]
        for key, version in rows.resources.items()
        if key not in rows.unasked and ((ack := acks.get(key)) is None or version not in (ack.accepted, ack.refused))
    )
    troubled = _troubled(rows.statuses)
    return Numbers(
        sequences=rows.sequences,
        objects=kinds,
        files=len(rows.objects) - kinds.total(),
        stopping=stops[True],
        others=stops[False] + sum(status.more for status in told),
        resources={name: types[name] for name in TYPES},
        refused=sum(ack.refused is not None for ack in acks.values()),
        unanswered={name: unanswered[name] for name in TYPES},
        pending=sum(key not in rows.statuses and not key.startswith(FILE_PREFIX) for key in rows.objects),
        troubled=tuple(troubled[:LISTED]),
        more_troubled=len(troubled[LISTED:]),
        served=served,
    )


def _troubled(judged: Mapping[str, Status]) -> list[Troubled]:
    """The objects with problems: first those that are stopped, each by their keys."""
    found = []
    for key, status in judged.items():
        problems = status.faults
        if problems and not key.startswith(FILE_PREFIX):
            stopping = sum(bool(each["stops"]) for each in problems)
            found.append(Troubled(key, stopping, len(problems) - stopping + status.more))
    return sorted(found, key=lambda each: (not each.stopping, each.key))


def served_of(record: Record | None) -> Served:
    """What the adsserver told of it, if it did."""
    told: Mapping[str, Any] = record.notes if record else {}
    return Served(
        tuple(told.get("bounds", ())),
        tuple(told.get("classes", ())),
        float(told.get("seconds", 0.0)),
        number(told.get("last")),
        dict(told.get("refused", {})),
    )
