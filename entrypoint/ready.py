"""Is the gateway ready? The diagnostics process knows; this asks it as a kubelet would."""

import asyncio
import http.client
import socket
from collections.abc import AsyncIterator

from process.settings import Settings

PATH = "/ambassador/v0/check_ready"

_EACH = 0.1
_TIMEOUT = 2.0
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def diagnostics_host(settings: Settings) -> str:
    """An address at which this machine reaches the diagnostics process."""
    return _ANY.get(settings.diagnostics_address, settings.diagnostics_address)


async def readiness(settings: Settings, demo: str | None) -> AsyncIterator[str]:
    """Each tenth of a second what keeps the gateway from being ready; ends when it is ready.

    `demo` is the address of the demo upstream, if there is one: who is told to try it must not find it asleep.
    """
    while (reason := await asyncio.to_thread(_reason, settings, demo)) is not None:
        yield reason
        await asyncio.sleep(_EACH)


def _reason(settings: Settings, demo: str | None) -> str | None:
    return _ask(diagnostics_host(settings), settings.diagnostics_port) or (_knock(demo) if demo else None)


def _knock(address: str) -> str | None:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _TIMEOUT).close()
    except OSError as error:
        return f"the demo upstream does not answer: {error}"
    return None


def _ask(host: str, port: int) -> str | None:
    connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT)
    try:
        connection.request("GET", PATH)
        response = connection.getresponse()
        body = response.read().decode(errors="replace").strip()
    except (OSError, http.client.HTTPException) as error:
        return f"the diagnostics process does not answer: {error}"
    finally:
        connection.close()
    return None if response.status == http.HTTPStatus.OK else body
