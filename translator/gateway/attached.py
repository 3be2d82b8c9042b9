"""Policies of ours, as they attach to targets (GEP-713): who they are about, and whose counts.

A policy is about targets of its own namespace alone. Of several that want the same target the oldest has it, whatever
is wrong with it: what a younger one asks may be less. What is for more than the target is another target; and one that
is an override is beside those that are not.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, Generic, TypeVar

import orjson

from translator.ambassador_ids import COMMON, is_for, problems_of_ids
from translator.decode import few
from translator.gateway.kinds.shared import Object, read_object
from translator.gateway.kinds.targets import OVERRIDE, Place, Targeting, place_of
from translator.ir import ObjectKey
from translator.tables import Table, Tables, read
from translator.values import dataclass

S = TypeVar("S", bound=Targeting)

WHOLE: Final = ""
"""The section that stands for all of an object."""

Claimed = tuple[ObjectKey, str, bool]
"""A place, and whether it is for an override."""


@dataclass(frozen=True, slots=True)
class _Claim:
    """That a policy wants a target; `age` as of objects."""

    age: tuple[str, str, str]


class Attached(Generic[S]):
    """The policies of a kind. `all` are those that there are, `owners` whose counts for a place.

    The methods are for rules that a sweep runs.
    """

    def __init__(
        self,
        tables: Tables,
        kind: str,
        spec: type[S],
        left_of: Callable[[dict[str, Any]], tuple[Any, ...]],
        ambassador_id: str,
    ) -> None:
        """`left_of` finds the targets, among others, of a spec that is stopped."""
        self.kind = kind
        self._name = kind.partition("/")[2]
        self.objects: Table[ObjectKey, bytes] = tables.source(f"{kind} objects")
        self.all: Table[ObjectKey, Object[S]] = tables.each(
            f"{self._name} read", self.objects, lambda key, body: _read(spec, key, body, left_of, ambassador_id)
        )
        claims = tables.group(f"{self._name} by target", self.all, lambda _, row: _claims_of(row))
        self.owners: Table[Claimed, ObjectKey] = tables.each(
            f"{self._name} that counts",
            claims,
            lambda _, them: min(them, key=lambda each: (them[each].age, each)),
        )

    def owner(self, place: Place, *, overrides: bool = False) -> ObjectKey | None:
        """Whose policy counts for an object, or for a section of it alone; of the overrides, or of the others."""
        return read(self.owners, (*place, overrides))

    @property
    def sources(self) -> Mapping[str, Table[ObjectKey, bytes]]:
        """The tables to fill."""
        return {self.kind: self.objects}


def _read(
    kind: type[S],
    key: ObjectKey,
    body: bytes,
    left_of: Callable[[dict[str, Any]], tuple[Any, ...]],
    ambassador_id: str,
) -> Object[S] | None:
    """A policy; None when it is for another gateway."""
    document: dict[str, Any] = orjson.loads(body)
    spec = document.get("spec")
    if not is_for(spec, ambassador_id):
        return None
    if not isinstance(spec, dict) or COMMON.isdisjoint(spec):
        return read_object(kind, key, body, left_of)
    rest = {name: value for name, value in spec.items() if name not in COMMON}
    found = read_object(kind, key, orjson.dumps({**document, "spec": rest}), left_of)
    problems = few((*problems_of_ids(spec), *found.problems))
    if found.spec is not None and any(problem.stops for problem in problems):
        return replace(found, spec=None, problems=problems, left=left_of(rest))
    return replace(found, problems=problems)


def targets(row: Object[Any]) -> tuple[Any, ...]:
    """What a policy is about, be it that no more of it can be read."""
    return row.spec.target_refs if row.spec else tuple([each for each in row.left if not isinstance(each, str)])


def guards_left(row: Object[Any]) -> frozenset[str]:
    """The fields on which security hangs of a policy that is stopped."""
    return frozenset(each for each in row.left if isinstance(each, str)) - {OVERRIDE}


def is_override(row: Object[Any]) -> bool:
    """Whether a policy is the last word, as far as that can be read."""
    return getattr(row.spec, OVERRIDE, False) if row.spec else OVERRIDE in row.left


def _claims_of(row: Object[Any]) -> dict[Claimed, _Claim]:
    overrides, claim = is_override(row), _Claim(row.age)
    return {(*place_of(each, row.namespace), overrides): claim for each in targets(row)}
