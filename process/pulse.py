"""The pulse of a process: signs of life for the entrypoint's watchdog, from the event loop and from long computations.

A sign is the modification time of a file, `beats/<part>`. There is nothing to connect to, to be answered by or to run
full, and a file that is lost is made again by the next beat. Its access time says something else: how many seconds the
process may sleep without a beat, where it has to wait for others.

A process that is not supervised has no pulse.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

EVERY: Final = 2.5
"""Seconds between two beats at most. Who wakes up more often by themselves beats then, and is not woken for it."""

_OFTEN: Final = 0.5
_EAGERLY: Final = 0.6
"""As EVERY, in the first seconds: who was not seen to beat twice is given the time that a start may take."""
_AT_FIRST: Final = 5.0
_NANO: Final = 1_000_000_000


class Pulse:
    """One process's pulse; without a file nobody feels it."""

    def __init__(self) -> None:
        self._file: Path | None = None
        self._patience = 0
        self._next = 0.0
        self._eager_until = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self, file: Path) -> None:
        """Beat from the running event loop from now on."""
        self._file, self._eager_until = file, time.monotonic() + _AT_FIRST
        self.beat()

    def stop(self) -> None:
        """No more."""
        self._file = None
        if self._timer is not None:
            self._timer.cancel()

    def beat(self) -> None:
        """Say that work goes on; cheap enough for each step of it, but only for the thread of the event loop."""
        if self._file is not None and (now := time.monotonic()) >= self._next:
            self._next = now + _OFTEN
            self._touch(self._file)
            if self._timer is not None:
                self._timer.cancel()
            soon = _EAGERLY if now < self._eager_until else EVERY
            self._timer = asyncio.get_running_loop().call_later(soon, self.beat)

    @contextlib.contextmanager
    def patience(self, seconds: int) -> Iterator[None]:
        """For the length of a block, so many seconds of sleep without a beat mean nothing: others are waited for."""
        self._ask(seconds)
        try:
            yield
        finally:
            self._ask(0)

    def _ask(self, seconds: int) -> None:
        self._patience, self._next = seconds, 0.0
        self.beat()

    def _touch(self, file: Path) -> None:
        times = (self._patience * _NANO, time.time_ns())
        with contextlib.suppress(OSError):  # the entrypoint mends the run directory, and judges nobody meanwhile
            try:
                os.utime(file, ns=times)
            except OSError:  # it is lost, or somebody else's
                file.unlink(missing_ok=True)
                os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
                os.utime(file, ns=times)


PULSE: Final = Pulse()
"""This process's, which `process.main.run` starts."""
