"""From the bytes of an object to a value of its kind, for every kind in the same way.

Objects of another gateway (`ambassador_id`) are invisible: nothing is said of them, not even that they are wrong.
Those of an older version (v1, v2) are converted first; what is wrong with them is told in the words that they use.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, Generic, Protocol, TypeVar

import orjson

from conversion import CURRENT, GROUP, UnconvertibleError, convert, written_path
from translator.decode import FrozenMap, Problem, decode, join, show
from translator.ir import ObjectKey
from translator.kubernetes.tables import name_of

SERVED_VERSION: Final = f"{GROUP}/{CURRENT}"
NOT_SERVED: Final = "is not served by this version: it has no effect"
EVERYONE: Final = ["_automatic_"]
HELD: Final = "heldBack"
"""Marks what is left of an object that Envoy refused: it stands for its names, and is not served."""
NO_LABELS: Final[Mapping[str, str]] = FrozenMap()


def words(text: str) -> frozenset[str]:
    """The words of a text: a list of names that is read as one reads."""
    return frozenset(text.split())


class Kind(Protocol):
    """What a dataclass of `kinds` says besides its fields."""

    UNSERVED: ClassVar[frozenset[str]]
    SILENT: ClassVar[frozenset[str]]


T = TypeVar("T", bound=Kind)


@dataclass(frozen=True, slots=True)
class Read(Generic[T]):
    """An object as it was read; `value` is None when a problem stops it."""

    namespace: str
    name: str
    labels: Mapping[str, str]
    value: T | None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Edition:
    """Which version of which object it is, in Kubernetes' words; from a folder neither is known."""

    uid: str = ""
    generation: int | None = None


UNNAMED: Final = Edition()


@dataclass(frozen=True, slots=True)
class Subject:
    """What a status is about. `is_ours`: for this gateway. `names_secret`: a Host with a certificate."""

    edition: Edition = UNNAMED
    is_ours: bool = True
    names_secret: bool = False


def subject_of(body: bytes, edition: Edition, ambassador_id: str) -> Subject:
    """What a status must know of the object that it is about."""
    spec = orjson.loads(body).get("spec")
    if not isinstance(spec, dict):
        return Subject(edition)
    return Subject(edition, is_for(spec, ambassador_id), bool(spec.get("tlsSecret")))


def read_object(kind: type[T], key: ObjectKey, body: bytes, ambassador_id: str) -> Read[T] | None:
    """Read an object of a kind; None when it is for another gateway."""
    written = document = orjson.loads(body)
    wrong = _ids_problem(written.get("spec"))
    if written.get("apiVersion") != SERVED_VERSION:
        try:
            document = convert(written, CURRENT)
        except UnconvertibleError as error:
            wrong = (Problem("apiVersion", f"must be {SERVED_VERSION}: {error}", reason="NotServed"),)
    spec = document.get("spec")
    if isinstance(spec, dict) and not is_for(spec, ambassador_id):
        return None
    if written.get(HELD) is True:
        wrong = (Problem("metadata.name", "is held back, since Envoy refused it"),)
    namespace, name = name_of(key)
    labels = _labels_of(document)
    if wrong:
        return Read(namespace, name, labels, None, wrong)
    value, problems = read_spec(kind, spec)
    if document is not written:
        problems = _as_written(problems, written)
    return Read(namespace, name, labels, value, problems)


def _as_written(problems: tuple[Problem, ...], written: dict[str, Any]) -> tuple[Problem, ...]:
    named, spec = str(written.get("kind")), written.get("spec")
    return tuple([replace(problem, path=written_path(named, spec, problem.path)) for problem in problems])


def read_spec(kind: type[T], spec: object, path: str = "spec") -> tuple[T | None, tuple[Problem, ...]]:
    """Read a JSON object into a dataclass of ours; its unserved fields are told, and left out."""
    told: list[Problem] = []
    if isinstance(spec, dict):
        spec, told = _split(kind, spec, path)
    decoded = decode(kind, spec, path)
    return decoded.value, (*told, *decoded.problems) if told else decoded.problems


def _split(kind: type[Kind], spec: dict[str, Any], path: str) -> tuple[dict[str, Any], list[Problem]]:
    aside = (kind.UNSERVED | kind.SILENT | COMMON) & spec.keys()
    if not aside:
        return spec, []
    kept = {name: value for name, value in spec.items() if name not in aside}
    unserved = (name for name in sorted(aside & kind.UNSERVED) if spec[name] is not None)
    return kept, [Problem(join(path, name), NOT_SERVED, stops=False, reason="NotServed") for name in unserved]


COMMON: Final = frozenset({"ambassador_id", "ambassadorId"})


def is_for(spec: dict[str, Any], ambassador_id: str) -> bool:
    """Whether an object is for the gateway with this id. One of which it cannot be read names nobody."""
    _, ids = _ids_of(spec)
    if isinstance(ids, str):
        ids = [ids]
    named = [each for each in ids if isinstance(each, str)] if isinstance(ids, list) else None
    if named is None or (ids and not named):
        return ambassador_id == "default"
    return ambassador_id in named or named == EVERYONE


def _ids_of(spec: dict[str, Any]) -> tuple[str, Any]:
    name = "ambassador_id" if spec.get("ambassador_id") is not None else "ambassadorId"
    return name, spec.get(name)


def _wrong_id(ids: object) -> str | None:
    if not isinstance(ids, list):
        return f"must be a string or a list of strings, not {show(ids)}"
    wrong = [each for each in ids if not isinstance(each, str)]
    return f"must be a list of strings, without {show(wrong[0])}" if wrong else None


def _ids_problem(spec: object) -> tuple[Problem, ...]:
    name, ids = _ids_of(spec) if isinstance(spec, dict) else ("", None)
    said = None if ids is None or isinstance(ids, str) else _wrong_id(ids)
    return (Problem(f"spec.{name}", said),) if said else ()


def _labels_of(document: dict[str, Any]) -> Mapping[str, str]:
    metadata = document.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    if not isinstance(labels, dict) or not labels:
        return NO_LABELS
    return FrozenMap({name: value for name, value in labels.items() if isinstance(value, str)})
