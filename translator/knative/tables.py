"""The tables of Knative's Ingresses: from their bytes to the Mappings that they become, and to their ways in."""

from collections.abc import Mapping

import orjson

from translator.decode import Problem
from translator.derived import KNATIVE
from translator.ir import ObjectKey
from translator.knative.kinds import KnativeIngress, read_knative
from translator.knative.rules import derived, problems_of
from translator.kubernetes.own_services import OwnServices
from translator.kubernetes.tables import KubernetesTables, name_of
from translator.options import Options
from translator.tables import Table, Tables


class KnativeTables:
    """Knative's Ingresses as Mappings; `sources`, `of`, `addresses` and `problems` as with Ingresses.

    An address is a JSON object: the names in DNS of the Services by which everybody (`public`), and who is in the
    cluster (`local`), comes in; empty where there is none.
    """

    def __init__(self, tables: Tables, kubernetes: KubernetesTables, own: OwnServices, options: Options) -> None:
        self._own = own
        self._id = options.ambassador_id
        ports = kubernetes.port_number
        objects: Table[ObjectKey, bytes] = tables.source("knative ingress objects")
        self.sources: Mapping[str, Table[ObjectKey, bytes]] = {KNATIVE: objects} if options.knative else {}
        found = tables.each("knative ingresses read", objects, self._read)
        self.of: Table[ObjectKey, Mapping[ObjectKey, bytes]] = tables.each(
            "objects of knative ingresses", found, lambda _, row: dict(derived(row, ports, self._id)) or None
        )
        self.addresses: Table[ObjectKey, bytes] = tables.each(
            "ways in of knative ingresses", found, lambda _, __: self._address()
        )
        self.problems: tuple[Table[ObjectKey, tuple[Problem, ...]], ...] = (
            tables.each("knative ingress problems", found, lambda _, row: problems_of(row, ports) or None),
        )

    def _read(self, key: ObjectKey, body: bytes) -> KnativeIngress | None:
        """One that is for us."""
        ingress = read_knative(*name_of(key), orjson.loads(body))
        return ingress if ingress.is_for(self._id) else None

    def _address(self) -> bytes:
        public, local = self._own.public(), self._own.local()
        return orjson.dumps({"public": public.domain if public else "", "local": local.domain if local else ""})
