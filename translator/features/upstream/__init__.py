"""What can be said of a backend's cluster beyond its endpoints and its protocol, one file a feature.

A feature is a frozen value, which any API may put into `ir.Backend.features`, and the words in which Envoy is told of
it. A new one is a new file here and one line in FEATURES; the order of the list is that in which a backend has them.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from translator.features.upstream import (
    circuit_breakers,
    connections,
    dns,
    header_case,
    health_checks,
    keepalive,
    load_balancing,
    outlier_detection,
    stats_name,
    warming,
)
from translator.features.upstream.part import Part

FEATURES: Final[Mapping[type, Callable[[Any], Part]]] = {
    circuit_breakers.CircuitBreakers: circuit_breakers.part,
    connections.Connections: connections.part,
    dns.Dns: dns.part,
    header_case.HeaderCase: header_case.part,
    health_checks.HealthChecks: health_checks.part,
    keepalive.Keepalive: keepalive.part,
    load_balancing.LoadBalancing: load_balancing.part,
    outlier_detection.OutlierDetection: outlier_detection.part,
    stats_name.StatsName: stats_name.part,
    warming.NoWarming: warming.part,
}


def part_of(features: Iterable[object]) -> Part:
    """What all features of a backend say together.

    Raises:
        KeyError: when a value is of a class that FEATURES does not list: a bug of ours.
    """
    whole = Part()
    for feature in features:
        part = FEATURES[type(feature)](feature)
        whole.cluster.update(part.cluster)
        whole.http.update(part.http)
        whole.http1.update(part.http1)
    return whole
