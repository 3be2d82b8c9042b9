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

_EACH = 0.05


@dataclass(frozen=True, slots=True)
class Drained:
    """How a drain went: its seconds, and the connections that were still open at its end."""

    seconds: float
    connections: int


async def drain(admin_socket: Path, least: float, most: float) -> Drained | None:
    """Drain the Envoy behind `admin_socket` for `least` to `most` seconds; None when none answers there."""
    start = time.monotonic()
    try:
        for target in ("/healthcheck/fail", "/drain_listeners?graceful&skip_exit"):
            await asyncio.to_thread(ask, admin_socket, "POST", target)
        while True:
            _, text = await asyncio.to_thread(ask, admin_socket, "GET", "/stats?filter=downstream_cx_active")
            drained = Drained(time.monotonic() - start, open_connections(text))
            if drained.seconds >= most or (drained.connections == 0 and drained.seconds >= least):
                return drained
            await asyncio.sleep(_EACH)
    except (OSError, http.client.HTTPException):
        return None


def open_connections(stats: str) -> int:
    """The connections of all listeners but the admin interface: `listener.ADDRESS.downstream_cx_active: N`."""
    counts = (line.rsplit(": ", 1) for line in stats.splitlines() if line.startswith("listener."))
    return sum(int(count) for name, count in counts if _is_of_a_listener(name))


def _is_of_a_listener(name: str) -> bool:
    """Not of one of its workers, which have the same name with `.worker_N` in it."""
    mine = name.startswith("listener.admin.") or ".worker_" in name
    return name.endswith(".downstream_cx_active") and not mine
