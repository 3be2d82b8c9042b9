"""What `dragoman status` says, made of what the diagnostics tell: a row for each object, what is wrong beside. Pure.

Envoy's word about an object is that about the resources that it gave, as far as the diagnostics know which these are,
else about all routes and listeners: so it is never said to be accepted before it is.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal

import click

from process.text import escaped

ASKED: Final = ("envoy", "objects", "pending", "files", "resources", "notices", "envoy_elements", "changes")
"""What the diagnostics are asked for."""

Word = Literal["accepted", "refused", "waiting", "-"]
_COLOURS: Final[Mapping[str, str]] = {
    "ok": "green",
    "accepted": "green",
    "warned": "yellow",
    "waiting": "yellow",
    "pending": "yellow",
    "stopped": "red",
    "refused": "red",
}
_RANKS: Final = {"stopped": 0, "pending": 1, "warned": 2, "ok": 3, "other": 4}
_NOT_SERVED: Final = ("stopped", "pending", "other")
SILENT: Final = ("ok", "other")
"""States of which nothing is to be said."""
_SHARED: Final = ("listener/", "route/", "scope/")
_BAD: Final = ("stopped", "refused")
_MOST_FIELDS: Final = 20

Report = dict[str, Any]


def report(told: Mapping[str, Any], namespaces: Iterable[str] = (), kinds: Iterable[str] = ()) -> Report:
    """The rows, those with problems first; `namespaces` and `kinds` choose some, all where there are none."""
    spaces, wanted = set(namespaces), {kind.lower() for kind in kinds}
    resources = told["resources"]
    unanswered = _unanswered(resources)
    rows = [
        _row(key, said, told["envoy_elements"].get(key, {}), resources, unanswered)
        | _changed(said, told["changes"].get(key if key in told["changes"] else said.get("source")))
        for key, said in [*told["objects"].items(), *((key, _PENDING) for key in told["pending"])]
    ]
    chosen = [
        row
        for row in rows
        if (not spaces or row["namespace"] in spaces) and (not wanted or row["kind"].lower() in wanted)
    ]
    answers = Counter(_answer(row) for row in resources.values())
    return {
        "envoy": told["envoy"],
        "resources": {
            "published": len(resources),
            **{word: answers[word] for word in ("accepted", "waiting", "refused")},
            "unused": answers["-"],
        },
        "notices": [each["message"] for each in told["notices"]],
        "files": [
            {"file": name, "state": said["state"], "problems": _problems(said)} for name, said in told["files"].items()
        ],
        "objects": sorted(chosen, key=_order),
    }


_PENDING: Final = {"state": "pending", "problems": (), "source": None}


def _order(row: Report) -> tuple[Any, ...]:
    rank = -1 if row["envoy"] == "refused" else _RANKS.get(row["state"], 0)
    return rank, row["namespace"], row["kind"], row["name"]


def _row(
    key: str,
    said: Mapping[str, Any],
    gave: Mapping[str, list[str]],
    resources: Mapping[str, Mapping[str, Any]],
    unanswered: bool,
) -> Report:
    _, kind, namespace, name = key.split("/", 3)
    return {
        "key": key,
        "kind": kind,
        "namespace": namespace,
        "name": name,
        "state": said["state"],
        "envoy": _word(said, gave, resources, unanswered=unanswered),
        "source": said.get("source"),
        "problems": _problems(said),
    }


def _changed(said: Mapping[str, Any], change: Mapping[str, Any] | None) -> Report:
    """When it changed last, and how long it took until that was served; nothing where nobody remembers."""
    is_served = change is not None and said["state"] not in _NOT_SERVED
    return {
        "changed_at": change["at"] if change else None,
        "served_after_s": change["served_after_s"] if change and is_served else None,
    }


def _problems(said: Mapping[str, Any]) -> list[str]:
    found = [f"{each['path']} {each['message']}".strip() for each in said["problems"]]
    return [*found, f"and {said['more']:,} more"] if said.get("more") else found


def _word(
    said: Mapping[str, Any],
    gave: Mapping[str, list[str]],
    resources: Mapping[str, Mapping[str, Any]],
    *,
    unanswered: bool,
) -> Word:
    """What Envoy says of an object; `unanswered`: it has not answered for some listener or route yet."""
    if any(each.get("from") == "envoy" for each in said["problems"]):
        return "refused"
    if said["state"] in _NOT_SERVED:
        return "-"
    own = [
        resources[key]
        for kind, names in gave.items()
        for key in (f"{kind}/{name}" for name in names)
        if key in resources
    ]
    answers = {_answer(row) for row in own}
    if "refused" in answers:
        return "refused"
    return "waiting" if "waiting" in answers or (unanswered and "listener" not in gave) else "accepted"


def _answer(row: Mapping[str, Any]) -> Word:
    """What Envoy says of a resource; of one that is published no more nothing is awaited. `-`: it has no use for it."""
    published = row["published"]
    if published is None or published == row["accepted"]:
        return "accepted"
    if published == row["refused"]:
        return "refused"
    return "waiting" if row.get("asked_for", True) else "-"


def _unanswered(resources: Mapping[str, Mapping[str, Any]]) -> bool:
    shared = (row for key, row in resources.items() if key.startswith(_SHARED))
    return any(_answer(row) == "waiting" for row in shared)


def is_bad(told: Report) -> bool:
    """Whether something that is shown is not served as it is declared."""
    rows = [*told["objects"], *told["files"]]
    return any(row["state"] in _BAD or row.get("envoy") in _BAD for row in rows)


# -- in words


def lines(told: Report, *, problems_only: bool = False) -> Iterator[str]:
    """The table, with colours, which `click.echo` leaves out where nobody sees them."""
    yield _envoy(told["envoy"], told["resources"])
    for notice in told["notices"]:
        yield click.style(escaped(notice), fg="yellow")
    for each in told["files"]:
        yield click.style(f"file {escaped(each['file'])}: {each['state']}", fg=_COLOURS.get(each["state"]))
        yield from (f"  {escaped(problem)}" for problem in each["problems"])
    rows = [row for row in told["objects"] if not problems_only or row["problems"] or row["state"] not in SILENT]
    if rows:
        yield ""
        yield from _table(rows)
    yield ""
    yield _summary(told)


def _envoy(envoy: Mapping[str, Any], resources: Mapping[str, int]) -> str:
    if not envoy["answers"]:
        return click.style("Envoy does not answer", fg="red")
    version = (envoy["version"] or "?/?").split("/")[1]
    connected = "connected" if envoy["connected"] else click.style("not connected: it gets no changes", fg="red")
    counted = ", ".join(
        f"{resources[word]} {word}" for word in ("accepted", "waiting", "refused", "unused") if resources[word]
    )
    return f"Envoy {version} {envoy['state']}, {connected}; {resources['published']} resources: {counted or 'none'}"


def _table(rows: list[Report]) -> Iterator[str]:
    heads = ("NAMESPACE", "KIND", "NAME", "STATE", "ENVOY", "SERVED", "SOURCE")
    cells = [
        (
            row["namespace"] or "-",
            row["kind"],
            row["name"],
            row["state"],
            row["envoy"],
            after(row["served_after_s"]),
            row["source"] or "-",
        )
        for row in rows
    ]
    shown = [tuple(map(escaped, each)) for each in cells]
    widths = [max(len(each[column]) for each in (heads, *shown)) for column in range(len(heads) - 1)]
    yield click.style(_padded(heads, widths), bold=True)
    for row, each in zip(rows, shown, strict=True):
        yield _padded(each, widths, colours=True)
        yield from (f"    {escaped(problem)}" for problem in row["problems"][:_MOST_FIELDS])


def after(seconds: float | None) -> str:
    """How long something took, in few signs."""
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.0f}ms" if seconds < 1 else f"{seconds:.1f}s"


def _padded(cells: tuple[str, ...], widths: list[int], *, colours: bool = False) -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=False)]
    if colours:
        padded[3:5] = [click.style(cell, fg=_COLOURS.get(cell.strip())) for cell in padded[3:5]]
    return "  ".join([*padded, cells[-1]])


def _summary(told: Report) -> str:
    counted = Counter(row["state"] for row in told["objects"])
    words = ", ".join(
        f"{counted[state]:,} {state}" for state in ("ok", "warned", "pending", "stopped", "other") if counted[state]
    )
    total = len(told["objects"])
    return f"{total:,} {'object' if total == 1 else 'objects'}{': ' if words else ''}{words}"
