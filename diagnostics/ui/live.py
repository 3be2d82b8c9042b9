"""Live: who looks is told that something changed, at most once a second, and fetches what they see anew.

An event has only the names of what changed. One look a second serves all who listen, and while nobody listens there is
none: neither the snapshot nor Envoy is asked anything.
"""

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Final

from aiohttp import web

from diagnostics.following import NotOpenError
from diagnostics.ui.sources import Sources

EACH: Final = 1.0
"""Seconds between two looks."""
BEAT: Final = 15
"""So many looks without news are followed by a comment, so that who is gone is noticed."""
MOST: Final = 64
"""So many may listen at once."""

Seen = dict[str, object]


class Live:
    """The listeners, and the one who looks for them."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._listeners: set[asyncio.Queue[str]] = set()
        self._looking: asyncio.Task[None] | None = None

    @property
    def is_full(self) -> bool:
        """Whether nobody else may listen."""
        return len(self._listeners) >= MOST

    async def tell(self, response: web.StreamResponse) -> None:
        """Write events until the reader is gone, or the process ends."""
        queue: asyncio.Queue[str] = asyncio.Queue(2)
        self._listeners.add(queue)
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        try:
            await response.write(b"retry: 2000\n\n")
            while True:
                await response.write((await queue.get()).encode())
        except ConnectionResetError:
            return
        finally:
            self._listeners.discard(queue)
            if not self._listeners and self._looking is not None:
                self._looking.cancel()
                self._looking = None

    async def _look(self) -> None:
        before, quiet = await self._seen(), 0
        while True:
            await asyncio.sleep(EACH)
            now = await self._seen()
            news = changed(before, now)
            quiet = 0 if news else quiet + 1
            before = now
            if news:
                self._say(f"event: changed\ndata: {' '.join(news)}\n\n")
            elif quiet >= BEAT:
                quiet = 0
                self._say(": nothing new\n\n")

    def _say(self, text: str) -> None:
        """Tell everybody; who has not read what was told before is told nothing more, since they fetch all anew."""
        for queue in self._listeners:
            with contextlib.suppress(asyncio.QueueFull):
                queue.put_nowait(text)

    async def _seen(self) -> Seen:
        vitals = self._sources.vitals
        seen: Seen = {"health": (await self._sources.admin.state(), sorted(vitals.hung.items()), vitals.ending)}
        with contextlib.suppress(NotOpenError):
            seen |= await self._sources.snapshot(lambda view: view.sequences)
        return seen


def changed(before: Seen, now: Seen) -> Iterable[str]:
    """The names of what is another now."""
    return sorted(name for name in {**before, **now} if before.get(name) != now.get(name))
