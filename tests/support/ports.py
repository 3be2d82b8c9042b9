"""TCP ports of 127.0.0.1 for servers that a test starts."""

import contextlib
import random
import socket
from pathlib import Path


def unused_ports(count: int) -> list[int]:
    """Ports that nobody has now; not held, since the system checks that its ports are free."""
    with contextlib.ExitStack() as stack:
        holders = [stack.enter_context(socket.socket()) for _ in range(count)]
        for holder in holders:
            holder.bind(("127.0.0.1", 0))
        return [int(holder.getsockname()[1]) for holder in holders]


def unused_port() -> int:
    """One of them."""
    return unused_ports(1)[0]


def quiet_port() -> int:
    """A free port that the kernel gives to nobody by itself.

    A server may so be killed and come back: no outgoing connection takes its port meanwhile (not even one that tries to
    reach it, and then would talk to itself).
    """
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.SystemRandom().randrange(10000, max(lowest, 10001))
        with socket.socket() as attempt, contextlib.suppress(OSError):
            attempt.bind(("127.0.0.1", port))
            return port
