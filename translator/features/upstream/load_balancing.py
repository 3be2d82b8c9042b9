"""Which of a backend's endpoints gets a request; one after the other where nothing is said."""

from typing import Final, Literal

from envoyapi.config_cluster_v3 import ClusterLbPolicy
from translator.features.upstream.part import Part
from translator.values import dataclass

_POLICIES: Final = {
    "least_request": ClusterLbPolicy.LEAST_REQUEST,
    "ring_hash": ClusterLbPolicy.RING_HASH,
    "maglev": ClusterLbPolicy.MAGLEV,
}


@dataclass(frozen=True, slots=True)
class LoadBalancing:
    """The less busy one of two, or the one that a hash leads to: see `translator.features.hash_policy`."""

    policy: Literal["least_request", "ring_hash", "maglev"]


def part(balancing: LoadBalancing) -> Part:
    """What Envoy's Cluster says of it."""
    return Part(cluster={"lb_policy": _POLICIES[balancing.policy]})
