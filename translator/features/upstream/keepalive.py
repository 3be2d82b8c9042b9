"""TCP's own question whether a silent backend is still there."""

from envoyapi.config_cluster_v3 import UpstreamConnectionOptions
from envoyapi.config_core_v3 import TcpKeepalive
from translator.features.upstream.part import Part
from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class Keepalive:
    """Seconds of silence before the first question, and between them, and how many; None is the system's default."""

    idle_s: int | None = None
    interval_s: int | None = None
    probes: int | None = None


def part(keepalive: Keepalive) -> Part:
    """What Envoy's Cluster says of it."""
    asked = TcpKeepalive(
        keepalive_probes=keepalive.probes, keepalive_time=keepalive.idle_s, keepalive_interval=keepalive.interval_s
    )
    return Part(cluster={"upstream_connection_options": UpstreamConnectionOptions(tcp_keepalive=asked)})
