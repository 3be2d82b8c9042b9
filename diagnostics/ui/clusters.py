"""Clusters: where requests are sent, how many endpoints each has and how they are.

The names are the snapshot's, and only the clusters of a page are read, and asked for at Envoy: it then tells nothing of
10,000 others.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote

from diagnostics.admin import Admin
from diagnostics.published import Cluster, clusters_of
from diagnostics.ui.query import Query, paged
from diagnostics.ui.sources import Sources
from diagnostics.view import View
from why.gateway import endpoint_told

SIZE: Final = 50
PREFIX: Final = "cluster/"
_COUNTED: Final = ("rq_total", "rq_error", "rq_active", "cx_active")


async def gather(sources: Sources, query: Query) -> dict[str, Any]:
    """The clusters of the page, and what Envoy says of them."""
    find = query.text("find").lower()

    def chosen(view: View) -> dict[str, Any]:
        names = sorted(each for each in view.resources.rows if each.startswith(PREFIX) and find in each.lower())
        page = paged(query, len(names), SIZE)
        return {"page": page, "clusters": read(view, names[page.first : page.last])}

    told = await sources.snapshot(chosen)
    return {**told, "hosts": await hosts_of(sources.admin, told["clusters"])}


def read(view: View, keys: Iterable[str]) -> dict[str, Cluster]:
    """Published clusters by their names."""
    records = (view.resources.record(key) for key in keys)
    return clusters_of(record.body for record in records if record is not None)


async def hosts_of(admin: Admin, names: Iterable[str]) -> dict[str, list[dict[str, Any]]] | None:
    """The endpoints of clusters as Envoy has them, each with its numbers; None when it does not answer."""
    pattern = "|".join(re.escape(name) for name in names)
    if not pattern:
        return {}
    told = await admin.told(f"/clusters?format=json&filter={quote(f'^({pattern})$', safe='')}")
    if told is None:
        return None
    return {each["name"]: [_host(host) for host in each.get("host_statuses", ())] for each in told["cluster_statuses"]}


def _host(said: Mapping[str, Any]) -> dict[str, Any]:
    stats = {each["name"]: int(each.get("value", 0)) for each in said.get("stats", ()) if each["name"] in _COUNTED}
    locality = said.get("locality", {})
    return {
        **endpoint_told(said),
        **{name: stats.get(name, 0) for name in _COUNTED},
        "hostname": said.get("hostname", ""),
        "weight": said.get("weight", 1),
        "zone": locality.get("zone", ""),
    }


def shown(view: View, told: Mapping[str, Any], query: Query) -> dict[str, Any]:  # noqa: ARG001 -- as every view
    """What the template shows."""
    hosts = told["hosts"]
    return {
        "page": told["page"],
        "find": query.text("find"),
        "answers": hosts is not None,
        "rows": [row(each, (hosts or {}).get(name)) for name, each in sorted(told["clusters"].items())],
    }


def row(cluster: Cluster, hosts: list[dict[str, Any]] | None) -> dict[str, Any]:
    """A cluster as it stands in a list; `hosts` None: Envoy does not have it, or does not answer."""
    healthy = sum(each["healthy"] for each in hosts or ())
    total = len(hosts or ())
    state = "pending" if hosts is None else "ok" if healthy == total > 0 else "warned" if healthy else "stopped"
    return {
        "name": cluster.name,
        "type": cluster.type,
        "policy": cluster.policy.replace("_", " ").lower(),
        "tls": cluster.has_tls,
        "state": state,
        "health": "unknown" if hosts is None else f"{healthy} of {total} healthy" if total else "no endpoints",
        **{name: sum(each[name] for each in hosts or ()) for name in _COUNTED},
    }
