"""Objects of Emissary's that others become: what they are called, whose they are, and how they are spoken of. Pure.

An Ingress, and one of Knative's, becomes Mappings and Hosts, which Emissary's rules serve like any other. A derived
object's name is that of its origin, a slash, and its place in it: no object of anybody has such a name. What is told of
it is told of its origin, with the place as a path.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import orjson

from translator.decode import Problem, Reason
from translator.ir import ObjectKey
from translator.kubernetes.own_services import CLUSTER_LOCAL, VISIBILITY
from translator.kubernetes.shapes import STANDS_IN
from translator.tables import Table, Tables
from translator.values import dataclass

ID: Final = "getambassador.io/ambassador-id"
DEFAULT_ID: Final = "default"
INGRESS: Final = "networking.k8s.io/Ingress"
KNATIVE: Final = "networking.internal.knative.dev/Ingress"

UNCHOSEN: Final = (
    f"is {CLUSTER_LOCAL}, and no Host chooses the label {VISIBILITY}: {CLUSTER_LOCAL}, so that nobody asks for it"
)

_VERSION: Final = "getambassador.io/v3alpha1"
_KINDS: Final = ("Host", "Mapping")
_PLACE: Final = r"tls-\d+-\d+|\d+-\d+|default-backend|backend|knative-(?:local-|private-)?\d+-\d+-\d+-\d+"
_KEY: Final = re.compile(rf"getambassador\.io/(?:Mapping|Host)/([^/]+)/([^/]+)/({_PLACE})")
_CALLED: Final = re.compile(rf"(?:Mapping|Host) ([^/ ]+)/([^/ ]+)/({_PLACE})")
_SLASHES: Final = 3
"""In the key of every object that somebody wrote."""
_OF_KNATIVE: Final = "knative-"
_LOCAL: Final = f"{_OF_KNATIVE}local-"
_PRIVATE: Final = f"{_OF_KNATIVE}private-"
"""Begin the places of what is to be seen in the cluster alone: beside what is not, or as all there is."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What becomes others: its namespace and name, and for which gateway it is."""

    namespace: str
    name: str
    ambassador_id: str

    def object(
        self, kind: str, place: str, labels: Mapping[str, str], fields: Mapping[str, Any]
    ) -> tuple[ObjectKey, bytes]:
        """A derived object, by its key."""
        return self._made(kind, place, labels, fields, {})

    def name_alone(self, place: str, hostname: str) -> tuple[ObjectKey, bytes]:
        """A Host of which nothing is known but its name, where nobody answers."""
        return self._made("Host", place, {}, {"hostname": hostname}, {STANDS_IN: "Ingress"})

    def _made(
        self, kind: str, place: str, labels: Mapping[str, str], fields: Mapping[str, Any], mark: Mapping[str, Any]
    ) -> tuple[ObjectKey, bytes]:
        name = f"{self.name}/{place}"
        metadata = {"name": name, "namespace": self.namespace, "labels": dict(labels)}
        spec = {**fields, "ambassador_id": [self.ambassador_id]}
        body = {"apiVersion": _VERSION, "kind": kind, "metadata": metadata, "spec": spec, **mark}
        return f"getambassador.io/{kind}/{self.namespace}/{name}", orjson.dumps(body)


def id_of(annotations: Mapping[str, str]) -> str:
    """The gateway that annotations name."""
    return annotations.get(ID) or DEFAULT_ID


def knative_place(rule: int, path: int, split: int, host: int, *, local: bool, has_public: bool) -> str:
    """The place of a share of a path, for one of its hosts; `local`: to be seen in the cluster alone."""
    beginning = (_LOCAL if has_public else _PRIVATE) if local else _OF_KNATIVE
    return f"{beginning}{rule}-{path}-{split}-{host}"


def owner_of(key: ObjectKey) -> ObjectKey:
    """The object that a derived one comes from; the key itself of any other."""
    found = _KEY.fullmatch(key) if key.count("/") > _SLASHES else None
    return f"{KNATIVE if found[3].startswith(_OF_KNATIVE) else INGRESS}/{found[1]}/{found[2]}" if found else key


def in_words(message: str) -> str:
    """What is said of derived objects, by the object that somebody wrote."""
    return _CALLED.sub(lambda found: f"{_word_for(found[3])} {found[1]}/{found[2]} ({_path_of(found[3])})", message)


def told_of(key: ObjectKey, problem: Problem) -> Problem:
    """A problem of a derived object, told where its origin says it."""
    place = key.rpartition("/")[2]
    if place.startswith((_LOCAL, _PRIVATE)) and problem.reason == "NotAttached":
        # Beside what everybody sees, and is served, it is no reason to call the whole unserved.
        reason: Reason = "NotAttached" if place.startswith(_PRIVATE) else "Invalid"
        return Problem(f"{_path_of(place).partition('.http')[0]}.visibility", UNCHOSEN, stops=False, reason=reason)
    message = f"{problem.path.removeprefix('spec.')} {problem.message}".strip()
    return replace(problem, path=_path_of(place), message=message)


def bodies_by_kind(
    tables: Tables, of: Table[ObjectKey, Mapping[ObjectKey, bytes]]
) -> Mapping[str, Table[ObjectKey, bytes]]:
    """What all origins become, by kind."""
    single = tables.group("objects derived", of, lambda _, them: them)
    bodies: Table[ObjectKey, bytes] = tables.each("bodies derived", single, lambda _, them: next(iter(them.values())))
    return {kind: _of_kind(tables, bodies, kind) for kind in _KINDS}


def _of_kind(tables: Tables, bodies: Table[ObjectKey, bytes], kind: str) -> Table[ObjectKey, bytes]:
    beginning = f"getambassador.io/{kind}/"
    return tables.each(f"{kind} objects derived", bodies, lambda key, body: body if key.startswith(beginning) else None)


def _word_for(place: str) -> str:
    return "Knative's Ingress" if place.startswith(_OF_KNATIVE) else "Ingress"


def _path_of(place: str) -> str:
    if place == "default-backend":
        return "spec.defaultBackend"
    if place == "backend":
        return "spec.backend"
    first, *rest = place.removeprefix(_LOCAL).removeprefix(_PRIVATE).removeprefix(_OF_KNATIVE).split("-")
    if first == "tls":
        return f"spec.tls[{rest[0]}].hosts[{rest[1]}]"
    path = f"spec.rules[{first}].http.paths[{rest[0]}]"
    return f"{path}.splits[{rest[1]}]" if place.startswith(_OF_KNATIVE) else path
