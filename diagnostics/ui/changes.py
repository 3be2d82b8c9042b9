"""Changes: what changed in the last hour, or as far as is remembered, with what is different and what came of it."""

import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

from diagnostics.history import Event, Told, events, told, untold
from diagnostics.rows import FILE_PREFIX
from diagnostics.ui.objects import parts_of
from diagnostics.ui.query import Query, paged
from diagnostics.ui.sources import Sources
from diagnostics.view import View

SIZE: Final = 20
"""Changes on a page."""
HOUR: Final = 3600.0
EVER: Final = "all"
OF_AN_OBJECT: Final = 5
"""Changes that an object's own page shows."""


async def gather(sources: Sources, query: Query) -> dict[str, Any]:  # noqa: ARG001 -- as every view
    """Nobody has to be asked but the clock."""
    return {"now": time.time()}


def shown(view: View, told: Mapping[str, Any], query: Query) -> dict[str, Any]:
    """What the template shows."""
    find, namespace, kind = query.text("find").lower(), query.text("namespace"), query.text("kind")
    every = events(view)
    recent = [each for each in every if told["now"] - each.former.at <= HOUR]
    asked = every if query.text("since") == EVER else recent
    parts = [(each, parts_of(each.key)) for each in asked]
    found = [
        each
        for each, (_, own_kind, own_namespace, _) in parts
        if find in each.key.lower() and (not namespace or own_namespace == namespace) and (not kind or own_kind == kind)
    ]
    page = paged(query, len(found), SIZE)
    return {
        "rows": rows(view, found[page.first : page.last]),
        "page": page,
        "untold": untold(asked),
        "find": query.text("find"),
        "namespace": namespace,
        "kind": kind,
        "since": query.text("since"),
        "kinds": sorted({own_kind for _, (_, own_kind, _, _) in parts}),
        "before": len(every) - len(recent),
        "is_filtered": bool(find or namespace or kind or query.text("since")),
    }


def rows(view: View, chosen: Iterable[Event]) -> list[dict[str, Any]]:
    """Changes as they stand in a list."""
    return [_row(view, each) for each in told(view, chosen)]


def of_object(view: View, key: str) -> list[dict[str, Any]]:
    """The last ones of an object."""
    return rows(view, [each for each in events(view) if each.key == key][:OF_AN_OBJECT])


def _row(view: View, each: Told) -> dict[str, Any]:
    _, kind, namespace, name = parts_of(each.key)
    status = view.statuses.rows.get(each.key) if each.state else None
    is_file = each.key.startswith(FILE_PREFIX)
    return {
        "key": each.key,
        "kind": "" if is_file else kind,
        "namespace": "" if is_file else namespace,
        "name": each.key.rpartition("//")[2] if is_file else name,
        "is_file": is_file,
        "at": each.at,
        "what": _FILES[each.what] if is_file else each.what,
        "source": each.source,
        "seconds": each.seconds,
        "refused": each.refused,
        "state": each.state,
        "problem": status.problems[0] if status and status.problems else None,
        "lines": [{"sort": _SORTS.get(line[:1], ""), "text": line} for line in each.lines or ()],
        "note": each.note,
    }


_SORTS: Final = {"+": "came", "-": "went", "@": "at"}
_FILES: Final = {"made": "cannot be read", "changed": "cannot be read, for another reason", "removed": "can be read"}
