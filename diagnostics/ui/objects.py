"""Objects: what became of each, problems first, found by words, namespace (team), kind and state, a page at a time.

Nothing is read of them but their keys and statuses, which are in memory: 10,000 are gone through in some milliseconds.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from diagnostics.rows import FILE_PREFIX
from diagnostics.ui.query import Query, paged
from diagnostics.ui.sources import Sources
from diagnostics.view import View

SIZE: Final = 50
"""Objects on a page."""
MOST_NAMES: Final = 500
"""Namespaces that are proposed."""
STATES: Final = ("stopped", "pending", "warned", "ok", "other")
"""In the order in which they are shown."""
EVERYTHING: Final = "*"
"""In place of a kind: all, and also what is only read for others."""

_READ: Final = ("core/", "discovery.k8s.io/", "apps/", "apiextensions.k8s.io/")
"""Begin the keys of what is read for others, such as Services: unless they are asked for, only those with problems."""
_RANK: Final = {state: place for place, state in enumerate(STATES)}


async def gather(sources: Sources, query: Query) -> dict[str, Any]:  # noqa: ARG001 -- as every view
    """Nobody has to be asked."""
    return {}


def shown(view: View, told: Mapping[str, Any], query: Query) -> dict[str, Any]:  # noqa: ARG001 -- as every view
    """What the template shows."""
    find, namespace, kind = query.text("find").lower(), query.text("namespace"), query.text("kind")
    state = query.text("state")
    namespaces: set[str] = set()
    kinds: Counter[str] = Counter()
    states: Counter[str] = Counter()
    found: list[tuple[int, str]] = []
    for key, its in _all(view):
        _, own_kind, own_namespace, _ = parts_of(key)
        namespaces.add(own_namespace)
        kinds[own_kind] += 1
        if not _is_asked_for(key, own_kind, its, kind) or (namespace and own_namespace != namespace):
            continue
        if find and not _says(view, key, find):
            continue
        states[its] += 1
        if not state or its == state:
            found.append((_RANK.get(its, len(STATES)), key))
    found.sort()
    page = paged(query, len(found), SIZE)
    return {
        "rows": [row(view, key) for _, key in found[page.first : page.last]],
        "page": page,
        "find": query.text("find"),
        "namespace": namespace,
        "kind": kind,
        "state": state,
        "namespaces": sorted(filter(None, namespaces))[:MOST_NAMES],
        "kinds": sorted(kinds.items()),
        "states": [(each, states[each]) for each in STATES if states[each] or each != "other"],
        "is_filtered": bool(find or namespace or kind or state),
    }


def parts_of(key: str) -> tuple[str, str, str, str]:
    """Group, kind, namespace and name of a key."""
    group, kind, namespace, name = (*key.split("/", 3), "", "", "")[:4]
    return group, kind, namespace, name


def row(view: View, key: str) -> dict[str, Any]:
    """An object as it stands in a list."""
    _, kind, namespace, name = parts_of(key)
    status = view.statuses.rows.get(key)
    problems = status.problems if status else ()
    return {
        "key": key,
        "kind": kind,
        "namespace": namespace,
        "name": name,
        "state": status.state if status else "pending",
        "source": view.objects.rows.get(key) or (status.carrier if status else None) or "",
        "problem": problems[0] if problems else None,
        "more": max(len(problems) - 1, 0) + (status.more if status else 0),
    }


def _all(view: View) -> Iterator[tuple[str, str]]:
    """The keys of all objects with their states; also of those that others carry in an annotation."""
    objects, judged = view.objects.rows, view.statuses.rows
    for key, status in judged.items():
        if (key in objects or status.carrier in objects) and not key.startswith(FILE_PREFIX):
            yield key, status.state
    for key in objects:
        if key not in judged and not key.startswith(FILE_PREFIX):
            yield key, "pending"


def _is_asked_for(key: str, own_kind: str, state: str, kind: str) -> bool:
    if kind == EVERYTHING:
        return True
    if kind:
        return own_kind == kind
    return state != "ok" or not key.startswith(_READ)


def _says(view: View, key: str, find: str) -> bool:
    """Whether a text stands in an object's name, file or problems."""
    if find in key.lower() or find in view.objects.rows.get(key, "").lower():
        return True
    status = view.statuses.rows.get(key)
    return status is not None and any(find in each["message"].lower() for each in status.problems)
