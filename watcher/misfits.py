"""What is wrong with single objects of a cluster, told for as long as it is so: pure."""

from collections.abc import Mapping
from typing import Final

from watcher.happenings import Changed, Gone, Happening, Listed, Unreadable, Well
from watcher.kinds import Target
from watcher.sources import Event, Problem, SourceWell

_TOLD: Final = 5


class Misfits:
    """The objects that are there and cannot be kept, by target and key, each with a sentence."""

    def __init__(self) -> None:
        self._found: dict[Target, dict[str, str]] = {}

    def take(self, target: Target, event: Happening) -> list[Event]:
        """What a reflector learned; gives what follows from it for the problems of its source."""
        found = self._found.setdefault(target, {})
        match event:
            case Listed(_, problems):
                self._found[target] = dict(problems)
                return []  # they are told with the objects
            case Unreadable(key, message):
                found[key] = message
            case Changed(here) if here.key in found:
                del found[here.key]
            case Gone(key) if key in found:
                del found[key]
            case Well():
                pass
            case _:
                return []
        return [SourceWell(target.source, problems_of(found))]


def problems_of(found: Mapping[str, str]) -> tuple[Problem, ...]:
    """The first ones, and how many more there are."""
    told = [Problem(found[key]) for key in sorted(found)[:_TOLD]]
    more = len(found) - len(told)
    return (*told, *([Problem(f"and {more} more")] if more else []))
