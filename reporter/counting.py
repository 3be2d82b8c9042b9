"""How many routes a listener has: a number that changes with every route, and that is written now and then.

Each write of a Gateway's status is a change of an object that many watch. While thousands of routes come their number
is wrong again before anybody has read it; so it is written when it has settled, and now and then until it does. The
first change after a rest is written at once, and so is whatever else a status says.
"""

from dataclasses import dataclass, field
from math import inf
from typing import Any, Final

from reporter.objects import JSONObject

SETTLED: Final = 1.0
"""Seconds for which a number must have stayed the same."""
AT_LATEST: Final = 20.0
"""Seconds after the last write from which on it need not."""

_COUNT: Final = "attachedRoutes"


@dataclass(slots=True)
class Counting:
    """When statuses with counts were written, by the objects' keys."""

    _written: dict[str, float] = field(default_factory=dict)

    def wait(self, key: str, unchanged: float, now: float) -> float:
        """Seconds until a count that has been the same for so long may be written; 0: it may be."""
        return max(0.0, min(SETTLED - unchanged, self._written.get(key, -inf) + AT_LATEST - now))

    def wrote(self, key: str, status: JSONObject, now: float) -> None:
        """These fields of a status are being written."""
        if "listeners" in status:
            self._written[key] = now

    def forget(self, key: str) -> None:
        """The object is gone."""
        self._written.pop(key, None)


def are_counts(live: JSONObject, fields: JSONObject) -> bool:
    """Whether fields of a status that are to become others differ in counts alone from the status as it is."""
    return fields.keys() == {"listeners"} and _uncounted(fields) == _uncounted(live)


def _uncounted(status: JSONObject) -> list[Any]:
    listeners = status.get("listeners")
    return [
        {name: value for name, value in each.items() if name != _COUNT} if isinstance(each, dict) else each
        for each in (listeners if isinstance(listeners, list) else [])
    ]
