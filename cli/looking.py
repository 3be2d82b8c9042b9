"""Asks the diagnostics each second, beside who draws: they may take long to answer, or never."""

import contextlib
import os
import threading
from types import TracebackType
from typing import Any, Final, Self

from cli.diag import Diag, DiagError
from cli.history import HISTORY
from cli.picture import Answer

EACH: Final = 1.0
"""Seconds between two looks."""

_CHANGING: Final = ("errors", "files", HISTORY)
"""What is another only when the snapshot is."""
_NOW: Final = ("envoy", "parts", "notices")


class Looking:
    """The last answer; `fd` can be read when there is a new one."""

    def __init__(self, diag: Diag) -> None:
        self._diag = diag
        self._ending = threading.Event()
        self.fd, self._telling = os.pipe()
        self._answer = Answer(trouble="it begins")
        self._thread = threading.Thread(target=self._look, daemon=True)

    def answer(self) -> Answer:
        """The last one."""
        os.read(self.fd, 4096)
        return self._answer

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ending.set()

    def _look(self) -> None:
        seen: Any = None
        while not self._ending.is_set():
            try:
                now, last = self._diag.sequences(), self._answer
                changing = dict(last.told) if now == seen else self._diag.ask(*_CHANGING)
                told = {**changing, **self._diag.ask(*_NOW)}
                self._answer, seen = Answer(told, self._diag.numbers(), last.numbers), now
            except DiagError as error:
                self._answer, seen = Answer(trouble=str(error)), None
            with contextlib.suppress(OSError):
                os.write(self._telling, b".")
            self._ending.wait(EACH)
