"""The page's paths: views, what they are drawn with, and events; and what a browser may do with them.

Nothing comes from elsewhere, and nothing in a page is a script or a style but our own files: should a text of
somebody's ever get into a page as it is, no browser would run it.
"""

import asyncio
import hashlib
import mimetypes
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

import orjson
from aiohttp import web

from diagnostics.access import is_local
from diagnostics.following import NotOpenError
from diagnostics.ui import levels, rendering
from diagnostics.ui.guard import refusal
from diagnostics.ui.live import Live
from diagnostics.ui.numbers import numbers
from diagnostics.ui.query import Query
from diagnostics.ui.sources import Sources
from diagnostics.ui.views import VIEWS, Page
from diagnostics.view import View

STATIC: Final = Path(__file__).with_name("static")
LONGEST_CHANGE: Final = 4096
"""Bytes of a form that are read."""
MAKING: Final = 10.0
"""Seconds that a page may take to be made."""

HEADERS: Final = {
    "Server": "dragoman",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
}

_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_NAMED: Final[Mapping[str, Page]] = {page.name: page for page in VIEWS}


class Pages:
    """Answers for everything below the page's own path."""

    def __init__(self, sources: Sources) -> None:
        self._following = sources.following
        self._sources = sources
        self._live = Live(sources)
        self._templates = rendering.environment()
        self._static = _static()

    async def answer(self, request: web.BaseRequest, name: str) -> web.StreamResponse:
        """The answer for the part of a path behind the page's own."""
        if name in self._static:
            return self._file(request, name)
        if name == "events":
            return await self._events(request)
        if name == "numbers":
            return await self._numbers(_query(request, name))
        page = _NAMED.get(name)
        if page is None:
            return _refused(HTTPStatus.NOT_FOUND, f"no such page; there are {', '.join(filter(None, _NAMED))}")
        return await self._page(page, _query(request, name))

    async def change(self, request: web.BaseRequest) -> web.StreamResponse:
        """Change log levels, where that is who is in this pod, and nobody who only has their browser."""
        wrong = refusal(request.remote or "", request.headers)
        if wrong is not None:
            return _refused(HTTPStatus.FORBIDDEN, wrong)
        async with asyncio.timeout(MAKING):
            said = parse_qs((await request.content.read(LONGEST_CHANGE)).decode(errors="replace"))
        wrong = await levels.change(self._sources, {name: values[-1] for name, values in said.items()})
        if wrong is not None:
            return _refused(HTTPStatus.BAD_REQUEST, wrong)
        return web.Response(status=HTTPStatus.SEE_OTHER, headers={**HEADERS, "Location": "levels"})

    async def _page(self, page: Page, query: Query) -> web.StreamResponse:
        try:
            told = await page.gather(self._sources, query)
            make = partial(self._made, page=page, told=told, query=query)
            text = await self._following.ask(make, MAKING, View.catch_up)
        except NotOpenError as error:
            return _refused(HTTPStatus.SERVICE_UNAVAILABLE, f"the snapshot cannot be read: {error}")
        return web.Response(text=text, content_type="text/html", charset="utf-8", headers=HEADERS)

    def _made(self, view: View, page: Page, told: Mapping[str, Any], query: Query) -> str:
        """In the thread that has the snapshot, so that nobody else waits for it."""
        shown = {**page.shown(view, told, query), "query": query, "views": VIEWS, "here": page}
        return rendering.page(self._templates, page.template, shown, whole=not query.words.get("part"))

    async def _numbers(self, query: Query) -> web.StreamResponse:
        try:
            told = await numbers(self._sources, query)
        except NotOpenError as error:
            return _refused(HTTPStatus.SERVICE_UNAVAILABLE, f"the snapshot cannot be read: {error}")
        return web.Response(body=orjson.dumps(told), content_type="application/json", headers=HEADERS)

    def _file(self, request: web.BaseRequest, name: str) -> web.StreamResponse:
        body, tag, kind = self._static[name]
        headers = {**HEADERS, "Cache-Control": "no-cache", "ETag": tag, "Content-Type": kind}
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
        return web.Response(body=body, headers=headers)

    async def _events(self, request: web.BaseRequest) -> web.StreamResponse:
        if self._live.is_full:
            return _refused(HTTPStatus.SERVICE_UNAVAILABLE, "too many look at the moment")
        response = web.StreamResponse(headers={**HEADERS, "Content-Type": "text/event-stream"})
        await response.prepare(request)
        if request.method != "HEAD":
            await self._live.tell(response)
        return response

    def close(self) -> None:
        """Ask nobody any more."""
        self._sources.close()


def _static() -> dict[str, tuple[bytes, str, str]]:
    """The files by their names, each with its tag and type."""
    found = {}
    for file in sorted(STATIC.iterdir()):
        body = file.read_bytes()
        kind = _TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "text/plain"
        found[f"static/{file.name}"] = (body, f'"{hashlib.sha256(body).hexdigest()[:16]}"', f"{kind}; charset=utf-8")
    return found


def _query(request: web.BaseRequest, name: str) -> Query:
    return Query(
        path=name,
        words=dict(request.query),
        is_local=is_local(request.remote or ""),
        from_elsewhere=request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"),
    )


def _refused(status: HTTPStatus, text: str) -> web.Response:
    return web.Response(status=status, text=f"{text}\n", headers=HEADERS)
