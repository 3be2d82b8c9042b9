"""Snapshots for the page, and what Envoy and the translator would have said: all that people wrote is hostile."""

import contextlib
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import orjson

from diagnostics.report import System
from diagnostics.ui import rendering
from diagnostics.ui.query import Query
from diagnostics.ui.serving import _NAMED
from diagnostics.ui.views import VIEWS
from diagnostics.view import View
from snapshot import Record, Snapshot
from watcher.keeping import keeps

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> javascript:alert(3) {{ 123*1001 }} &amp; \u202etxt"
"""What an object's name, a label, a message or a header may be, where nobody has looked at it."""

TEMPLATES = rendering.environment()
MAPPING = "getambassador.io/Mapping/"
NOW = 2_000_000_000.0


def problem(message: str, *, stops: bool = True, path: str = "spec.prefix") -> dict[str, Any]:
    return {"path": path, "message": message, "stops": stops, "from": "dragoman"}


def status(state: str, *problems: Mapping[str, Any], **more: Any) -> Record:
    return Record("1", orjson.dumps({"state": state, "problems": problems, **more}))


@contextlib.contextmanager
def viewing(
    folder: Path,
    objects: Mapping[str, Record] | None = None,
    statuses: Mapping[str, Record] | None = None,
    before: Mapping[str, Record] | None = None,
    **others: Mapping[str, Record],
) -> Iterator[View]:
    """The view of a snapshot with these records; `before`: what objects were before."""
    with Snapshot.open(folder / "snapshot") as snapshot:
        with snapshot.writer("objects", keeps=keeps) as writer:
            writer.commit(before or {})
            writer.commit((objects or {}) if before else {}, since=NOW)
        for name, records in {"objects": objects, "statuses": statuses, **others}.items():
            snapshot.writer(name).commit(records or {})  # type: ignore[arg-type]
        view = View(snapshot, folder / "snapshot")
        view.catch_up()
        yield view


def shown(view: View, name: str, told: Mapping[str, Any] | None = None, /, **words: str) -> dict[str, Any]:
    """What a view shows."""
    return _NAMED[name].shown(view, told or {}, Query(name, words))


def html(view: View, name: str, told: Mapping[str, Any] | None = None, /, **words: str) -> str:
    """A page as it is sent."""
    query = Query(name, words)
    values = {**_NAMED[name].shown(view, told or {}, query), "query": query, "views": VIEWS, "here": _NAMED[name]}
    return rendering.page(TEMPLATES, _NAMED[name].template, values)


def system() -> System:
    return System(EVIL, EVIL, "default", NOW - 60)


class Read(HTMLParser):
    """A page as a browser reads it: its elements, their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data
