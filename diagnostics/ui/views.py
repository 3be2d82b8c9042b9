"""The views: a file each, and a line in `VIEWS`.

A view is asked in two steps. `gather` asks whom else than the snapshot there is to ask, and waits; `shown` makes of the
snapshot, of that and of the address what the template shows, and is pure.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from diagnostics.ui import (
    asking,
    changes,
    clusters,
    flow,
    hosts,
    levels,
    objects,
    one_cluster,
    one_object,
    overview,
    routes,
)
from diagnostics.ui.query import Query
from diagnostics.ui.sources import Sources
from diagnostics.view import View

Told = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """A view by the last part of its path; `topics`: of what it is told that it changed. `title` empty: in no menu.

    `under`: whose entry of the menu is marked in its place.
    """

    name: str
    title: str
    topics: str
    gather: Callable[[Sources, Query], Awaitable[Told]]
    shown: Callable[[View, Told, Query], dict[str, Any]]
    under: str | None = None

    @property
    def template(self) -> str:
        """Its template."""
        return f"{self.name or 'overview'}.html"


VIEWS: Final = (
    Page("", "Overview", "objects statuses resources acks health", overview.gather, overview.shown),
    Page("objects", "Objects", "objects statuses", objects.gather, objects.shown),
    Page("object", "", "objects statuses resources acks holds", one_object.gather, one_object.shown, under="objects"),
    Page("changes", "Changes", "objects statuses acks holds", changes.gather, changes.shown),
    Page("hosts", "Hosts", "resources", hosts.gather, hosts.shown),
    Page("routes", "", "resources", routes.gather, routes.shown, under="hosts"),
    Page("flow", "Flow", "resources statuses", flow.gather, flow.shown),
    Page("clusters", "Clusters", "resources", clusters.gather, clusters.shown),
    Page("cluster", "", "resources", one_cluster.gather, one_cluster.shown, under="clusters"),
    Page("why", "Why", "", asking.gather, asking.shown),
    Page("levels", "Logs", "", levels.gather, levels.shown),
)
