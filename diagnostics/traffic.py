"""What Envoy counted of requests, by object and by cluster: for `dragoman top`, which asks twice. Pure.

Latencies are those of the last interval that Envoy has summed up (`stats_flush_interval`), and not of all its life; all
else is counted since Envoy began. An object is one row, whatever its rules and hostnames are.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

NAME: Final = "traffic"
"""Under which it is asked for."""

FILTER: Final = (
    r"^(vhost\..+\.route\.\w+/[^/]+/.+|cluster\.[^.].*)\.upstream_rq_(completed|total|retry|timeout|[1-5]xx|time)$"
)
"""What of Envoy's statistics is read here."""

SHARES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99}

_ROUTE: Final = re.compile(r"vhost\..+?\.route\.(\w+)/([^/]+)/(.+)\.upstream_rq_(\w+)")
_CLUSTER: Final = re.compile(r"cluster\.(.+)\.upstream_rq_(\w+)")
_KUBERNETES: Final = re.compile(r"k8s/([^/]+)/")
_PARTS: Final = (".external", ".internal", ".canary")
"""End the names of what Envoy counts of a cluster again, by who asked: no cluster's name ends so."""
_OURS: Final = "dragoman_ads"
"""The way to the ADS server, which serves nobody's requests."""
_COUNTED: Final = ("total", "completed", "2xx", "3xx", "4xx", "5xx", "retry", "timeout")

Key = tuple[str, str, str]
"""A kind, a namespace and a name."""


@dataclass(slots=True)
class _Row:
    counts: dict[str, int] = field(default_factory=dict)
    times: dict[float, int] = field(default_factory=dict)
    """How many requests took at most so many milliseconds."""


def traffic(told: Mapping[str, Any]) -> dict[str, Any]:
    """The rows, of Envoy's statistics with `histogram_buckets=cumulative`."""
    routes: dict[Key, _Row] = {}
    clusters: dict[Key, _Row] = {}
    for each in told.get("stats", ()):
        for histogram in each.get("histograms", ()):
            row, _ = _place(histogram["name"], routes, clusters)
            if row is not None:
                _add_times(row, histogram["buckets"])
        if "name" in each:
            row, what = _place(each["name"], routes, clusters)
            if row is not None and what in _COUNTED:
                row.counts[what] = row.counts.get(what, 0) + int(each["value"])
    return {"routes": _told(routes), "clusters": _told(clusters)}


def _place(name: str, routes: dict[Key, _Row], clusters: dict[Key, _Row]) -> tuple[_Row | None, str]:
    """The row of a statistic, and what it counts; None: of nothing that is shown."""
    route = _ROUTE.fullmatch(name)
    if route:
        return routes.setdefault((route[1], route[2], route[3]), _Row()), route[4]
    cluster = _CLUSTER.fullmatch(name)
    if cluster is None or cluster[1] == _OURS or cluster[1].endswith(_PARTS):
        return None, ""
    known = _KUBERNETES.match(cluster[1])
    return clusters.setdefault(("cluster", known[1] if known else "", cluster[1]), _Row()), cluster[2]


def _add_times(row: _Row, buckets: Iterable[Mapping[str, Any]]) -> None:
    for bucket in buckets:
        bound = float(bucket["upper_bound"])
        row.times[bound] = row.times.get(bound, 0) + int(bucket["interval"])


def _told(rows: Mapping[Key, _Row]) -> list[dict[str, Any]]:
    return [
        {
            "kind": kind,
            "namespace": namespace,
            "name": name,
            **{each: row.counts.get(each, 0) for each in _COUNTED},
            "latency_ms": {called: quantile(row.times, share) for called, share in SHARES.items()},
        }
        for (kind, namespace, name), row in sorted(rows.items())
    ]


def quantile(times: Mapping[float, int], share: float) -> float | None:
    """How long this share of requests took at most, as far as classes tell it; None: there were none."""
    bounds = sorted(times)
    wanted = share * times[bounds[-1]] if bounds else 0.0
    if not wanted:
        return None
    below, lower = 0, 0.0
    for bound in bounds:
        if times[bound] >= wanted:
            inside = times[bound] - below
            return round(lower + (bound - lower) * (wanted - below) / inside, 3)
        below, lower = times[bound], bound
    return None
