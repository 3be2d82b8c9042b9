"""One delta ADS stream as a state machine: requests, changes and time in, responses out. No I/O, no clock.

    responses = session.on_request(request, now)    what Envoy says: interest, acceptance, refusal
    responses = session.on_change(edits, now)       the resources changed (the catalog has them already)
    responses = session.on_timer(now)               `session.deadline` has passed

`now` is a monotonic time in seconds. What was learnt of Envoy's acceptance is in the ledger. A Channel holds the
protocol of one kind, the Rollout the order between kinds.
"""

from collections.abc import Mapping
from typing import NamedTuple

from adsserver.channel import UNKNOWN, Channel, Outbox
from adsserver.ledger import Ledger
from adsserver.messages import Request, Response
from adsserver.resources import Catalog, Edits, Kind
from adsserver.rollout import Rollout
from adsserver.round import Timing


class Mark(NamedTuple):
    """How far a stream was to be brought at a moment: the last round, and the last response that had been sent.

    What had to wait counts as sent; it has a number for that.
    """

    stream: str
    round: int
    nonce: int


class Session:
    """The state of one stream."""

    def __init__(self, catalog: Catalog, ledger: Ledger, timing: Timing | None = None, name: str = "") -> None:
        """`catalog` and `ledger` are shared with other streams of this process; no other stream has this `name`."""
        self.name = name
        self._catalog = catalog
        self._timing = timing or Timing()
        self._outbox = Outbox(name)
        self._channels: Mapping[Kind, Channel] = {kind: Channel(kind, ledger, self._outbox) for kind in Kind}
        self._rollout = Rollout(self._channels, catalog, self._outbox, self._timing)
        self._ledger = ledger
        self._pardon_at: float | None = None

    def use(self, ledger: Ledger) -> None:
        """Write into another ledger from now on: a shadow when a newer stream came, the real one when that went."""
        self._ledger = ledger
        for channel in self._channels.values():
            channel.ledger = ledger

    def on_request(self, request: Request, now: float) -> list[Response]:
        """Envoy said something."""
        channel = self._channels[request.kind]
        if request.nonce:
            response = channel.answer(int(request.nonce), request.error) if request.nonce.isdigit() else None
            if response is not None:
                self._rollout.answered(response, request.error, now)
                self._plan_pardon(request, now)
        if request.subscribe or request.unsubscribe or not channel.subscription.asked:
            self._subscribe(channel, request, now)
        self._rollout.advance(now)
        return self._outbox.take()

    def on_change(self, edits: Edits, now: float) -> list[Response]:
        """Resources changed; `edits` are in the catalog already."""
        if self._rollout.started:
            self._rollout.change(edits, now)
        else:
            self._start(now)
        return self._outbox.take()

    def on_timer(self, now: float) -> list[Response]:
        """Time has passed."""
        if self._pardon_at is not None and now >= self._pardon_at:
            self._pardon_at = None
            self._rollout.retry(self._ledger.pardon_blameless(), now)
        self._rollout.advance(now)
        return self._outbox.take()

    @property
    def mark(self) -> Mark:
        """Where the stream is when all that changed so far was brought to it."""
        return Mark(self.name, self._rollout.last_round, self._outbox.nonce)

    def has_brought(self, mark: Mark) -> bool:
        """Whether Envoy has answered for all that had changed at that moment."""
        any_time = (Kind.ENDPOINT, Kind.SECRET, Kind.RUNTIME)
        is_answered = all(self._channels[kind].has_brought(mark.nonce) for kind in any_time)
        return is_answered and self._rollout.has_brought(mark.round)

    @property
    def has_brought_all(self) -> bool:
        """Whether Envoy is served, and has answered for all that there is for it."""
        return self._rollout.started and self.has_brought(self.mark)

    def asks_for(self, kind: Kind, name: str) -> bool:
        """Whether Envoy wants a resource."""
        return self._channels[kind].subscription.covers(name)

    @property
    def deadline(self) -> float | None:
        """When `on_timer` should be called if nothing else happens before; None: never."""
        if not self._rollout.started:
            return None
        times = [time for time in (self._rollout.deadline, self._pardon_at) if time is not None]
        return min(times, default=None)

    def _subscribe(self, channel: Channel, request: Request, now: float) -> None:
        first = not channel.subscription.asked
        channel.subscribe(request)
        self._rollout.dropped(channel.kind, request.unsubscribe)
        if first and channel.kind is Kind.ENDPOINT and not self._channels[Kind.CLUSTER].subscription.asked:
            # Envoy keeps its first request about clusters back while one warms: that one waits for endpoints, be they
            # the same that Envoy shows for the cluster's former version
            channel.owed.update(dict.fromkeys(sorted(channel.subscription.names)))
        if first and request.initial_versions:
            self._recognise(channel.kind, request.initial_versions)
            self._rollout.settle(now)
        if self._rollout.started:
            self._rollout.opened(channel.kind, request.subscribe, now)
        else:
            self._start(now)

    def _start(self, now: float) -> None:
        """Begin to answer, if Envoy asked and the catalog is known to hold what the translator wants."""
        asked = [kind for kind, each in self._channels.items() if each.subscription.asked]
        if not self._catalog.published or not asked:
            return
        if asked == [Kind.RUNTIME]:
            self._rollout.greet()
            return
        for channel in self._channels.values():  # who asked before anything was known has shown what it holds, too
            self._recognise(channel.kind, channel.held)
        self._pardon_at = now + self._timing.pardon
        self._rollout.start(now)
        for kind in asked:
            self._rollout.opened(kind, self._channels[kind].subscription.names, now)
        self._rollout.advance(now)

    def _recognise(self, kind: Kind, shown: Mapping[str, str]) -> None:
        """What Envoy shows in its first request it has accepted from an earlier stream."""
        doubted = set(self._ledger.doubted(kind))
        entries = self._catalog.of(kind)
        for name, version in shown.items():
            entry = entries.get(name)
            if entry is None or name in doubted or version == UNKNOWN:
                continue
            if entry.version == version:
                self._ledger.accept(entry)
            else:
                self._ledger.recognise(entry.key, version)

    def _plan_pardon(self, request: Request, now: float) -> None:
        if request.error is not None and request.kind is Kind.LISTENER and self._pardon_at is None:
            self._pardon_at = now + self._timing.pardon
