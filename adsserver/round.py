"""A round of changes on its way to Envoy, and how long it waits for what."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from adsserver.channel import Channel
from adsserver.messages import Response
from adsserver.resources import Edits, Entry, Kind


@dataclass(frozen=True, slots=True)
class Timing:
    """How long to wait for what, in seconds."""

    grace: float = 1.0
    """For the answer about clusters, which Envoy withholds while any of them warms up."""
    short_grace: float = 0.1
    """The same when an earlier round's clusters still warm up, so that the answer will not come soon anyway."""
    patience: float = 5.0
    """For every other answer, and for new clusters to ask for their endpoints: a busy machine, not a warming one."""
    settling: float = 1.0
    """After Envoy came back on a new stream, before anything is taken away: until it has asked for all its kinds."""
    trust: float = 15.0
    """The same while a kind has not been asked for of which Envoy accepted something on an earlier stream."""
    pause: float = 0.5
    """After Envoy refused something new, before the routes to it go out: for the translator to take them back."""
    linger: float = 15.0
    """From the moment when nothing leads to a cluster or a scope any more until it is taken away."""
    drain: float = 600.0
    """As long Envoy serves who is connected by a listener that changed or went."""
    pardon: float = 5.0
    """Until a listener is tried again whose address could not be bound."""


class Stage(IntEnum):
    """Where a round is."""

    CLUSTERS = 1
    EXTENSIONS = 2
    SCOPES = 3
    LISTENERS = 4
    ROUTES = 5
    WITHDRAWAL = 6


AFTER: Final[Mapping[Stage, Stage]] = {stage: Stage(stage + 1) for stage in Stage if stage is not Stage.WITHDRAWAL}
"""The stage after each."""

STAGE_OF = {
    Kind.EXTENSION: Stage.EXTENSIONS,
    Kind.SCOPE: Stage.SCOPES,
    Kind.LISTENER: Stage.LISTENERS,
    Kind.ROUTE: Stage.ROUTES,
}
"""The kinds that wait for their stage; the others go with the clusters, or at any time."""

KIND_OF = {stage: kind for kind, stage in STAGE_OF.items()}


@dataclass(slots=True)
class Round:
    """Changes on their way; what is still to come of them, and what they wait for.

    `since`: when the stage began, clusters were last sent in it, or it last came nearer to its end.
    """

    number: int
    started: float
    since: float
    stage: Stage = Stage.CLUSTERS
    coming: Edits = field(default_factory=dict)
    """What waits for its stage: configurations of filters, scopes, listeners and routes."""
    awaited: dict[str, int] = field(default_factory=dict)
    """Endpoints that warming clusters need, with the nonce after which Envoy's answer about them counts."""
    refused: set[str] = field(default_factory=set)
    """Keys of what is new, was refused, and was not taken back by the translator ..."""
    pause: float = 0.0
    """... for which the round waits until this time."""
    led_to: set[str] = field(default_factory=set)
    """Route configurations that scopes lead to which it sent, or kept."""
    unrouted: set[str] = field(default_factory=set)
    """Those that Envoy has still to ask for, or to answer for."""

    def lead_to(self, routes: Iterable[str]) -> None:
        """Envoy is sent scopes with these route configurations, or something new of these."""
        names = set(routes)
        self.led_to |= names
        self.unrouted |= names

    def answered(self, response: Response, now: float) -> None:
        """Envoy answered: be it for routes that scopes lead to, it is at work on them."""
        if response.kind is Kind.ROUTE and not self.unrouted.isdisjoint(response.names):
            self.since = now

    def refused_new(self, entry: Entry, until: float) -> None:
        """Envoy has no version of something now: hold back what may lead there, for the translator to take it back."""
        is_of_scope = entry.kind is Kind.SCOPE or (entry.kind is Kind.ROUTE and entry.name in self.led_to)
        if entry.kind is Kind.SCOPE:
            self.led_to.discard(entry.routes or "")
            self.unrouted.discard(entry.routes or "")
        stage = Stage.CLUSTERS if entry.kind is Kind.CLUSTER else Stage.SCOPES if is_of_scope else None
        if self.stage is stage:
            self.refused.add(entry.key)
            self.pause = until


def waits_until(
    current: Round, channels: Mapping[Kind, Channel], timing: Timing, verdicts_by: float | None
) -> float | None:
    """Until when the round waits in its stage; None when it need not wait.

    Args:
        current: the round.
        channels: with what Envoy has still to answer.
        timing: how long to wait for what.
        verdicts_by: when Secrets are waited for no longer; None when none are.
    """
    clusters, ends = channels[Kind.CLUSTER], 0.0
    if current.stage in KIND_OF:
        if _is_unanswered(channels[KIND_OF[current.stage]], current) or _is_unrouted(channels[Kind.ROUTE], current):
            ends = current.since + timing.patience
    elif _is_unanswered(clusters, current):
        is_overdue = any(response.rollout != current.number for response in clusters.in_flight.values())
        grace = timing.short_grace if is_overdue else timing.grace
        ends = current.since + (timing.patience if current.awaited and current.stage is Stage.CLUSTERS else grace)
    elif clusters.is_silent:
        ends = current.started + timing.grace
    if current.stage is Stage.CLUSTERS:
        listeners_by = verdicts_by if current.coming.get(Kind.LISTENER) else None
        ends = max(ends, listeners_by or 0.0)
    return max(ends, current.pause) or None


def _is_unrouted(routes: Channel, current: Round) -> bool:
    """Whether requests might still be sent to a scope whose routes Envoy does not have."""
    if current.stage in (Stage.SCOPES, Stage.LISTENERS):
        current.unrouted = {name for name in current.unrouted if not routes.is_settled(name)}
        return bool(current.unrouted)
    return False


def _is_unanswered(channel: Channel, current: Round) -> bool:
    """Whether Envoy has still to answer what this round sent of a kind (in its last stage: what it took away)."""
    return bool(channel.in_flight) and any(
        response.rollout == current.number and (response.removed or current.stage is not Stage.WITHDRAWAL)
        for response in channel.in_flight.values()
    )
