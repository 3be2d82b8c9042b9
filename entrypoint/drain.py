"""Envoy's orderly end: it goes on serving until others have heard of it, then tells its clients, until nobody is left.

SIGTERM ends Envoy at once, with its connections. The order that loses no request, by measurement with load balancers
that learn of the end some seconds late, and with clients that take a GOAWAY for the end of all that they asked:
  1. readiness goes, which is the entrypoint's affair (`Watchdog.end`), and nothing else changes for as long as others
     need to learn of it: new connections are taken, and none is told to go;
  2. fail Envoy's health check, so that each response asks its client to connect elsewhere, and drain the listeners
     gracefully without closing them;
  3. wait until no connection is open, but not for ever.

Were clients told at once, each new connection would be told with its first answer, and a client of HTTP/2 that gives up
its requests at a GOAWAY would lose every one of them until the load balancer knows.
"""

import asyncio
import http.client
import time
from dataclasses import dataclass
from pathlib import Path

from entrypoint.unixhttp import ask

_TOLD = ("/healthcheck/fail", "/drain_listeners?graceful&skip_exit")
_CONNECTIONS = r"/stats?filter=^listener\..*\.downstream_cx_active$"
_THERE = "/ready"
_EACH = 0.05
_SHARE, _LONGEST = 4, 1.0
"""Envoy looks through all its statistics to answer, which may be many: it is let alone so many times as long."""


@dataclass(frozen=True, slots=True)
class Drained:
    """How a drain went: its seconds, and the connections that were still open at its end; None: Envoy did not say."""

    seconds: float
    connections: int | None


async def drain(admin_socket: Path, least: float, most: float) -> Drained | None:
    """Drain the Envoy behind `admin_socket`; None when there is none.

    An Envoy that is slow to answer is busy, not gone: it is told and asked again.

    Args:
        admin_socket: Envoy's admin interface.
        least: seconds in which it serves as ever.
        most: seconds after which it is given up, those among them.
    """
    start = time.monotonic()
    untold = list(_TOLD)
    while True:
        asked = time.monotonic()
        is_time = asked - start >= least
        try:
            connections = await asyncio.to_thread(_connections if is_time else _is_there, admin_socket, untold)
        except (ConnectionRefusedError, FileNotFoundError):
            return None
        except (OSError, http.client.HTTPException):
            connections = None
        now = time.monotonic()
        if now - start >= most or (is_time and connections == 0):
            return Drained(now - start, connections)
        pause = min(max(_EACH, _SHARE * (now - asked)), _LONGEST)
        await asyncio.sleep(pause if is_time else min(pause, max(0.0, start + least - now)))


def _is_there(admin_socket: Path, _: list[str]) -> None:
    """Ask for a sign of life."""
    ask(admin_socket, "GET", _THERE)


def _connections(admin_socket: Path, untold: list[str]) -> int:
    """Tell Envoy what it does not know of yet, which `untold` then lacks; and its open connections."""
    while untold:
        ask(admin_socket, "POST", untold[0])
        del untold[0]
    _, text = ask(admin_socket, "GET", _CONNECTIONS)
    return open_connections(text)


def open_connections(stats: str) -> int:
    """The connections of all listeners for clients: `listener.ADDRESS.downstream_cx_active: N`."""
    counts = (line.rsplit(": ", 1) for line in stats.splitlines() if line.startswith("listener."))
    return sum(int(count) for name, count in counts if _is_of_a_listener(name))


def _is_of_a_listener(name: str) -> bool:
    """Not of one of its workers, with `.worker_N` in the same name, nor of the admin's, nor of those who ask why."""
    mine = name.startswith("listener.admin.") or ".worker_" in name or "/why-" in name
    return name.endswith(".downstream_cx_active") and not mine
