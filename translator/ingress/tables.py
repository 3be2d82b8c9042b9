"""The tables of Ingresses: from their bytes to those of the objects of Emissary's that they become."""

from collections.abc import Mapping
from functools import partial
from typing import Final

import orjson

from translator.decode import Problem
from translator.ingress.kinds import Ingress, IngressClass, read_class, read_ingress
from translator.ingress.rules import INGRESS, PortOf, derived, is_ours, problems_of
from translator.ir import ObjectKey
from translator.kubernetes.tables import KubernetesTables, name_of
from translator.options import Options
from translator.tables import Table, Tables, read

INGRESS_CLASS: Final = "networking.k8s.io/IngressClass"


class IngressTables:
    """Ingresses as objects of Emissary's.

    `sources` are to be filled; `derived` are the objects by kind, for Emissary's rules; `of` tells whose they are.
    """

    def __init__(self, tables: Tables, kubernetes: KubernetesTables, options: Options) -> None:
        self._services = kubernetes.services
        self._id = options.ambassador_id
        ingresses: Table[ObjectKey, bytes] = tables.source("ingress objects")
        classes: Table[ObjectKey, bytes] = tables.source("ingress class objects")
        self.sources: Mapping[str, Table[ObjectKey, bytes]] = {INGRESS: ingresses, INGRESS_CLASS: classes}
        named = tables.group("ingress classes by name", classes, _class_of)
        self._classes: Table[str, IngressClass] = tables.each("ingress classes", named, lambda _, them: them[min(them)])
        found = tables.each("ingresses read", ingresses, self._read)
        self.of: Table[ObjectKey, Mapping[ObjectKey, bytes]] = tables.each(
            "objects of ingresses", found, lambda _, row: dict(derived(row, self._port_of(row), self._id)) or None
        )
        single = tables.group("objects derived", self.of, lambda _, them: them)
        bodies: Table[ObjectKey, bytes] = tables.each(
            "bodies derived", single, lambda _, them: next(iter(them.values()))
        )
        self.derived: Mapping[str, Table[ObjectKey, bytes]] = {
            kind: tables.each(f"{kind} objects derived", bodies, partial(_of_kind, kind))
            for kind in ("Host", "Mapping")
        }
        self.problems: tuple[Table[ObjectKey, tuple[Problem, ...]], ...] = (
            tables.each("ingress problems", found, lambda _, row: problems_of(row, self._port_of(row)) or None),
        )

    def _read(self, key: ObjectKey, body: bytes) -> Ingress | None:
        """An Ingress, if it is for us."""
        ingress = read_ingress(*name_of(key), orjson.loads(body))
        name = ingress.spec.class_name if ingress.spec else None
        of_class = read(self._classes, name) if name else None
        return ingress if is_ours(ingress, of_class, self._id) else None

    def _port_of(self, ingress: Ingress) -> PortOf:
        """The ports of Services of the Ingress's namespace, for rules that a sweep runs."""

        def port_of(service: str, port: str) -> int | None:
            found = read(self._services, (ingress.namespace, service))
            named = found.port(port) if found is not None else None
            return None if named is None else named.number

        return port_of


def _of_kind(kind: str, key: ObjectKey, body: bytes) -> bytes | None:
    return body if key.startswith(f"getambassador.io/{kind}/") else None


def _class_of(key: ObjectKey, body: bytes) -> dict[str, IngressClass]:
    name = name_of(key)[1]
    found = read_class(name, orjson.loads(body))
    return {name: found} if found else {}
