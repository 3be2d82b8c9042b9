"""The HTTP server: a list of paths, GET and HEAD only; nothing changes anything, but the page's form for log levels."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeAlias

import orjson
from aiohttp import web

from diagnostics import traffic
from diagnostics.access import is_for_locals, is_local
from diagnostics.admin import BUSY, PATIENCE, Admin, NoAnswerError, NotInTimeError
from diagnostics.askers import PEER_PATIENCE, PROBE_PATIENCE, Askers
from diagnostics.clusters import STATISTICS
from diagnostics.following import Following, NotOpenError
from diagnostics.health import LIVE, ORPHANED, Life, Readiness, Silence, hanging, orphaned
from diagnostics.metrics import CONTENT_TYPE, Counted, own_metrics
from diagnostics.parts import parts
from diagnostics.peers import Verdict
from diagnostics.report import ALONE, NEED_ENVOY, NEED_STATISTICS, SECTIONS, Known, System, report
from diagnostics.traces import telling
from diagnostics.view import Progress, View
from process import logs
from process.settings import Settings
from process.vitals import ENTRYPOINT, ENVOY, Vitals, read

if TYPE_CHECKING:
    from diagnostics.ui.serving import Pages

Handler: TypeAlias = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

REPORT_PATIENCE: Final = 10.0
"""Seconds that a report may take to be made; it walks over all objects, in a thread."""

SCRAPES: Final = 2
"""Scrapes at a time: each makes Envoy's main thread sum up all its statistics."""

SCRAPE_PATIENCE: Final = 60.0
"""Seconds after which a scrape ends whose reader does not read."""

_THROUGH_ENVOY: Final = "not through the gateway: a Module may make the diagnostics public, a Mapping may not"
_UNKNOWN: Final = "it cannot be told whether this comes through the gateway"

_HEADERS: Final = {"Server": "dragoman", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_HEALTH: Final = ("/ambassador/v0/check_alive", "/ambassador/v0/check_ready")
_PAGE: Final = ("/ambassador/v0/diag", "/ambassador/v0/diag/")
_BELOW: Final = _PAGE[1]
"""Begins the paths of the page."""
_LEVELS: Final = f"{_BELOW}levels"
_LOCALS: Final = (
    "the Module says diagnostics: {allow_non_local: false}: ask from inside the pod, as kubectl port-forward does"
)
_NO_LEVEL: Final = (
    "log levels are not set by an address, which any site may send people to: use /ambassador/v0/diag/levels"
)

log = logs.get()


class Diagnostics:
    """The answers."""

    def __init__(
        self,
        following: Following,
        admin: Admin,
        system: System,
        settings: Settings,
        resource: Mapping[str, str],
        spans: Mapping[str, int],
    ) -> None:
        """Of a running event loop. `resource`: what traces say of us; `spans`: how many were sent, by their outcome."""
        self._following = following
        self._admin = admin
        self._system = system
        self._life = Life(time.monotonic())
        self._readiness = Readiness()
        self._entrypoint = Silence()
        self._vitals_file = settings.vitals_file
        self._entrypoints_beat = settings.beats_dir / ENTRYPOINT if settings.supervised else None
        self._scrapes = asyncio.Semaphore(SCRAPES)
        self._askers = Askers()
        self._settings = settings
        self._resource = resource
        self._spans = spans
        self._made: Pages | None = None
        self._making = asyncio.Lock()
        self._paths: Mapping[str, Handler] = {
            "/ambassador/v0/check_alive": self._check_alive,
            "/ambassador/v0/check_ready": self._check_ready,
            **dict.fromkeys(_PAGE, self._diag),
            "/metrics": self._metrics,
        }

    async def answer_outside(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer at the TCP port: none to what comes through Envoy, which asks for our own routes elsewhere."""
        whose = await self._askers.whose(request, PROBE_PATIENCE if request.path in _HEALTH else PEER_PATIENCE)
        if whose is Verdict.OWN:
            self._askers.tell(request)
            return _line(HTTPStatus.FORBIDDEN, _THROUGH_ENVOY)
        if whose is Verdict.UNKNOWN and request.path not in _HEALTH:
            return _line(HTTPStatus.SERVICE_UNAVAILABLE, _UNKNOWN)
        if request.path.startswith(_PAGE[0]) and not is_local(request.remote or "") and await self._is_for_locals():
            return _line(HTTPStatus.FORBIDDEN, _LOCALS)
        if request.method == "POST" and request.path == _LEVELS:  # never for what comes through Envoy
            return await (await self._pages()).change(request)
        return await self.answer(request)

    async def _is_for_locals(self) -> bool:
        question = partial(is_for_locals, namespace=self._system.namespace)
        try:
            return await self._following.ask(question, REPORT_PATIENCE, View.catch_up)
        except NotOpenError:
            return True  # nothing could be told anyway

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to whoever may ask."""
        handler = self._paths.get(request.path) or (self._page if request.path.startswith(_BELOW) else None)
        if handler is None:
            return _line(HTTPStatus.NOT_FOUND, f"no such path; there are {', '.join(self._paths)}")
        if request.method not in ("GET", "HEAD"):
            refusal = _line(HTTPStatus.METHOD_NOT_ALLOWED, "GET and HEAD only")
            refusal.headers["Allow"] = "GET, HEAD"
            return refusal
        return await handler(request)

    def close(self) -> None:
        """Ask nobody any more."""
        if self._made is not None:
            self._made.close()

    async def _check_alive(self, _request: web.BaseRequest) -> web.StreamResponse:
        now = time.monotonic()
        wrong = self._life.wrong(await self._admin.state(), now) or orphaned(self._silence(now), 2 * ORPHANED)
        return _health(wrong, "alive", self._vitals())

    async def _check_ready(self, _request: web.BaseRequest) -> web.StreamResponse:
        vitals = self._vitals()
        if vitals.ending:
            return _health("the gateway comes to its end", "ready", vitals)
        state, listening = await self._admin.state(), frozenset[str]()
        if state == LIVE:
            try:
                listening = await self._admin.listeners()
            except NotInTimeError:
                state = BUSY
            except NoAnswerError:
                state = None
        now = time.monotonic()
        if state == BUSY and ENVOY in vitals.hung:
            state = None
        progress = None if self._readiness.is_settled(state, listening) else await self._progress()
        wrong = self._readiness.wrong(state, listening, progress, now) or orphaned(self._silence(now), ORPHANED)
        return _health(wrong, "ready", vitals)

    def _vitals(self) -> Vitals:
        return read(self._vitals_file)

    def _silence(self, now: float) -> float:
        """For how long the entrypoint has shown no life."""
        try:
            sign = self._entrypoints_beat.stat().st_mtime_ns if self._entrypoints_beat else None
        except OSError:
            sign = None
        return self._entrypoint.of(sign, now)

    async def _page(self, request: web.BaseRequest) -> web.StreamResponse:
        return await (await self._pages()).answer(request, request.path.removeprefix(_BELOW))

    async def _pages(self) -> "Pages":
        """The page, which nobody who never looks at it has in memory; made in a thread, since whoever probes waits."""
        async with self._making:
            if self._made is None:
                self._made = await asyncio.to_thread(self._make)
        return self._made

    def _make(self) -> "Pages":
        from diagnostics.ui.serving import Pages  # noqa: PLC0415 -- see above
        from diagnostics.ui.sources import Sources  # noqa: PLC0415

        return Pages(Sources(self._settings, self._system, self._admin, self._following))

    async def _diag(self, request: web.BaseRequest) -> web.StreamResponse:
        if "loglevel" in request.query:
            return _line(HTTPStatus.FORBIDDEN, _NO_LEVEL)
        if request.query.get("json") == "true":
            return await self._report(request)
        if request.path != _BELOW:
            return web.Response(status=HTTPStatus.PERMANENT_REDIRECT, headers={**_HEADERS, "Location": "diag/"})
        return await self._page(request)

    async def _report(self, request: web.BaseRequest) -> web.StreamResponse:
        refusal = _refusal_of(request)
        if refusal is not None:
            return refusal
        only = request.query.get("filter")
        if only == traffic.NAME:
            return await self._traffic()
        if only == telling.NAME:
            return await self._asked(partial(telling.traces, resource=self._resource))
        info = await self._admin.server_info() if only is None or only in NEED_ENVOY else None
        counts = only in NEED_STATISTICS or (only is None and info is not None)
        statistics = await self._admin.cluster_statistics(STATISTICS) if counts else None
        known = Known(self._system, info, statistics, time.time(), parts(self._settings))
        return await self._asked(partial(report, known=known, only=only))

    async def _asked(self, question: Callable[[View], bytes]) -> web.StreamResponse:
        """What a view says, as JSON."""
        try:
            body = await self._following.ask(question, REPORT_PATIENCE, View.catch_up)
        except NotOpenError as error:
            return _line(HTTPStatus.SERVICE_UNAVAILABLE, f"the snapshot cannot be read: {error}")
        return web.Response(body=body, headers={**_HEADERS, "Content-Type": "application/json"})

    async def _traffic(self) -> web.StreamResponse:
        """What Envoy counted of requests: no part of the whole report, since it is large, and soon another."""
        async with self._scrapes:
            counted = await self._admin.traffic()
        if counted is None:
            return _line(HTTPStatus.SERVICE_UNAVAILABLE, "Envoy does not answer")
        body = orjson.dumps(traffic.traffic(counted))
        return web.Response(body=body, headers={**_HEADERS, "Content-Type": "application/json"})

    async def _metrics(self, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={**_HEADERS, "Content-Type": CONTENT_TYPE})
        if request.method == "HEAD":
            await response.prepare(request)
            return response
        try:
            async with asyncio.timeout(SCRAPE_PATIENCE), self._scrapes:
                await self._tell_metrics(request, response)
        except (NoAnswerError, TimeoutError) as error:
            if not response.prepared:
                return _line(HTTPStatus.SERVICE_UNAVAILABLE, "too many scrapes at a time")
            log.warning("metrics cut off", reason=str(error) or f"not read within {SCRAPE_PATIENCE:.0f} s")
            if request.transport:
                request.transport.abort()  # so that whoever asked does not take it for whole
        return response

    async def _tell_metrics(self, request: web.BaseRequest, response: web.StreamResponse) -> None:
        answers = await self._admin.state() not in (None, BUSY)
        own = own_metrics(await self._counted(), self._system, self._vitals(), self._spans, answers=answers)
        await response.prepare(request)
        await response.write(own)
        async for chunk in self._envoys() if answers else _none():
            await response.write(chunk)
        await response.write_eof()

    async def _envoys(self) -> AsyncIterator[bytes]:
        async with self._admin.metrics() as chunks:
            async for chunk in chunks:
                yield chunk

    async def _progress(self) -> Progress | None:
        try:
            return await self._following.ask(lambda view: view.progress, PATIENCE, View.catch_up)
        except NotOpenError:
            return None

    async def _counted(self) -> Counted | None:
        try:
            return await self._following.ask(Counted.of, REPORT_PATIENCE, View.catch_up)
        except NotOpenError:
            return None


def _refusal_of(request: web.BaseRequest) -> web.StreamResponse | None:
    """What is wrong with the parameters of a question about everything; None: nothing."""
    unknown = sorted(set(request.query) - {"json", "filter"})
    if unknown:
        return _line(HTTPStatus.BAD_REQUEST, f"unknown parameter {unknown[0][:80]!r}; there are json and filter")
    names = (*SECTIONS, *ALONE, traffic.NAME, telling.NAME)
    if request.query.get("filter", traffic.NAME) not in names:
        return _line(HTTPStatus.BAD_REQUEST, f"filter takes one of {', '.join(names)}")
    return None


async def _none() -> AsyncIterator[bytes]:
    nothing: tuple[bytes, ...] = ()
    for chunk in nothing:
        yield chunk


def _health(wrong: str | None, well: str, vitals: Vitals) -> web.Response:
    text = "; ".join(filter(None, (wrong or well, hanging(vitals.hung))))
    return _line(HTTPStatus.SERVICE_UNAVAILABLE if wrong else HTTPStatus.OK, text)


def _line(status: HTTPStatus, text: str) -> web.Response:
    return web.Response(status=status, text=f"{text}\n", headers=_HEADERS)
