"""An object: its state, each of its problems with the field and what to do, and where it is written."""

from collections.abc import Mapping
from typing import Any

from diagnostics.ui.changes import of_object
from diagnostics.ui.objects import parts_of, row
from diagnostics.ui.query import Query
from diagnostics.ui.sources import Sources
from diagnostics.view import View


async def gather(sources: Sources, query: Query) -> dict[str, Any]:  # noqa: ARG001 -- as every view
    """Nobody has to be asked."""
    return {}


def shown(view: View, told: Mapping[str, Any], query: Query) -> dict[str, Any]:  # noqa: ARG001 -- as every view
    """What the template shows."""
    key = query.words.get("key", "")
    group = parts_of(key)[0]
    status = view.statuses.rows.get(key)
    hold = view.holds.record(key) if key in view.holds.rows else None
    return {
        "object": row(view, key),
        "group": group,
        "is_there": key in view.objects.rows or status is not None,
        "problems": status.problems if status else (),
        "more": status.more if status else 0,
        "carrier": status.carrier if status else None,
        "changes": of_object(view, key),
        "hold": hold and {"message": hold.notes.get("message", ""), "has_last_good": bool(hold.body)},
    }
