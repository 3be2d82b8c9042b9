"""Where `dragoman why` and the page ask: a unix socket that only our own user may open, told by lines of JSON.

It is asked between two turns, and nothing is kept for it. Whatever fails here fails for who asked.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from process import logs
from translator.explaining import Explainer, UnknownError
from translator.surveying import Surveyor

LONGEST: Final = 64 * 1024
"""Bytes of a question."""
PATIENCE: Final = 10.0
"""Seconds in which who is connected has to ask, and to read what is told."""

_log = logs.get("why")


class Asking:
    """The socket, and who answers there."""

    def __init__(self, path: Path, explainer: Callable[[], Explainer]) -> None:
        self._path = path
        self._explainer = explainer
        self._server: asyncio.Server | None = None
        self._trouble = ""

    async def start(self) -> None:
        """Listen; where that fails nobody is told why, and everything else goes on."""
        mask = os.umask(0o177)
        try:
            self._path.unlink(missing_ok=True)
            self._server = await asyncio.start_unix_server(self._serve, self._path, limit=LONGEST)
            self._trouble = ""
        except OSError as error:
            if str(error) != self._trouble:
                _log.warning("nobody can ask why", socket=str(self._path), reason=str(error))
            self._trouble = str(error)
        finally:
            os.umask(mask)

    async def keep(self) -> None:
        """Listen anew where the socket was removed."""
        if not self._path.is_socket():
            if self._server is not None:
                self._server.close()
            await self.start()

    def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await asyncio.wait_for(reader.readline(), PATIENCE):
                writer.write(orjson.dumps(self._answer(line)) + b"\n")
                await asyncio.wait_for(writer.drain(), PATIENCE)
        except (ConnectionError, TimeoutError, ValueError):  # ValueError: a question without an end
            writer.transport.abort()  # of an answer that nobody reads nothing is kept
        writer.close()

    def _answer(self, line: bytes) -> Mapping[str, Any]:
        try:
            return answer(self._explainer(), orjson.loads(line))
        except (UnknownError, orjson.JSONDecodeError) as error:
            return {"error": str(error)}
        except Exception as error:  # noqa: BLE001 -- it is logged, and who asked is told
            _log.exception("a question failed: a bug of ours")
            return {"error": f"Dragoman itself failed, which is a bug of its own: {error!r}"}


def answer(explainer: Explainer, question: Any) -> Mapping[str, Any]:
    """What is told of a question."""
    match question:
        case {
            "ask": "listener",
            "scheme": str(scheme),
            "port": int() | None as port,
            "strict": bool(strict),
            "server_name": str(server_name),
        }:
            return explainer.listener(scheme, port, server_name, strict=strict)
        case {"ask": "chain", "chain": str(chain)}:
            return explainer.chain(chain)
        case {"ask": "rules", "chain": str(chain), "host": int(host), "path": str(path), "route": str(route)}:
            return explainer.rules(chain, host, path, route)
        case {"ask": "hosts", "find": str(find), "listener": str(listener), "from": int(first), "most": int(most)}:
            return Surveyor(explainer).hosts(find, first, most, listener)
        case {
            "ask": "routes",
            "chain": str(chain),
            "host": int(host),
            "find": str(find),
            "from": int(first),
            "most": int(most),
        }:
            return Surveyor(explainer).routes(chain, host, find, first, most)
        case _:
            raise UnknownError("this is no question that is understood here: is the gateway of the same version?")
