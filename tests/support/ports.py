"""TCP ports of 127.0.0.1 for servers that a test starts.

They are of those that the kernel gives to nobody by itself: between the choice of a port and its use, and while a
server is killed and comes back, no outgoing connection takes it (not even one that tries to reach it, and then would
talk to itself). Each process of the tests has a share of its own, and gives none of it twice: two servers of Envoy's
that had one port would share its connections, and neither would fail.
"""

import itertools
import os
import random
import socket
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_LOWEST, _HIGHEST = 10_000, 65_536
_LEAST = 4_000
"""So many there are to be for all processes together."""


def unused_ports(count: int) -> list[int]:
    """Ports that nobody has now; not held, since the system checks that its ports are free."""
    return [unused_port() for _ in range(count)]


def unused_port() -> int:
    """One of them."""
    return next(port for port in _round() if _is_free(port))


@cache
def _round() -> Iterator[int]:
    """All ports of this process, in an order of chance, so that two runs beside each other seldom meet."""
    lowest, highest = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    quiet = [*range(_LOWEST, min(lowest, _HIGHEST)), *range(max(highest + 1, _LOWEST), _HIGHEST)]
    ports = quiet if len(quiet) >= _LEAST else list(range(_LOWEST, _HIGHEST))
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    own = ports[int(worker) :: int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))]
    random.SystemRandom().shuffle(own)
    return itertools.cycle(own)


def _is_free(port: int) -> bool:
    """For TCP and for UDP, since some open both with one number."""
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as attempt:
            try:
                attempt.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
