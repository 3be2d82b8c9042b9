"""A command in a container of a pod, through the API server, as `kubectl exec` has it run there.

https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ (connect GET requests to exec of Pod):
a WebSocket, whose messages begin with the number of a stream, and end with a Status that has the exit code.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import aiohttp
import orjson

from kubeapi.connection import Connection, RefusedError, UnreachableError

PROTOCOLS: Final = ("v5.channel.k8s.io", "v4.channel.k8s.io")
MOST: Final = 16 << 20
"""Bytes that are taken of what a command prints."""
PATIENCE: Final = 60.0
"""Seconds that a command may take."""

_OUT, _ERRORS, _STATUS = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command printed, and its exit code."""

    code: int
    out: bytes
    errors: str


async def run_in_pod(api: Connection, namespace: str, pod: str, container: str, command: Sequence[str]) -> Ran:
    """Run it to its end. UnreachableError: it may not or could not be run, or nobody knows how it ended."""
    path = f"/api/v1/namespaces/{namespace}/pods/{pod}/exec"
    params = [
        ("container", container),
        ("stdout", "true"),
        ("stderr", "true"),
        *(("command", word) for word in command),
    ]
    told: dict[int, bytearray] = {_OUT: bytearray(), _ERRORS: bytearray(), _STATUS: bytearray()}
    try:
        async with asyncio.timeout(PATIENCE), api.socket(path, params, PROTOCOLS) as channel:
            async for message in channel:
                if message.type is not aiohttp.WSMsgType.BINARY or not message.data:
                    continue
                stream = told.get(message.data[0])
                if stream is not None:
                    stream += message.data[1:]
                if sum(map(len, told.values())) > MOST:
                    raise UnreachableError(f"it printed more than {MOST} bytes")
    except RefusedError as error:
        if error.status == HTTPStatus.FORBIDDEN:
            said = f"{error}; it takes the right to get and create pods/exec in {namespace}"
            raise UnreachableError(said) from error
        raise
    except TimeoutError:
        raise UnreachableError(f"it took longer than {PATIENCE:.0f} s") from None
    return Ran(_code(bytes(told[_STATUS])), bytes(told[_OUT]), told[_ERRORS].decode(errors="replace"))


def _code(said: bytes) -> int:
    """The exit code in a Status. UnreachableError: there is none, since the command did not run, or not to its end."""
    try:
        status: Any = orjson.loads(said)
    except orjson.JSONDecodeError:
        raise UnreachableError("the connection ended before the command did") from None
    if status.get("status") == "Success":
        return 0
    for cause in (status.get("details") or {}).get("causes") or ():
        if cause.get("reason") == "ExitCode" and str(cause.get("message")).isdigit():
            return int(cause["message"])
    raise UnreachableError(str(status.get("message") or "it did not run"))
