"""Who asks at the TCP port: what comes through an Envoy says so itself, or the other end of its connection does."""

import asyncio
import time
from typing import Final

from aiohttp import web

from diagnostics.peers import Connection, End, Peers, Verdict
from process import logs

VIA: Final = "x-dragoman-via"
"""What every gateway's Envoy adds to the requests that it passes on, of this pod or of another."""

PEER_PATIENCE: Final = 5.0
"""Seconds that it may take to find out who asks."""

PROBE_PATIENCE: Final = 0.8
"""Likewise where it is about health alone, which is no secret: a kubelet waits for a second."""

_TOLD_EACH: Final = 60.0

log = logs.get()


class Askers:
    """Tells whether those who ask may be answered there."""

    def __init__(self) -> None:
        self._peers = Peers()
        self._told = float("-inf")

    async def whose(self, request: web.BaseRequest, patience: float) -> Verdict:
        """Whether one of the gateway's own processes asks; `patience`: seconds that it may take to find out."""
        if VIA in request.headers:
            return Verdict.OWN
        try:
            connection = _connection(request)
            async with asyncio.timeout(patience):
                return await self._peers.whose(connection)
        except (OSError, TimeoutError):
            return Verdict.UNKNOWN

    def tell(self, request: web.BaseRequest) -> None:
        """Say in the log, once in a while, that somebody was refused who came through the gateway."""
        now = time.monotonic()
        if now - self._told >= _TOLD_EACH:
            self._told = now
            log.warning("refused", path=request.path[:80], reason="a Mapping or TCPMapping leads to the diagnostics")


def _connection(request: web.BaseRequest) -> Connection:
    """The connection that a request came on; OSError when it is over."""
    there, here = (request.get_extra_info(name) for name in ("peername", "sockname"))
    if not there or not here:
        raise ConnectionResetError
    return Connection(_end(there), _end(here))


def _end(name: tuple[str, int]) -> End:
    return End(name[0].removeprefix("::ffff:") if "." in name[0] else name[0], name[1])
