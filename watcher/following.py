"""Follows the folders: signs, looks and readings in, changes out; the one who waits between two steps is the caller."""

import time
from collections.abc import Callable, Mapping
from typing import Final

from process import logs
from process.pulse import PULSE
from snapshot import Record
from watcher.agenda import Agenda, Item, Sign
from watcher.folder import Folder, Reading, Root
from watcher.notices import Notices
from watcher.sources import Event, Source, SourceListed
from watcher.state import Changes, State

POLL: Final = 2.0
"""Seconds between two polls, for filesystems that make no notices."""

POLL_WAVERING: Final = 0.5
"""Seconds after which a poll that saw changes is repeated, to see whether they are over."""

POLL_SHARE: Final = 0.01
"""The part of a processor that polling may take: a large folder is polled less often."""

log = logs.get()


class Following:
    """The folders' state: what is known of them, what is to be looked at, and what of it was published."""

    def __init__(
        self,
        roots: tuple[Root, ...],
        namespace: str,
        remembered: Mapping[Source, Mapping[str, Record]],
        notices: Notices,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = Folder(roots, namespace, remembered)
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

    def step(self) -> Changes:
        """Do what is to be done now."""
        self._hear()
        if self._clock() >= self._next_poll:
            self._poll()
        items = self._agenda.take(self._clock())
        events: list[Event] = []
        while items:
            found = [event for item in items for event in self._look(item)]
            items = self._moved(found)
            events += found
        return self._state.step(events)

    def wait(self) -> float:
        """Seconds until the next step is due, if nothing is noticed before."""
        wake = self._agenda.wake_at()
        due = self._next_poll if wake is None else min(wake, self._next_poll)
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

    def _look(self, item: Item) -> list[Event]:
        look = self._folder.look(item.path, self._notices.watch)
        for folder in look.gone_folders:
            self._notices.unwatch(folder)
        if not self._state.complete:
            self._state.expect(self._folder.source_of(path) for path in (*look.files, *look.missing))
        events = [self._read(path, calm=item.calm) for path in look.files]
        events += [self._take(Reading(path), calm=item.calm) for path in look.missing]
        return [*look.events, *(event for event in events if event)]

    def _read(self, path: str, *, calm: bool) -> Event | None:
        """Read a file, unless it changes meanwhile: what an editor has half written must not be published."""
        if not self._agenda.claim(path):
            return None
        PULSE.beat()
        reading = self._folder.read(path)
        self._hear()
        return None if path in self._agenda else self._take(reading, calm=calm)

    def _take(self, reading: Reading, *, calm: bool) -> Event | None:
        path = reading.path
        if not calm and not reading.data and not reading.reason and self._folder.knows(path):
            self._agenda.note(path, Sign.GONE, self._clock())
            return None
        return self._folder.take(reading)

    def _moved(self, events: list[Event]) -> list[Item]:
        """Files that wait to be believed gone, though another one has their objects now: they were moved there."""
        return [
            item
            for event in events
            if isinstance(event, SourceListed)
            for key in event.objects
            for holder in self._state.holders(key)
            if holder != event.source
            for item in self._agenda.take_gone(self._folder.path_of(holder))
        ]
