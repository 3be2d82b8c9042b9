"""The tables of Ingresses: whose they are, what those of Emissary's sort become, and the addresses of all of ours."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Final

import orjson

from translator.decode import Problem, few
from translator.derived import INGRESS
from translator.ingress.kinds import CLASS, Ingress, IngressClass, misshapen_class, read_class, read_ingress
from translator.ingress.left import spec_left
from translator.ingress.older import current, in_its_words
from translator.ingress.rules import PortOf, derived, is_for, is_ours, problems_of
from translator.ingress.unclaimed import Unclaimed
from translator.ir import ObjectKey
from translator.ir.ports import Port, tcp
from translator.kubernetes.own_services import LABEL, PUBLIC, OwnServices
from translator.kubernetes.tables import KubernetesTables, name_of
from translator.options import Options
from translator.tables import Table, Tables, read
from translator.values import dataclass

INGRESS_CLASS: Final = "networking.k8s.io/IngressClass"
UNKNOWN: Final = b"null"
UNADDRESSED: Final = Problem(
    "status.loadBalancer",
    f"is not written, since no Service with the label {LABEL}: {PUBLIC} leads to us",
    stops=False,
)
PARAMETERS: Final = Problem(
    "spec.parameters", "are not read: what holds for all Ingresses is in the environment and the Module", stops=False
)
_DEFAULT: Final = "default"
_HAVING: Final = "Ingresses, which DRAGOMAN_INGRESS_PORTS gives it to"


@dataclass(frozen=True, slots=True)
class _Ours:
    ingress: Ingress
    is_standard: bool


class IngressTables:
    """Ingresses that are ours. `standard` are those that mean what Kubernetes says.

    `wanted` are the ports that these want, by number, with who that is, and `taken` what is said to others who want
    them. `sources` are to be filled; `of` are the objects that each of the others becomes; `addresses` what the status
    of each says of where clients come in, as a JSON list, or UNKNOWN: it is to stay as it is. Others' have no row.
    """

    def __init__(self, tables: Tables, kubernetes: KubernetesTables, own: OwnServices, options: Options) -> None:
        self._kubernetes = kubernetes
        self._own = own
        self._id = options.ambassador_id
        self._in_cluster = options.in_cluster
        ingresses: Table[ObjectKey, bytes] = tables.source("ingress objects")
        classes: Table[ObjectKey, bytes] = tables.source("ingress class objects")
        self.sources: Mapping[str, Table[ObjectKey, bytes]] = {INGRESS: ingresses, INGRESS_CLASS: classes}
        classes_read = tables.each("ingress classes read", classes, _read_class)
        named = tables.group("ingress classes by name", classes_read, lambda _, row: {row.name: row})
        self._classes: Table[str, IngressClass] = tables.each("ingress classes", named, lambda _, them: them[min(them)])
        defaults = tables.group(
            "ingress classes by default", classes_read, lambda _, row: {_DEFAULT: row} if row.is_default else {}
        )
        self._default: Table[str, IngressClass] = tables.each(
            "ingress class by default",
            defaults,
            lambda _, them: max((them[key] for key in sorted(them)), key=lambda row: row.created),
        )
        ours: Table[ObjectKey, _Ours] = tables.each("ingresses of ours", ingresses, self._read)
        found = tables.each("ingresses read", ours, lambda _, row: None if row.is_standard else row.ingress)
        self.standard: Table[ObjectKey, Ingress] = tables.each(
            "standard ingresses", ours, lambda _, row: row.ingress if row.is_standard else None
        )
        wanted = tables.group(
            "ports wanted by ingresses", self.standard, lambda _, __: dict.fromkeys(options.ingress_ports, True)
        )
        self.wanted: Table[int, str] = tables.each("ports that ingresses want", wanted, lambda _, __: _HAVING)
        had = tables.group("ports had by ingresses", self.wanted, lambda number, _: {tcp(number): True})
        self.taken: Table[Port, str] = tables.each("ports that ingresses have", had, lambda _, __: _HAVING)
        self.of: Table[ObjectKey, Mapping[ObjectKey, bytes]] = tables.each(
            "objects of ingresses", found, lambda _, row: dict(derived(row, self._port_of(row), self._id)) or None
        )
        self.addresses: Table[ObjectKey, bytes] = tables.each(
            "addresses of ingresses", ours, lambda _, row: self._addresses(row.ingress)
        )
        self.problems: tuple[Table[ObjectKey, tuple[Problem, ...]], ...] = (
            tables.each("ingress problems", ours, lambda _, row: self._problems(row) or None),
            tables.each("ingress class problems", classes_read, lambda _, row: self._problems_of_class(row)),
            tables.each("ingress class shapes", classes, lambda _, body: misshapen_class(orjson.loads(body)) or None),
        )
        if not options.in_cluster:
            nobodys = Unclaimed(tables, classes_read, self._classes, self._default, options.ambassador_id)
            told = tables.each(
                "ingresses of nobody",
                ingresses,
                lambda key, body: None if read(ours, key) else nobodys.told(_read_ingress(key, body)) or None,
            )
            self.problems = (*self.problems, told)

    def _read(self, key: ObjectKey, body: bytes) -> _Ours | None:
        """An Ingress, if it is for us."""
        ingress = _read_ingress(key, body)
        of_class = read(self._classes, ingress.class_name) if ingress.class_name else None
        if is_ours(ingress, of_class, self._id):
            return _Ours(ingress, is_standard=False)
        if of_class is None and not ingress.class_name:
            of_class = self._unnamed(ingress)
        is_standard = of_class is not None and of_class.is_standard and is_for(ingress, of_class, self._id)
        return _Ours(ingress, is_standard=True) if is_standard else None

    def _unnamed(self, ingress: Ingress) -> IngressClass | None:
        """The class of an Ingress whose spec names none: that of its annotation.

        In a folder it is else the default one, which the API server of a cluster would have written into it.
        """
        named = ingress.annotations.get(CLASS)
        if named:
            return read(self._classes, named)
        return None if self._in_cluster else read(self._default, _DEFAULT)

    def _addresses(self, ingress: Ingress) -> bytes:
        """What may be so for a moment, as when a Service is made anew, takes back nothing that was said."""
        service = self._own.public() if ingress.spec is not None else None
        return UNKNOWN if service is None else service.addresses

    def _problems(self, row: _Ours) -> tuple[Problem, ...]:
        ingress = row.ingress
        listed = ingress.problems if row.is_standard else problems_of(ingress, self._port_of(ingress))
        found = few(in_its_words(listed, is_older=ingress.is_older))
        if self._in_cluster and ingress.spec is not None and self._own.public() is None:
            return (*found, UNADDRESSED)
        return found

    def _problems_of_class(self, row: IngressClass) -> tuple[Problem, ...] | None:
        return (PARAMETERS,) if row.is_standard and row.id == self._id and row.has_parameters else None

    def _port_of(self, ingress: Ingress) -> PortOf:
        return partial(self._kubernetes.port_number, ingress.namespace)


def _read_ingress(key: ObjectKey, body: bytes) -> Ingress:
    """An Ingress, whosever it is; of one that cannot be read what is left."""
    document = orjson.loads(body)
    ingress = read_ingress(*name_of(key), document)
    if ingress.spec is None:
        return replace(ingress, left=spec_left(current(document) if ingress.is_older else document))
    return ingress


def _read_class(key: ObjectKey, body: bytes) -> IngressClass | None:
    return read_class(name_of(key)[1], orjson.loads(body))
