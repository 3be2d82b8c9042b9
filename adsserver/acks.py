"""Saves in the snapshot what the newest stream learnt: at once where it matters, else a few times in a burst."""

import asyncio
import time

from adsserver.exchanges import Exchanges
from adsserver.ledger import Ledger
from adsserver.messages import Request, Response
from adsserver.resources import Catalog, Edits
from adsserver.served import SERVED_KEY, Served, Taken
from adsserver.session import Session
from adsserver.unasked import UNASKED_KEY, Unasked
from process import logs
from snapshot import JSON, Record, SnapshotFullError, Writer

STREAM_KEY = "stream"

FIRST_DELAY = 0.05
"""Seconds from the first unsaved fact to its commit: a round of a few exchanges wakes others once ..."""

LAST_DELAY = 0.1
"""... and in a burst of answers, so that ten thousand are some tens of commits."""

BURST = 16
"""Facts in one commit that make a burst."""

_log = logs.get("acks")


class Acks:
    """The writer of the database `acks`."""

    def __init__(self, writer: Writer, ledger: Ledger, catalog: Catalog) -> None:
        self._writer = writer
        self._ledger = ledger
        self._is_burst = False
        self._timer: asyncio.TimerHandle | None = None
        self._stream: Record | None = None
        self._is_full = False
        self._served = Served(time.time)
        self._exchanges = Exchanges(time.time)
        self._unasked = Unasked(catalog, ledger)
        self._session: Session | None = None
        self._has_numbers = True  # those of an earlier process end with it

    def tell_stream(self, *, connected: bool, node: str = "") -> None:
        """Save whether an Envoy is connected, and which."""
        notes: dict[str, JSON] = {"connected": connected, "since": time.time(), "node": node}
        self._stream = Record(f"{connected} {notes['since']}", b"", notes)
        self.save()

    def await_answer(self, taken: Taken, session: Session | None) -> None:
        """A change was given to the newest stream, if there is one."""
        self._served.came(taken, session)

    def sent(self, response: Response) -> None:
        """The newest stream sends this."""
        self._exchanges.sent(response)

    def answered(self, stream: str, request: Request) -> None:
        """Envoy says this on the newest stream."""
        self._exchanges.answered(stream, request, is_awaited=self._served.is_awaited)

    def ended(self, stream: str) -> None:
        """A stream is over."""
        self._exchanges.ended(stream)
        if self._session is not None and self._session.name == stream:
            self._session = None

    def changed(self, edits: Edits) -> None:
        """These resources are others now."""
        self._unasked.changed(edits)

    def look(self, session: Session) -> None:
        """The newest stream may have come to the end of something."""
        self._session = session
        self._has_numbers |= self._served.look(session)

    def note(self) -> None:
        """The ledger may have learnt something."""
        if self._ledger.is_urgent:
            self.save()
        elif (self._ledger.is_unsaved or self._has_numbers or self._may_tell) and self._timer is None:
            self._wait(LAST_DELAY if self._is_burst else FIRST_DELAY)

    def save(self) -> None:
        """Commit what is not saved. A full snapshot is told once, and tried again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = time.time()
        changes = self._ledger.changes(now) if self._ledger.is_unsaved else {}
        if self._stream is not None:
            changes[STREAM_KEY] = self._stream
        if self._session is not None:
            self._unasked.look(self._session)
        unasked = self._unasked.record
        if unasked is not None:
            changes[UNASKED_KEY] = unasked
        if not changes and not self._has_numbers:
            return
        refused = {
            key: record.notes["message"]
            for key, record in changes.items()
            if record is not None and record.notes.get("refused_at") == now
        }
        for key in refused:
            self._served.refused(key.partition("/")[0])
        self._has_numbers |= bool(refused)
        if self._has_numbers:
            changes[SERVED_KEY] = self._served.record
        try:
            self._writer.commit(changes, notes=self._served.log | self._exchanges.log)
        except SnapshotFullError as error:
            self._full(error)
            return
        self._ledger.saved()
        self._served.told()
        self._exchanges.told()
        self._unasked.told()
        self._stream, self._is_full, self._is_burst = None, False, len(changes) > BURST
        self._has_numbers = False
        for key, reason in refused.items():
            _log.warning("refused by Envoy", resource=key, reason=reason)

    @property
    def _may_tell(self) -> bool:
        """Whether something may be known by now of what Envoy does not ask for."""
        return self._session is not None and self._unasked.is_open

    def _wait(self, delay: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(delay, self.save)

    def _full(self, error: SnapshotFullError) -> None:
        if not self._is_full:
            self._is_full = True
            _log.error("snapshot full", reason=str(error), consequence="what Envoy accepts and refuses is not told")
        self._wait(LAST_DELAY)
