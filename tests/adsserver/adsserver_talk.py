"""A session to talk with in tests: requests and changes in, what is sent in short, and a clock that the test moves."""

from collections.abc import Mapping

from adsserver.ledger import Ledger
from adsserver.messages import Request, Response
from adsserver.resources import Catalog, Kind
from adsserver.round import Timing
from adsserver.session import Session
from snapshot import Changes, Record

Sent = tuple[str, list[str], list[str]]
"""A response in short: its kind, "name version" of what is in it, the names removed."""

TIMING = Timing(linger=0)


def version(text: str, *, body: bytes = b"", **notes: str) -> Record:
    """A record of this version."""
    return Record(text, body or text.encode(), notes)


WORLD = {
    "cluster/a": version("1", endpoints="a"),
    "endpoint/a": version("1"),
    "listener/l": version("1"),
    "route/r": version("1", body=b"to a"),
    "secret/s": version("1"),
}
"""A small one: a resource of each kind that a round or a moment brings, and a route to the cluster."""


class Talk:
    """One stream on a catalog with these records; `ledger` is a dict of the acks that an earlier process saved."""

    def __init__(
        self,
        records: Mapping[str, Record] | None = None,
        acks: Mapping[str, Record] | None = None,
        timing: Timing = TIMING,
    ) -> None:
        self.now = 100.0
        self._timing = timing
        self.catalog = Catalog()
        if records is not None:
            self.catalog.apply(Changes(1, dict(records), whole=True))
        self.ledger = Ledger.load(self.catalog, acks or {})
        self.unanswered: list[Response] = []
        self.reconnect()

    def reconnect(self) -> None:
        """A new stream; what was in flight is lost."""
        self.unanswered.clear()
        self.session = Session(self.catalog, self.ledger, self._timing)

    def asks(
        self,
        kind: str,
        *subscribe: str,
        unsubscribe: tuple[str, ...] = (),
        holds: Mapping[str, str] | None = None,
        nonce: str = "",
    ) -> list[Sent]:
        """Envoy's request; `holds` are its initial resource versions."""
        return self._out(
            self.session.on_request(Request(Kind(kind), subscribe, unsubscribe, holds or {}, nonce), self.now)
        )

    def changes(self, **kinds: Mapping[str, Record | None]) -> list[Sent]:
        """The translator publishes: `changes(route={"a": version("2")})`."""
        records = {f"{kind}/{name}": each for kind, named in kinds.items() for name, each in named.items()}
        edits = self.catalog.apply(Changes(2, records, whole=False))
        for named in edits.values():
            for entry in named.values():
                if entry is not None:
                    self.ledger.review(entry)
        return self._out(self.session.on_change(edits, self.now))

    def accepts(self, kind: str | None = None) -> list[Sent]:
        """Envoy accepts the oldest response (of a kind) that it has not answered."""
        return self._answers(kind, None)

    def refuses(self, kind: str, error: str = "no") -> list[Sent]:
        """Envoy refuses the oldest response of a kind that it has not answered."""
        return self._answers(kind, error)

    def accepts_all(self) -> list[Sent]:
        """Envoy accepts everything, also what that leads to; returns what was sent."""
        sent: list[Sent] = []
        while self.unanswered:
            sent += self.accepts()
        return sent

    def waits(self, seconds: float) -> list[Sent]:
        """Time passes, and the session is woken when it wanted to be."""
        end, sent = self.now + seconds, []
        while (deadline := self.session.deadline) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            sent += self._out(self.session.on_timer(self.now))
        self.now = end
        return sent

    def settled(self) -> None:
        """Everything there is goes to an Envoy that wants it all and accepts it."""
        self.asks("cluster")
        self.accepts_all()
        names = {kind: tuple(self.catalog.of(Kind(kind))) for kind in ("endpoint", "extension", "route", "secret")}
        for kind in ("endpoint", "secret"):
            self.asks(kind, *names[kind])
        self.asks("listener")
        if names["extension"]:
            self.asks("extension", *names["extension"])
        self.asks("route", *names["route"])
        self.accepts_all()
        self.waits(2)
        assert not self.unanswered

    def saved(self) -> dict[str, Record]:
        """What the snapshot would be told now."""
        changes = self.ledger.changes(1.0)
        self.ledger.saved()
        return {key: record for key, record in changes.items() if record is not None}

    def _answers(self, kind: str | None, error: str | None) -> list[Sent]:
        response = next(each for each in self.unanswered if kind in (None, each.kind))
        self.unanswered.remove(response)
        request = Request(response.kind, nonce=str(response.nonce), error=error)
        return self._out(self.session.on_request(request, self.now))

    def _out(self, responses: list[Response]) -> list[Sent]:
        self.unanswered += responses
        return [
            (str(each.kind), [f"{entry.name} {entry.version}" for entry in each.entries], list(each.removed))
            for each in responses
        ]
