"""The snapshot, read in a thread of its own: opening may have to wait for others, and Envoy's state must not.

The thread looks only when it is asked, so that changes cost this process nothing; now and then it sees whether the
file was replaced, to let the old one go. Other processes end when that happens. This one opens the new file: it writes
nothing that it would have to publish again, and ending would make it forget that it has seen Envoy ready.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from diagnostics.view import View
from process import logs
from snapshot import Snapshot, SnapshotBrokenError, SnapshotError, SnapshotReplacedError

T = TypeVar("T")

RETRY = 1.0
"""Seconds between two tries to open the snapshot."""

TEND_EVERY = 5.0

_GONE = (SnapshotReplacedError, SnapshotBrokenError)

_log = logs.get("snapshot")


class NotOpenError(Exception):
    """The snapshot is not open; the text says why."""


class Following:
    """A view of the snapshot for asyncio. It is open at the latest when `tend` has run for a moment."""

    def __init__(self, path: Path, bells: Path) -> None:
        self._store = _Store(path, bells)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="snapshot")

    async def ask(self, question: Callable[[View], T], patience: float, catch_up: Callable[[View], None]) -> T:
        """The answer, given in the thread after `catch_up`. NotOpenError when there is no view within `patience` s."""
        work = asyncio.get_running_loop().run_in_executor(self._thread, self._store.answer, question, catch_up)
        try:
            async with asyncio.timeout(patience):
                return await work
        except TimeoutError:
            raise NotOpenError("the snapshot is being opened, or read by others who ask") from None

    async def tend(self) -> None:
        """Open the snapshot, and let a file go that was replaced; endless."""
        while True:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._store.tend)
            await asyncio.sleep(TEND_EVERY if self._store.is_open else RETRY)

    async def close(self) -> None:
        """Close the snapshot, unless the thread is held up."""
        work = asyncio.get_running_loop().run_in_executor(self._thread, self._store.close)
        with suppress(TimeoutError):
            async with asyncio.timeout(RETRY):
                await work
        self._thread.shutdown(wait=False, cancel_futures=True)


class _Store:
    """What the thread has; all but `is_open` is for it alone."""

    def __init__(self, path: Path, bells: Path) -> None:
        self._path = path
        self._bells = bells
        self._snapshot: Snapshot | None = None
        self._view: View | None = None
        self._next_try = 0.0
        self._problem = ""

    @property
    def is_open(self) -> bool:
        """Whether there is a view."""
        return self._view is not None

    def answer(self, question: Callable[[View], T], catch_up: Callable[[View], None]) -> T:
        """The answer as of now."""
        try:
            view = self._opened()
            catch_up(view)
        except _GONE as error:
            self._let_go(error)
            view = self._reopened(catch_up)
        return question(view)

    def tend(self) -> None:
        """See to it that it is open, and the file at its path."""
        try:
            self._opened()
            if self._snapshot is not None:
                self._snapshot.check()
        except _GONE as error:
            self._let_go(error)
        except NotOpenError:
            return

    def close(self) -> None:
        """Give up the file."""
        if self._snapshot is not None:
            self._snapshot.close()
        self._snapshot = self._view = None

    def _reopened(self, catch_up: Callable[[View], None]) -> View:
        try:
            view = self._opened()
            catch_up(view)
        except _GONE as error:
            self._let_go(error)
            raise NotOpenError(str(error)) from error
        return view

    def _opened(self) -> View:
        if self._view is None:
            if time.monotonic() < self._next_try:
                raise NotOpenError(self._problem)
            self._view = self._open()
        return self._view

    def _open(self) -> View:
        try:
            self._snapshot = Snapshot.open(self._path, bells=self._bells)
        except SnapshotError as error:
            self._next_try = time.monotonic() + RETRY
            if str(error) != self._problem:
                _log.warning("cannot be opened", reason=str(error), next_try_s=RETRY)
                self._problem = str(error)
            raise NotOpenError(str(error)) from error
        self._problem = ""
        if self._snapshot.replaced:
            _log.warning("began a new snapshot", reason=self._snapshot.replaced)
        return View(self._snapshot, self._path)

    def _let_go(self, error: SnapshotError) -> None:
        _log.warning("opening it again", reason=str(error))
        self.close()
