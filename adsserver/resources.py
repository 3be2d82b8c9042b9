"""What Envoy is offered: resources by kind and name, taken from the snapshot's records."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Self

from envoyapi.service_discovery_v3 import Resource
from envoyapi.wire import Any
from snapshot import JSON, Changes, Record


class Kind(StrEnum):
    """The eight kinds of xDS resources; the value is the first part of a record's key."""

    CLUSTER = "cluster"
    ENDPOINT = "endpoint"
    SECRET = "secret"  # noqa: S105 -- the name of a kind
    RUNTIME = "runtime"
    EXTENSION = "extension"
    SCOPE = "scope"
    LISTENER = "listener"
    ROUTE = "route"

    @property
    def type_url(self) -> str:
        """The kind's name on the wire."""
        return _TYPE_URLS[self]

    def key(self, name: str) -> str:
        """The snapshot's key of a resource of this kind."""
        return f"{self}/{name}"


_TYPE_URLS = {
    Kind.CLUSTER: "type.googleapis.com/envoy.config.cluster.v3.Cluster",
    Kind.ENDPOINT: "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
    Kind.SECRET: "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
    Kind.RUNTIME: "type.googleapis.com/envoy.service.runtime.v3.Runtime",
    Kind.EXTENSION: "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
    Kind.SCOPE: "type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration",
    Kind.LISTENER: "type.googleapis.com/envoy.config.listener.v3.Listener",
    Kind.ROUTE: "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
}

KIND_OF_TYPE_URL = {url: kind for kind, url in _TYPE_URLS.items()}


class Entry:
    """One version of one resource. Immutable; how it looks on the wire is made at the first sending and kept."""

    __slots__ = ("_wire", "body", "endpoints", "is_idle", "key", "kind", "name", "routes", "version")

    def __init__(
        self,
        kind: Kind,
        name: str,
        version: str,
        body: bytes,
        *,
        endpoints: str | None = None,
        routes: str | None = None,
        is_idle: bool = False,
    ) -> None:
        """What the snapshot says of it.

        Args:
            kind: of which kind it is.
            name: unique in its kind.
            version: of its content.
            body: the encoded resource.
            endpoints: for a cluster with EDS, the name of its load assignment.
            routes: for a scope, the name of its route configuration.
            is_idle: for the configuration of a filter, that no route of this version of everything uses it.
        """
        self.kind = kind
        self.name = name
        self.key = kind.key(name)  # the snapshot's
        self.version = version
        self.body = body
        self.endpoints = endpoints
        self.routes = routes
        self.is_idle = is_idle
        self._wire: Resource | None = None

    @classmethod
    def of(cls, kind: Kind, name: str, record: Record) -> Self:
        """The entry of a snapshot record."""
        endpoints, routes = record.notes.get("endpoints"), record.notes.get("routes")
        return cls(
            kind,
            name,
            record.version,
            record.body,
            endpoints=endpoints if isinstance(endpoints, str) else None,
            routes=routes if isinstance(routes, str) else None,
            is_idle=record.notes.get("use") == "idle",
        )

    @property
    def names(self) -> dict[str, JSON]:
        """The other resources that it takes something from, as notes of a record."""
        named: dict[str, JSON] = {"endpoints": self.endpoints, "routes": self.routes}
        return {note: name for note, name in named.items() if name is not None}

    @property
    def wire(self) -> Resource:
        """The resource with its name and version as a delta response carries it."""
        if self._wire is None:
            self._wire = self.wire_with(self.body)
        return self._wire

    def wire_with(self, body: bytes) -> Resource:
        """The same with its contents in other words."""
        packed = Any(type_url=self.kind.type_url, value=body)
        return Resource(version=self.version, resource=packed, name=self.name)

    def __repr__(self) -> str:
        return f"<{self.key} {self.version}>"


Edits = dict[Kind, dict[str, Entry | None]]
"""By kind and name: the new version of a resource, None for one that is gone."""


def split_key(key: str) -> tuple[Kind, str] | None:
    """Kind and name of a snapshot key; None for a key of another sort."""
    kind, separator, name = key.partition("/")
    if not separator or kind not in _KINDS:
        return None
    return Kind(kind), name


_KINDS = frozenset(Kind)


class Catalog:
    """All resources as the snapshot has them now; one a process, shared by the streams, which never change it."""

    def __init__(self) -> None:
        self.published = False
        """Whether the translator has published at least once: before, empty means unknown."""
        self._entries: dict[Kind, dict[str, Entry]] = {kind: {} for kind in Kind}

    def of(self, kind: Kind) -> Mapping[str, Entry]:
        """The resources of a kind by name."""
        return self._entries[kind]

    def entry(self, kind: Kind, name: str) -> Entry | None:
        """One resource."""
        return self._entries[kind].get(name)

    @property
    def size(self) -> int:
        """How many resources there are."""
        return sum(map(len, self._entries.values()))

    def apply(self, changes: Changes) -> Edits:
        """Take over what a reader told; returns what that changed here."""
        self.published = self.published or changes.sequence > 0
        edits: Edits = {}
        for key, record in changes.records.items():
            found = split_key(key)
            if found is None:
                continue
            kind, name = found
            entry = None if record is None else Entry.of(kind, name, record)
            if self.put(kind, name, entry):
                edits.setdefault(kind, {})[name] = entry
        return edits

    def put(self, kind: Kind, name: str, entry: Entry | None) -> bool:
        """Have this version of a resource, or none; whether that is a change. Who has streams tells them."""
        entries = self._entries[kind]
        before = entries.get(name)
        if entry is None:
            return entries.pop(name, None) is not None
        if before is not None and before.version == entry.version and before.names == entry.names:
            return False
        entries[name] = entry
        return True
