"""What is gone from the catalog and still offered to Envoy, until nothing that Envoy keeps can be using it.

A listener that changed or went drains: for minutes Envoy serves who is connected by the routes that the listener has,
and for as long it asks for them by name. So a route configuration that is gone is used until Envoy asks for it no more,
and with it each cluster that was there before it went. A request may also be on its way to a cluster (it waits for an
authorization, or is tried again), or a connection (in its handshake) when the last route to it goes; so a cluster stays
for some seconds more. What a request or a connection has reached it keeps, though the cluster goes.

So does a scope, since a request may be routed again by its scope after it was authorized. Envoy asks for a scope's
routes as long as it has the scope. That a draining listener may still use it nobody says. So when a listener changes or
goes and the scope goes that it begins with, this one and all that were there stay for as long as a drain takes.

No more are kept than there are others, or a thousand: where everything changes again and again, some go before their
time, since an Envoy without memory would serve nobody: those that no draining listener may need, and of these the first
to leave.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from math import inf

from adsserver.channel import Channel
from adsserver.resources import Catalog, Entry, Kind
from adsserver.round import Timing
from adsserver.scopes import spellings

MOST_KEPT = 1000
"""So many of a kind that are gone are kept at least: of clusters some 60 MB of Envoy's memory."""

_USERS_FIRST = (Kind.SCOPE, Kind.ROUTE, Kind.SCOPE, Kind.ROUTE, Kind.CLUSTER, Kind.ENDPOINT, Kind.SECRET)
"""Who names others before these: a listener names the scope of its index, and the routes of that name scopes."""

_BEFORE = 0
"""The round of what Envoy held when this stream began."""

_Known = tuple[int, int, Sequence[Entry | None]]
"""All on which it depends what may go: what was said here, what Envoy asks for, what it keeps instead of newer ones."""


@dataclass(slots=True)
class _Lingering:
    """What is known of a kind whose resources stay for a while after their last use, by name."""

    sent_first: dict[str, int] = field(default_factory=dict)
    """The round in which Envoy was given what it did not have."""
    goes_at: dict[str, float] = field(default_factory=dict)
    """When that goes which nothing uses."""
    surplus: list[str] = field(default_factory=list)
    """What goes at once, since there is too much."""


class Withdrawal:
    """The leaving resources of one stream, by kind; listeners are not among them, since nothing uses a listener."""

    def __init__(self, channels: Mapping[Kind, Channel], catalog: Catalog, timing: Timing) -> None:
        self._settled_at = self._trusted_at = 0.0
        self._expected: list[Kind] = []
        self._channels = channels
        self._catalog = catalog
        self._timing = timing
        self._leaving: dict[Kind, dict[str, int]] = {kind: {} for kind in Kind if kind is not Kind.LISTENER}
        self._lingering = {kind: _Lingering() for kind in (Kind.SCOPE, Kind.CLUSTER)}
        self._last_drain = _BEFORE
        self._drained_at = 0.0
        self._drained: set[str] = set()
        self._is_news = False
        self._moves = 0
        self._watched: _Known | None = None
        self._next_end: float | None = None
        self._has_free = False
        self._futile: dict[Kind, tuple[_Known, int]] = {}

    def settle(self, settled_at: float, trusted_at: float) -> None:
        """Envoy came back: take nothing away before it has said all that it wants.

        That is at `settled_at`, if it has asked for the kinds by then that it accepted before, or else at `trusted_at`:
        a process that was stopped for a while finds its timers due before it has read what Envoy said meanwhile.
        """
        ledger = self._channels[Kind.CLUSTER].ledger
        self._settled_at, self._trusted_at = settled_at, trusted_at
        self._expected = [kind for kind in (Kind.LISTENER, Kind.ROUTE) if ledger.accepted(kind)]

    def add(self, kind: Kind, names: Iterable[str], number: int) -> None:
        """These are gone since the round of this number."""
        for name in names:
            self._leaving[kind].setdefault(name, number)
        self._move()

    def keep(self, kind: Kind, name: str) -> None:
        """This is there, and may have come back."""
        if self._leaving[kind].pop(name, None) is not None:
            self._move()

    def came(self, kind: Kind, names: Iterable[str], number: int) -> None:
        """Envoy is sent these, which it did not have, in the round of this number."""
        for name in names:
            self._lingering[kind].sent_first.setdefault(name, number)
            self._moves += name in self._leaving[kind]

    def drain(self, listeners: Mapping[str, Iterable[Entry]], number: int, now: float) -> None:
        """These versions of listeners go in the round of this number: whom they serve needs their scopes for a while.

        One that changes again drains from then on: what was to replace it may not have got ready.
        """
        if not listeners:
            return
        offered = self._channels[Kind.SCOPE].offered
        bodies = [each.body for known in listeners.values() for each in known]
        is_again = now < self._drained_at and not self._drained.isdisjoint(listeners)
        if is_again or any(_is_named(name, offered.get(name), bodies) for name in self._leaving[Kind.SCOPE]):
            self._drained = {*listeners, *(self._drained if now < self._drained_at else ())}
            self._last_drain, self._drained_at = number, now + self._timing.drain
            self._move()

    def drain_unknown(self, number: int, now: float) -> None:
        """Nobody remembers some scopes, or a listener: they may be those of what went, or goes in this round."""
        self._last_drain, self._drained_at = number, now + self._timing.drain + self._timing.trust
        self._move()

    def look_again(self) -> None:
        """Something happened after which more may be taken away than before."""
        self._is_news = True

    def waits(self, kind: Kind) -> bool:
        """Whether something of this kind is leaving."""
        return bool(self._leaving[kind])

    def drains(self, kind: Kind, name: str) -> bool:
        """Whether this is gone, and may be used by listeners that drain."""
        return kind in (Kind.ROUTE, Kind.SCOPE) and name in self._leaving[kind]

    @property
    def deadline(self) -> float | None:
        """When to ask `is_due` though nothing happened."""
        if self._is_news and any(self._leaving.values()):
            return self.all_is_said_at
        return self._next_end

    def is_due(self, now: float) -> bool:
        """Whether it is worth a round to take something away."""
        if not any(self._leaving.values()) or now < self.all_is_said_at:
            return False
        if self._is_news:
            self._is_news = False
            self._watch(now)
            if self._has_free or any(each.surplus for each in self._lingering.values()):
                return True
        return self._next_end is not None and self._next_end <= now

    def take_unused(self, coming: Callable[[Kind], Collection[str]], now: float) -> dict[Kind, list[str]]:
        """Offer no longer what nothing has used for long enough, and what is not `coming` back; returns the names."""
        if now < self.all_is_said_at:
            return {}
        self._watch(now)
        taken: dict[Kind, list[str]] = {}
        for kind, each in self._lingering.items():
            old = [name for name, end in each.goes_at.items() if end <= now]
            kept = coming(kind)
            taken[kind] = [name for name in dict.fromkeys([*each.surplus, *old]) if name not in kept]
            for name in taken[kind]:
                each.goes_at.pop(name, None)
                each.sent_first.pop(name, None)
                self._let_go(kind, name)
            each.surplus = []
        if any(taken.values()):
            self._next_end = self._first_end()
        return taken

    def take(self, kind: Kind, coming: Collection[str]) -> list[str]:
        """Offer no longer what is gone, is not used, and is not coming back; returns the names.

        While clusters linger that may use it, that is only what Envoy does not ask for.
        """
        known = (self._known(), self._channels[kind].subscription.changes)
        if self._futile.get(kind) == known:
            return []
        names = self._free(kind, coming)
        if self.waits(Kind.CLUSTER):
            wanted = self._channels[kind].subscription.names
            names = [name for name in names if name not in wanted]
        if not names and not coming:
            self._futile[kind] = known
        for name in names:
            self._let_go(kind, name)
        return names

    def forget(self, kind: Kind, name: str) -> None:
        """No longer remember what Envoy thought of a resource that is no more."""
        if self._catalog.entry(kind, name) is None:
            self._channels[kind].ledger.forget(kind.key(name))

    def _let_go(self, kind: Kind, name: str) -> None:
        del self._leaving[kind][name]
        self._channels[kind].offered.pop(name, None)
        self.forget(kind, name)
        self._move()  # what it used, or was kept for its sake, may go now

    def _move(self) -> None:
        self._moves += 1
        self._is_news = True

    def _known(self) -> _Known:
        ledger = self._channels[Kind.CLUSTER].ledger
        return self._moves, self._channels[Kind.ROUTE].subscription.changes, ledger.kept()

    @property
    def all_is_said_at(self) -> float:
        """When an Envoy that came back has had the time to say all that it wants."""
        is_silent = any(self._channels[kind].is_silent for kind in self._expected)
        return self._trusted_at if is_silent else self._settled_at

    def _watch(self, now: float) -> None:
        """Note when what is not used goes: anew only if that may be another time, since much may wait for its own."""
        if not any(self._leaving.values()):
            for each in self._lingering.values():
                each.goes_at, each.surplus = {}, []
            self._next_end, self._watched, self._has_free = None, None, False
            return
        is_answered = not any(self._channels[kind].in_flight for kind in (Kind.EXTENSION, Kind.LISTENER, Kind.ROUTE))
        known = self._known()
        if known != self._watched:
            self._schedule(now, is_answered=is_answered)
            self._watched = known if is_answered else None
        for kind, each in self._lingering.items():
            leaving, most = self._leaving[kind], max(MOST_KEPT, len(self._catalog.of(kind)))
            each.surplus = self._beyond(kind, most) if is_answered and len(leaving) > most else []

    def _schedule(self, now: float, *, is_answered: bool) -> None:
        """When all that is not used goes; a missing answer may be about what led away from it."""
        for kind, each in self._lingering.items():
            before, free = each.goes_at, self._free(kind, ())
            each.goes_at = {name: self._end(kind, name, before, now) for name in free if is_answered or name in before}
        self._next_end = self._first_end()
        lingers = any(self._leaving[kind] for kind in self._lingering)
        self._has_free = any(self._free(kind, ()) for kind in ([Kind.ROUTE] if lingers else self._leaving))

    def _first_end(self) -> float | None:
        return min((end for each in self._lingering.values() for end in each.goes_at.values()), default=None)

    def _end(self, kind: Kind, name: str, before: Mapping[str, float], now: float) -> float:
        """When something goes that nothing that we know of uses: a scope at once when Envoy has dropped its routes."""
        if kind is not Kind.SCOPE:
            return before.get(name, now + self._timing.linger)
        entry = self._channels[kind].offered.get(name)
        if entry and entry.routes is not None and entry.routes not in self._channels[Kind.ROUTE].subscription.names:
            return now
        may_drain = self._lingering[kind].sent_first.get(name, _BEFORE) < self._last_drain
        return before.get(name, max(now + self._timing.linger, self._drained_at if may_drain else 0.0))

    def _beyond(self, kind: Kind, most: int) -> list[str]:
        """What there is too much of: that first which no listener that drains may need."""
        used, leaving, goes_at = self._used(), self._leaving[kind], self._lingering[kind].goes_at
        first = sorted(leaving, key=lambda name: goes_at.get(name, inf))
        return [name for name in islice(first, len(leaving) - most) if kind.key(name) not in used]

    def _free(self, kind: Kind, coming: Collection[str]) -> list[str]:
        names = [name for name in self._leaving[kind] if name not in coming]
        if not names:
            return names
        wanted = self._channels[Kind.ROUTE].subscription.names
        if kind is Kind.ROUTE:  # what a listener uses that Envoy keeps, it asks for
            return [name for name in names if name not in wanted]
        if kind is Kind.CLUSTER:
            routes = self._leaving[Kind.ROUTE].items()
            last = max((number for name, number in routes if name in wanted), default=_BEFORE)
            came = self._lingering[kind].sent_first
            names = [name for name in names if came.get(name, _BEFORE) >= last]
        used = self._used()
        return [name for name in names if kind.key(name) not in used] if used else names

    def _used(self) -> set[str]:
        """The keys of what is gone, but stands in a version that Envoy keeps because it refused a newer one.

        A name in its bytes (of a scope: its key) is taken for a use. Where the bytes are not known, everything may be
        in use.
        """
        kept = self._channels[Kind.CLUSTER].ledger.kept()
        if None in kept:
            return self._everything
        used: set[str] = set()
        users = [entry.body for entry in kept if entry]
        for kind in _USERS_FIRST if users else ():
            for name in self._leaving[kind]:
                entry = self._channels[kind].offered.get(name)
                if kind.key(name) not in used and _is_named(name, entry, users):
                    if entry is None and kind in (Kind.SCOPE, Kind.ROUTE):
                        return self._everything
                    used.add(kind.key(name))
                    users.extend([entry.body] if entry else [])
        return used

    @property
    def _everything(self) -> set[str]:
        return {kind.key(name) for kind, names in self._leaving.items() for name in names}


def _is_named(name: str, entry: Entry | None, users: Iterable[bytes]) -> bool:
    words = spellings(entry) if entry else [name.encode()]
    return any(word in body for body in users for word in words)
