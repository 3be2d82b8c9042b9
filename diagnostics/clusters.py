"""What the report says of clusters: where they lead, and what Envoy counted of each."""

from typing import Any, Final

from diagnostics.picture import Picture
from diagnostics.published import Cluster, addresses_of

STATISTICS: Final = (
    "membership_healthy",
    "membership_total",
    "update_attempt",
    "update_success",
    "upstream_rq_4xx",
    "upstream_rq_5xx",
    "upstream_rq_completed",
)
"""Of each cluster, what is asked of Envoy."""


def cluster_info(picture: Picture) -> dict[str, Any]:
    """The clusters by name, with the addresses that they lead to."""
    return {name: _cluster(picture, cluster) for name, cluster in picture.clusters.items()}


def _cluster(picture: Picture, cluster: Cluster) -> dict[str, Any]:
    addresses = cluster.addresses or addresses_of(picture.endpoints.get(cluster.endpoints or "", b""))
    return {
        "name": cluster.name,
        "type": cluster.type,
        "lb_type": cluster.policy,
        "tls": cluster.has_tls,
        "stats_name": cluster.stats_name,
        "targets": [{"ip": address, "port": port} for address, port in addresses],
    }


def cluster_stats(picture: Picture) -> dict[str, Any]:
    """What Envoy counted of each cluster."""
    return {name: _counted(picture, cluster) for name, cluster in picture.clusters.items()}


def _counted(picture: Picture, cluster: Cluster) -> dict[str, Any]:
    known = picture.statistics
    if known is None:
        return {"valid": False, "reason": "Envoy does not answer", "health": "unknown"}
    name = f"cluster.{cluster.stats_name.replace(':', '_')}."
    if f"{name}membership_total" not in known:
        return {"valid": False, "reason": "Envoy does not have this cluster yet", "health": "unknown"}
    counted = {each: known.get(f"{name}{each}", 0) for each in STATISTICS}
    bad = counted["upstream_rq_4xx"] + counted["upstream_rq_5xx"]
    healthy, total = counted["membership_healthy"], counted["membership_total"]
    return {
        "valid": True,
        "reason": None,
        "health": health(picture, cluster),
        "healthy_members": healthy,
        "total_members": total,
        "healthy_percent": round(100 * healthy / total) if total else None,
        "update_attempts": counted["update_attempt"],
        "update_successes": counted["update_success"],
        "upstream_total": counted["upstream_rq_completed"],
        "upstream_ok": counted["upstream_rq_completed"] - bad,
        "upstream_4xx": counted["upstream_rq_4xx"],
        "upstream_5xx": counted["upstream_rq_5xx"],
        "upstream_bad": bad,
    }


def health(picture: Picture, cluster: Cluster | None) -> str:
    """How many of its endpoints may be asked: all (healthy), some (degraded), none (unhealthy), or who knows."""
    known = picture.statistics or {}
    name = f"cluster.{cluster.stats_name.replace(':', '_')}." if cluster else ""
    total = known.get(f"{name}membership_total") if name else None
    if total is None:
        return "unknown"
    if not total:
        return "unhealthy"
    healthy = known.get(f"{name}membership_healthy", 0)
    return "healthy" if healthy == total else "degraded" if healthy else "unhealthy"
