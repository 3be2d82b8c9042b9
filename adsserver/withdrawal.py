"""What is gone from the catalog and still offered to Envoy, until nothing that Envoy keeps can be using it.

A listener that changed or went drains: for minutes Envoy serves who is connected by the routes that the listener has,
and for as long it asks for them by name. So a route configuration that is gone is used until Envoy asks for it no more,
and with it each cluster that was there before it went. A request may also be on its way to a cluster (it waits for an
authorization, or is tried again), or a connection (in its handshake) when the last route to it goes; so a cluster stays
for some seconds more. What a request or a connection has reached it keeps, though the cluster goes.

No more are kept than there are others, or a thousand: where everything changes again and again, some go before their
time, since an Envoy without memory would serve nobody: those that no draining listener may need, and of these the first
to leave.
"""

from collections.abc import Collection, Iterable, Mapping
from itertools import islice

from adsserver.channel import Channel
from adsserver.resources import Catalog, Kind

MOST_KEPT = 1000
"""So many clusters that are gone are kept at least: some 60 MB of Envoy's memory."""

_BEFORE = 0
"""The round of what Envoy held when this stream began."""


class Withdrawal:
    """The leaving resources of one stream, by kind; listeners are not among them, since nothing uses a listener."""

    def __init__(self, channels: Mapping[Kind, Channel], catalog: Catalog, linger: float) -> None:
        self._settled_at = self._trusted_at = 0.0
        self._expected: list[Kind] = []
        self._channels = channels
        self._catalog = catalog
        self._linger = linger
        self._leaving: dict[Kind, dict[str, int]] = {kind: {} for kind in Kind if kind is not Kind.LISTENER}
        self._sent_first: dict[str, int] = {}
        self._unused_since: dict[str, float] = {}
        self._surplus: list[str] = []
        self._is_news = False

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
        self._is_news = True

    def keep(self, kind: Kind, name: str) -> None:
        """This has come back."""
        self._leaving[kind].pop(name, None)
        self._is_news = True

    def came(self, clusters: Iterable[str], number: int) -> None:
        """Envoy is sent these clusters, which it did not have, in the round of this number."""
        for name in clusters:
            self._sent_first.setdefault(name, number)

    def look_again(self) -> None:
        """Something happened after which more may be taken away than before."""
        self._is_news = True

    def waits(self, kind: Kind) -> bool:
        """Whether something of this kind is leaving."""
        return bool(self._leaving[kind])

    def drains(self, kind: Kind, name: str) -> bool:
        """Whether this is gone, and asked for by listeners that drain."""
        return kind is Kind.ROUTE and name in self._leaving[kind]

    @property
    def deadline(self) -> float | None:
        """When to ask `is_due` though nothing happened."""
        if self._is_news and any(self._leaving.values()):
            return self.all_is_said_at
        return min(self._unused_since.values()) + self._linger if self._unused_since else None

    def is_due(self, now: float) -> bool:
        """Whether it is worth a round to take something away."""
        if not any(self._leaving.values()) or now < self.all_is_said_at:
            return False
        if self._is_news:
            self._is_news = False
            self._watch_clusters(now)
            if not self._leaving[Kind.CLUSTER]:
                return any(self._free(kind, ()) for kind in self._leaving)
            if self._surplus or self._free(Kind.ROUTE, ()):
                return True
        return any(since + self._linger <= now for since in self._unused_since.values())

    def take_clusters(self, coming: Collection[str], now: float) -> list[str]:
        """Offer no longer those that nothing has used for long enough, and that are not coming back."""
        if now < self.all_is_said_at:
            return []
        self._watch_clusters(now)
        old = [name for name, since in self._unused_since.items() if since + self._linger <= now]
        names = [name for name in dict.fromkeys([*self._surplus, *old]) if name not in coming]
        for name in names:
            self._unused_since.pop(name, None)
            self._sent_first.pop(name, None)
            self._let_go(Kind.CLUSTER, name)
        self._surplus = []
        return names

    def take(self, kind: Kind, coming: Collection[str]) -> list[str]:
        """Offer no longer what is gone, is not used, and is not coming back; returns the names.

        While clusters linger that may use it, that is only what Envoy does not ask for.
        """
        names = self._free(kind, coming)
        if self.waits(Kind.CLUSTER):
            wanted = self._channels[kind].subscription.names
            names = [name for name in names if name not in wanted]
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

    @property
    def all_is_said_at(self) -> float:
        """When an Envoy that came back has had the time to say all that it wants."""
        is_silent = any(self._channels[kind].is_silent for kind in self._expected)
        return self._trusted_at if is_silent else self._settled_at

    def _watch_clusters(self, now: float) -> None:
        """Note since when each leaving cluster is not used; a missing answer may be about what led away from it."""
        is_answered = not any(self._channels[kind].in_flight for kind in (Kind.EXTENSION, Kind.LISTENER, Kind.ROUTE))
        before, free = self._unused_since, self._free(Kind.CLUSTER, ())
        self._unused_since = {name: before.get(name, now) for name in free if is_answered or name in before}
        leaving, most = self._leaving[Kind.CLUSTER], max(MOST_KEPT, len(self._catalog.of(Kind.CLUSTER)))
        self._surplus = self._beyond(leaving, most) if is_answered and len(leaving) > most else []

    def _beyond(self, leaving: Mapping[str, int], most: int) -> list[str]:
        """The clusters that there are too many of: those first that no listener that drains may need."""
        used = self._used()
        first = sorted(leaving, key=lambda name: name not in self._unused_since)
        return [name for name in islice(first, len(leaving) - most) if Kind.CLUSTER.key(name) not in used]

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
            names = [name for name in names if self._sent_first.get(name, _BEFORE) >= last]
        used = self._used()
        return [name for name in names if kind.key(name) not in used] if used else names

    def _used(self) -> set[str]:
        """The keys of what is gone, but stands in a version that Envoy keeps because it refused a newer one.

        A name in its bytes is taken for a use. Where the bytes are not known, everything may be in use.
        """
        kept = self._channels[Kind.CLUSTER].ledger.kept()
        if None in kept:
            return {kind.key(name) for kind, names in self._leaving.items() for name in names}
        used: set[str] = set()
        users = [entry.body for entry in kept if entry]
        for kind in (Kind.ROUTE, Kind.CLUSTER, Kind.ENDPOINT, Kind.SECRET) if users else ():
            offered = self._channels[kind].offered
            for name in self._leaving[kind]:
                if any(name.encode() in body for body in users):
                    used.add(kind.key(name))
                    users.extend([offered[name].body] if name in offered else [])
        return used
