"""Objects that other objects carry in an annotation: whose they are, which of several counts, and what is told of them.

The watcher has read the annotation: the carrier's body says the objects in `carried` (docs/snapshot.md). Each becomes
an object like any other, with its own key. Where a name has several objects, one that stands for itself comes before
all that are carried, and of these the one whose carrier comes first by its key; the others are told on their carriers.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field, replace
from typing import Any, Final, TypeAlias

import orjson

from process.text import printable
from translator.decode import MOST
from translator.ir import ObjectKey
from translator.statuses import ReportedProblem, Status
from translator.values import dataclass

CARRIED: Final = "carried"
STAYS: Final = "stays"
"""Marks what was read before, of an annotation of which a part cannot be read now (docs/snapshot.md)."""
LONGEST: Final = 1_000
"""Characters of what is told of a carried object on its carrier."""
ANNOTATION: Final = "metadata.annotations[getambassador.io/config]"
_MARK: Final = f'"{CARRIED}":['.encode()
_CARRIERS: Final = ("core/Service/", "networking.k8s.io/Ingress/")
_CARRIABLE: Final = "getambassador.io/"

StatusOf: TypeAlias = Callable[[ObjectKey], Status | None]


def is_carrier(key: ObjectKey) -> bool:
    """Whether the object of this key may carry others."""
    return key.startswith(_CARRIERS)


@dataclass(frozen=True, slots=True)
class _Carrier:
    """What an object carries: where each object stands, and what is wrong with its annotation."""

    documents: Mapping[ObjectKey, int] = field(default_factory=dict)
    problems: tuple[ReportedProblem, ...] = ()


class Carriers:
    """What is carried, by whom. `take` turns changes of what there is into changes of what counts."""

    def __init__(self) -> None:
        self._carriers: dict[ObjectKey, _Carrier] = {}
        self._carried: dict[ObjectKey, dict[ObjectKey, bytes]] = {}
        self._standing: set[ObjectKey] = set()

    def take(self, changes: Mapping[ObjectKey, bytes | None]) -> dict[ObjectKey, bytes | None]:
        """The changes with those of carried objects."""
        effective = dict(changes)
        touched: set[ObjectKey] = set()
        for key, body in changes.items():
            if key.startswith(_CARRIABLE):
                (self._standing.discard if body is None else self._standing.add)(key)
                if key in self._carried:
                    touched.add(key)
            elif is_carrier(key) and (key in self._carriers or (body is not None and _MARK in body)):
                document = None if body is None else orjson.loads(body)
                touched.update(self._put(key, (document or {}).pop(CARRIED, None) or ()))
                effective[key] = None if document is None else orjson.dumps(document)
        for key in touched:
            if key not in self._standing:
                holders = self._carried.get(key)
                effective[key] = holders[min(holders)] if holders else None
        return effective

    def touched(self, keys: Iterable[ObjectKey]) -> set[ObjectKey]:
        """The carriers whose status says something of these objects."""
        found: set[ObjectKey] = set()
        for key in keys:
            found.update(self._carried.get(key, ()))
            if key in self._carriers:
                found.add(key)
        return found

    def carrier_of(self, key: ObjectKey) -> ObjectKey | None:
        """Who carries the object of this key that counts; None where it stands for itself."""
        holders = self._carried.get(key)
        return min(holders) if holders and key not in self._standing else None

    def carried(self) -> dict[ObjectKey, ObjectKey]:
        """The objects that count and are carried, each with who carries it."""
        found = {child: self.carrier_of(child) for child in self._carried}
        return {child: carrier for child, carrier in found.items() if carrier is not None}

    def told_on(self, key: ObjectKey, own: Status | None, status_of: StatusOf) -> Status | None:
        """The status of an object with what is wrong in its annotation, and with what it carries.

        `own` is its status beside that; None where it has none.
        """
        carrier = self._carriers.get(key)
        if carrier is None:
            return own
        problems = sorted(
            {*carrier.problems, *self._of_objects(key, carrier, status_of)}, key=lambda one: not one.stops
        )
        own = own or Status()
        room = max(0, MOST - len(own.problems))
        listed = sorted(problems[:room], key=lambda one: one.message)
        return replace(own, problems=(*own.problems, *listed), more=own.more + len(problems[room:]))

    def _of_objects(self, key: ObjectKey, carrier: _Carrier, status_of: StatusOf) -> Iterator[ReportedProblem]:
        for child, document in carrier.documents.items():
            winner = self.carrier_of(child)
            if winner != key:
                said = f"is in {winner} already, which counts" if winner else "is an object of its own, which counts"
                yield ReportedProblem(ANNOTATION, f"{_place(document)}{child} {said}", stops=True)
                continue
            status = status_of(child)
            for problem in status.problems if status else ():
                place = f"document {document}, " if document else ""
                said = f"{place}{child}: {problem.path} {problem.message}".replace(":  ", ": ")
                yield replace(problem, path=ANNOTATION, message=printable(said, LONGEST), stops=False)

    def _put(self, key: ObjectKey, carried: Iterable[dict[str, Any]]) -> set[ObjectKey]:
        """What an object carries now; the keys of what has changed by that."""
        before = self._carriers.pop(key, _Carrier()).documents
        carrier, objects = _read(carried)
        touched = {child for child in before if child not in objects}
        for child in touched:
            holders = self._carried[child]
            del holders[key]
            if not holders:
                del self._carried[child]
        for child, found in objects.items():
            holders = self._carried.setdefault(child, {})
            if holders.get(key) != found:
                holders[key] = found
                touched.add(child)
        if carrier.documents or carrier.problems:
            self._carriers[key] = carrier
        return touched


def _place(document: int, line: int | None = None) -> str:
    """Where in an annotation something is; of what only stays nobody can say it."""
    if not document:
        return ""
    return f"document {document}: " if line is None else f"document {document}, line {line}: "


def _read(carried: Iterable[dict[str, Any]]) -> tuple[_Carrier, dict[ObjectKey, bytes]]:
    """What an object carries. Of a name that is there twice the first counts."""
    objects: dict[ObjectKey, bytes] = {}
    documents: dict[ObjectKey, int] = {}
    problems: list[ReportedProblem] = []
    for item in carried:
        number: int = item.get("document", 0)
        if "problem" in item:
            line = item.get("line")
            problems.append(ReportedProblem(ANNOTATION, f"{_place(number, line)}{item['problem']}", stops=True))
        elif item["key"] in objects:
            said = f"{item['key']} is in this annotation already, in document {documents[item['key']]}"
            problems.append(ReportedProblem(ANNOTATION, f"{_place(number)}{said}", stops=True))
        else:
            objects[item["key"]] = orjson.dumps(item["object"])
            documents[item["key"]] = number
            if STAYS in item:
                said = f"{item['key']} goes on as it was read before, until all of the annotation can be read"
                problems.append(ReportedProblem(ANNOTATION, said, stops=False))
    return _Carrier(documents, tuple(problems)), objects
