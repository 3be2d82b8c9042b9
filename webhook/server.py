"""The HTTPS server: POST /convert, where API servers ask; GET /healthz and /readyz, where the kubelet does."""

import asyncio
import contextlib
import ssl
import tempfile
from http import HTTPStatus
from pathlib import Path
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from process import logs
from webhook.authority import Pair
from webhook.review import NoReviewError, answer

LARGEST: Final = 32 << 20
"""Bytes of a review: ten thousand Mappings have a third of that."""
SMALL: Final = 256 << 10
"""Reviews up to this size are answered at once; of larger ones, two at a time, beside the event loop."""
READ_SECONDS: Final = 20.0
GOODBYE: Final = 2.0
PATHS: Final = ("/convert", "/webhooks/crd-convert")
"""Ours, and Emissary's, so that its CRDs need no more than another Service's name."""

log = logs.get()


class Server:
    """Serves with whatever pair was last given; connections that there are go on with theirs.

    `is_ready`: whether API servers may ask here. `is_leaving`: whether each of their connections ends with its next
    answer, so that they ask somebody else before nobody listens here.
    """

    def __init__(self, port: int, folder: Path, address: str = "") -> None:
        self._address = address
        self._port = port
        self._folder = folder
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._large = asyncio.Semaphore(2)
        self._runner: web.AppRunner | None = None
        self.pair: Pair | None = None
        self.is_ready = False
        self.is_leaving = False

    def use(self, pair: Pair) -> bool:
        """Serve with this pair, whose key must be the certificate's, from the next connection on; whether it is new."""
        if pair == self.pair:
            return False
        self.stand_in(pair)
        self.pair = pair
        return True

    def stand_in(self, pair: Pair) -> None:
        """Show this pair until there is one to serve with: the kubelet wants an answer, and trusts anybody."""
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:  # ssl reads files only; the folder is 0700
            path = Path(folder) / "pair.pem"
            path.write_bytes(pair.certificate + pair.key)
            self._context.load_cert_chain(path)

    async def open(self) -> None:
        """Listen; OSError when the port cannot be had."""
        app = web.Application(client_max_size=LARGEST, middlewares=[self._answer])
        app.add_routes([web.post(path, self._convert) for path in PATHS])
        app.add_routes([web.get("/healthz", _healthz), web.get("/readyz", self._readyz)])
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=GOODBYE)
        await runner.setup()
        try:
            site = web.TCPSite(runner, self._address or None, self._port, ssl_context=self._context, reuse_address=True)
            await site.start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner

    async def close(self) -> None:
        """Listen no longer; what is being answered is answered."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _readyz(self, _: web.Request) -> web.Response:
        if self.is_ready:
            return _said(HTTPStatus.OK, "ok")
        return _said(HTTPStatus.SERVICE_UNAVAILABLE, "no CRD asks for conversions, or there is no certificate yet")

    @web.middleware
    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if self.is_leaving:
            response.force_close()
        return response

    async def _convert(self, request: web.Request) -> web.Response:
        is_small = request.content_length is not None and request.content_length <= SMALL
        try:
            async with contextlib.AsyncExitStack() as stack:
                if not is_small:
                    await stack.enter_async_context(self._large)
                async with asyncio.timeout(READ_SECONDS):
                    body = await request.read()
                made, count = answer(body) if is_small else await asyncio.to_thread(answer, body)
        except NoReviewError as error:
            return _said(HTTPStatus.BAD_REQUEST, str(error))
        except TimeoutError:
            return _said(HTTPStatus.REQUEST_TIMEOUT, f"the review did not come within {READ_SECONDS:.0f} s")
        log.debug("reviewed", objects=count, bytes=len(body))
        return web.Response(body=made, content_type="application/json")


async def _healthz(_: web.Request) -> web.Response:
    return _said(HTTPStatus.OK, "ok")


def _said(status: HTTPStatus, text: str) -> web.Response:
    return web.Response(status=status, text=f"{text}\n")
