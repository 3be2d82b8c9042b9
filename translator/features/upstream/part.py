"""What one feature says of a cluster."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Part:
    """Fields of Envoy's Cluster, and of the HttpProtocolOptions that all protocols of HTTP have in common."""

    cluster: dict[str, object] = field(default_factory=dict)
    http: dict[str, object] = field(default_factory=dict)
