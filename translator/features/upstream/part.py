"""What one feature says of a cluster."""

from dataclasses import field

from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """Fields of Envoy's Cluster, of the HttpProtocolOptions that all of HTTP has in common, and of HTTP/1's."""

    cluster: dict[str, object] = field(default_factory=dict)
    http: dict[str, object] = field(default_factory=dict)
    http1: dict[str, object] = field(default_factory=dict)
