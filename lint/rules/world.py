"""What a rule of advice is given: all that is known of the objects, and the time."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from lint.findings import Code, Found
from translator.apis import kind_of
from translator.ir import ObjectKey
from translator.judging import Judgement


@dataclass(frozen=True, slots=True)
class World:
    """The objects, how they were judged, what was found so far, and now."""

    judgement: Judgement
    now: dt.datetime
    found: Mapping[ObjectKey, tuple[Found, ...]] = field(default_factory=dict)
    _read: dict[ObjectKey, dict[str, Any]] = field(default_factory=dict)

    def document(self, key: ObjectKey) -> dict[str, Any]:
        """An object as JSON; read once."""
        found = self._read.get(key)
        if found is None:
            found = self._read[key] = orjson.loads(self.judgement.objects[key])
        return found

    def spec(self, key: ObjectKey) -> dict[str, Any]:
        """The spec of an object; empty where it is none."""
        spec = self.document(key).get("spec")
        return spec if isinstance(spec, dict) else {}

    def of_kind(self, kind: str) -> Iterator[ObjectKey]:
        """The keys of the objects of a kind, `<group>/<Kind>`."""
        return (key for key in self.judgement.objects if kind_of(key) == kind)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: the codes that it may find, and how it finds them. It raises nothing, whatever the objects are."""

    codes: tuple[Code, ...]
    find: Callable[[World], Iterable[Found]]
