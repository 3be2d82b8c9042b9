"""The routes of a Host, in the order in which Envoy tries them: what each asks of a request, and where it leads."""

from collections.abc import Mapping
from typing import Any, Final

from diagnostics.ui.query import Query, paged
from diagnostics.ui.sources import Sources, page_of
from diagnostics.view import View

SIZE: Final = 50


async def gather(sources: Sources, query: Query) -> dict[str, Any]:
    """The routes, which the translator knows."""
    question = {
        "ask": "routes",
        "chain": query.words.get("chain", ""),
        "host": query.number("host"),
        "find": query.text("find"),
    }
    return await page_of(sources, question, query, SIZE)


def shown(view: View, told: Mapping[str, Any], query: Query) -> dict[str, Any]:
    """What the template shows."""
    return {
        "error": told.get("error"),
        "host": told.get("host"),
        "routes": [{**each, "state": _state(view, each)} for each in told.get("routes", ())],
        "all": told.get("all", 0),
        "page": paged(query, told.get("of", 0), SIZE),
        "find": query.text("find"),
    }


def _state(view: View, route: Mapping[str, Any]) -> str:
    """What became of the object that it is of."""
    status = view.statuses.rows.get(route["objects"][0]["key"]) if route["objects"] else None
    return status.state if status else "ok"
