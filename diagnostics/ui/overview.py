"""Overview: is it well? The health of each part and of Envoy, numbers, and what is wrong, worst first."""

import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from diagnostics.admin import Admin
from diagnostics.health import LIVE
from diagnostics.numbers import Served
from diagnostics.rows import FILE_PREFIX
from diagnostics.ui.objects import row
from diagnostics.ui.query import Query
from diagnostics.ui.sources import Sources
from diagnostics.view import View

MOST: Final = 20
"""Problems that are listed here; the view of objects has them all."""
MOST_KINDS: Final = 12

_ADMIN: Final = "http.admin."
"""Begins what Envoy counts of its own admin interface."""
_COUNTERS: Final = ("downstream_rq_completed", "downstream_rq_5xx", "downstream_cx_active")


async def gather(sources: Sources, query: Query) -> dict[str, Any]:  # noqa: ARG001 -- as every view
    """Envoy's word of itself, and the signs of life."""
    return {
        "info": await sources.admin.server_info(),
        "traffic": await _traffic(sources.admin),
        "parts": sources.parts(),
        "ending": sources.vitals.ending,
        "system": sources.system,
        "now": time.time(),
    }


async def _traffic(admin: Admin) -> dict[str, int] | None:
    """What came in at all listeners of clients."""
    told = await admin.statistics(rf"^http\..*({'|'.join(_COUNTERS)})$")
    if told is None:
        return None
    of_clients = {name: value for name, value in told.items() if not name.startswith(_ADMIN)}
    return {each: sum(value for name, value in of_clients.items() if name.endswith(each)) for each in _COUNTERS}


def shown(view: View, told: Mapping[str, Any], query: Query) -> dict[str, Any]:  # noqa: ARG001 -- as every view
    """What the template shows."""
    numbers, now = view.numbers, told["now"]
    info, connection = told["info"] or {}, view.connection
    kinds = sorted(numbers.objects.items(), key=lambda each: (-each[1], each[0]))
    states: dict[str, int] = {}
    for key, status in view.statuses.rows.items():
        if not key.startswith(FILE_PREFIX):
            states[status.state] = states.get(status.state, 0) + 1
    return {
        "system": told["system"],
        "uptime": now - told["system"].started,
        "envoy": {
            "answers": told["info"] is not None,
            "state": info.get("state", "does not answer"),
            "is_live": info.get("state") == LIVE,
            "version": _version(str(info.get("version", ""))),
            "uptime": info.get("uptime_current_epoch", ""),
            "connected": connection.connected,
            "since": now - connection.since if connection.since else None,
        },
        "traffic": told["traffic"],
        "parts_shown": [each.said(now) for each in told["parts"]],
        "ending": told["ending"],
        "verdict": _verdict(view, told),
        "numbers": numbers,
        "states": states,
        "kinds": kinds[:MOST_KINDS],
        "more_kinds": len(kinds[MOST_KINDS:]),
        "changes": quantiles(numbers.served),
        "last_change": now - numbers.served.last if numbers.served.last else None,
        "troubled": [row(view, each.key) for each in numbers.troubled[:MOST]],
        "more_troubled": max(len(numbers.troubled) - MOST, 0) + numbers.more_troubled,
        "refused": list(_refused(view))[:MOST],
        "files": [
            {"name": key.rpartition("//")[2], "problems": status.problems}
            for key, status in view.statuses.rows.items()
            if key.startswith(FILE_PREFIX) and key in view.objects.rows
        ][:MOST],
    }


def _verdict(view: View, told: Mapping[str, Any]) -> dict[str, str]:
    """The one sentence at the top, and how grave it is: of what is so, the first."""
    numbers, info = view.numbers, told["info"]
    state = info.get("state") if info else None
    hung = ", ".join(each.name for each in told["parts"] if each.hung)
    said = (
        (told["ending"], "warned", "The gateway comes to its end."),
        (info is None, "stopped", "Envoy does not answer."),
        (state != LIVE, "stopped", f"Envoy is {state}: it serves nobody yet, or not for long."),
        (hung, "stopped", f"What is served goes on, but {hung} hangs."),
        (
            not view.connection.connected,
            "warned",
            "Envoy serves what it had, but is not connected: it gets no changes.",
        ),
        (numbers.refused, "warned", "Envoy serves, but refuses something of the newest configuration."),
        (numbers.stopping, "warned", "Envoy serves. Some objects have problems that stop them."),
        (numbers.pending, "pending", "Envoy serves. What is new is being read."),
    )
    well = ("ok", "All is well: Envoy serves everything that was declared.")
    grave, text = next(((grave, text) for is_so, grave, text in said if is_so), well)
    return {"state": grave, "text": text}


def _refused(view: View) -> Iterator[dict[str, Any]]:
    for key, ack in view.acks.rows.items():
        if ack.refused is not None:
            yield {"key": key, "message": ack.message, "at": ack.refused_at}


def quantiles(served: Served) -> list[dict[str, Any]]:
    """How long changes took: for each share of them, the class that it falls into (seconds, None: longer)."""
    count = sum(served.classes)
    if not count:
        return []
    found = []
    for share in (0.5, 0.95, 1.0):
        seen, bound = 0, None
        for place, many in enumerate(served.classes):
            seen += many
            if seen >= share * count:
                bound = served.bounds[place] if place < len(served.bounds) else None
                break
        found.append({"share": share, "seconds": bound})
    return found


def _version(said: str) -> str:
    """Envoy's version out of `commit/version/state/type/ssl`."""
    words = said.split("/")
    return words[1] if len(words) > 1 else said
