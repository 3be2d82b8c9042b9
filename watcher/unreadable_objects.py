"""What is wrong with single objects of a cluster, told for as long as it is so: pure."""

from bisect import bisect_left, insort
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from watcher.kinds import Target
from watcher.sources import Event, Problem, SourceRecovered
from watcher.watch_events import Changed, Gone, Listed, Recovered, Unreadable, WatchEvent

_TOLD: Final = 5


@dataclass(slots=True)
class _Found:
    """Sentences by key, and the keys in order: there may be as many as there are objects, and each change asks."""

    sentences: dict[str, str] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)

    def put(self, key: str, sentence: str) -> None:
        if key not in self.sentences:
            insort(self.keys, key)
        self.sentences[key] = sentence

    def drop(self, key: str) -> None:
        del self.sentences[key]
        del self.keys[bisect_left(self.keys, key)]


class UnreadableObjects:
    """The objects that are there and cannot be kept, by target and key, each with a sentence."""

    def __init__(self) -> None:
        self._found: dict[Target, _Found] = {}

    def take(self, target: Target, event: WatchEvent) -> list[Event]:
        """What a reflector learned; gives what follows from it for the problems of its source."""
        found = self._found.setdefault(target, _Found())
        match event:
            case Listed(_, problems):
                self._found[target] = _Found(dict(problems), sorted(problems))
                return []  # they are told with the objects
            case Unreadable(key, message):
                found.put(key, message)
            case Changed(here) if here.key in found.sentences:
                found.drop(here.key)
            case Gone(key) if key in found.sentences:
                found.drop(key)
            case Recovered():
                pass
            case _:
                return []
        return [SourceRecovered(target.source, _problems(found.sentences, found.keys))]


def problems_of(found: Mapping[str, str]) -> tuple[Problem, ...]:
    """The first ones, and how many more there are."""
    return _problems(found, sorted(found))


def _problems(found: Mapping[str, str], keys: Collection[str]) -> tuple[Problem, ...]:
    told = [Problem(found[key]) for key, _ in zip(keys, range(_TOLD), strict=False)]
    more = len(keys) - len(told)
    return (*told, *([Problem(f"and {more:,} more")] if more else []))
