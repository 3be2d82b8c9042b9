"""How long it took until the last change of an object was served: from the snapshot's logs. Pure.

The log of `objects` says when the watcher heard of a change, that of `acks` when Envoy had answered for one, by when
that began. What was heard of together is served together, with the beginning of the first of it.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Self

from snapshot import Commit

_NOTE: Final = "served"


@dataclass(frozen=True, slots=True)
class Change:
    """The last change of an object: when it was heard of (Unix time), and how long it took until it was served.

    `seconds` None: it is not served yet, or is nothing for Envoy.
    """

    since: float
    seconds: float | None


class Answers:
    """When Envoy had answered for what began at a time."""

    def __init__(self, found: Mapping[float, float]) -> None:
        self._found = found
        self._beginnings = sorted(found)

    @classmethod
    def of(cls, commits: Iterable[Commit]) -> Self:
        """Of the log of `acks`."""
        return cls(_answered(commits))

    def took(self, since: float) -> float | None:
        """How long the change took that began then, or the last before it, with which it may have been served."""
        place = bisect_right(self._beginnings, since)
        if not place:
            return None
        took = self._found[self._beginnings[place - 1]] - since
        return round(took, 3) if took >= 0 else None


def last_changes(objects: Iterable[Commit], acks: Iterable[Commit]) -> dict[str, Change]:
    """The last change of each object of which the logs still know it."""
    heard: dict[str, float | None] = {}
    for commit in objects:
        heard.update(dict.fromkeys(commit.keys, commit.since))
    answers = Answers.of(acks)
    return {key: Change(since, answers.took(since)) for key, since in heard.items() if since is not None}


def _answered(acks: Iterable[Commit]) -> dict[float, float]:
    """When Envoy had answered for what began at a time."""
    found: dict[float, float] = {}
    for commit in acks:
        pairs = commit.notes.get(_NOTE)
        for pair in pairs if isinstance(pairs, list) else ():
            match pair:
                case [int() | float() as since, int() | float() as at, *_]:
                    found[float(since)] = max(found.get(float(since), 0.0), float(at))
    return found
