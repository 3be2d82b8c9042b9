"""The watchdog: each second it puts right what is wrong in the run directory, and has replaced what hangs.

A process that hangs is ended by SIGKILL, since nothing less ends one that is stopped; from there on it is one that was
killed. supervisord, whose children could not be told from orphans by a successor, is woken instead; if that does not
help, the whole ends in order, as it does when supervisord is gone.
"""

import asyncio
import contextlib
import os
import time
from collections import Counter
from collections.abc import Callable

from entrypoint.hanging import TICK, Hung, Vigil
from entrypoint.sight import SUPERVISOR, sight_of
from entrypoint.supervision import Supervision
from entrypoint.upkeep import ADMIN_SOCKET, Upkeep
from process import logs, vitals
from process.settings import Settings
from process.vitals import ENTRYPOINT, ENVOY, Vitals

_SOON = 0.1
"""Seconds between two looks at the run directory while a socket is to appear there."""


class Watchdog:
    """Of one life. `fail` ends the whole, with a reason."""

    def __init__(
        self, settings: Settings, supervision: Supervision, upkeep: Upkeep, fail: Callable[[str], None]
    ) -> None:
        self._supervision = supervision
        self._upkeep = upkeep
        self._fail = fail
        self._beats = str(settings.beats_dir)
        self._file = settings.vitals_file
        self._vigil = Vigil()
        self._replaced: Counter[str] = Counter()
        self._hung: dict[str, Hung] = {}
        self._told: Vitals | None = None
        self._ending = False
        """Whether the whole comes to its end: then what hangs is told, and not replaced."""
        self._soon: asyncio.TimerHandle | None = None
        self._is_over = False
        self._woke_supervisord = False
        self._log = logs.get("watchdog")

    async def watch(self) -> None:
        """Look each second; endless."""
        self._mend_soon()
        try:
            while True:
                self._guard(self._mend)
                self._guard(self._look)
                self._guard(self._tell)
                await asyncio.sleep(TICK)
        finally:
            self._is_over = True

    def end(self) -> None:
        """The whole comes to its end: tell it at once, so that the gateway is not ready any more."""
        self._ending = True
        self._guard(self._tell)

    def ended(self, part: str) -> None:
        """The part's process ended: its successor is to find the run directory whole."""
        if part == ENVOY:
            self._upkeep.forget(ADMIN_SOCKET)
        self._mend_soon()

    def _mend_soon(self) -> None:
        """See to the run directory now, and often until all sockets are there."""
        if self._soon is not None:
            self._soon.cancel()
        if not self._is_over:
            self._guard(self._mend)
            soon = self._upkeep.awaits
            self._soon = asyncio.get_running_loop().call_later(_SOON, self._mend_soon) if soon else None

    def _guard(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:  # noqa: BLE001 -- whoever keeps the others alive must not end by an oversight
            self._log.exception("a look failed: a bug of ours")

    def _mend(self) -> None:
        if mended := self._upkeep.look():
            self._log.warning("put back what was lost", what=", ".join(mended))
        if self._upkeep.file_in_a_pipes_place:
            self._supervision.open_logs_anew()

    def _look(self) -> None:
        pids = dict(self._supervision.pids)
        for part in pids:
            self._replaced.setdefault(part, 0)  # else whoever counts what is added sees no first time
        if self._supervision.pid is not None:
            pids[SUPERVISOR] = self._supervision.pid
        seen = ((part, sight_of(part, pid, self._beats, self._vigil.last_life(part))) for part, pid in pids.items())
        hung = self._vigil.look({part: sight for part, sight in seen if sight}, time.monotonic())
        before, self._hung = self._hung, {each.part: each for each in hung}
        self._woke_supervisord &= SUPERVISOR in self._hung
        for part in before.keys() - self._hung.keys():
            self._log.info("works again", what=part)
        for each in hung:
            if each.part not in before:
                self._log.warning("hangs", what=each.part, pid=each.pid, how=each.how)
            if each.due and not self._ending:
                self._replace(each)

    def _replace(self, hung: Hung) -> None:
        if hung.part != SUPERVISOR:
            self._replaced[hung.part] += 1
            self._log.error("replacing what hangs", what=hung.part, pid=hung.pid, how=hung.how)
            self._supervision.kill_part(hung.part, hung.pid)
        elif hung.is_stopped and not self._woke_supervisord:
            self._woke_supervisord = True
            self._log.error("waking what was stopped", what=hung.part, pid=hung.pid, how=hung.how)
            self._supervision.let_go_on()
        else:
            self._fail(f"supervisord hangs: {hung.how}")

    def _beat(self, file: str) -> None:
        try:
            os.utime(file)
        except PermissionError:  # it is somebody else's: better none than one that seems to say that we hang
            os.unlink(file)  # noqa: PTH108

    def _tell(self) -> None:
        """Tell the diagnostics, and show that we live."""
        with contextlib.suppress(OSError):
            self._beat(f"{self._beats}/{ENTRYPOINT}")
        hung = {part: each.how for part, each in self._hung.items()}
        told = Vitals(hung, dict(self._replaced), ending=self._ending)
        if told != self._told:
            with contextlib.suppress(OSError):
                vitals.write(self._file, told)
                self._told = told
