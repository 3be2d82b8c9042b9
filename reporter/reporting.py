"""The work of who holds the lease: follows the snapshot, looks at what changed, and writes, a few objects at a time."""

import asyncio
import random
import time
from collections.abc import Callable
from typing import Final

from process import logs
from process.settings import Settings
from reporter.agenda import Agenda
from reporter.looking import Deed, Later, Memory, known_after, look
from reporter.objects import Live, Name, Wanted, live_of, name_of, wanted_of
from reporter.writing import Events, KindRefusedError, RestError, Statuses, UnreachableError, now_text
from snapshot import Reader, Snapshot, SnapshotError

AT_A_TIME: Final = 4
"""Objects that are written at the same time."""

log = logs.get()


class Reporting:
    """One reign: it knows nothing of former ones, and compares everything once."""

    def __init__(
        self,
        snapshot: Snapshot,
        settings: Settings,
        statuses: Statuses,
        events: Events,
        leads: Callable[[], bool],
    ) -> None:
        self._wanted: Reader = snapshot.reader("statuses")
        self._live: Reader = snapshot.reader("live")
        self._statuses = statuses
        self._events = events
        self._leads = leads
        self._mapping_statuses = settings.mapping_statuses
        self._agenda = Agenda(random.Random().random)  # noqa: S311 -- no secret
        self._memory = Memory()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_troubled = False

    def follow(self) -> None:
        """Put on the agenda what changed in the snapshot. Raises what `Reader.changes` does."""
        now = time.monotonic()
        for reader in (self._live, self._wanted):
            for key, record in reader.changes().records.items():
                if record is None and reader is self._live:
                    self._memory.forget(key)
                    self._agenda.forget(key)
                elif name_of(key) is not None:
                    self._agenda.touch(key, now)

    @property
    def wait(self) -> float | None:
        """Seconds until there is something to do; None: not before the snapshot changes, or a write has ended."""
        return None if len(self._tasks) >= AT_A_TIME else self._agenda.wait(time.monotonic())

    def work(self, ended: Callable[[], None]) -> None:
        """Begin whatever is due; `ended` is called when a piece of it is done."""
        while len(self._tasks) < AT_A_TIME and self._leads():
            key = self._agenda.next(time.monotonic())
            if key is None:
                return
            decided = self._decided(key)
            if decided is not None:
                task = asyncio.create_task(self._carry_out(key, *decided))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
                task.add_done_callback(lambda _: ended())

    async def end(self) -> None:
        """Let what has begun come to its end."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _decided(self, key: str) -> tuple[Name, Wanted, Live, Deed] | None:
        """What is to be done for an object; a failure of ours hurts no other."""
        try:
            return self._decide(key)
        except SnapshotError:
            raise
        except Exception:
            log.exception("a look failed: a bug of ours", object=key)
            self._agenda.looked(key, time.monotonic())
            return None

    def _decide(self, key: str) -> tuple[Name, Wanted, Live, Deed] | None:
        """What is to be done for an object; None when nothing is, for now."""
        now, name = time.monotonic(), name_of(key)
        wanted, found = wanted_of(self._wanted.get(key)), live_of(self._live.get(key))
        if name is None or wanted is None or found is None:
            self._agenda.looked(key, now)
            return None
        live = self._memory.newest(key, found)
        waited = now - self._agenda.waits_since(key, wanted.version, now)
        match look(wanted, live, self._memory.told(key), waited, now_text()):
            case Later(seconds):
                self._agenda.looked(key, now, again_in=seconds)
            case Deed(news, status) if news or (status is not None and self._may_write(key, name, now)):
                return name, wanted, live, Deed(news, status if self._may_write(key, name, now) else None)
            case Deed(status=status) if status is not None and self._agenda.muted_for(name.kind, now):
                self._agenda.looked(key, now, again_in=self._agenda.muted_for(name.kind, now))
            case _:
                self._memory.tell(key, known_after(wanted, live, self._memory.told(key)))
                self._agenda.looked(key, now)
        return None

    def _may_write(self, key: str, name: Name, now: float) -> bool:
        if name.kind == "Mapping" and not self._mapping_statuses:
            return False
        return self._agenda.may_write(key) and not self._agenda.muted_for(name.kind, now)

    async def _carry_out(self, key: str, name: Name, wanted: Wanted, live: Live, deed: Deed) -> None:
        again: float | None = None
        try:
            for news in deed.news:
                if not self._leads():
                    break
                await self._events.tell(name, wanted.uid, news, time.monotonic())
            self._memory.tell(key, known_after(wanted, live, self._memory.told(key)))
            if deed.status is not None and self._leads():
                await self._write(key, name, wanted, deed)
            self._recovered()
        except KindRefusedError as error:
            if self._agenda.mute(name.kind, time.monotonic()):
                log.warning("statuses cannot be written", kind=name.kind, reason=str(error))
            again = self._agenda.muted_for(name.kind, time.monotonic())
        except (RestError, UnreachableError) as error:
            self._troubled(key, error)
            return
        except Exception:
            log.exception("a report failed: a bug of ours", object=str(name))
        self._agenda.looked(key, time.monotonic(), again_in=again)

    async def _write(self, key: str, name: Name, wanted: Wanted, deed: Deed) -> None:
        if deed.status is None:
            return
        count = self._agenda.writes(key, time.monotonic())
        try:
            answered = await self._statuses.apply(name, wanted.uid, deed.status)
        except (KindRefusedError, RestError, UnreachableError):
            self._agenda.unwritten(key)
            raise
        log.debug("written", object=str(name), count=count)
        self._agenda.heard(name.kind)
        if answered is None:
            return
        self._memory.answered(key, answered)
        if not self._agenda.may_write(key):
            log.warning("a status was changed back: it is written no more", object=str(name), writes=count)

    def _troubled(self, key: str, error: Exception) -> None:
        retry_after = error.retry_after if isinstance(error, RestError) else None
        rest = self._agenda.failed(key, time.monotonic(), retry_after)
        if not self._is_troubled:
            self._is_troubled = True
            log.warning("the API server takes no reports", reason=str(error), again_in_s=round(rest, 1))

    def _recovered(self) -> None:
        self._agenda.answered()
        if self._is_troubled:
            self._is_troubled = False
            log.info("the API server takes reports again")
