"""The numbers of the plots: what Envoy counts of one cluster, or of all clients, at a moment. Rates are the browser's.

They are asked for only while somebody looks at a plot, who rests ten times as long as the answer took.
"""

import re
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from diagnostics.ui.clusters import PREFIX, read
from diagnostics.ui.query import Query
from diagnostics.ui.sources import Sources

QUANTILES: Final = {50: "p50", 95: "p95", 99: "p99"}

_OF_CLUSTERS: Final = {"upstream_rq_total": "requests", "upstream_rq_5xx": "errors", "upstream_rq_active": "active"}
_OF_CLIENTS: Final = {
    "downstream_rq_completed": "requests",
    "downstream_rq_5xx": "errors",
    "downstream_cx_active": "active",
}
_ADMIN: Final = "http.admin."


async def numbers(sources: Sources, query: Query) -> dict[str, Any]:
    """The numbers by their names, with the time (Unix, s); without any where Envoy does not answer."""
    name = query.words.get("cluster", "")
    words, beginning, time_name = _OF_CLIENTS, r"http\..*", "downstream_rq_time"
    if name:
        key = f"{PREFIX}{name}"
        found = await sources.snapshot(lambda view: read(view, [key] if key in view.resources.rows else []))
        stats_name = found[name].stats_name if name in found else name
        words, time_name = _OF_CLUSTERS, "upstream_rq_time"
        beginning = rf"cluster\.{re.escape(stats_name.replace(':', '_'))}\."
    pattern = f"^{beginning}({'|'.join([*words, time_name])})$"
    said = await sources.admin.told(f"/stats?format=json&filter={quote(pattern, safe='')}")
    return {"at": time.time(), **(summed(said, words) if said is not None else {})}


def summed(said: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, float | None]:
    """Envoy's answer as numbers; quantiles in ms, of the slowest of several histograms, None where nothing came."""
    found: dict[str, float | None] = dict.fromkeys(words.values(), 0)
    for each in said.get("stats", ()):
        name = each.get("name", "")
        word = words.get(name.rpartition(".")[2])
        if word and not name.startswith(_ADMIN):
            found[word] = (found[word] or 0) + each.get("value", 0)
        if "histograms" in each:
            found |= _quantiles(each["histograms"])
    return found


def _quantiles(said: Mapping[str, Any]) -> dict[str, float | None]:
    wanted = {place: QUANTILES[share] for place, share in enumerate(said["supported_quantiles"]) if share in QUANTILES}
    found: dict[str, float | None] = dict.fromkeys(wanted.values())
    for each in said["computed_quantiles"]:
        if each["name"].startswith(_ADMIN):
            continue
        for place, name in wanted.items():
            value = each["values"][place]["interval"]
            if value is not None:
                found[name] = max(value, found[name] or 0)
    return found
