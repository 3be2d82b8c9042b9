"""Scopes come before whatever sends requests to them, and are there for each listener that comes to need them.

Given a scope, Envoy asks for the scope's route configuration. Another one that it has for long, an index, may send
requests there as soon as its stage comes; so a round waits until Envoy has answered for the routes of all scopes that
it was sent.

Envoy 1.40 drops its scopes when the last listener with scoped routes has drained, and says nothing: it shows them still
when it comes back. Nor does it ask for them when such a listener comes again, which then waits for ever. What tells is
that it asks no longer for the routes of scopes that it was given. So then all scopes go right behind the listeners.
"""

from collections.abc import Iterable, Iterator, Mapping

from adsserver.channel import Channel
from adsserver.resources import Catalog, Entry, Kind
from adsserver.round import Round
from envoyapi.reading import DecodeError, fields

_KEY, _FRAGMENTS, _STRING = 3, 1, 1


class Scopes:
    """The scopes of one stream."""

    def __init__(self, channels: Mapping[Kind, Channel], catalog: Catalog) -> None:
        self._scopes = channels[Kind.SCOPE]
        self._routes = channels[Kind.ROUTE]
        self._catalog = catalog
        self.is_doubtful = False
        """Whether Envoy may have dropped its scopes; see `need_round`."""
        self._are_due = False

    def send(self, names: Iterable[str], current: Round | None) -> list[Entry]:
        """Send scopes; the round then waits for their routes. Returns what was sent."""
        sent = self._scopes.flush(names)
        if current:
            current.lead_to(entry.routes for entry in sent if entry.routes is not None)
        return sent

    def are_used(self) -> bool:
        """Whether Envoy has scopes, as far as is known, and takes what it is sent of them."""
        return self._routes.subscription.asked and not self._are_lost()

    def are_due(self) -> bool:
        """Whether they can only go behind the listeners, since Envoy holds none now. To be asked in their stage."""
        self._are_due |= self._routes.subscription.asked and self._are_lost()
        return self._are_due

    def take_due(self, *, behind_listeners: bool) -> list[str]:
        """The names of the scopes that are to go now, whatever Envoy seems to hold, in the stage of the listeners."""
        is_due = self._are_due or (behind_listeners and self._are_lost())
        self._are_due = False
        names = list(self._catalog.of(Kind.SCOPE)) if is_due else []
        self._scopes.owe(names)
        return names

    def doubt(self, routes: Iterable[str] | None = None) -> None:
        """Envoy asks no longer for these routes, or says for the first time what it wants or holds."""
        is_gone = routes is not None and not any(self._catalog.entry(Kind.ROUTE, name) for name in routes)
        self.is_doubtful |= not is_gone

    def need_round(self) -> bool:
        """Whether Envoy dropped scopes that there are; true once. To be asked when it has said all that it wants."""
        is_doubtful, self.is_doubtful = self.is_doubtful, False
        self._are_due |= is_doubtful and self._are_lost()
        return self._are_due

    def _are_lost(self) -> bool:
        """Whether Envoy has nothing that uses scopes: it asks for the routes of a scope before it accepts the scope."""
        held, wanted = self._scopes.held, self._routes.subscription.names
        if not self._scopes.subscription.asked or not self._catalog.of(Kind.SCOPE):
            return False
        if not held:
            return True
        offered = self._scopes.offered
        for name, version in held.items():  # all of them, but a scope is a hundred routes
            entry = offered.get(name)
            is_unwanted = entry is not None and entry.routes is not None and entry.routes not in wanted
            if is_unwanted and entry and entry.version == version and not self._scopes.is_busy(name):
                return True
        return False


def spellings(entry: Entry) -> list[bytes]:
    """What others call a resource: by its name, and a scope also by its key."""
    try:
        keys = list(_keys(entry.body)) if entry.kind is Kind.SCOPE else []
    except DecodeError:
        keys = []
    return [entry.name.encode(), *keys]


def _keys(body: bytes) -> Iterator[bytes]:
    """The parts of an encoded scope's key."""
    for key in _inside(body, _KEY):
        for fragment in _inside(key, _FRAGMENTS):
            yield from _inside(fragment, _STRING)


def _inside(message: bytes, wanted: int) -> Iterator[bytes]:
    return (value for number, value in fields(message) if number == wanted and isinstance(value, bytes))
