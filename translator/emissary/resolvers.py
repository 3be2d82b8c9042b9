"""Resolvers: which one a name means, and what it makes of a service."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any, Final, Literal

from translator.consul.tables import ConsulTables
from translator.decode import Problem
from translator.emissary.kinds.resolver import (
    ConsulResolverSpec,
    KubernetesEndpointResolverSpec,
    KubernetesServiceResolverSpec,
)
from translator.emissary.objects import Read, read_object
from translator.emissary.own_ports import SAID, OwnPorts
from translator.emissary.problems import stopped_by
from translator.emissary.service_names import ServiceName
from translator.ir import ConsulService, ObjectKey
from translator.options import Options
from translator.tables import Table, Tables, read
from translator.values import dataclass

KINDS: Final[Mapping[str, type[Any]]] = {
    "ConsulResolver": ConsulResolverSpec,
    "KubernetesEndpointResolver": KubernetesEndpointResolverSpec,
    "KubernetesServiceResolver": KubernetesServiceResolverSpec,
}


@dataclass(frozen=True, slots=True)
class Resolver:
    """How services are found: at their endpoints, by their names in DNS, or in Consul."""

    kind: Literal["endpoint", "service", "consul"]
    address: str = ""
    datacenter: str = ""


CONSULS_PORT: Final = 8500
"""Where Consul is asked when nothing is said of a port (docs/reference/consulresolver.md)."""
_HOST_AND_PORT: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:$\[\]]+)(?::(?P<port>[0-9]{1,5}))?/?")

ALWAYS: Final[Mapping[str, Resolver]] = {
    "kubernetes-service": Resolver("service"),
    "endpoint": Resolver("endpoint"),
    "kubernetes-endpoint": Resolver("endpoint"),
    "consul": Resolver("consul", datacenter="dc1"),
    "consul-endpoint": Resolver("consul", datacenter="dc1"),
}
"""Those that are there without an object; one of the same name comes before them."""


@dataclass(frozen=True, slots=True)
class _Row:
    namespace: str
    kind: str
    resolver: Resolver | None
    problems: tuple[Problem, ...]


class Resolvers:
    """The resolvers' tables. The methods are for rules that a sweep runs."""

    def __init__(
        self,
        tables: Tables,
        objects: Mapping[str, Table[ObjectKey, bytes]],
        consul: ConsulTables,
        own: OwnPorts,
        options: Options,
    ) -> None:
        self._consul = consul
        rows: list[Table[ObjectKey, _Row]] = [
            tables.each(f"{kind}s", objects[kind], partial(_read, kind, own, options.ambassador_id))
            for kind in sorted(KINDS)
        ]
        together = tables.union("resolvers", *rows)
        self._named = tables.group("resolvers by name", together, lambda key, row: {key.rpartition("/")[2]: row})
        self.problems: Table[ObjectKey, tuple[Problem, ...]] = tables.each(
            "resolver problems", together, lambda _, row: row.problems or None
        )

    def find(self, name: str, namespace: str) -> Resolver | Problem:
        """The resolver that a name means: of this namespace, else the first by namespace, else name.namespace."""
        members = read(self._named, name)
        if not members:
            short, dot, other = name.rpartition(".")
            found = read(self._named, short) if dot else None
            members = {key: row for key, row in (found or {}).items() if row.namespace == other}
        if not members:
            return ALWAYS.get(name) or Problem(
                "spec.resolver", f"names the resolver {name}, which does not exist", reason="BackendNotFound"
            )
        key = min(members, key=lambda key: (members[key].namespace != namespace, members[key].namespace, key))
        row = members[key]
        if row.resolver is None:
            said = f"names the {row.kind} {row.namespace}/{name}, {stopped_by(row.problems)}"
            return Problem("spec.resolver", said, reason="BackendNotFound")
        return row.resolver

    def in_consul(self, name: ServiceName, resolver: Resolver, problems: list[Problem]) -> ConsulService | None:
        """The service of Consul's that a name means; None when it can be none."""
        if name.is_address or "." in name.host:
            said = "must be the name of a service in Consul, without dots, since the resolver is a ConsulResolver"
            problems.append(Problem("spec.service", said))
            return None
        if name.port is not None:
            said = f"has a port, {name.port}, which has no effect: Consul says the port of each instance"
            problems.append(Problem("spec.service", said, stops=False))
        service = ConsulService(resolver.address, resolver.datacenter, name.host)
        trouble = read(self._consul.troubles, service)
        where = f"{name.host} in Consul's datacenter {resolver.datacenter}"
        if trouble is None:
            said = f"waits for Consul's first answer about {where}"
            problems.append(Problem("spec.service", said, stops=False, reason="BackendNotFound", sort="Awaited"))
        elif trouble:
            said = f"leads to {where}: {trouble}"
            problems.append(Problem("spec.service", said, stops=False, reason="BackendNotFound"))
        return service


def _read(kind: str, own: OwnPorts, ambassador_id: str, key: ObjectKey, body: bytes) -> _Row | None:
    found: Read[Any] | None = read_object(KINDS[kind], key, body, ambassador_id)
    if found is None:
        return None
    spec, problems = found.value, found.problems
    if isinstance(spec, ConsulResolverSpec) and spec.address and own.is_closed(*_asked_at(spec.address)):
        spec, problems = None, (*problems, Problem("spec.address", SAID))
    return _Row(found.namespace, kind, _resolver_of(spec), problems)


def _asked_at(address: str) -> tuple[str, int]:
    """The host and the port at which Consul is asked; those of which a part is of the environment are not known."""
    scheme, separator, rest = address.rpartition("://")
    found = _HOST_AND_PORT.fullmatch(rest)
    if found is None:
        return "", 0
    usual = {"http": 80, "https": 443}[scheme or "http"] if separator else CONSULS_PORT
    return found["host"].strip("[]"), int(found["port"] or usual)


def _resolver_of(spec: object) -> Resolver | None:
    match spec:
        case ConsulResolverSpec():
            return Resolver("consul", spec.address, spec.datacenter)
        case KubernetesEndpointResolverSpec():
            return Resolver("endpoint")
        case KubernetesServiceResolverSpec():
            return Resolver("service")
    return None
