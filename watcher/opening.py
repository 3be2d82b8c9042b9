"""Kinds that come to be watched together while we run: nothing of them is told before all have been seen once. Pure.

What one of them says may limit what another does: a route, and the policy by which its Service is spoken with. Told
one by one, as an API server happens to answer, requests would go out for a moment as nobody wants them to.
"""

from collections.abc import Iterable

from watcher.kinds import Target
from watcher.sources import Event
from watcher.watch_events import Forbidden, Listed, Missing, WatchEvent


class Opening:
    """What was learned of kinds that are still looked at for the first time."""

    def __init__(self) -> None:
        self._awaited: set[Target] = set()
        self._withheld: list[Event] = []

    def begin(self, targets: Iterable[Target]) -> None:
        """These are watched from now on."""
        self._awaited.update(targets)

    def pass_on(self, target: Target, happened: Iterable[WatchEvent], events: list[Event]) -> list[Event]:
        """What is to be told now of what a target learned, and of what was withheld before."""
        if not self._awaited or not target.kind.gated or target.kind.by_name:
            return events
        if any(isinstance(each, Listed | Missing | Forbidden) for each in happened):
            self._awaited.discard(target)
        self._withheld += events
        if self._awaited:
            return []
        told, self._withheld = self._withheld, []
        return told
