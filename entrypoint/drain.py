"""Envoy's orderly end: it says that it leaves, goes on serving until others have heard it, and until nobody is left.

SIGTERM ends Envoy at once, with its connections. The order that loses no request, by measurement with load balancers
that learn of the end some seconds late:
  1. fail the health check: readiness goes, and each response asks its client to connect elsewhere;
  2. drain the listeners gracefully without closing them;
  3. wait at least the time that others need to learn of it, and until no connection is open, but not for ever.
"""

import asyncio
import http.client
import time
from dataclasses import dataclass
from pathlib import Path

from entrypoint.unixhttp import ask

_TOLD = ("/healthcheck/fail", "/drain_listeners?graceful&skip_exit")
_CONNECTIONS = r"/stats?filter=^listener\..*\.downstream_cx_active$"
_EACH = 0.05
_SHARE, _LONGEST = 4, 1.0
"""Envoy looks through all its statistics to answer, which may be many: it is let alone so many times as long."""


@dataclass(frozen=True, slots=True)
class Drained:
    """How a drain went: its seconds, and the connections that were still open at its end; None: Envoy did not say."""

    seconds: float
    connections: int | None


async def drain(admin_socket: Path, least: float, most: float) -> Drained | None:
    """Drain the Envoy behind `admin_socket` for `least` to `most` seconds; None when there is none.

    An Envoy that is slow to answer is busy, not gone: it is told and asked again.
    """
    start = time.monotonic()
    untold = list(_TOLD)
    while True:
        asked = time.monotonic()
        try:
            connections = await asyncio.to_thread(_connections, admin_socket, untold)
        except (ConnectionRefusedError, FileNotFoundError):
            return None
        except (OSError, http.client.HTTPException):
            connections = None
        now = time.monotonic()
        if now - start >= most or (connections == 0 and now - start >= least):
            return Drained(now - start, connections)
        await asyncio.sleep(min(max(_EACH, _SHARE * (now - asked)), _LONGEST))


def _connections(admin_socket: Path, untold: list[str]) -> int:
    """Tell Envoy what it does not know of yet, which `untold` then lacks; and its open connections."""
    while untold:
        ask(admin_socket, "POST", untold[0])
        del untold[0]
    _, text = ask(admin_socket, "GET", _CONNECTIONS)
    return open_connections(text)


def open_connections(stats: str) -> int:
    """The connections of all listeners but the admin interface: `listener.ADDRESS.downstream_cx_active: N`."""
    counts = (line.rsplit(": ", 1) for line in stats.splitlines() if line.startswith("listener."))
    return sum(int(count) for name, count in counts if _is_of_a_listener(name))


def _is_of_a_listener(name: str) -> bool:
    """Not of one of its workers, which have the same name with `.worker_N` in it."""
    mine = name.startswith("listener.admin.") or ".worker_" in name
    return name.endswith(".downstream_cx_active") and not mine
