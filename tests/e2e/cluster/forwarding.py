"""Ports of this machine that lead into the cluster's network, and the same ports on the cluster's own loopback.

A socket belongs to the network that it was made in, not to that of its process: the machine's listening sockets are
inherited by a process inside, which answers there by connecting inside.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable

Target = Callable[[], tuple[str, int] | None]
"""Where a connection leads now; None: nowhere yet."""


async def forward(listener: socket.socket, target: Target) -> None:
    """Serve the listener, and its port on this network's loopback, until cancelled."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(OSError):
            address = target()
            if address is None:
                return
            there_reader, there_writer = await asyncio.open_connection(*address)
            with contextlib.closing(there_writer):
                await asyncio.gather(_copy(reader, there_writer), _copy(there_reader, writer))

    inside = await asyncio.start_server(connected, "127.0.0.1", listener.getsockname()[1])
    outside = await asyncio.start_server(connected, sock=listener)
    async with inside, outside:
        await asyncio.gather(inside.serve_forever(), outside.serve_forever())


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """All bytes of one direction, and its end."""
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
