"""Kinds that come to be watched together while we run: nothing of them is told before all have been seen once. Pure.

What one of them says may limit what another does: a route, and the policy by which its Service is spoken with. Told
one by one, as an API server happens to answer, requests would go out for a moment as nobody wants them to. That one
of them cannot be seen is told at once: it is why all wait. That may last, so of each object only the last is kept.
"""

from collections.abc import Iterable

from watcher.kinds import Target
from watcher.sources import Event, ObjectChanged, ObjectGone, Source, SourceFailed, SourceListed
from watcher.watch_events import Forbidden, Listed, Missing, WatchEvent

_Place = tuple[Source, str, str]


class Opening:
    """What was learned of kinds that are still looked at for the first time."""

    def __init__(self) -> None:
        self._awaited: set[Target] = set()
        self._withheld: dict[_Place, Event] = {}

    def begin(self, targets: Iterable[Target]) -> None:
        """These are watched from now on."""
        self._awaited.update(targets)

    def pass_on(self, target: Target, happened: Iterable[WatchEvent], events: list[Event]) -> list[Event]:
        """What is to be told now of what a target learned, and of what was withheld before."""
        if not self._awaited or not target.kind.gated or target.kind.by_name:
            return events
        if any(isinstance(each, Listed | Missing | Forbidden) for each in happened):
            self._awaited.discard(target)
        failures: list[Event] = [each for each in events if isinstance(each, SourceFailed)]
        for each in events:
            self._withhold(each)
        if self._awaited:
            return failures
        told, self._withheld = self._withheld, {}
        return [*told.values()]

    def _withhold(self, event: Event) -> None:
        """Keep it as the last that is known, in place of what it makes void."""
        if isinstance(event, ObjectChanged | ObjectGone):
            place: _Place = (event.source, "object", event.key)
        elif isinstance(event, SourceListed) and not event.whole:  # what was listed before stays
            place = (event.source, "part", "")
        else:
            place = (event.source, type(event).__name__, "")
        self._withheld.pop(place, None)
        self._withheld[place] = event
