"""The tables of Ingresses: from their bytes to the objects of Emissary's that they become, and to their addresses."""

from collections.abc import Mapping
from functools import partial
from typing import Final

import orjson

from translator.decode import Problem
from translator.derived import INGRESS
from translator.ingress.kinds import Ingress, IngressClass, read_class, read_ingress
from translator.ingress.rules import PortOf, derived, is_ours, problems_of
from translator.ir import ObjectKey
from translator.kubernetes.own_services import LABEL, PUBLIC, OwnServices
from translator.kubernetes.tables import KubernetesTables, name_of
from translator.options import Options
from translator.tables import Table, Tables, read

INGRESS_CLASS: Final = "networking.k8s.io/IngressClass"
UNKNOWN: Final = b"null"
UNADDRESSED: Final = Problem(
    "status.loadBalancer",
    f"is not written, since no Service with the label {LABEL}: {PUBLIC} leads to us",
    stops=False,
)


class IngressTables:
    """Ingresses as objects of Emissary's.

    `sources` are to be filled; `of` are the objects that each becomes; `addresses` what its status says of where
    clients come in, as a JSON list, or UNKNOWN: its status is to stay as it is. Others' Ingresses have no row.
    """

    def __init__(self, tables: Tables, kubernetes: KubernetesTables, own: OwnServices, options: Options) -> None:
        self._kubernetes = kubernetes
        self._own = own
        self._id = options.ambassador_id
        self._in_cluster = options.in_cluster
        ingresses: Table[ObjectKey, bytes] = tables.source("ingress objects")
        classes: Table[ObjectKey, bytes] = tables.source("ingress class objects")
        self.sources: Mapping[str, Table[ObjectKey, bytes]] = {INGRESS: ingresses, INGRESS_CLASS: classes}
        named = tables.group("ingress classes by name", classes, _class_of)
        self._classes: Table[str, IngressClass] = tables.each("ingress classes", named, lambda _, them: them[min(them)])
        found = tables.each("ingresses read", ingresses, self._read)
        self.of: Table[ObjectKey, Mapping[ObjectKey, bytes]] = tables.each(
            "objects of ingresses", found, lambda _, row: dict(derived(row, self._port_of(row), self._id)) or None
        )
        self.addresses: Table[ObjectKey, bytes] = tables.each(
            "addresses of ingresses", found, lambda _, row: self._addresses(row)
        )
        self.problems: tuple[Table[ObjectKey, tuple[Problem, ...]], ...] = (
            tables.each("ingress problems", found, lambda _, row: self._problems(row) or None),
        )

    def _read(self, key: ObjectKey, body: bytes) -> Ingress | None:
        """An Ingress, if it is for us."""
        ingress = read_ingress(*name_of(key), orjson.loads(body))
        name = ingress.spec.class_name if ingress.spec else None
        of_class = read(self._classes, name) if name else None
        return ingress if is_ours(ingress, of_class, self._id) else None

    def _addresses(self, ingress: Ingress) -> bytes:
        """What may be so for a moment, as when a Service is made anew, takes back nothing that was said."""
        service = self._own.public() if ingress.spec is not None else None
        return UNKNOWN if service is None else service.addresses

    def _problems(self, ingress: Ingress) -> tuple[Problem, ...]:
        found = problems_of(ingress, self._port_of(ingress))
        if self._in_cluster and ingress.spec is not None and self._own.public() is None:
            return (*found, UNADDRESSED)
        return found

    def _port_of(self, ingress: Ingress) -> PortOf:
        return partial(self._kubernetes.port_number, ingress.namespace)


def _class_of(key: ObjectKey, body: bytes) -> dict[str, IngressClass]:
    name = name_of(key)[1]
    found = read_class(name, orjson.loads(body))
    return {name: found} if found else {}
