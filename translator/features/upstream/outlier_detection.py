"""Endpoints whose answers are bad get no requests for a while."""

from envoyapi.config_cluster_v3 import OutlierDetection as EnvoyOutlierDetection
from envoyapi.wire import duration_ms
from translator.features.upstream.part import Part
from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class OutlierDetection:
    """After how many bad answers in a row, and for how long; None is Envoy's default: 5, 10 s, 30 s.

    `gateway_failures`: 502, 503 and 504 in a row; None looks at all of 5xx alone. `most_percent` None is 10 %, but one
    endpoint of however few.
    """

    failures: int | None = None
    gateway_failures: int | None = None
    interval_ms: int | None = None
    ejection_ms: int | None = None
    most_percent: int | None = None


def part(detection: OutlierDetection) -> Part:
    """What Envoy's Cluster says of it.

    Of two endpoints 10 % is none at all; and what is found by gateway failures Envoy only counts, unless it is told.
    """
    gateway, most = detection.gateway_failures, detection.most_percent
    said = EnvoyOutlierDetection(
        consecutive_5xx=detection.failures,
        consecutive_gateway_failure=gateway,
        enforcing_consecutive_gateway_failure=None if gateway is None else 100,
        interval=None if detection.interval_ms is None else duration_ms(detection.interval_ms),
        base_ejection_time=None if detection.ejection_ms is None else duration_ms(detection.ejection_ms),
        max_ejection_percent=most,
        always_eject_one_host=True if most is None else None,
    )
    return Part(cluster={"outlier_detection": said})
