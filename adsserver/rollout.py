"""The order between kinds: make before break, proven by Envoy's answers.

Changes become rounds. A round brings clusters (with their endpoints and secrets) first, then the configurations of
filters, then scopes, then listeners, then routes, each after Envoy's answer to what came before, and only then takes
away what nothing uses any more: clusters, scopes, the configuration of a filter that no route has switched on. What
changes meanwhile makes the next round, or joins this one while it still waits for its clusters. Endpoints and secrets
of what Envoy already has go at once, and so do the numbers of its runtime, which an Envoy that starts asks for before
all else. Nothing here reads a clock: `now` is given, `deadline` says when to come back.

    CLUSTERS --answered, or a grace while one warms--> EXTENSIONS --> SCOPES --answered, and their routes too-->
    LISTENERS --> ROUTES --answered--> WITHDRAWAL
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from adsserver.channel import FEW, Channel, Outbox
from adsserver.clusters import Clusters, endpoints_arrived
from adsserver.idle import IdleFilters
from adsserver.messages import Response
from adsserver.resources import Catalog, Edits, Entry, Kind
from adsserver.round import AFTER, KIND_OF, STAGE_OF, Round, Stage, Timing, waits_until
from adsserver.scopes import Scopes
from adsserver.verdicts import Verdicts
from adsserver.withdrawal import Withdrawal

_ANY_TIME = (Kind.ENDPOINT, Kind.SECRET, Kind.RUNTIME)


class Rollout:
    """Brings the channels of one stream to what the catalog says, round by round."""

    def __init__(self, channels: Mapping[Kind, Channel], catalog: Catalog, outbox: Outbox, timing: Timing) -> None:
        self.started = False
        self._channels = channels
        self._catalog = catalog
        self._outbox = outbox
        self._timing = timing
        self._rounds = 0
        self._heard_by = 0.0
        self._round: Round | None = None
        self._pending: Edits = {}
        self._verdicts = Verdicts(channels[Kind.SECRET], timing)
        self._withdrawal = Withdrawal(channels, catalog, timing)
        self._idle = IdleFilters(channels, self._withdrawal)
        self._clusters = Clusters(channels, outbox, self._withdrawal, self._is_coming)
        self._scopes = Scopes(channels, catalog)

    def start(self, now: float) -> None:
        """Begin with everything that there is; what Envoy holds already will not be sent."""
        self.started = True
        for kind in _ANY_TIME:
            self._channels[kind].offered = dict(self._catalog.of(kind))
        self._begin({kind: dict(self._catalog.of(kind)) for kind in (Kind.CLUSTER, *STAGE_OF)}, now)

    def greet(self) -> None:
        """Answer an Envoy that starts, and asks for nothing but its runtime before it has that."""
        channel = self._channels[Kind.RUNTIME]
        channel.offered = dict(self._catalog.of(Kind.RUNTIME))
        channel.flush(channel.offered)

    def change(self, edits: Edits, now: float) -> None:
        """Resources changed."""
        self._verdicts.changed(edits.get(Kind.SECRET, {}).keys())
        for kind, names in edits.items():
            self._pending.setdefault(kind, {}).update(names)
        self._send_unordered(now)
        self.advance(now)

    def settle(self, now: float) -> None:
        """Envoy came back and holds resources: it will say in a moment what else it wants."""
        self._withdrawal.settle(now + self._timing.settling, now + self._timing.trust)
        self._heard_by = self._heard_by or now + self._timing.patience

    def opened(self, kind: Kind, names: Iterable[str], now: float) -> None:
        """The subscription of a kind changed, these names are new in it: send what may be sent of it now."""
        channel = self._channels[kind]
        if kind not in _ANY_TIME:
            self._withdrawal.look_again()
        if kind is Kind.ROUTE:  # what is gone is asked for by listeners that drain
            gone = [name for name in names if name not in channel.offered and not self._is_coming(kind, name)]
            self._withdrawal.add(kind, gone, self._rounds)
        if kind in (Kind.SCOPE, Kind.ROUTE) and channel.stale:
            self._scopes.doubt()
        if kind is Kind.CLUSTER:
            self._clusters.compare(self._round, self._rounds, now)
        channel.flush(self._answerable(kind))  # a scope's routes before others, which may send requests to the scope
        if kind is not Kind.CLUSTER and not self._is_gated(kind):
            self._compare(channel, now)

    def answered(self, response: Response, error: str | None, now: float) -> None:
        """Envoy answered a response; `error` is its reason for a refusal."""
        kind, channel = response.kind, self._channels[response.kind]
        if kind not in _ANY_TIME:
            self._withdrawal.look_again()
        if kind is Kind.SECRET:
            self._verdicts.answered(response, error, now)
        if self._round and error is None:
            endpoints_arrived(response, self._round)
        if kind is Kind.SCOPE and error is not None:
            self._channels[Kind.ROUTE].recall([entry.routes for entry in response.entries if entry.routes is not None])
        if error is not None and len(response.entries) + bool(response.removed) > 1:
            for part in channel.take_apart(response):
                self._flush(kind, part, now)
            return
        if self._round:
            self._round.answered(response, now)
            if error is not None and response.entries and not channel.ledger.last_good(response.entries[0].key):
                self._round.refused_new(response.entries[0], now + self._timing.pause)
        if error is not None or kind in _ANY_TIME:
            self._flush(kind, [name for name in response.names if not self._is_coming(kind, name)], now)

    def dropped(self, kind: Kind, names: Collection[str]) -> None:
        """Envoy has no use for these any more."""
        if kind is Kind.SECRET:
            self._verdicts.dropped(names)
        elif kind is Kind.ROUTE and names:
            self._scopes.doubt(names)
            for name in names:
                self._withdrawal.forget(kind, name)

    def retry(self, resources: Iterable[tuple[Kind, str]], now: float) -> None:
        """Send resources again that were refused for their surroundings."""
        for kind, name in resources:
            entry = self._channels[kind].offered.get(name)
            if entry and kind is Kind.LISTENER:
                self._drain({name: entry}, now)
            if entry and self._round and self._is_gated(kind):
                self._round.coming[kind].setdefault(name, entry)
            elif entry:
                self._flush(kind, [name], now)

    def advance(self, now: float) -> None:
        """Go on as far as Envoy's answers and the time allow."""
        if self._verdicts.take_relief():
            self.retry(self._channels[Kind.SECRET].ledger.pardon_made_with_secrets(), now)
        while True:
            are_known = self._verdicts.are_known(now)
            is_ready = bool(self._pending) and (are_known or not self._needs_secrets)
            if self._round is None:
                self._idle.bring(now)
                if not is_ready and (self._pending or not self._is_due(now)):
                    return
                self._begin(self._take_pending() if is_ready else {}, now)
            elif is_ready and self._may_join(self._round, now):
                self._round.stage = Stage.CLUSTERS
                self._enter(self._round, self._take_pending(), now)
            elif self._is_done(self._round, now):
                self._next(self._round, now)
            else:
                return

    @property
    def last_round(self) -> int:
        """The number of the round that brings, or has brought, the last of what changed, unless an earlier one can."""
        return self._rounds + bool(self._pending) if self.started else 1

    def has_brought(self, number: int) -> bool:
        """Whether all that this round brings was answered, or waited for in vain; what it takes away comes later."""
        if self._rounds > number:
            return True
        is_over = self._round is None or self._round.stage is Stage.WITHDRAWAL
        return self.started and is_over and (self._rounds == number or not self._pending)

    @property
    def deadline(self) -> float | None:
        """When `advance` should be called though nothing happened."""
        if self._round:
            return self._waits_until(self._round)
        if self._pending:
            return self._verdicts.deadline
        doubt_ends = self._withdrawal.all_is_said_at if self._scopes.is_doubtful else None
        times = [self._withdrawal.deadline, self._idle.deadline, doubt_ends]
        return min((time for time in times if time is not None), default=None)

    def _is_due(self, now: float) -> bool:
        """Whether a round is wanted though nothing changed."""
        is_all_said = now >= self._withdrawal.all_is_said_at
        return (is_all_said and self._scopes.need_round()) or self._withdrawal.is_due(now)

    # -- rounds

    @property
    def _needs_secrets(self) -> bool:
        return not self._pending.keys().isdisjoint({Kind.CLUSTER, Kind.LISTENER})

    def _take_pending(self) -> Edits:
        pending, self._pending = self._pending, {}
        return pending

    def _begin(self, edits: Edits, now: float) -> None:
        self._rounds += 1
        self._outbox.rollout = self._rounds
        self._round = Round(self._rounds, now, now)
        self._enter(self._round, edits, now)

    def _may_join(self, current: Round, now: float) -> bool:
        """Whether a round takes up what changed meanwhile: its clusters, or the translator's answer to a refusal."""
        if current.stage is Stage.SCOPES:
            return bool(current.refused) and now < current.started + self._timing.patience
        return current.stage is Stage.CLUSTERS and now < current.started + self._timing.grace

    def _enter(self, current: Round, edits: Edits, now: float) -> None:
        """Bring the clusters of these edits, with their endpoints and secrets; keep the rest for its stage."""
        for kind in STAGE_OF:
            current.coming.setdefault(kind, {}).update(edits.get(kind, {}))
        for kind in (*_ANY_TIME, Kind.CLUSTER):
            if edits.get(kind):
                self._offer(kind, edits[kind], now)
        current.refused.difference_update(kind.key(name) for kind, names in edits.items() for name in names)
        if not current.refused:
            current.pause = 0.0
        self._flush(Kind.CLUSTER, [name for name, entry in edits.get(Kind.CLUSTER, {}).items() if entry], now)
        for kind in _ANY_TIME:
            if edits.get(kind):
                self._channels[kind].flush([name for name, entry in edits[kind].items() if entry])

    def _next(self, current: Round, now: float) -> None:
        if current.stage is Stage.WITHDRAWAL:
            self._finish()
            return
        clusters = self._channels[Kind.CLUSTER]
        if clusters.is_silent:  # Envoy keeps its request about them back while one warms, but takes what it is sent
            clusters.presume()
            self._flush(Kind.CLUSTER, list(clusters.offered), now)
            return
        while self._enter_stage(AFTER[current.stage], current, now):
            pass

    def _enter_stage(self, stage: Stage, current: Round, now: float) -> bool:
        """Go on to a stage, and do what is its; whether to go on to the next one at once, as mostly nothing is."""
        current.stage = stage
        current.since = now
        current.refused.clear()
        current.unrouted.clear()
        if stage is Stage.WITHDRAWAL:
            self._idle.bring(now)
            for kind, names in self._withdrawal.take_unused(self._coming_back, now).items():
                self._channels[kind].flush(names)
            return False
        kind = KIND_OF[stage]
        self._bring(kind, current, now)
        return not (self._channels[kind].in_flight or current.unrouted or current.pause or self._heard_by)

    def _bring(self, kind: Kind, current: Round, now: float) -> None:
        """Bring what this round has of a kind that waits for its stage."""
        edits, channel, nonce = current.coming.pop(kind, {}), self._channels[kind], self._outbox.nonce
        may_be_news = edits or channel.owed or channel.stale or current.led_to
        if not may_be_news and kind is not Kind.LISTENER:  # behind whose stage scopes may be due
            return  # as most rounds have it of most kinds
        if kind is Kind.EXTENSION:
            edits = self._idle.hold_back(edits, came_back=self._heard_by > 0)
        elif kind is Kind.SCOPE:
            self._bring_led_to(edits, current, now)
        self._offer(kind, edits, now)
        changed = [name for name, entry in edits.items() if entry or kind is Kind.LISTENER]
        if kind is Kind.ROUTE:  # what Envoy has not, and those of a scope that came back: others may lead there now
            wanted = [*self._answerable(kind), *changed]
            self._flush(kind, sorted(wanted, key=lambda name: (name in channel.held, name not in current.led_to)), now)
            changed = []
        if channel.subscription.asked:
            self._compare(channel, now)
        if kind is not Kind.SCOPE or (changed and not self._scopes.are_due()):
            self._flush(kind, [*changed, *self._answerable(kind)], now)
        due = self._scopes.take_due(behind_listeners=self._outbox.nonce > nonce) if kind is Kind.LISTENER else []
        if due:
            self._flush(Kind.SCOPE, due, now)

    def _bring_led_to(self, scopes: Mapping[str, Entry | None], current: Round, now: float) -> None:
        """Bring what the translator said anew, after a refusal, of routes that this round's scopes lead to.

        Those of which Envoy has a version may be an index: they wait, since they may lead to what is only coming.
        """
        coming, held = current.coming.get(Kind.ROUTE, {}), self._channels[Kind.ROUTE].held
        again = {name: coming[name] for name in current.led_to if coming.get(name) and name not in held}
        current.lead_to(current.led_to)
        self._offer(Kind.ROUTE, again, now)
        self._flush(Kind.ROUTE, again, now)
        back = [entry for name, entry in scopes.items() if entry and self._withdrawal.drains(Kind.SCOPE, name)]
        current.led_to.update(entry.routes for entry in back if entry.routes is not None)

    def _finish(self) -> None:
        self._round = None
        self._outbox.rollout = 0
        for kind in (Kind.ROUTE, Kind.EXTENSION, *_ANY_TIME):
            if self._withdrawal.waits(kind):
                self._channels[kind].flush(self._withdrawal.take(kind, self._coming_back(kind)))
        if self._rounds == 1:
            offered = {kind: channel.offered for kind, channel in self._channels.items()}
            self._channels[Kind.CLUSTER].ledger.forget_all_but(offered)

    def _is_done(self, current: Round, now: float) -> bool:
        ends = self._waits_until(current)
        return ends is None or now >= ends

    def _waits_until(self, current: Round) -> float | None:
        ends = waits_until(current, self._channels, self._timing, self._verdicts.deadline)
        if current.stage in (Stage.EXTENSIONS, Stage.SCOPES) and self._will_ask_for(KIND_OF[current.stage]):
            return max(ends or 0.0, self._heard_by)
        return ends

    def _will_ask_for(self, kind: Kind) -> bool:
        """Whether Envoy came back, and has listeners, so that it may have of this what it has not asked for yet.

        What it accepted before may not have been saved; that it has no listener only it can say.
        """
        listeners, channel = self._channels[Kind.LISTENER], self._channels[kind]
        has_listeners = bool(listeners.held) or not listeners.subscription.asked
        return self._heard_by > 0 and channel.is_silent and bool(channel.offered) and has_listeners

    # -- what is brought

    def _offer(self, kind: Kind, edits: Mapping[str, Entry | None], now: float) -> None:
        """Offer new versions from now on; what is gone is offered until it may be withdrawn (listeners: at once)."""
        offered = self._channels[kind].offered
        if kind is Kind.LISTENER:
            self._drain(edits, now)
        for name, entry in edits.items():
            if entry is not None:
                offered[name] = entry
                if kind is not Kind.LISTENER:
                    self._withdrawal.keep(kind, name)
            elif kind is Kind.LISTENER:
                offered.pop(name, None)
                self._withdrawal.forget(kind, name)
            else:
                self._withdrawal.add(kind, [name], self._rounds)

    def _drain(self, listeners: Mapping[str, Entry | None], now: float) -> None:
        """What Envoy has of these listeners is replaced or taken away."""
        channel, ledger = self._channels[Kind.LISTENER], self._channels[Kind.LISTENER].ledger
        known: dict[str, list[Entry]] = {}
        for name, entry in listeners.items():
            pair = (channel.offered.get(name), ledger.last_good(Kind.LISTENER.key(name)))
            known[name] = [each for each in pair if each]
            shown = channel.held.get(name)
            if shown is not None and shown not in [each.version for each in (*known[name], entry) if each]:
                self._withdrawal.drain_unknown(self._rounds, now)
        self._withdrawal.drain(known, self._rounds, now)

    def _flush(self, kind: Kind, names: Iterable[str], now: float) -> None:
        if kind is Kind.CLUSTER:
            self._clusters.send(names, self._round, self._rounds, now)
        elif kind is Kind.SCOPE:
            wanted = list(names)
            held, are_used = {name for name in wanted if name in self._channels[kind].held}, self._scopes.are_used()
            sent = self._scopes.send(wanted, self._round)
            self._follow_up([entry.routes for entry in sent if entry.routes is not None], are_used=are_used)
            self._withdrawal.came(kind, [entry.name for entry in sent if entry.name not in held], self._rounds)
        else:
            self._channels[kind].flush(names)

    def _follow_up(self, routes: Sequence[str], *, are_used: bool) -> None:
        """Send the routes of scopes right behind these: Envoy asks for them as it reads the scopes, and waits less."""
        channel, current = self._channels[Kind.ROUTE], self._round
        channel.recall(routes)
        if current and current.stage is Stage.SCOPES and are_used and len(routes) <= FEW:
            coming = current.coming.get(Kind.ROUTE, {})
            channel.offered.update({name: entry for name in routes if (entry := coming.get(name))})
            channel.send_ahead(routes)

    def _send_unordered(self, now: float) -> None:
        """Send what need not wait for a round: the runtime, secrets, endpoints unless a cluster to come needs them."""
        bound = {entry.endpoints for entry in self._pending.get(Kind.CLUSTER, {}).values() if entry}
        for kind in _ANY_TIME:
            held_back = bound if kind is Kind.ENDPOINT else ()
            edits = self._pending.get(kind)
            if not edits:
                continue
            ready = {name: entry for name, entry in edits.items() if entry and name not in held_back}
            for name in ready:
                del edits[name]
            self._offer(kind, ready, now)
            self._channels[kind].flush(ready)
        self._pending = {kind: names for kind, names in self._pending.items() if names}

    def _coming_back(self, kind: Kind) -> set[str]:
        return {name for name, entry in self._pending.get(kind, {}).items() if entry}

    # -- subscriptions

    def _is_gated(self, kind: Kind) -> bool:
        """Whether this kind's stage is still to come, so that only what was offered before may be sent."""
        return kind in STAGE_OF and self._round is not None and self._round.stage < STAGE_OF[kind]

    def _is_coming(self, kind: Kind, name: str) -> bool:
        """Whether a later stage or round brings this resource."""
        if self._pending.get(kind, {}).get(name):
            return True
        if kind is Kind.EXTENSION and name in self._idle:
            return True
        return bool(self._is_gated(kind) and self._round and self._round.coming.get(kind, {}).get(name))

    def _compare(self, channel: Channel, now: float) -> None:
        """Compare all that Envoy said it holds with what is offered, once."""
        if channel.stale:
            channel.stale = False
            kind, offered, drains = channel.kind, channel.offered, self._withdrawal.drains
            unknown = [name for name in channel.held if name not in offered and not self._is_coming(kind, name)]
            if kind is Kind.SCOPE and unknown:
                self._withdrawal.add(kind, unknown, self._rounds)
                self._withdrawal.drain_unknown(self._rounds, now)
            known = offered if channel.subscription.wildcard else [name for name in channel.held if name in offered]
            self._flush(kind, [*known, *(name for name in unknown if not drains(kind, name))], now)

    def _answerable(self, kind: Kind) -> list[str]:
        """The names owed an answer that can have it now, be it that there is no such resource.

        Routes for a scope or a listener of this very round are answered ahead of their stage: their clusters are there.
        """
        channel, current = self._channels[kind], self._round
        if not channel.owed:
            return []
        if kind is Kind.ROUTE and current and Stage.SCOPES <= current.stage <= Stage.LISTENERS:
            coming = current.coming.get(kind, {})
            channel.offered.update({name: entry for name in channel.owed if (entry := coming.get(name))})
        return [name for name in channel.owed if name in channel.offered or not self._is_coming(kind, name)]
