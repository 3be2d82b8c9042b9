"""ReferenceGrants: whether an object of one namespace may refer to one of another. Pure, but for the question.

It is asked before anybody looks whether the other object exists: who may not refer to it is not told that either.
"""

from collections.abc import Mapping

from translator.gateway.kinds.reference_grant import ReferenceGrantSpec
from translator.gateway.kinds.shared import Object
from translator.ir import ObjectKey
from translator.tables import Table, Tables, read
from translator.values import dataclass

Names = frozenset[str | None]
"""The names that may be referred to; None is every name."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Who refers to what, by groups, kinds and namespaces."""

    from_group: str
    from_kind: str
    from_namespace: str
    to_group: str
    to_kind: str
    to_namespace: str


def granted(grant: Object[ReferenceGrantSpec]) -> dict[Reference, Names]:
    """What a ReferenceGrant permits."""
    found: dict[Reference, Names] = {}
    if grant.spec is None:
        return found
    for source in grant.spec.source:
        for to in grant.spec.to:
            # An empty group and `core` are one.
            reference = Reference(
                source.group, source.kind, source.namespace, _group(to.group), to.kind, grant.namespace
            )
            found[reference] = found.get(reference, Names()) | {to.name}
    return found


class Grants:
    """All that is permitted. The method is for rules that a sweep runs."""

    def __init__(self, tables: Tables, grants: Table[ObjectKey, Object[ReferenceGrantSpec]]) -> None:
        self._permitted: Table[Reference, Mapping[ObjectKey, Names]] = tables.group(
            "references granted", grants, lambda _, grant: granted(grant)
        )

    def permit(self, reference: Reference, name: str) -> bool:
        """Whether one may refer to another by its name; in one namespace everybody may."""
        if reference.from_namespace == reference.to_namespace:
            return True
        found = read(self._permitted, reference) or {}
        return any(None in names or name in names for names in found.values())


def reference(origin: Object[object], group: str, to_group: str, to_kind: str, to_namespace: str) -> Reference:
    """The reference of an object of this API group."""
    return Reference(group, origin.kind, origin.namespace, _group(to_group), to_kind, to_namespace)


def _group(group: str) -> str:
    return "" if group == "core" else group
