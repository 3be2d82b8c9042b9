"""What is gone from the catalog and still offered to Envoy, until nothing that Envoy keeps can be using it."""

from collections.abc import Collection, Iterable, Mapping

from adsserver.channel import Channel
from adsserver.resources import Catalog, Kind


class Withdrawal:
    """The leaving resources of one stream, by kind; listeners are not among them, since nothing uses a listener."""

    def __init__(self, channels: Mapping[Kind, Channel], catalog: Catalog) -> None:
        self._settled_at = self._trusted_at = 0.0
        self._expected: list[Kind] = []
        self._channels = channels
        self._catalog = catalog
        self._leaving: dict[Kind, dict[str, None]] = {kind: {} for kind in Kind if kind is not Kind.LISTENER}
        self._is_news = False

    def settle(self, settled_at: float, trusted_at: float) -> None:
        """Envoy came back: take nothing away before it has said all that it wants.

        That is at `settled_at`, if it has asked for the kinds by then that it accepted before, or else at `trusted_at`:
        a process that was stopped for a while finds its timers due before it has read what Envoy said meanwhile.
        """
        ledger = self._channels[Kind.CLUSTER].ledger
        self._settled_at, self._trusted_at = settled_at, trusted_at
        self._expected = [kind for kind in (Kind.LISTENER, Kind.ROUTE) if ledger.accepted(kind)]

    def add(self, kind: Kind, names: Iterable[str]) -> None:
        """These are gone."""
        self._leaving[kind].update(dict.fromkeys(names))
        self._is_news = True

    def keep(self, kind: Kind, name: str) -> None:
        """This has come back."""
        self._leaving[kind].pop(name, None)

    def look_again(self) -> None:
        """Something happened after which more may be taken away than before."""
        self._is_news = True

    def waits(self, kind: Kind) -> bool:
        """Whether something of this kind is leaving."""
        return bool(self._leaving[kind])

    @property
    def deadline(self) -> float | None:
        """When to ask `is_due` though nothing happened."""
        return self._all_is_said_at if self._is_news and any(self._leaving.values()) else None

    def is_due(self, now: float) -> bool:
        """Whether it is worth a round to take something away."""
        if not self._is_news or not any(self._leaving.values()) or now < self._all_is_said_at:
            return False
        self._is_news = False
        return not self._leaving[Kind.CLUSTER] or bool(self._free(Kind.CLUSTER, ()))

    def may_take_clusters(self, now: float) -> bool:
        """Whether Envoy has told all that it wants, and has answered all that might have led away from a cluster."""
        return now >= self._all_is_said_at and not any(
            self._channels[kind].in_flight for kind in (Kind.LISTENER, Kind.ROUTE)
        )

    def take(self, kind: Kind, coming: Collection[str]) -> list[str]:
        """Offer no longer what is gone, is not used, and is not coming back; returns the names."""
        names = self._free(kind, coming)
        for name in names:
            del self._leaving[kind][name]
            self._channels[kind].offered.pop(name, None)
            self.forget(kind, name)
        return names

    def forget(self, kind: Kind, name: str) -> None:
        """No longer remember what Envoy thought of a resource that is no more."""
        if self._catalog.entry(kind, name) is None:
            self._channels[kind].ledger.forget(kind.key(name))

    @property
    def _all_is_said_at(self) -> float:
        is_silent = any(self._channels[kind].is_silent for kind in self._expected)
        return self._trusted_at if is_silent else self._settled_at

    def _free(self, kind: Kind, coming: Collection[str]) -> list[str]:
        if not self._leaving[kind]:
            return []
        used = self._used()
        return [name for name in self._leaving[kind] if name not in coming and kind.key(name) not in used]

    def _used(self) -> set[str]:
        """The keys of what is gone, but stands in a version that Envoy keeps because it refused a newer one.

        A name in its bytes is taken for a use. Where the bytes are not known, everything may be in use; so it is while
        Envoy wants routes that are gone, since it goes on using them.
        """
        kept, routes = self._channels[Kind.CLUSTER].ledger.kept(), self._channels[Kind.ROUTE]
        if None in kept or not routes.subscription.names <= routes.offered.keys():
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
