"""What conversions speak in: objects with the fields that they come from, and what could not be said. Pure."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from translator.decode import join, step
from translator.ir import ObjectKey

Field = tuple[ObjectKey, str]
"""An object, and the path of a field of it; empty: the object itself."""
Document = dict[str, Any]

NOWHERE: Final[Field] = ("", "")


@dataclass(frozen=True, slots=True)
class At:
    """A value of an object that is made, and the fields that it comes from: their comments go where it goes."""

    value: Any
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """What a field says and the other API cannot.

    `lost`: it is not said at all; else it is said a little otherwise. `instead` is what to do. `edge`: it is about
    paths that begin with this, and do not go on with a slash.
    """

    object: ObjectKey
    path: str
    reason: str
    instead: str
    lost: bool = True
    edge: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """An object that is made, with values `At` in it; `of` are those that it takes the place of."""

    document: Document
    of: tuple[ObjectKey, ...]


@dataclass(frozen=True, slots=True)
class Converted:
    """What came of objects.

    `made` is in the order in which it is written. `replaced` are the objects that it takes the place of; the others
    stay as they are. `same` are targets of backends that are the same by another name, as they are before and after.
    """

    made: tuple[Made, ...]
    told: tuple[Told, ...]
    replaced: frozenset[ObjectKey]
    same: Mapping[Any, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Notes:
    """Collects what could not be said, each once."""

    found: dict[Told, None] = field(default_factory=dict)

    def lost(self, key: ObjectKey, path: str, reason: str, instead: str) -> None:
        """A field is not said at all."""
        self.found.setdefault(Told(key, path, reason, instead))

    def otherwise(self, key: ObjectKey, path: str, reason: str, instead: str, edge: str = "") -> None:
        """A field is said, and means a little less, or more."""
        self.found.setdefault(Told(key, path, reason, instead, lost=False, edge=edge))

    @property
    def told(self) -> tuple[Told, ...]:
        """All of it, by object."""
        return tuple(sorted(self.found, key=lambda each: (not each.lost, each.object)))


def at(value: Any, key: ObjectKey, *paths: str) -> At:
    """A value that comes from some fields of an object."""
    return At(value, tuple([(key, path) for path in paths]))


def copied(value: Any, key: ObjectKey, path: str) -> At:
    """A value as it is written, part by part, so that each comment in it keeps its place."""
    return At(_inside(value, key, path), ((key, path),))


def _inside(value: Any, key: ObjectKey, path: str) -> Any:
    if isinstance(value, dict):
        return {name: copied(item, key, join(path, step(name))) for name, item in value.items()}
    if isinstance(value, list):
        return [copied(item, key, f"{path}[{place}]") for place, item in enumerate(value)]
    return value


def plain(value: Any) -> Any:
    """The same without where it comes from: JSON."""
    if isinstance(value, At):
        return plain(value.value)
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def without_nothing(document: Mapping[str, Any]) -> Document:
    """The fields that say something."""
    return {name: value for name, value in document.items() if not _is_nothing(value)}


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, dict | list) and not value)


def key_of(document: Mapping[str, Any], namespace: str) -> ObjectKey:
    """The key of an object that is made."""
    group, _, _ = str(plain(document["apiVersion"])).rpartition("/")
    metadata = plain(document["metadata"])
    where = "" if document["kind"] == "GatewayClass" else metadata.get("namespace", namespace)
    return f"{group or 'core'}/{plain(document['kind'])}/{where}/{metadata['name']}"


def called(key: ObjectKey) -> str:
    """An object for people."""
    _, kind, namespace, name = key.split("/", 3)
    return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"


def first_free(name: str, taken: Container[str]) -> str:
    """A name that nobody has yet."""
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}-{number}"
    return found
