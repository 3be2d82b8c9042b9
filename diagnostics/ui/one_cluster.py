"""A cluster: its endpoints with their health, and requests, errors and latencies as they come, in small plots."""

from collections.abc import Mapping
from typing import Any, Final

from diagnostics.rows import Ack
from diagnostics.ui.clusters import PREFIX, hosts_of, read, row
from diagnostics.ui.query import Query
from diagnostics.ui.sources import Sources
from diagnostics.view import View

MOST: Final = 200
"""Endpoints that are listed, those first that are not healthy."""


async def gather(sources: Sources, query: Query) -> dict[str, Any]:
    """The endpoints, as Envoy has them."""
    name = query.words.get("name", "")
    return {"hosts": await hosts_of(sources.admin, [name] if name else [])}


def shown(view: View, told: Mapping[str, Any], query: Query) -> dict[str, Any]:
    """What the template shows."""
    name = query.words.get("name", "")
    cluster = read(view, [f"{PREFIX}{name}"] if f"{PREFIX}{name}" in view.resources.rows else []).get(name)
    hosts = (told["hosts"] or {}).get(name)
    ordered = sorted(hosts or (), key=lambda each: (each["healthy"], each["address"]))
    return {
        "name": name,
        "cluster": cluster and row(cluster, hosts),
        "stats_name": cluster.stats_name if cluster else "",
        "endpoints": ordered[:MOST],
        "more": len(ordered[MOST:]),
        "ack": view.acks.rows.get(f"{PREFIX}{name}", Ack()),
    }
