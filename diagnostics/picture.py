"""What is declared and what is published, side by side, when somebody asks: read from the snapshot, and not kept."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from diagnostics.declared import Declared, declared
from diagnostics.published import Cluster, Route, clusters_of, routes_of
from diagnostics.view import View

KINDS: Final = {"Mapping": "IRHTTPMappingGroup", "TCPMapping": "IRTCPMappingGroup"}
"""The kinds that form groups, and what Emissary calls these."""


@dataclass(frozen=True)
class Picture:
    """What is declared and published at a moment; each part is read at most once, and only when it is asked for."""

    view: View
    ambassador_id: str
    statistics: Mapping[str, int] | None
    """Envoy's counters and gauges of clusters; None: it does not answer."""

    @cached_property
    def objects(self) -> list[Declared]:
        """The objects of Emissary's kinds that are for this gateway."""
        return declared(self.view, self.ambassador_id)

    @cached_property
    def groups(self) -> dict[str, list[Declared]]:
        """The Mappings and TCPMappings in force, by what they ask of a request."""
        found: dict[str, list[Declared]] = defaultdict(list)
        for each in self.objects:
            if each.in_force and each.kind in KINDS:
                found[each.group_id].append(each)
        return found

    @cached_property
    def routes(self) -> dict[str, Route]:
        """The routes, by the namespace and name of their Mapping."""
        return routes_of(self._bodies("route").values())

    @cached_property
    def clusters(self) -> dict[str, Cluster]:
        """The clusters by name."""
        return clusters_of(self._bodies("cluster").values())

    @cached_property
    def endpoints(self) -> dict[str, bytes]:
        """The resources of endpoints by name."""
        return self._bodies("endpoint")

    def _bodies(self, kind: str) -> dict[str, bytes]:
        found = self.view.resources.bodies(f"{kind}/")
        return {key.partition("/")[2]: record.body for key, record in found.items()}

    def clusters_for(self, member: Declared) -> tuple[str, ...]:
        """The clusters that get a Mapping's requests, or copies of others' requests where it is a shadow."""
        own = self.routes.get(f"{member.namespace}/{member.name}")
        if own is not None:
            return own.clusters
        if not member.spec.get("shadow"):
            return ()
        beside = (self.routes.get(f"{each.namespace}/{each.name}") for each in self.groups[member.group_id])
        return tuple(dict.fromkeys(name for route in beside if route for name in route.copies))
