"""The work of who holds the lease: follows the snapshot, looks at what changed, and writes, a few objects at a time."""

import asyncio
import random
import time
from collections.abc import Callable
from math import inf
from typing import Final

from process import logs
from process.settings import Settings
from reporter.agenda import Agenda
from reporter.counting import Counting, are_counts
from reporter.errands import WITHDRAWAL, Errand, may_have_ours
from reporter.events import NewEvent
from reporter.looking import (
    ANSWER_COUNTS,
    Deed,
    Later,
    Memory,
    amended,
    known_after,
    known_before,
    look,
    told_only,
)
from reporter.objects import (
    JSONObject,
    Live,
    Name,
    Wanted,
    edition_of,
    is_unknown,
    live_of,
    many_ask_for,
    name_of,
    unsaid_of,
    wanted_of,
)
from reporter.outcomes import Outcomes
from reporter.pacing import Pace
from reporter.writing import Events, FailedError, RefusedError, RestError, Statuses, UnreachableError, now_text
from snapshot import Reader, Snapshot, SnapshotError

SOON: Final = 1.0
"""Seconds until another look at what was begun without the lease: it may be held again by then."""

log = logs.get()

NOT_OURS: Final = ""
"""Stands for the wanted version then."""


class Reporting:
    """One leadership: it knows nothing of former ones, and compares everything once."""

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
        self._agenda = Agenda(random.Random().random, many_ask_for)  # noqa: S311 -- no secret
        self._counting = Counting()
        self._pace = Pace()
        self._memory = Memory()
        self._outcomes = Outcomes(self._agenda)
        self._tasks: set[asyncio.Task[None]] = set()

    def follow(self) -> None:
        """Put on the agenda what changed in the snapshot. Raises what `Reader.changes` does."""
        now = time.monotonic()
        for key, live in self._live.told(edition_of).records.items():
            if live is None:
                self._memory.forget(key)
                self._agenda.forget(key)
                self._counting.forget(key)
            else:
                self._memory.heard(key, live)
                self._touch(key, now)
        for key in self._wanted.told(lambda _: True).records:
            self._touch(key, now)

    def _touch(self, key: str, now: float) -> None:
        if name_of(key) is not None:
            self._agenda.touch(key, now)

    @property
    def wait(self) -> float | None:
        """Seconds until there is something to do; None: not before the snapshot changes, or a write has ended."""
        return None if len(self._tasks) >= self._pace.at_a_time else self._agenda.wait(time.monotonic())

    def work(self, ended: Callable[[], None]) -> None:
        """Begin whatever is due; `ended` is called when a piece of it is done."""
        self._events.count(time.monotonic())
        while len(self._tasks) < self._pace.at_a_time and self._leads():
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
        self._events.count(time.monotonic(), at_once=True)

    def _decided(self, key: str) -> Errand | None:
        """What is to be done for an object; a failure of ours hurts no other."""
        try:
            return self._decide(key)
        except SnapshotError:
            raise
        except Exception:
            log.exception("a look failed: a bug of ours", object=key)
            self._agenda.looked(key, time.monotonic())
            return None

    def _decide(self, key: str) -> Errand | None:
        """What is to be done for an object; None when nothing is, for now."""
        now, name, record = time.monotonic(), name_of(key), self._wanted.get(key)
        wanted, found = wanted_of(record), live_of(self._live.get(key))
        if name is not None and found is not None and (told := self._untold(key, name, found, unsaid_of(record), now)):
            return told
        if name is not None and found is not None and not is_unknown(record):
            if wanted is not None:
                return self._compare(key, name, wanted, found, now)
            before = self._agenda.version(key, found.uid)
            if before is not None or (record is not None and may_have_ours(name, record, found)):
                return self._withdraw(key, name, found, before, now)
        self._agenda.looked(key, now)
        return None

    def _untold(self, key: str, name: Name, found: Live, unsaid: Wanted | None, now: float) -> Errand | None:
        """The errand to tell what is new of an Ingress; its status comes at the next look."""
        if unsaid is None:
            return None
        known = known_before(found, self._told(key, name, unsaid.uid))
        deed = told_only(unsaid, found, known)
        if deed is None:
            return None
        if self._agenda.version(key, found.uid) is None:
            self._agenda.waits_since(key, unsaid.uid, unsaid.version, now)
        return Errand(key, name, found, deed, unsaid, known, again_in=SOON)

    def _compare(self, key: str, name: Name, wanted: Wanted, found: Live, now: float) -> Errand | None:
        live = self._memory.newest(key, found, now)
        known = known_before(live, self._told(key, name, wanted.uid))
        waited = now - self._agenda.waits_since(key, wanted.uid, wanted.version, now)
        again = None if live is found else ANSWER_COUNTS
        match look(wanted, live, known, waited, now_text()):
            case Later(seconds):
                again = seconds
            case Deed(news, status):
                counts = status is not None and are_counts(live.status, status)
                unsettled = self._counting.wait(key, waited, now) if counts else 0.0
                if status is not None and (wait := max(self._kept_back(key, name, now), unsettled)):
                    again, status = _sooner(again, wait), None
                if news or status is not None:
                    return Errand(key, name, live, Deed(news, status), wanted, known, again)
                self._memory.tell(key, wanted.uid, known_after(wanted, known))
        self._agenda.looked(key, now, again_in=again)
        return None

    def _withdraw(self, key: str, name: Name, found: Live, before: str | None, now: float) -> Errand | None:
        """What another gateway is to speak for. `before`: what was last wanted of it in this term, if anything was.

        What was written in a former term may be ours or the other gateway's, which the API server alone knows: it is
        asked once of each object, without haste.
        """
        again = None
        if before != NOT_OURS:
            self._agenda.waits_since(key, found.uid, NOT_OURS, now)
        if before is None:
            again = self._agenda.leisure(now)
        elif before != NOT_OURS or not self._agenda.is_written(key):
            wait = self._kept_back(key, name, now)
            if not wait:
                return Errand(key, name, found, WITHDRAWAL)
            again = _sooner(wait)
        self._agenda.looked(key, now, again_in=again)
        return None

    def _writes_status_of(self, name: Name) -> bool:
        return self._mapping_statuses or name.kind != "Mapping"

    def _told(self, key: str, name: Name, uid: str) -> frozenset[NewEvent] | None:
        """As in Memory; a status that is not written tells of nothing that was told."""
        told = self._memory.told(key, uid)
        return frozenset() if told is None and not self._writes_status_of(name) else told

    def _kept_back(self, key: str, name: Name, now: float) -> float:
        """Seconds for which a status is not to be written; 0: it may be, infinite: not before something changes."""
        if not self._writes_status_of(name) or not self._agenda.may_write(key):
            return inf
        return max(self._outcomes.waits(name, now), self._agenda.rests(key, now))

    async def _carry_out(self, errand: Errand) -> None:
        again = errand.again_in
        try:
            again = await self._do(errand)
        except RefusedError as error:
            again = self._outcomes.refused(errand, error, time.monotonic())
        except FailedError as error:
            again = self._outcomes.failed(errand, error, time.monotonic())
        except (RestError, UnreachableError) as error:
            again = self._outcomes.troubled(error, time.monotonic())
        except Exception:
            log.exception("a report failed: a bug of ours", object=str(errand.name))
        self._agenda.looked(errand.key, time.monotonic(), again_in=again)

    async def _do(self, errand: Errand) -> float | None:
        """Carry it out as far as it goes; the seconds after which another look is wanted."""
        again = _sooner(errand.again_in, await self._tell(errand))
        if errand.deed.status is None or not self._is_there(errand):
            return again
        if not self._leads():
            return SOON
        await self._write(errand, errand.deed.status)
        return _sooner(again, ANSWER_COUNTS)  # were the write lost, nothing might ever tell of it

    async def _tell(self, errand: Errand) -> float | None:
        """Tell the news, and remember which; the seconds after which the others are to be tried again."""
        untold, again = set(errand.deed.news), None
        try:
            for news in errand.deed.news:
                if not self._leads():
                    return SOON
                wait = await self._events.tell(errand.name, errand.uid, news, time.monotonic())
                if wait:
                    again = wait
                    continue
                untold.discard(news)
                if wait is not None:
                    self._outcomes.answered()
        finally:
            if errand.wanted is not None and self._is_there(errand):
                known = known_after(errand.wanted, errand.known, frozenset(untold))
                self._memory.tell(errand.key, errand.uid, known)
        return again

    def _is_there(self, errand: Errand) -> bool:
        """Whether the object that the errand is for was not deleted meanwhile."""
        return self._agenda.version(errand.key, errand.uid) is not None

    async def _write(self, errand: Errand, status: JSONObject) -> None:
        key, name = errand.key, errand.name
        began = time.monotonic()
        count = self._agenda.writes(key, began)
        self._counting.wrote(key, status, began)
        try:
            answered = (
                await self._statuses.amend(name, errand.found, lambda now: amended(errand.wanted, now, now_text()))
                if name.is_shared
                else await self._statuses.apply(name, errand.uid, status)
            )
        except BaseException:
            self._agenda.unwritten(key)
            raise
        ended = time.monotonic()
        self._agenda.pause(ended + self._pace.took(ended - began))
        log.debug("written" if errand.wanted else "withdrawn", object=str(name), count=count)
        self._outcomes.answered()
        if answered is None or not self._is_there(errand):
            return
        self._outcomes.took(errand)
        if errand.wanted is None:
            self._memory.forget(key)
            return
        if answered.uid != errand.uid:  # it had the name already, and now a status that is not its own
            self._memory.tell(key, answered.uid, frozenset())
            return
        self._memory.answered(key, answered, time.monotonic())
        if not self._agenda.may_write(key):
            log.warning("a status was changed back: it is written no more", object=str(name), writes=count)


def _sooner(*seconds: float | None) -> float | None:
    """The least of these; None: none of them ever comes."""
    return min((each for each in seconds if each is not None and each < inf), default=None)
