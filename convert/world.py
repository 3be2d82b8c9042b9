"""The objects that are converted, as the translator's own kinds read them; those of another gateway are not there."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import orjson

from conversion import CURRENT, UnconvertibleError
from conversion import convert as to_version
from convert.values import Notes, copied, first_free
from translator.emissary.kinds.host import HostSpec
from translator.emissary.kinds.listener import ListenerSpec
from translator.emissary.kinds.mapping import MappingSpec
from translator.emissary.kinds.module import AmbassadorConfig, ModuleSpec
from translator.emissary.kinds.tcp_mapping import TCPMappingSpec
from translator.emissary.kinds.tls_context import TLSContextSpec
from translator.emissary.objects import SERVED_VERSION, Read, read_object
from translator.emissary.settings import MODULE
from translator.ir import ObjectKey
from translator.options import Options

T = TypeVar("T", bound=Any)

EMISSARY: Final = "getambassador.io/"
CARRIED: Final = "getambassador.io/config"
"""The annotation in which a Service or an Ingress carries objects."""
_COPIES: Final = frozenset({"kubectl.kubernetes.io/last-applied-configuration", CARRIED})
_OF_METADATA: Final = ("labels", "annotations")


@dataclass(frozen=True, slots=True)
class World:
    """All objects, by their keys."""

    bodies: Mapping[ObjectKey, bytes]
    options: Options
    notes: Notes
    mappings: Mapping[ObjectKey, Read[MappingSpec]] = field(default_factory=dict)
    hosts: Mapping[ObjectKey, Read[HostSpec]] = field(default_factory=dict)
    listeners: Mapping[ObjectKey, Read[ListenerSpec]] = field(default_factory=dict)
    contexts: Mapping[ObjectKey, Read[TLSContextSpec]] = field(default_factory=dict)
    tcp: Mapping[ObjectKey, Read[TCPMappingSpec]] = field(default_factory=dict)
    module: AmbassadorConfig = field(default_factory=AmbassadorConfig)
    module_key: ObjectKey = ""
    spelled: frozenset[ObjectKey] = frozenset()
    """Those that name their namespace, though it is the one that goes without saying."""
    written: Mapping[ObjectKey, int] = field(default_factory=dict)
    """Where each stands in the files."""
    taken: defaultdict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    """The names of objects that are there, or are made, by kind and namespace."""

    @classmethod
    def of(
        cls,
        bodies: Mapping[ObjectKey, bytes],
        options: Options,
        notes: Notes,
        spelled: frozenset[ObjectKey] = frozenset(),
        order: Iterable[ObjectKey] = (),
    ) -> "World":
        """Of what was read. An object that is wrong is told, and not converted."""
        reader = _Reader(bodies, options.ambassador_id, notes)
        modules = dict(reader.read("Module", ModuleSpec, lambda key: key.rpartition("/")[2] == MODULE))
        chosen = min(modules, key=lambda key: (modules[key].namespace != options.namespace, key), default="")
        spec = modules[chosen].value if chosen else None
        taken: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        for key in bodies:
            _, kind, namespace, name = key.split("/", 3)
            taken[kind, namespace].add(name)
        return cls(
            bodies,
            options,
            notes,
            dict(reader.read("Mapping", MappingSpec)),
            dict(reader.read("Host", HostSpec)),
            dict(reader.read("Listener", ListenerSpec)),
            dict(reader.read("TLSContext", TLSContextSpec)),
            dict(reader.read("TCPMapping", TCPMappingSpec)),
            spec.config if spec is not None else AmbassadorConfig(),
            chosen,
            spelled,
            {key: place for place, key in enumerate(order)},
            taken,
        )

    def free(self, kind: str, namespace: str, name: str) -> str:
        """A name for an object that is made, which no other has; it is taken from then on."""
        taken = self.taken[kind, namespace]
        found = first_free(name, taken)
        taken.add(found)
        return found

    def document(self, key: ObjectKey) -> dict[str, Any]:
        """An object as JSON, in the version that is served now."""
        written: dict[str, Any] = orjson.loads(self.bodies[key])
        if not key.startswith(EMISSARY) or written.get("apiVersion") == SERVED_VERSION:
            return written
        try:
            return to_version(written, CURRENT)
        except UnconvertibleError:
            return written

    def spec(self, key: ObjectKey) -> dict[str, Any]:
        """Its spec as JSON."""
        spec = self.document(key).get("spec")
        return spec if isinstance(spec, dict) else {}

    def of_kind(self, kind: str) -> list[ObjectKey]:
        """The keys of a kind, with its group."""
        return sorted(key for key in self.bodies if key.startswith(f"{kind}/"))

    def place(self, key: ObjectKey) -> tuple[int, ObjectKey]:
        """Where an object stands among all, as they are written."""
        return self.written.get(key, len(self.written)), key

    @property
    def service_namespaces(self) -> frozenset[str]:
        """The namespaces that objects are in."""
        return frozenset(key.split("/")[2] for key in self.bodies)

    def metadata(self, key: ObjectKey, name: str = "") -> dict[str, Any]:
        """The metadata of an object that takes its place: name, namespace, labels, annotations."""
        given = self.document(key).get("metadata", {})
        _, _, namespace, own = key.split("/", 3)
        found: dict[str, Any] = {"name": name or own}
        if namespace and (namespace != self.options.namespace or key in self.spelled):
            found["namespace"] = namespace
        for part in _OF_METADATA:
            kept = {each: text for each, text in (given.get(part) or {}).items() if each not in _COPIES}
            if kept:
                found[part] = copied(kept, key, f"metadata.{part}")
        return found


@dataclass(frozen=True, slots=True)
class _Reader:
    bodies: Mapping[ObjectKey, bytes]
    ambassador_id: str
    notes: Notes

    def read(
        self, kind: str, spec: type[T], wanted: Callable[[ObjectKey], bool] = lambda _: True
    ) -> Iterator[tuple[ObjectKey, Read[T]]]:
        """The objects of a kind that are for this gateway and can be read."""
        for key in sorted(self.bodies):
            if not key.startswith(f"{EMISSARY}{kind}/") or not wanted(key):
                continue
            row = read_object(spec, key, self.bodies[key], self.ambassador_id)
            if row is None:
                said = "ambassador_id names another gateway: the object stays as it is"
                self.notes.otherwise(key, "spec.ambassador_id", said, "convert it with AMBASSADOR_ID set to that")
            elif row.value is None:
                problem = next((each for each in row.problems if each.stops), None)
                path, message = (problem.path, problem.message) if problem else ("", "cannot be read")
                self.notes.lost(key, path, f"{message}: the object is stopped", "mend it first: dragoman lint")
            else:
                yield key, row
