"""The name of a backend in Envoy's statistics."""

from translator.features.labels import label
from translator.features.upstream.part import Part
from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class StatsName:
    """The name in place of the cluster's own."""

    name: str


def part(stats: StatsName) -> Part:
    """What Envoy's Cluster says of it."""
    return Part(cluster={"alt_stat_name": label(stats.name)})
