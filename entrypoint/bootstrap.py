"""Envoy's bootstrap: the fixed part is data (`envoy/bootstrap.json`), what depends on the run is filled in here.

Nothing is made by joining text: the file is parsed, values are put into it, and the result is dumped as JSON, so that
no name or path can add a field. Everything else that Envoy serves comes over ADS.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parent.parent / "envoy"

ADS_CLUSTER = "dragoman_ads"
"""The name of the one static cluster: the ADS server's socket."""

_MONITORS = "type.googleapis.com/envoy.extensions.resource_monitors"


@dataclass(frozen=True, slots=True)
class Place:
    """What of a bootstrap depends on the run: who this Envoy is, its sockets, and its limits.

    `heap_bytes`: the heap at which Envoy is full, None for no limit. `connections`: how many downstream connections it
    accepts over all listeners.
    """

    node_id: str
    node_cluster: str
    ads_socket: Path
    admin_socket: Path
    connections: int
    heap_bytes: int | None


def bootstrap(place: Place, data: Path = DATA) -> dict[str, Any]:
    """The bootstrap as JSON-able data (envoy.config.bootstrap.v3.Bootstrap)."""
    made: dict[str, Any] = json.loads((data / "bootstrap.json").read_bytes())
    made["node"] |= {"id": place.node_id, "cluster": place.node_cluster}
    made["admin"]["address"]["pipe"]["path"] = str(place.admin_socket)
    (ads,) = made["static_resources"]["clusters"]
    (endpoint,) = ads["load_assignment"]["endpoints"][0]["lb_endpoints"]
    endpoint["endpoint"]["address"]["pipe"]["path"] = str(place.ads_socket)
    made["overload_manager"] |= _overload(place, data)
    return made


def _overload(place: Place, data: Path) -> Mapping[str, Any]:
    """The monitors, and what happens when the heap is nearly full (configuring Envoy as an edge proxy, best practice).

    A machine without a memory limit has no heap that is full: then only the connections are limited.
    """
    connections = _monitor(
        "global_downstream_max_connections",
        "downstream_connections.v3.DownstreamConnectionsConfig",
        max_active_downstream_connections=place.connections,
    )
    if place.heap_bytes is None:
        return {"resource_monitors": [connections]}
    heap = _monitor("fixed_heap", "fixed_heap.v3.FixedHeapConfig", max_heap_size_bytes=place.heap_bytes)
    return {"resource_monitors": [heap, connections], **json.loads((data / "overload.json").read_bytes())}


def _monitor(name: str, message: str, **fields: int) -> dict[str, Any]:
    return {
        "name": f"envoy.resource_monitors.{name}",
        "typed_config": {"@type": f"{_MONITORS}.{message}", **fields},
    }
