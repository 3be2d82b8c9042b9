"""A round of changes on its way to Envoy, and how long it waits for what."""

from dataclasses import dataclass, field
from enum import IntEnum

from adsserver.resources import Edits, Kind


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
    reprieve: float = 0.5
    """After Envoy refused a new cluster, before the routes to it go out: for the translator to take them back."""
    linger: float = 15.0
    """From the moment when nothing leads to a cluster any more until it is taken away."""
    pardon: float = 5.0
    """Until a listener is tried again whose address could not be bound."""


class Stage(IntEnum):
    """Where a round is."""

    CLUSTERS = 1
    LISTENERS = 2
    ROUTES = 3
    WITHDRAWAL = 4


STAGE_OF = {Kind.LISTENER: Stage.LISTENERS, Kind.ROUTE: Stage.ROUTES}
"""The kinds that wait for their stage; the others go with the clusters, or at any time."""

KIND_OF = {stage: kind for kind, stage in STAGE_OF.items()}


@dataclass(slots=True)
class Round:
    """Changes on their way; what is still to come of them, and what they wait for.

    `since`: when the stage began, or clusters were last sent in it.
    """

    number: int
    started: float
    since: float
    stage: Stage = Stage.CLUSTERS
    coming: Edits = field(default_factory=dict)
    """Listeners and routes whose stage has not come."""
    awaited: dict[str, int] = field(default_factory=dict)
    """Endpoints that warming clusters need, with the nonce after which Envoy's answer about them counts."""
    refused: set[str] = field(default_factory=set)
    """New clusters that Envoy refused and that the translator has not taken back ..."""
    reprieve: float = 0.0
    """... for which the round waits until this time."""
