"""Whom the page asks beside the snapshot: Envoy, the translator where `dragoman why` asks it, the files of the pulse.

What waits for a socket waits in a thread of its own, which is there from the first such question on.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from diagnostics.admin import Admin
from diagnostics.following import Following
from diagnostics.parts import Part, parts
from diagnostics.report import System
from diagnostics.ui.query import Query, paged
from diagnostics.view import View
from process.settings import Settings
from process.vitals import Vitals, read
from why.gateway import Gateway, GatewayError

T = TypeVar("T")

PATIENCE: Final = 20.0
"""Seconds that who looks waits for an answer, and for those who asked before."""


@dataclass
class Sources:
    """Whom there is to ask."""

    settings: Settings
    system: System
    admin: Admin
    following: Following
    _thread: ThreadPoolExecutor | None = field(default=None, init=False)

    @property
    def gateway(self) -> Gateway:
        """The sockets of this gateway."""
        return Gateway(self.settings)

    async def translator(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """What the translator says; where it does not, only `error` is in it."""
        return await self.waiting(lambda: self.gateway.ask(question))

    async def waiting(self, question: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The answer to a question that waits for the gateway's sockets, or `error`: why there is none."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="page")
        try:
            async with asyncio.timeout(PATIENCE):
                return await asyncio.get_running_loop().run_in_executor(self._thread, question)
        except GatewayError as error:
            return {"error": str(error)}
        except TimeoutError:
            return {"error": "others ask, and are not answered yet: ask again"}

    async def snapshot(self, question: Callable[[View], T]) -> T:
        """What the snapshot says. NotOpenError: it cannot be read."""
        return await self.following.ask(question, PATIENCE, View.catch_up)

    @property
    def vitals(self) -> Vitals:
        """What the entrypoint tells of the parts."""
        return read(self.settings.vitals_file)

    def parts(self) -> list[Part]:
        """The parts that beat, and whatever hangs."""
        return parts(self.settings)

    def close(self) -> None:
        """Ask no more."""
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)


async def page_of(sources: Sources, question: Mapping[str, Any], query: Query, size: int) -> dict[str, Any]:
    """What the translator says of a page of what is asked for by its name; of the last page for one beyond it."""
    first = max(query.number("page", 1) - 1, 0) * size
    told = await sources.translator({**question, "from": first, "most": size})
    if not told.get(question["ask"]) and told.get("of"):
        last = paged(query, told["of"], size).first
        told = await sources.translator({**question, "from": last, "most": size})
    return told
