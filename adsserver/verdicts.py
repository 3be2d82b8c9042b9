"""What is made with Secrets waits for Envoy's word on those that are on their way.

Envoy 1.40 keeps a refused Secret in mind: what was made with the last good one serves on, but a cluster or a listener
that comes now is made with the refused one, and refused with it, though nothing is wrong with it. So these go out when
the Secrets are answered and the last good one is back in place of each refused one. Where there is none the translator
is given a moment to take back what names it, and whatever was refused meanwhile is tried again when Envoy has forgotten
the Secret.
"""

from collections.abc import Collection

from adsserver.channel import Channel
from adsserver.messages import Response
from adsserver.round import Timing


class Verdicts:
    """Envoy's verdicts on the Secrets that it was sent on one stream."""

    def __init__(self, secrets: Channel, timing: Timing) -> None:
        self._secrets = secrets
        self._timing = timing
        self._since: float | None = None
        self._given_up = False
        self._in_mind = set(secrets.ledger.refused(secrets.kind))
        self._spoilt: set[str] = set()
        self._pause = 0.0
        self._is_relieved = False

    def answered(self, response: Response, error: str | None, now: float) -> None:
        """Envoy answered for a Secret."""
        if error is None or not response.entries:
            self.dropped(response.names)
            return
        (secret,) = response.entries
        self._in_mind.add(secret.name)
        if self._secrets.ledger.last_good(secret.key) is None:
            self._spoilt.add(secret.name)
            self._pause = now + self._timing.pause

    def dropped(self, names: Collection[str]) -> None:
        """Envoy has no refused version of these in mind any more."""
        self._is_relieved |= not self._in_mind.isdisjoint(names)
        self._in_mind.difference_update(names)

    def changed(self, names: Collection[str]) -> None:
        """The translator has something else to say of these Secrets."""
        self._spoilt.difference_update(names)

    def are_known(self, now: float) -> bool:
        """Whether clusters and listeners may go. To be asked whenever something happened."""
        if not self._secrets.in_flight and not self._spoilt:
            self._since, self._given_up = None, False
        elif self._since is None:
            self._since = now
        elif now >= self._ends(self._since):
            self._given_up = True
            self._spoilt.clear()
        return self._since is None or self._given_up

    @property
    def deadline(self) -> float | None:
        """When to ask again though nothing happened."""
        return None if self._since is None or self._given_up else self._ends(self._since)

    def take_relief(self) -> bool:
        """Whether what was refused may be taken now, since a refused Secret is out of Envoy's mind; true once."""
        is_relieved = self._is_relieved and not self._secrets.in_flight
        self._is_relieved &= not is_relieved
        return is_relieved

    def _ends(self, since: float) -> float:
        """A busy Envoy is waited for; a long row of bad Secrets holds nobody up for longer."""
        latest = since + self._timing.patience
        return latest if self._secrets.in_flight else min(latest, self._pause)
