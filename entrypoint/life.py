"""One life of the gateway: start every part, keep them, end them all; the exit code says what happened.

    0          it was asked to end, and did (SIGTERM, SIGINT; SIGHUP too: a terminal that is closed)
    1          a part cannot be kept alive that it cannot do without, or supervisord ended; the last lines say why
    2          it could not begin: a setting, the folder, the run directory or a port; nothing was started
    128 + N    a second signal N ended it at once, without draining

SIGHUP does not reload anything, since every change is noticed as it is made.
"""

import asyncio
import contextlib
import signal
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from entrypoint.drain import drain
from entrypoint.keeping import REST, Ended, Event, GivenUp, Keeper, Said, Started, Stopped, Verdict
from entrypoint.loading import parts
from entrypoint.orphans import adopt_orphans, end_children, reap
from entrypoint.relay import Outlet, Relay
from entrypoint.sight import BEATING
from entrypoint.supervision import Supervision
from entrypoint.upkeep import Upkeep
from entrypoint.watchdog import Watchdog
from process import logs
from process.settings import Settings
from process.vitals import ENTRYPOINT

DONE, FAILED, NOT_BEGUN = 0, 1, 2

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_STOP_PATIENCE = 15.0
"""Seconds for supervisord to stop all parts in order; each part has its stopwaitsecs before it is killed."""
_ORPHAN_PATIENCE = 2.0
_UNSTARTED = "spawnerr: "
_USUAL = ("Supervisor is running as root.", "Server 'unix_http_server' running without", "received SIG")
"""What supervisord warns of though it is meant to be so."""


@dataclass(slots=True)
class _End:
    """Why the end was asked for, once it was. `reason`: empty for an orderly one."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    at_once: asyncio.Event = field(default_factory=asyncio.Event)
    code: int = DONE
    reason: str = ""


class Life:
    """The parts of `conf`, from their start to their end, with `settings.run_dir` as their run directory."""

    def __init__(self, settings: Settings, environment: Mapping[str, str], conf: Path) -> None:
        self._settings = settings
        self._environment = environment
        self._conf = conf
        self._log = logs.get()
        self._keeper = Keeper()
        self._end = _End()
        self._unstarted = ""
        self._ended_at: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._resting: set[str] = set()

    def serves(self) -> None:
        """The gateway is ready: from now on Envoy serves even if the parts that configure it cannot be kept alive."""
        self._keeper.serving = True

    async def live(self, outlets: Mapping[int, Outlet]) -> int:
        """Run until the end is asked for or forced, then end everything; the exit code."""
        adopt_orphans()
        self._relay = Relay(self._settings.run_dir / "logs", outlets, json_logs=self._settings.json_logs)
        self._supervision = Supervision(self._conf, self._settings.run_dir, self._hear)
        self._relay.open(parts(self._conf))
        self._listen()
        self._upkeep = Upkeep(self._settings.run_dir, self._relay.pipes, self._texts())
        self._upkeep.look()
        self._watchdog = Watchdog(self._settings, self._supervision, self._upkeep, self._fail)
        self._watching = asyncio.create_task(self._watchdog.watch())
        try:
            self._supervision.start(self._environment, self._relay.pipes.values())
            for outlet in outlets.values():
                outlet.start()
            await self._end.asked.wait()
            await self._wind_down()
        finally:
            self._watching.cancel()
            self._upkeep.close()
            self._supervision.kill()
            end_children(0 if self._end.at_once.is_set() else _ORPHAN_PATIENCE)
            self._supervision.ended(-signal.SIGKILL)
            self._relay.close()
        self._tell_the_end()
        return self._end.code

    def _texts(self) -> dict[Path, bytes]:
        """What the files hold that nobody else would make again."""
        return {self._settings.beats_dir / part: b"" for part in (*BEATING, ENTRYPOINT)}

    def _tell_the_end(self) -> None:
        """The last line: what a person who finds the gateway ended reads first."""
        if self._end.code == FAILED:
            self._log.error("ended", exit_code=self._end.code, why=self._end.reason)
        else:
            self._log.info("ended", exit_code=self._end.code)

    def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._signalled, number)
        loop.add_signal_handler(signal.SIGCHLD, self._reap)

    def _signalled(self, number: signal.Signals) -> None:
        if self._end.asked.is_set():
            self._end.code = 128 + number
            self._end.at_once.set()
            return
        self._log.info("ending", signal=number.name)
        self._end.asked.set()

    def _fail(self, reason: str) -> None:
        """End with a reason; the first one counts."""
        if not self._end.asked.is_set():
            self._end.code, self._end.reason = FAILED, reason
            self._log.error("ending", why=reason)
            self._end.asked.set()

    def _reap(self) -> None:
        for pid, code in reap():
            if pid == self._supervision.pid:
                self._supervision.ended(code)
                how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit status {code}"
                self._fail(f"supervisord {how}")

    def _hear(self, event: Event) -> None:
        """What supervisord says, as logs, and as work where it is more than that."""
        match event:
            case Started(part, pid):
                gone = self._ended_at.pop(part, None)
                again = {} if gone is None else {"after_ms": round((time.monotonic() - gone) * 1000)}
                self._log.info("started", what=part, pid=pid, **again)
            case Stopped(part, how):
                self._log.debug("stopped", what=part, how=how)
            case Ended(part, how):
                self._ended_at[part] = time.monotonic()
                self._log.warning("ended", what=part, how=how)
                self._watchdog.ended(part)
                self._answer(event)
            case GivenUp():
                self._answer(event)
            case Said("INFO", text) if text.startswith(_UNSTARTED):
                self._unstarted = text.removeprefix(_UNSTARTED)
            case Said("INFO", text):
                self._log.debug("supervisord", said=text)
            case Said(_, text) if not text.startswith(_USUAL):
                self._log.warning("supervisord", said=text)

    def _answer(self, event: Ended | GivenUp) -> None:
        if self._end.asked.is_set():
            return
        match self._keeper.judge(event, time.monotonic()):
            case Verdict.PARDON:
                self._begin(self._start_again(event.part))
            case Verdict.REST if event.part not in self._resting:
                self._resting.add(event.part)
                reason = self._reason(event.part)
                self._log.error("doing without", what=event.part, why=reason, again_in_s=REST)
                self._begin(self._rest(event.part))
            case Verdict.GIVE_UP:
                self._fail(self._reason(event.part))
            case Verdict.LEAVE | Verdict.REST:
                pass

    def _reason(self, part: str) -> str:
        return self._keeper.reason(part, self._relay.last_line(part) or self._unstarted)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _start_again(self, part: str) -> None:
        if not await self._supervision.start_again(part):
            self._log.error("not started again: supervisord does not answer", what=part)

    async def _rest(self, part: str) -> None:
        """Stop a part that requests are served without, and start it again after a while."""
        await self._supervision.stop_one(part)
        await asyncio.sleep(REST)
        self._resting.discard(part)
        if not self._end.asked.is_set():
            await self._start_again(part)

    async def _wind_down(self) -> None:
        """Drain Envoy, then let supervisord stop the parts; a second signal cuts it short."""
        orderly = asyncio.ensure_future(self._stop())
        at_once = asyncio.ensure_future(self._end.at_once.wait())
        await asyncio.wait({orderly, at_once}, return_when=asyncio.FIRST_COMPLETED)
        for task in (orderly, at_once):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _stop(self) -> None:
        settings = self._settings
        self._watchdog.end()
        drained = await drain(settings.admin_socket, settings.drain_min, settings.drain_max)
        if drained is not None:
            left = "unknown" if drained.connections is None else drained.connections
            self._log.info("drained", seconds=round(drained.seconds, 2), connections_left=left)
        self._watching.cancel()
        self._supervision.stop()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._supervision.over.wait(), _STOP_PATIENCE)
