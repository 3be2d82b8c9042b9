"""The work of who holds the lease: follows the snapshot, looks at what changed, and writes, a few objects at a time."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from process import logs
from process.settings import Settings
from reporter.agenda import Agenda
from reporter.looking import ANSWER_COUNTS, Deed, Later, Memory, known_after, known_before, look
from reporter.news import News
from reporter.objects import JSONObject, Live, Name, Wanted, live_of, name_of, wanted_of
from reporter.writing import Events, KindRefusedError, RestError, Statuses, UnreachableError, now_text
from snapshot import Reader, Snapshot, SnapshotError

AT_A_TIME: Final = 4
"""Objects that are written at the same time."""

log = logs.get()


WITHDRAWAL: Final = Deed((), {})
"""Nothing is to be said any more, as when an object was given to another gateway: what was ours in its status goes."""

NOT_OURS: Final = ""
"""Stands for the wanted version then."""


@dataclass(frozen=True, slots=True)
class _Errand:
    """A deed for one object. `known`: the problems that everybody knows of afterwards; `again_in`: as in Agenda."""

    key: str
    name: Name
    uid: str
    deed: Deed
    known: frozenset[News]
    again_in: float | None = None


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
            errand = self._decided(key)
            if errand is not None:
                task = asyncio.create_task(self._carry_out(errand))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
                task.add_done_callback(lambda _: ended())

    async def end(self) -> None:
        """Let what has begun come to its end."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _decided(self, key: str) -> _Errand | None:
        """What is to be done for an object; a failure of ours hurts no other."""
        try:
            return self._decide(key)
        except SnapshotError:
            raise
        except Exception:
            log.exception("a look failed: a bug of ours", object=key)
            self._agenda.looked(key, time.monotonic())
            return None

    def _decide(self, key: str) -> _Errand | None:
        """What is to be done for an object; None when nothing is, for now."""
        now, name = time.monotonic(), name_of(key)
        wanted, found = wanted_of(self._wanted.get(key)), live_of(self._live.get(key))
        if name is not None and found is not None:
            if wanted is not None:
                return self._compare(key, name, wanted, found, now)
            if self._agenda.knows(key):
                self._agenda.waits_since(key, NOT_OURS, now)
                return _Errand(key, name, found.uid, WITHDRAWAL, frozenset())
        self._agenda.looked(key, now)
        return None

    def _compare(self, key: str, name: Name, wanted: Wanted, found: Live, now: float) -> _Errand | None:
        live = self._memory.newest(key, found, now)
        known, muted = known_before(live, self._told(key, name, wanted.uid)), self._agenda.muted_for(name.kind, now)
        waited = now - self._agenda.waits_since(key, wanted.version, now)
        again = None if live is found else ANSWER_COUNTS
        match look(wanted, live, known, waited, now_text()):
            case Later(seconds):
                again = seconds
            case Deed(news, status):
                wants_status = status is not None and self._writes_status_of(name)
                if not wants_status or muted or not self._agenda.may_write(key):
                    again, status = (muted or again) if wants_status else again, None
                if news or status is not None:
                    return _Errand(key, name, wanted.uid, Deed(news, status), known_after(wanted, known), again)
                self._memory.tell(key, wanted.uid, known_after(wanted, known))
        self._agenda.looked(key, now, again_in=again)
        return None

    def _writes_status_of(self, name: Name) -> bool:
        return self._mapping_statuses or name.kind != "Mapping"

    def _told(self, key: str, name: Name, uid: str) -> frozenset[News] | None:
        """As in Memory; a status that is not written tells of nothing that was told."""
        told = self._memory.told(key, uid)
        return frozenset() if told is None and not self._writes_status_of(name) else told

    async def _carry_out(self, errand: _Errand) -> None:
        again = errand.again_in
        try:
            for news in errand.deed.news:
                if not self._leads():
                    break
                await self._events.tell(errand.name, errand.uid, news, time.monotonic())
            self._memory.tell(errand.key, errand.uid, errand.known)
            if errand.deed.status is not None and self._leads():
                await self._write(errand, errand.deed.status)
                again = again or ANSWER_COUNTS  # were the write lost, nothing might ever tell of it
            self._recovered()
        except KindRefusedError as error:
            if self._agenda.mute(errand.name.kind, time.monotonic()):
                log.warning("statuses cannot be written", kind=errand.name.kind, reason=str(error))
            again = self._agenda.muted_for(errand.name.kind, time.monotonic())
        except (RestError, UnreachableError) as error:
            self._troubled(errand.key, error)
            return
        except Exception:
            log.exception("a report failed: a bug of ours", object=str(errand.name))
        self._agenda.looked(errand.key, time.monotonic(), again_in=again)

    async def _write(self, errand: _Errand, status: JSONObject) -> None:
        key = errand.key
        count = self._agenda.writes(key, time.monotonic())
        try:
            answered = await self._statuses.apply(errand.name, status)
        except (KindRefusedError, RestError, UnreachableError):
            self._agenda.unwritten(key)
            raise
        log.debug("written", object=str(errand.name), count=count)
        self._agenda.heard(errand.name.kind)
        if errand.deed is WITHDRAWAL:
            self._agenda.forget(key)
        elif answered is not None:
            self._memory.answered(key, answered, time.monotonic())
            if not self._agenda.may_write(key):
                log.warning("a status was changed back: it is written no more", object=str(errand.name), writes=count)

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
