"""What configures filters that no route uses any more comes last.

Envoy may have a filter switched on as long as the old routes are there: those of who drains, too.
"""

from collections.abc import Mapping

from adsserver.channel import Channel
from adsserver.resources import Entry, Kind
from adsserver.withdrawal import Withdrawal


class IdleFilters:
    """The configurations of unused filters that wait on one stream."""

    def __init__(self, channels: Mapping[Kind, Channel], withdrawal: Withdrawal) -> None:
        self._filters = channels[Kind.EXTENSION]
        self._routes = channels[Kind.ROUTE]
        self._withdrawal = withdrawal
        self._waiting: dict[str, Entry] = {}

    def __contains__(self, name: object) -> bool:
        """Whether a filter's configuration waits."""
        return name in self._waiting

    def hold_back(self, edits: Mapping[str, Entry | None], *, came_back: bool) -> dict[str, Entry | None]:
        """Keep what has to wait; returns the rest. `came_back`: whether Envoy may have more than it has shown."""
        rest: dict[str, Entry | None] = {}
        for name, entry in edits.items():
            self._waiting.pop(name, None)
            if entry and entry.is_idle and self._may_have(name, came_back=came_back):
                self._waiting[name] = entry
            else:
                rest[name] = entry
        return rest

    def bring(self, now: float) -> None:
        """Bring them, when all routes that used the filters are gone."""
        if self.deadline is not None and now >= self.deadline:
            waiting, self._waiting = self._waiting, {}
            self._filters.offered.update(waiting)
            self._filters.flush(waiting)

    @property
    def deadline(self) -> float | None:
        """When to bring them; None while there are none, or a route is left that may use the filter."""
        is_used = self._withdrawal.waits(Kind.ROUTE) or self._routes.in_flight
        return self._withdrawal.all_is_said_at if self._waiting and not is_used else None

    def _may_have(self, name: str, *, came_back: bool) -> bool:
        """Whether Envoy has some version of a filter's configuration, or may have one that it has not shown yet."""
        channel = self._filters
        is_known = name in channel.ledger.accepted(channel.kind)
        return channel.has(name) or (came_back and (is_known or channel.is_silent))
