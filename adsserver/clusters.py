"""Clusters go with their endpoints right behind them: without these a changed cluster would stay warming.

That there are no endpoints is news that ends the warming, too.
"""

from collections.abc import Callable, Iterable, Mapping

from adsserver.channel import Channel, Outbox
from adsserver.messages import Response
from adsserver.resources import Kind
from adsserver.round import Round
from adsserver.withdrawal import Withdrawal


class Clusters:
    """The clusters of one stream."""

    def __init__(
        self,
        channels: Mapping[Kind, Channel],
        outbox: Outbox,
        withdrawal: Withdrawal,
        is_coming: Callable[[Kind, str], bool],
    ) -> None:
        """`is_coming`: whether a later stage or round brings a resource."""
        self._clusters = channels[Kind.CLUSTER]
        self._endpoints = channels[Kind.ENDPOINT]
        self._outbox = outbox
        self._withdrawal = withdrawal
        self._is_coming = is_coming

    def send(self, names: Iterable[str], current: Round | None, number: int, now: float) -> None:
        """Send clusters in the round `current`, which waits for their endpoints; `number` is that of the last round."""
        wanted, endpoints = list(names), self._endpoints
        held = {name for name in wanted if name in self._clusters.held}
        sent = self._clusters.flush(wanted, withdraw=False)
        if not sent:
            return
        self._withdrawal.came(Kind.CLUSTER, [entry.name for entry in sent if entry.name not in held], number)
        needed = dict.fromkeys(entry.endpoints for entry in sent if entry.endpoints is not None)
        if current:
            current.since = now
            for name in needed:
                if name in endpoints.offered:
                    current.awaited[name] = self._outbox.nonce
        endpoints.owe(name for name in needed if name in endpoints.offered or not self._is_coming(Kind.ENDPOINT, name))
        endpoints.flush([name for name in needed if name in endpoints.owed])

    def compare(self, current: Round | None, number: int, now: float) -> None:
        """Compare all that Envoy said it holds with what is offered, once."""
        if self._clusters.stale:
            self._clusters.stale = False
            known = self._clusters.offered
            unknown = [
                name for name in self._clusters.held if name not in known and not self._is_coming(Kind.CLUSTER, name)
            ]
            self._withdrawal.add(Kind.CLUSTER, unknown, number)
            self.send(list(known), current, number, now)


def endpoints_arrived(response: Response, current: Round) -> None:
    """Envoy accepted a response: what it said of endpoints was awaited."""
    if response.kind is Kind.ENDPOINT:
        for entry in response.entries:
            if response.nonce > current.awaited.get(entry.name, response.nonce):
                del current.awaited[entry.name]
