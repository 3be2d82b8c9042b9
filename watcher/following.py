"""Follows the folders: signs, looks and readings in, changes out; the one who waits between two steps is the caller.

Documents are read by somebody else meanwhile (`Readers`): a file that changes while its last reading is under way is
read once more after it. Who is believed gone may only be waiting to be read under another name: a file is not believed
gone while new ones are being read, for a while.
"""

import time
from collections.abc import Callable, Mapping
from itertools import count
from typing import Final, Protocol

from process import logs
from process.pulse import PULSE
from snapshot import Record
from watcher.agenda import WINDOW, Agenda, Item, Sign
from watcher.files import Reading
from watcher.folder import Folder
from watcher.limits import Limits
from watcher.notices import Notices
from watcher.parsing import Work
from watcher.roots import Root
from watcher.sources import Event, Source, SourceListed
from watcher.state import Changes, State

POLL: Final = 2.0
"""Seconds between two polls, for filesystems that make no notices."""

POLL_WAVERING: Final = 0.5
"""Seconds after which a poll that saw changes is repeated, to see whether they are over."""

POLL_SHARE: Final = 0.01
"""The part of a processor that polling may take: a large folder is polled less often."""

DOUBT: Final = 5.0
"""Seconds that a file which is gone is taken for one that was moved, at most, while others are being read."""

log = logs.get()


class Readers(Protocol):
    """Who reads documents."""

    def submit(self, work: Work) -> None:
        """Begin to read a file."""

    def collect(self) -> list[Work]:
        """The files that were read to their end since the last time."""


class Here:
    """Reads documents here and now."""

    def __init__(self) -> None:
        self._done: list[Work] = []

    def submit(self, work: Work) -> None:
        """Read a file."""
        work.do()
        self._done.append(work)

    def collect(self) -> list[Work]:
        """The files that were read."""
        done, self._done = self._done, []
        return done


class Following:
    """The folders' state: what is known of them, what is to be looked at, and what of it was published."""

    def __init__(
        self,
        roots: tuple[Root, ...],
        namespace: str,
        remembered: Mapping[Source, Mapping[str, Record]],
        notices: Notices,
        clock: Callable[[], float] = time.monotonic,
        readers: Readers | None = None,
        limits: Limits = Limits(),  # noqa: B008 -- frozen
    ) -> None:
        self._folder = Folder(roots, namespace, remembered, limits)
        self._readers = readers or Here()
        self._under_way: dict[str, Work] = {}
        self._waiting: dict[str, Reading] = {}
        self._begun: dict[str, int] = {}
        self._doubted: dict[str, tuple[int, float]] = {}
        self._numbers = count()
        self._next_batch = 0.0
        self._held_back = False
        self._state = State(remembered)
        self._agenda = Agenda()
        self._notices = notices
        self._roots = roots
        self._clock = clock
        self._next_poll = clock() + POLL
        for root in roots:
            notices.watch_root(root.path)
            self._agenda.note(root.path, Sign.COMPLETE, clock())

    @property
    def complete(self) -> bool:
        """Whether everything has been seen once."""
        return self._state.complete

    @property
    def is_reading(self) -> bool:
        """Whether something that was noticed is being read."""
        return bool(self._under_way or self._waiting)

    @property
    def is_busy(self) -> bool:
        """Whether something that was noticed is still to be looked at, or being read."""
        return self.is_reading or self._agenda.wake_at() is not None

    def step(self) -> Changes:
        """Do what is to be done now."""
        self._hear()
        if self._clock() >= self._next_poll:
            self._poll()
        for path in self._folder.welcome():
            self._agenda.note(path, Sign.CONFIRMED, self._clock())
        may_collect = self._clock() >= self._next_batch
        self._held_back = bool(self._under_way) and not may_collect
        fresh = self._finished() if may_collect else []
        fresh += [event for item in self._agenda.take(self._clock()) for event in self._look(item)]
        events: list[Event] = []
        while True:
            fresh += self._finished() if may_collect else []
            if not fresh:
                return self._state.step(events)
            events += fresh
            fresh = [event for item in self._moved(fresh) for event in self._look(item, moved=True)]

    def wait(self) -> float:
        """Seconds until the next step is due, if nothing is noticed before."""
        wake = self._agenda.wake_at()
        due = self._next_poll if wake is None else min(wake, self._next_poll)
        if self._held_back:  # also when the window ended since: nobody wakes us again for what is read by now
            due = min(due, self._next_batch)
        return max(0.0, due - self._clock())

    def _hear(self) -> None:
        now = self._clock()
        for path, sign in self._notices.drain():
            if path is not None:
                self._agenda.note(path, sign, now)
                continue
            log.info("notices were lost", instead="looking at everything")
            for root in self._roots:
                self._agenda.note(root.path, Sign.COMPLETE, now)

    def _poll(self) -> None:
        began = self._clock()
        for path in self._folder.poll(self._notices.watch):
            if path not in self._agenda:
                self._agenda.note(path, Sign.CONFIRMED, began)
        now = self._clock()
        usual = POLL_WAVERING if self._folder.wavering else POLL
        self._next_poll = now + max(usual, (now - began) / POLL_SHARE)

    def _look(self, item: Item, *, moved: bool = False) -> list[Event]:
        look = self._folder.look(item.path, self._notices.watch)
        for folder in look.gone_folders:
            self._notices.unwatch(folder)
        if not self._state.complete:
            self._state.expect(self._folder.source_of(path) for path in (*look.files, *look.missing))
        events = [self._read(path, calm=item.calm) for path in look.files]
        events += [self._take(Reading(path), calm=item.calm, moved=moved) for path in look.missing]
        return [*look.events, *(event for event in events if event)]

    def _read(self, path: str, *, calm: bool) -> Event | None:
        """Read a file, unless it changes meanwhile: what an editor has half written must not be published."""
        if not self._agenda.claim(path):
            return None
        PULSE.beat()
        reading = self._folder.read(path)
        self._hear()
        return None if path in self._agenda else self._take(reading, calm=calm)

    def _take(self, reading: Reading, *, calm: bool, moved: bool = False) -> Event | None:
        path = reading.path
        if not reading.data and not reading.reason and self._folder.knows(path):  # gone, or empty
            is_doubtful = reading.data is None and not moved and self._is_doubtful(path)
            if is_doubtful or not calm:
                self._agenda.note(path, Sign.GONE, self._clock())
                return None
        if reading.data is not None and path in self._under_way:
            self._waiting[path] = reading
            return None
        self._forget(path)
        begun = self._folder.begin(reading)
        if not isinstance(begun, Work):
            return begun
        self._under_way[path] = begun
        self._begun[path] = next(self._numbers)
        self._readers.submit(begun)
        return None

    def _finished(self) -> list[Event]:
        """What the files say that were read meanwhile."""
        events: list[Event] = []
        while done := self._readers.collect():
            self._next_batch = self._clock() + WINDOW
            for work in done:
                if self._under_way.get(work.path) is not work:
                    continue  # it is gone, or became something else
                waiting = self._waiting.get(work.path)
                self._forget(work.path)
                event = self._folder.finish(work)
                again = self._take(waiting, calm=True) if waiting else None
                events += (found for found in (event, again) if found)
        return events

    def _forget(self, path: str) -> None:
        """Nothing is being read of the path any more, or what is does not count."""
        for known in (self._under_way, self._waiting, self._begun, self._doubted):
            known.pop(path, None)

    def _is_doubtful(self, path: str) -> bool:
        """Whether a file that seems to be gone may be one that has been being read since before that."""
        if not self._begun:
            return False
        last, until = self._doubted.setdefault(path, (next(self._numbers), self._clock() + DOUBT))
        return min(self._begun.values()) < last and self._clock() < until

    def _moved(self, events: list[Event]) -> list[Item]:
        """Files that wait to be believed gone, though another one has their objects now: they were moved there."""
        return [
            item
            for event in events
            if isinstance(event, SourceListed)
            for holder in self._state.others(event.source, event.objects)
            for item in self._agenda.take_gone(self._folder.path_of(holder))
        ]
