"""What some objects of a cluster are, kept equal to what the API server says: one list and watch as a state machine.

    next(now)                          --> what to ask, or until when to wait
    opened, heard, listed, refused, ended <-- what came of it; each gives what is known by it

It does no input or output: the caller asks, and reads the clock. The rules are those of Kubernetes' own reflector
(https://kubernetes.io/docs/reference/using-api/api-concepts/): all objects first, by a stream that begins with them
(KEP-3157) or, where the server has none, page by page; then what changes. Three rules are ours:

- All objects are asked for without a resourceVersion, which is the state as it is now, never an older one from a cache.
- After the server could not be reached they are asked for again: it may have come back with an older state, and a watch
  from a version that it does not have yet would silently skip everything up to that.
- What is said again, of a version that is known, is passed over, so that nothing goes back within a stream.
"""

from enum import Enum
from http import HTTPStatus
from typing import Any, Final

from watcher.asking import Ask, changes_since, everything, page, stream_of_all
from watcher.collecting import Collection
from watcher.kinds import Target
from watcher.outage import Random, Server, pause
from watcher.reading import read
from watcher.refusals import Refusal, granted, refusal_of
from watcher.trimming import key_of, seen
from watcher.versions import ends_the_beginning, is_newer, version_of
from watcher.watch_events import Changed, Failing, Forbidden, Gone, Missing, Recovered, Unreadable, WatchEvent

SYNC_SILENCE: Final = 30.0
"""Seconds without a line after which a stream that should begin with all objects is given up."""

SILENCE: Final = 150.0
"""Seconds without a line after which a stream counts as broken; there should be a bookmark every minute."""

HEALTHY: Final = 5.0
"""Seconds that a stream must have lived for its end to be no failure."""

MISSING: Final = 120.0
"""Seconds, up to twice that by chance, after which a kind that the server does not have is asked for unprompted."""

TURN: Final = 4.0
"""Seconds after which it is ready to ask for all again while nobody is answered, whatever its own back-off."""

PATIENCE: Final = 3
"""Streams of all objects that may break in a row before they are listed."""


class Phase(Enum):
    """What is to be asked next."""

    STREAM = "all objects, by a stream that goes on with what changes"
    LIST = "all objects, page by page"
    WATCH = "what changes since a version"


class Reflector:
    """The state of one target. `over`: the answer that is being read is not wanted any more."""

    def __init__(self, target: Target, server: Server, random: Random) -> None:
        self.target = target
        self.name = target.source.name
        self.over = False
        self.phase = Phase.STREAM
        self.missing = False
        self._server = server
        self._random = random
        self._streams = True
        self._pages = True
        self._version = ""
        self._collection = Collection(self.target.kind)
        self._failures = 0
        self._troubled = False
        self._due = 0.0
        self._not_before = 0.0
        self._asked = 0.0
        self._open = False

    @property
    def silence(self) -> float:
        """Seconds without a line after which the stream should be given up."""
        return SILENCE if self.phase is Phase.WATCH else SYNC_SILENCE

    def next(self, now: float) -> Ask | float:
        """What to ask now, or until when to wait."""
        due = self._due
        if self._server.reason:
            due = max(self._not_before, min(due, self._asked + TURN))
        if now < due:
            return due
        until = self._server.may_ask(self.name, now)
        if until is not None:
            return until
        self.over = self._open = False
        self._asked = now
        if self.phase is Phase.LIST:
            return page(self.target, self._collection.token) if self._pages else everything(self.target)
        if self.phase is Phase.WATCH:
            return changes_since(self.target, self._version, self._random)
        self._collection = Collection(self.target.kind)
        return stream_of_all(self.target, self._random)

    def wake(self, due: float) -> None:
        """Whatever it waits for: ask at `due`, if not sooner."""
        self._due = min(self._due, due)

    def doubt(self, now: float, seconds: float) -> None:
        """What was said cannot be: ask for everything again, later."""
        self._restart(now + seconds)

    # What came of it

    def opened(self, now: float) -> list[WatchEvent]:
        """The stream began."""
        self._open, self.missing = True, False
        if self.phase is Phase.STREAM:
            return []  # it counts when all objects are there: a stream may break each time it begins
        self._server.answered(self.name, now, open_stream=True)
        return self._recovered()

    def heard(self, now: float, lines: list[bytes]) -> list[WatchEvent]:
        """Lines of the stream."""
        events: list[WatchEvent] = []
        for line in lines:
            if self.over:
                break
            try:
                message = read(line)
                said, document = message["type"], message["object"]
                self._take(now, said, document, events)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                self._fail(now, f"a line of the answer cannot be read: {error}", events)
        if self.over:
            self._server.ended(self.name, now)
        elif self.phase is Phase.WATCH:
            self._server.answered(self.name, now, open_stream=True)
        return events

    def listed(self, now: float, body: bytes) -> list[WatchEvent]:
        """A page of all objects."""
        self._server.answered(self.name, now)
        events: list[WatchEvent] = []
        try:
            page = read(body)
            metadata, items = page["metadata"], page.get("items") or []
            for item in items:
                self._collection.add(item)
            version, token = str(metadata["resourceVersion"]), metadata.get("continue") or ""
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            self._fail(now, f"the answer cannot be read: {error}", events)
            self._server.ended(self.name, now)
            return events
        self._collection.token = token
        if not token:
            self._synced(version, events)
        return events

    def refused(self, now: float, status: int, message: str, retry_after: float | None = None) -> list[WatchEvent]:
        """An answer that is none to the question."""
        events: list[WatchEvent] = []
        self._refuse(now, status, message, retry_after, events)
        self._server.ended(self.name, now)
        return events

    def ended(self, now: float, reason: str = "") -> list[WatchEvent]:
        """The stream ended; or, with a reason, it broke, or there was no answer."""
        events: list[WatchEvent] = []
        if self.over:
            return events
        if self.phase is Phase.WATCH and self._was_good(now):
            self._failures, self._due = 0, now
        elif reason:
            self._lost(now, reason, events)
        elif self.phase is Phase.STREAM:
            self._unstream(now)
        else:
            self._wait(now)
        self._open = False
        self._server.ended(self.name, now)
        return events

    def silent(self, now: float) -> list[WatchEvent]:
        """Nothing was heard for `silence` seconds."""
        events: list[WatchEvent] = []
        if self.phase is Phase.STREAM:
            self._unstream(now)
        else:
            self._restart(now)
        self._server.ended(self.name, now)
        return events

    # Lines

    def _take(self, now: float, said: str, document: Any, events: list[WatchEvent]) -> None:
        if said == "ERROR":
            code = document.get("code")
            message = str(document.get("message") or "an error without a text")
            self._refuse(
                now, code if isinstance(code, int) else HTTPStatus.INTERNAL_SERVER_ERROR, message, None, events
            )
            return
        version = version_of(document)
        if said == "BOOKMARK":
            self._mark(now, version, document, events)
        elif self.phase is Phase.STREAM:
            if said == "DELETED":
                self._collection.remove(document)
            elif said in ("ADDED", "MODIFIED"):
                self._collection.add(document)
        elif not version or is_newer(version, self._version):  # one without a version is none that can be kept
            self._change(said, document, events)
            self._version = version or self._version

    def _mark(self, now: float, version: str, document: Any, events: list[WatchEvent]) -> None:
        """A bookmark: what was told until here is all there is up to this version."""
        if not version:
            raise ValueError("a bookmark without a version")
        if self.phase is Phase.STREAM and ends_the_beginning(document):
            self._synced(version, events)
        elif self.phase is Phase.WATCH and is_newer(version, self._version):
            self._version = version
        elif self.phase is Phase.WATCH and version != self._version:
            self._restart(now, failed=True)  # the server went back behind what it had told

    def _change(self, said: str, document: Any, events: list[WatchEvent]) -> None:
        if said == "DELETED":
            events.append(Gone(key_of(self.target.kind, document)))
        elif said in ("ADDED", "MODIFIED"):
            try:
                events.append(Changed(seen(self.target.kind, document)))
            except ValueError as error:
                events.append(Unreadable(key_of(self.target.kind, document), str(error)))

    def _synced(self, version: str, events: list[WatchEvent]) -> None:
        events.append(self._collection.whole())
        self._collection = Collection(self.target.kind)
        self.phase, self._version = Phase.WATCH, version
        self._due = 0.0
        self._troubled = self.missing = False
        self._pages = True

    # Refusals and failures

    def _refuse(
        self, now: float, status: int, message: str, retry_after: float | None, events: list[WatchEvent]
    ) -> None:
        self.over = True
        refusal = refusal_of(status, message, streaming=self.phase is Phase.STREAM)
        match refusal:
            case Refusal.EXPIRED:
                self._streams = self._streams and not self._breaks()
                self._pages = self._pages and not self._collection.token
                self._restart(now, failed=True)
            case Refusal.FORBIDDEN:
                self._server.answered(self.name, now)
                events.append(Forbidden(message))
                self._restart(now, failed=True)
            case Refusal.MISSING if self.target.kind.may_be_missing:
                self._server.answered(self.name, now)
                events.append(Missing())
                self.missing = True
                self._restart(now + MISSING * (1 + self._random()))
            case Refusal.NOT_STREAMED:
                self._unstream(now)
            case Refusal.SENSELESS | Refusal.MISSING:  # every API server has the other kinds: this is none
                self._fail(now, message, events)
            case Refusal.LATER | Refusal.TOO_NEW:
                if refusal is Refusal.TOO_NEW:
                    self.phase = self._first
                self._lost(now, message, events, retry_after=granted(status, retry_after), reached=True)

    def _fail(self, now: float, message: str, events: list[WatchEvent]) -> None:
        """The answer makes no sense: everything again, a little later."""
        self.over = True
        self._restart(now, failed=True)
        self._trouble(message, events)

    def _lost(
        self,
        now: float,
        reason: str,
        events: list[WatchEvent],
        *,
        retry_after: float = 0.0,
        reached: bool = False,
    ) -> None:
        """No answer, or one that tells to go away."""
        if not reached or self.phase is Phase.LIST:
            self._streams = not self._breaks()  # a server that comes back may be another one
            self.phase = self._first
            self._collection = Collection(self.target.kind)
        self._not_before = now + retry_after
        self._wait(now, retry_after)
        self._server.failed(self.name, now, reason, self._answered, retry_after)
        self._trouble(reason, events)

    def _answered(self, due: float) -> None:
        """Another one was answered: the failures were not of this target. It comes when it was told to, or at once."""
        self._failures = 0
        self._due = min(self._due, max(due, self._not_before))

    def _unstream(self, now: float) -> None:
        """The server has no streams that begin with all objects: they are listed from now on."""
        self.over = True
        self._streams = False
        self._restart(now)

    @property
    def _first(self) -> Phase:
        return Phase.STREAM if self._streams else Phase.LIST

    def _restart(self, due: float, *, failed: bool = False) -> None:
        self.over = True
        self.phase = self._first
        self._collection = Collection(self.target.kind)
        if failed:
            self._wait(due)
        else:
            self._due = due

    def _breaks(self) -> bool:
        """Whether streams that should begin with all objects break again and again."""
        return self.phase is Phase.STREAM and self._open and self._failures >= PATIENCE

    def _was_good(self, now: float) -> bool:
        return self._open and now - self._asked >= HEALTHY

    def _wait(self, now: float, at_least: float = 0.0) -> None:
        self._failures = 1 if self._was_good(now) else self._failures + 1
        self._due = now + max(at_least, pause(self._failures, self._random))

    def _trouble(self, message: str, events: list[WatchEvent]) -> None:
        self._troubled = True
        events.append(Failing(message, self._failures))

    def _recovered(self) -> list[WatchEvent]:
        if not self._troubled:
            return []
        self._troubled = False
        return [Recovered()]
