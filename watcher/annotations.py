"""Configuration in annotations: what `getambassador.io/config` of a Service or an Ingress says, as JSON. Pure.

The annotation is YAML, of any number of documents, each an object. What reads the snapshot shall read no YAML, so the
text is replaced by what it says: the object has a field more, `carried`, with an item for each object and each mistake.

    {"document": 1, "key": "getambassador.io/Mapping/default/quote", "object": {...}}
    {"document": 2, "line": 9, "problem": "it is not YAML: ..."}

Where there is a mistake, what was said before and is missing now goes on (`watcher/staying.py`).

An annotation is bounded as a file is (`watcher/limits.py`), by numbers of its own: it is a part of an object that
others write, and there may be as many as there are Services.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson

from snapshot import JSON
from watcher.documents import Budget, Fault
from watcher.flat import GROUP, unfolded
from watcher.limits import mib
from watcher.objects import Made, Rejected, canonical, objects_of, unlike
from watcher.pieces import has_more_borders, pieces
from watcher.salvage import LARGEST as SALVAGED
from watcher.salvage import salvaged
from watcher.standing import IN_ANNOTATION, STANDS_IN, stand_in
from watcher.yaml_text import read_yaml

ANNOTATION: Final = "getambassador.io/config"
CARRIED: Final = "carried"
"""The field with what the annotation says: for the translator, which knows it by the same word (docs/snapshot.md)."""

CARRIERS: Final = ("core/Service/", "networking.k8s.io/Ingress/")
"""Begin the keys of what may have configuration in an annotation."""

LONGEST: Final = 256 << 10
"""Bytes of an annotation: Kubernetes lets an object have no more in all of them."""
MOST_DOCUMENTS: Final = 512
MOST_VALUES: Final = 65_536
MOST_ALIASED: Final = 64 << 10
"""Characters that the aliases of an annotation may add to it."""
LARGEST: Final = 512 << 10
"""Bytes of its objects as JSON, in which each has the labels of the object that carries it."""
GROWTH: Final = 8
"""So many times the annotation may its objects take, where it is short: labels count in each."""
SMALL: Final = 16 << 10
MOST_TOLD: Final = 19
_LONGEST_MESSAGE: Final = 400
_MARK: Final = f'"{CARRIED}":['.encode()

_TOO_MANY_VALUES: Final = f"it has more than {MOST_VALUES:,} values"
_TOO_MANY_ALIASES: Final = f"its aliases add more than {mib(MOST_ALIASED)} to it"


def is_carrier(key: str) -> bool:
    """Whether the object of this key may have configuration in an annotation."""
    return key.startswith(CARRIERS)


def carry_in_body(body: bytes, budget: Budget) -> bytes:
    """The canonical bytes of a carrier, with what its annotation says in place of that."""
    if ANNOTATION.encode() not in body and f'"{CARRIED}"'.encode() not in body:
        return body
    return canonical(carry(orjson.loads(body), budget))


def carry(document: dict[str, Any], budget: Budget) -> dict[str, JSON]:
    """A carrier with what its annotation says in place of that; what it takes is taken from the budget."""
    kept = {name: value for name, value in document.items() if name != CARRIED}
    metadata = kept["metadata"]
    annotations = metadata.get("annotations")
    if not isinstance(annotations, dict) or ANNOTATION not in annotations:
        return kept
    others = {name: text for name, text in annotations.items() if name != ANNOTATION}
    kept["metadata"] = {name: value for name, value in metadata.items() if name != "annotations"}
    if others:
        kept["metadata"]["annotations"] = others
    said = list(_said(annotations[ANNOTATION], metadata, budget))
    return {**kept, CARRIED: said} if said else kept


def carried_by(body: bytes) -> Iterator[tuple[str, bytes]]:
    """The objects in the body of a carrier, by their keys."""
    if _MARK in body:
        for item in orjson.loads(body).get(CARRIED, ()):
            if "object" in item:
                yield item["key"], canonical(item["object"])


@dataclass(slots=True)
class _Room:
    """What may still be told, and what the objects may still take."""

    bytes: int
    told: int = 0
    untold: int = 0

    def problem(self, message: str, **where: int) -> Iterator[JSON]:
        """A mistake, if it is one of the first."""
        if self.told == MOST_TOLD:
            self.untold += 1
            return
        self.told += 1
        cut = message if len(message) <= _LONGEST_MESSAGE else f"{message[:_LONGEST_MESSAGE]}..."
        yield {**where, "problem": cut.encode(errors="backslashreplace").decode()}


def _said(annotation: object, metadata: dict[str, Any], budget: Budget) -> Iterator[JSON]:
    room = _Room(0)
    if not isinstance(annotation, str):
        yield from room.problem(f"is {unlike(annotation, 'text')}")  # type: ignore[arg-type]
        return
    text = annotation.encode(errors="replace")
    if len(text) > LONGEST:
        yield from room.problem(f"is larger than {mib(LONGEST)}")
    elif has_more_borders(text, MOST_DOCUMENTS):
        yield from room.problem(f"has more than {MOST_DOCUMENTS} documents")
    else:
        room.bytes = min(LARGEST, GROWTH * len(text) + SMALL)
        yield from _documents(text, metadata, budget, room)
        if room.untold:
            room.told = 0
            yield from room.problem(f"has {room.untold} more mistakes")


def _documents(text: bytes, metadata: dict[str, Any], budget: Budget, room: _Room) -> Iterator[JSON]:
    own = Budget(
        min(MOST_VALUES, budget.values), min(MOST_ALIASED, budget.aliased), _TOO_MANY_VALUES, _TOO_MANY_ALIASES
    )
    before = own.values, own.aliased
    number, line, may_stand = 0, 1, SALVAGED
    for piece in pieces(text):
        for place, found in enumerate(read_yaml(piece, own)):
            number += 1
            if isinstance(found, Fault):
                where = {"document": number, "line": line + found.line}
                yield from room.problem(found.message, **where)
                may_stand -= len(piece)
                if place == 0 and may_stand >= 0:
                    yield from _standing(salvaged(piece, found), where, metadata, room)
            else:
                yield from _objects(found.value, number, line + found.line, metadata, room)
        if own.values < 0 or own.aliased < 0 or room.bytes < 0:
            break
        line += piece.count(b"\n")
    budget.values -= before[0] - max(0, own.values)  # what went beyond is told, and is not there
    budget.aliased -= before[1] - max(0, own.aliased)


def _standing(value: JSON, where: dict[str, int], metadata: dict[str, Any], room: _Room) -> Iterator[JSON]:
    """What stands for a document that is no text of an object."""
    if isinstance(value, dict):
        value = _inheriting(unfolded(value), metadata)
        if str(value.get("apiVersion")).startswith(GROUP):
            yield from _stood(stand_in(value, str(metadata["namespace"]), is_part=True), where, room)


def _stood(instead: Made | None, where: dict[str, int], room: _Room) -> Iterator[JSON]:
    """What stands for an object, marked as that of an annotation."""
    if instead is not None:
        said = {**orjson.loads(instead.body), STANDS_IN: IN_ANNOTATION}
        yield from _kept(Made(instead.key, canonical(said)), where, room)


def _objects(value: JSON, number: int, line: int, metadata: dict[str, Any], room: _Room) -> Iterator[JSON]:
    """The object of a document, and what is wrong with it."""
    if value is None:
        return
    where = {"document": number, "line": line}
    if isinstance(value, dict):
        value = _inheriting(unfolded(value), metadata)
        if not str(value.get("apiVersion")).startswith(GROUP):
            version = str(value.get("apiVersion"))
            yield from room.problem(f"apiVersion must begin with {GROUP} or ambassador/, not {version[:80]!r}", **where)
            return
    for made in objects_of(value, str(metadata.get("namespace") or "")):
        if isinstance(made, Rejected):
            yield from room.problem(made.message, **where)
            yield from _stood(stand_in(made.value, str(metadata["namespace"])), where, room)
        else:
            yield from _kept(made, where, room)


def _kept(made: Made, where: dict[str, int], room: _Room) -> Iterator[JSON]:
    room.bytes -= len(made.body)
    if room.bytes < 0:
        said = (
            f"the objects up to this one take too much, each with the labels that it inherits: at most {mib(LARGEST)}"
        )
        yield from room.problem(f"{said}, or {GROWTH} times the annotation", **where)
    else:
        yield {**where, "key": made.key, "object": orjson.loads(made.body)}


def _inheriting(value: dict[str, Any], metadata: dict[str, Any]) -> dict[str, Any]:
    """An object with the namespace and the labels of the one that carries it, where it has none of its own."""
    own = value["metadata"]
    if not isinstance(own, dict):
        return value
    inherited = {name: metadata[name] for name in ("namespace", "labels") if metadata.get(name) is not None}
    given = {name: item for name, item in own.items() if not (name in inherited and item in (None, ""))}
    return {**value, "metadata": {**inherited, **given}}
