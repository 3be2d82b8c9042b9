"""A port that somebody else has is waited for: whoever listens there may end, and nothing is better without us."""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Callable
from typing import Final

_EACH: Final = 0.25
_TOLD_EACH: Final = 60.0


async def listen(address: str, port: int, stopping: asyncio.Event, tell: Callable[[str], None]) -> socket.socket | None:
    """A socket that listens there, at `::` for both families; None when told to stop before it could be had.

    Args:
        address: an address or a name.
        port: the port.
        stopping: set when there is no need of it any more.
        tell: is told why it cannot be had, at once and each minute.
    """
    told = float("-inf")
    while not stopping.is_set():
        try:
            return _listening(address, port)
        except OSError as error:
            if time.monotonic() - told >= _TOLD_EACH:
                told = time.monotonic()
                tell(_reason(error))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), _EACH)
    return None


def _reason(error: OSError) -> str:
    """The kernel's words; Python adds the address, which whoever is told knows."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)


def _listening(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.create_server((address, port), family=family, dualstack_ipv6=address == "::")
