"""How much a backend is asked at once: what is beyond is refused by Envoy, without waiting."""

from typing import Literal

from envoyapi.config_cluster_v3 import CircuitBreakers as EnvoyCircuitBreakers
from envoyapi.config_cluster_v3 import CircuitBreakersThresholds
from envoyapi.config_core_v3 import RoutingPriority
from translator.features.upstream.part import Part
from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The limits for requests of one priority; None is Envoy's default: 1024, and 3 retries."""

    priority: Literal["default", "high"] = "default"
    connections: int | None = None
    pending_requests: int | None = None
    requests: int | None = None
    retries: int | None = None


@dataclass(frozen=True, slots=True)
class CircuitBreakers:
    """The limits, at most once for each priority."""

    thresholds: tuple[Thresholds, ...]


def part(breakers: CircuitBreakers) -> Part:
    """What Envoy's Cluster says of it."""
    thresholds = [
        CircuitBreakersThresholds(
            priority=RoutingPriority.HIGH if each.priority == "high" else None,
            max_connections=each.connections,
            max_pending_requests=each.pending_requests,
            max_requests=each.requests,
            max_retries=each.retries,
        )
        for each in breakers.thresholds
    ]
    return Part(cluster={"circuit_breakers": EnvoyCircuitBreakers(thresholds=thresholds)})
