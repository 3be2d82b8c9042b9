"""From the bytes of an object to a value of its kind, for every kind in the same way.

Objects of another gateway (`ambassador_id`) are invisible: nothing is said of them, not even that they are wrong. Where
it cannot be read whose one is, it counts as one that names nobody: it is the default gateway's, which stops it and
tells it. So one of them speaks for it, and no other is touched.

Those of an older version (v1, v2) are converted first; what is wrong with them is told in the words that they use.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Final, Generic, Protocol, TypeVar

import orjson

from conversion import CURRENT, GROUP, UnconvertibleError, convert, written_path
from translator.ambassador_ids import COMMON, DEFAULT, is_for, problems_of_ids
from translator.decode import FrozenMap, Problem, decode, few
from translator.emissary.pitfalls import booleans_of
from translator.ir import ObjectKey
from translator.kubernetes.shapes import STANDS_IN, metadata_of, unread
from translator.kubernetes.tables import name_of
from translator.subjects import Edition, Subject
from translator.values import dataclass

SERVED_VERSION: Final = f"{GROUP}/{CURRENT}"
HELD: Final = "heldBack"
"""Marks what is left of an object that Envoy refused: it stands for its names, and is not served."""
NO_LABELS: Final[Mapping[str, str]] = FrozenMap()


def words(text: str) -> frozenset[str]:
    """The words of a text: a list of names that is read as one reads."""
    return frozenset(text.split())


class Kind(Protocol):
    """What a dataclass of `kinds` says besides its fields."""

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


_ASKED_OF_A_SUBJECT: Final = re.compile(rb"tlsSecret|ambassador_id|ambassadorId|\\")
"""Without any of these in its bytes, no object says what a status must know; a backslash may be any letter in JSON."""


def subject_of(body: bytes, edition: Edition, ambassador_id: str) -> Subject:
    """What a status must know of the object that it is about."""
    if _ASKED_OF_A_SUBJECT.search(body) is None:  # as in most Mappings: nothing to be found
        return Subject(edition, ambassador_id == DEFAULT)
    spec = orjson.loads(body).get("spec")
    names_secret = isinstance(spec, dict) and bool(spec.get("tlsSecret"))
    return Subject(edition, is_for(spec, ambassador_id), names_secret)


def read_object(kind: type[T], key: ObjectKey, body: bytes, ambassador_id: str) -> Read[T] | None:
    """Read an object of a kind; None when it is for another gateway."""
    written = document = orjson.loads(body)
    wrong: tuple[Problem, ...] = ()
    if written.get("apiVersion") != SERVED_VERSION:
        try:
            document = convert(written, CURRENT)
        except UnconvertibleError as error:
            wrong = (Problem("apiVersion", f"must be {SERVED_VERSION}: {error}", reason="NotServed"),)
    spec = document.get("spec")
    if not is_for(spec, ambassador_id):
        return None
    namespace, name = name_of(key)
    metadata = metadata_of(written)
    if written.get(HELD) is True:
        held = Problem("metadata.name", "is held back, since Envoy refused it")
        return Read(namespace, name, NO_LABELS, None, (*metadata.problems, held))
    if standing := STANDS_IN in written and unread(written):
        return Read(namespace, name, NO_LABELS, None, (*metadata.problems, *standing))
    if wrong:  # wrong metadata may be why
        return Read(namespace, name, NO_LABELS, None, metadata.problems or wrong)
    labels = (metadata.value and metadata.value.labels) or NO_LABELS
    value, problems = read_spec(kind, spec)
    problems = (*problems_of_ids(spec), *problems)
    if document is not written:
        problems = (*_as_written(problems, written), *booleans_of(written.get("spec")))
    problems = few((*metadata.problems, *problems))
    if problems and any(problem.stops for problem in problems):
        value = None
    return Read(namespace, name, labels, value, problems)


def _as_written(problems: tuple[Problem, ...], written: dict[str, Any]) -> tuple[Problem, ...]:
    named, spec = str(written.get("kind")), written.get("spec")
    return tuple([replace(problem, path=written_path(named, spec, problem.path)) for problem in problems])


def read_spec(kind: type[T], spec: object, path: str = "spec") -> tuple[T | None, tuple[Problem, ...]]:
    """Read a JSON object into a dataclass of ours; what means nothing to a gateway is left out."""
    if isinstance(spec, dict) and not (kind.SILENT.isdisjoint(spec) and COMMON.isdisjoint(spec)):
        aside = kind.SILENT | COMMON
        spec = {name: value for name, value in spec.items() if name not in aside}
    decoded = decode(kind, spec, path)
    return decoded.value, decoded.problems
