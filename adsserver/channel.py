"""One kind of resource on one stream: what Envoy asked for, what it holds, what was sent and not yet answered.

A channel knows the protocol and nothing of order between kinds: `offered` is what Envoy should hold of this kind at
the present moment of a rollout, and `flush` sends what differs. How a refusal is narrowed down to the guilty
resource is here too.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from adsserver.ledger import Ledger
from adsserver.messages import Request, Response
from adsserver.resources import Entry, Kind
from adsserver.subscription import Subscription

_Item = TypeVar("_Item")

BATCH = 512
"""Resources in one response at most."""

FEW = 16
"""So many routes or load assignments go one a response, since such a response is refused as a whole; more go in
batches, which Envoy applies several times faster, and which are taken apart when they are refused."""

PARTS = 16
"""A refused batch is sent again in so many parts: 512 resources are narrowed down to the guilty one in three steps."""

UNKNOWN = "?"
"""Stands for the version of a resource that Envoy may hold in a version we do not know, or not hold as it says."""

_SHARED_FATE = frozenset({Kind.ROUTE, Kind.ENDPOINT, Kind.EXTENSION})
"""Kinds of which Envoy refuses a response as a whole; of clusters and listeners it applies what is good."""

_UNDIVIDED = frozenset({Kind.SCOPE})
"""Kinds of which all goes in one response: a listener that waits for scopes waits for the first response about them."""

_COALESCED = frozenset({Kind.ENDPOINT, Kind.SECRET, Kind.RUNTIME})
"""Kinds that go out at any moment: a resource that changes quickly waits for Envoy's answer to its last version."""


_AWAITED = frozenset({Kind.ROUTE, Kind.SECRET, Kind.RUNTIME, Kind.EXTENSION})
"""Kinds of which only a resource, good or bad, ends the wait of a listener or of Envoy: that there is none does not."""


class Outbox:
    """The responses that an input of the session led to, numbered."""

    def __init__(self, stream: str = "") -> None:
        """`stream`: what no other stream is called, be it another process's."""
        self.nonce = 0
        self._stream = stream
        self.rollout = 0
        self._responses: list[Response] = []

    def reserve(self) -> int:
        """A number for what has to wait: no response has it, and each that was sent before has a smaller one."""
        self.nonce += 1
        return self.nonce

    def post(
        self, kind: Kind, entries: Sequence[Entry], removed: Sequence[str], before: Mapping[str, str | None]
    ) -> Response:
        """Number a response and put it among those to be sent."""
        self.nonce += 1
        response = Response(self.nonce, kind, tuple(entries), tuple(removed), before, self.rollout, self._stream)
        self._responses.append(response)
        return response

    def take(self) -> list[Response]:
        """What is to be sent now, in this order."""
        taken, self._responses = self._responses, []
        return taken


class Channel:
    """The state of one kind on one stream."""

    def __init__(self, kind: Kind, ledger: Ledger, outbox: Outbox) -> None:
        self.kind = kind
        self.ledger = ledger
        self.subscription = Subscription()
        self.offered: dict[str, Entry] = {}
        self.held: dict[str, str] = {}
        self.owed: dict[str, None] = {}
        self.in_flight: dict[int, Response] = {}
        self.stale = False
        """Whether `held` and `offered` have still to be compared as a whole, because the subscription is new."""
        self._ahead: set[str] = set()
        self._greeting_due = False
        self._busy: Counter[str] = Counter()
        self._waiting: dict[str, int] = {}
        """What waits for Envoy's answer to its last version: the number that it would have had."""
        self._late: dict[int, int] = {}
        """The responses in flight that have something that waited: the smallest such number."""
        self._outbox = outbox

    def subscribe(self, request: Request) -> None:
        """Take over what a request says of the subscription and, if it is the first, of what Envoy holds."""
        first, was_wildcard = not self.subscription.asked, self.subscription.wildcard
        owed = self.subscription.update(request)
        if first:
            self.held = dict(request.initial_versions)
            self.held.update(dict.fromkeys(self.ledger.doubted(self.kind), UNKNOWN))
            if self.kind is Kind.SECRET:  # Envoy shows the version before the one that it refused and has in mind
                self.held.update(dict.fromkeys(self.ledger.refused(self.kind), UNKNOWN))
            self._greeting_due = self.subscription.wildcard and not request.initial_versions
        self.stale |= first or (self.subscription.wildcard and not was_wildcard)
        self.owed.update(dict.fromkeys([name for name in owed if not self._was_sent_ahead(name)]))
        self._ahead.difference_update(request.subscribe)
        dropped = list(self.held) if first or (was_wildcard and not self.subscription.wildcard) else request.unsubscribe
        for name in dropped:
            if not self.subscription.covers(name):  # Envoy has dropped it
                self.held.pop(name, None)
                self.owed.pop(name, None)
                self._waiting.pop(name, None)
                self._ahead.discard(name)
                self.ledger.settle([self.kind.key(name)])

    def presume(self) -> None:
        """Go on without Envoy's first request: it wants everything, and holds what it accepted last."""
        self.subscription.wildcard = True
        self.held = self.ledger.accepted(self.kind)
        self.held.update(dict.fromkeys(self.ledger.doubted(self.kind), UNKNOWN))

    def flush(self, names: Iterable[str], *, withdraw: bool = True) -> list[Entry]:
        """Send what Envoy should hold in another version, and answer what is owed; returns the entries sent.

        `withdraw`: whether a name that is no longer offered is taken from Envoy, too.
        """
        if self.is_silent:
            return []
        entries: list[Entry] = []
        removed: list[str] = []
        for name in dict.fromkeys(names):
            owed = name in self.owed
            self.owed.pop(name, None)
            if not self.subscription.covers(name):
                self._waiting.pop(name, None)
                continue
            offered = self.offered.get(name)
            entry = None if offered is None else self.ledger.wanted(offered)
            if entry is None and owed and self.kind in _AWAITED:
                entry = offered  # refused: it is so again, and what waits for it waits no longer
            if entry is not None:
                is_news = self.held.get(name) != entry.version
                if owed or (is_news and not self._must_wait(name)):
                    entries.append(entry)
                elif is_news:
                    self._waiting[name] = self._waiting.get(name) or self._outbox.reserve()
                else:
                    self._waiting.pop(name, None)
            elif self._is_gone(name, owed=owed, withdraw=withdraw, refused=offered is not None):
                removed.append(name)
            else:
                self._waiting.pop(name, None)
        if entries or removed or self._greeting_due:
            self._send(entries, removed)
        return entries

    def send_ahead(self, names: Iterable[str]) -> None:
        """Send what Envoy asks for as soon as it has read what it was just sent: then it need not be answered."""
        offered = [self.offered[name] for name in names if name in self.offered and not self.subscription.covers(name)]
        entries = [entry for entry in offered if self.ledger.wanted(entry) is entry]
        self._ahead.update([entry.name for entry in entries])
        if entries:
            self._send(entries, [])

    def recall(self, names: Iterable[str]) -> None:
        """What Envoy was to ask for it will not, or only for what it is sent next: it may have passed over these."""
        for name in names:
            self._ahead.discard(name)
            if not self.subscription.covers(name):
                self.held.pop(name, None)

    def _was_sent_ahead(self, name: str) -> bool:
        offered = self.offered.get(name)
        return name in self._ahead and offered is not None and self.held.get(name) == offered.version

    def owe(self, names: Iterable[str]) -> None:
        """The next flush sends these whatever Envoy holds, if it is, or will be, subscribed to them."""
        for name in names:
            if self.is_silent or self.subscription.covers(name):
                self.owed[name] = None

    @property
    def is_silent(self) -> bool:
        """Whether Envoy has said nothing about this kind, and nothing was presumed."""
        return not self.subscription.asked and not self.subscription.wildcard

    def has(self, name: str) -> bool:
        """Whether Envoy has, or is given, some version of a resource."""
        return name in self.offered or name in self.held

    def is_settled(self, name: str) -> bool:
        """Whether Envoy wants a resource, and has answered for all that it was sent of it."""
        return name in self.subscription.names and name not in self.owed and not self.is_busy(name)

    def has_brought(self, number: int) -> bool:
        """Whether Envoy has answered for all that was to be sent up to this number, be it that it had to wait."""
        first = next(iter(self.in_flight), None)  # the smallest
        if first is not None and first <= number:
            return False
        return all(since > number for since in (*self._waiting.values(), *self._late.values()))

    def is_busy(self, name: str) -> bool:
        """Whether Envoy has still to answer for a resource."""
        return name in self._busy

    def answer(self, nonce: int, error: str | None) -> Response | None:
        """Take Envoy's answer to a response (which is returned; None for a nonce that is not of this stream).

        What it accepted is recorded, and so is the guilty resource, if it was alone in the response. `take_apart` goes
        on with a refused response of several.
        """
        response = self.in_flight.pop(nonce, None)
        if response is None:
            return None
        self._late.pop(nonce, None)
        self._no_longer_busy(response.names)
        if error is None:
            for entry in response.entries:
                self.ledger.accept(entry)
            self.ledger.settle(self.kind.key(name) for name in response.names)
            return response
        self._restore(response)
        if len(response.entries) == 1 and not response.removed:
            (entry,) = response.entries
            before = response.before.get(entry.name)
            if self.kind is Kind.ROUTE and before is not None and before != UNKNOWN:
                self.ledger.keeps(entry.key, before)
            self.ledger.refuse(entry, error)
            self.ledger.clear(entry)
        return response

    def take_apart(self, response: Response) -> list[list[str]]:
        """The names of a refused response of several resources in parts to be sent again, each a flush of its own.

        What was sent once more meanwhile is left out: the answer to that is still to come.
        """
        names = [
            entry.name for entry in response.entries if entry.name in self.offered and entry.name not in self._busy
        ]
        parts = [list(response.removed)] if response.removed else []
        parts.extend(list(part) for part in _portions(names, -(-len(names) // PARTS) or 1))
        self.owe(names)
        return parts

    def _restore(self, response: Response) -> None:
        """Envoy still holds what it held before the response, except where something newer was sent since."""
        sent = {entry.name: entry.version for entry in response.entries}
        if not sent:
            return  # a removal alone cannot be refused for what it says: repeating it would never end
        for name, before in response.before.items():
            if name in self._busy or self.held.get(name) != sent.get(name):
                continue
            if before is None:
                self.held.pop(name, None)
            else:  # a refused Secret spoils whatever is made with it later, until the last good one is sent again
                self.held[name] = UNKNOWN if self.kind is Kind.SECRET else before

    def _no_longer_busy(self, names: Iterable[str]) -> None:
        for name in names:
            self._busy[name] -= 1
            if not self._busy[name]:
                del self._busy[name]

    def _must_wait(self, name: str) -> bool:
        return self.kind in _COALESCED and name in self._busy

    def _is_gone(self, name: str, *, owed: bool, withdraw: bool, refused: bool) -> bool:
        """Whether Envoy is told that there is no such resource; when a newer version was refused it keeps the older."""
        if refused:
            return owed and self.kind is Kind.ENDPOINT
        return owed or (withdraw and name in self.held)

    def _send(self, entries: list[Entry], removed: list[str]) -> None:
        # a refusal of clusters is withheld, too, while one warms: then none should be lost with a bad neighbour
        is_few = len(entries) <= FEW and (self.kind in _SHARED_FATE or (self.kind is Kind.CLUSTER and self.in_flight))
        single = is_few or self.kind is Kind.SECRET  # Envoy's word is then about that Secret
        size = len(entries) if self.kind in _UNDIVIDED else BATCH
        portions = list(_portions(entries, 1 if single else size)) if entries else []
        together = self.kind is Kind.LISTENER  # Envoy removes first, so that a new listener may take an old one's port
        if removed and not (together and portions):
            self._post([], removed)
        for index, portion in enumerate(portions):
            self._post(portion, removed if together and index == 0 else [])
        if self._greeting_due and not self.stale:
            self._post([], [])

    def _post(self, entries: Sequence[Entry], removed: Sequence[str]) -> None:
        names = [entry.name for entry in entries] + list(removed)
        response = self._outbox.post(self.kind, entries, removed, {name: self.held.get(name) for name in names})
        self.in_flight[response.nonce] = response
        waited = [since for name in names if (since := self._waiting.pop(name, 0))] if self._waiting else ()
        if waited:
            self._late[response.nonce] = min(waited)
        self._greeting_due = False
        self._busy.update(names)
        self.held.update((entry.name, entry.version) for entry in entries)
        for name in removed:
            self.held.pop(name, None)
        if len(entries) > 1:
            self.ledger.doubt(entries)


def _portions(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))
