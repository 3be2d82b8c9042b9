"""Why: a form for the question of `dragoman why`, which the very code of that command answers.

Envoy opens a listener for each new question, and only so many are let come: so a page of somebody else's, which could
send people here, asks nothing; the form is filled in, and they may press the button.
"""

from collections.abc import Mapping
from typing import Any, Final

from diagnostics.ui.query import Query
from diagnostics.ui.sources import Sources
from diagnostics.view import View
from why.finding import why
from why.request import AnswerError, Request, RequestError

MOST_HEADERS: Final = 100
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


async def gather(sources: Sources, query: Query) -> dict[str, Any]:
    """The report, or what is wrong with the question."""
    if not query.text("url") or query.from_elsewhere:
        return {}
    port = query.number("port") or None
    headers = [line.strip() for line in query.words.get("headers", "").splitlines() if line.strip()]
    try:
        request = Request.of(
            query.text("method") or "GET",
            query.words["url"].strip(),
            headers,
            query.text("from") or "127.0.0.1",
            query.text("sni") or None,
        )
    except RequestError as error:
        return {"error": str(error)}

    def ask() -> dict[str, Any]:
        try:
            return why(sources.gateway, request, port)
        except AnswerError as error:
            return {"error": str(error)}

    return await sources.waiting(ask)


def shown(view: View, told: Mapping[str, Any], query: Query) -> dict[str, Any]:  # noqa: ARG001 -- as every view
    """What the template shows."""
    return {
        "methods": METHODS,
        "method": query.text("method") or "GET",
        "url": query.text("url"),
        "headers": query.words.get("headers", "").splitlines()[:MOST_HEADERS],
        "client": query.text("from"),
        "sni": query.text("sni"),
        "port": query.text("port"),
        "has_more": any(query.text(name) for name in ("headers", "from", "sni", "port")),
        "error": told.get("error"),
        "report": None if "error" in told or not told else told,
        "from_elsewhere": query.from_elsewhere and bool(query.text("url")),
    }
