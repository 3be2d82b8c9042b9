"""Guards for a rule that a route does not have: what they were to keep people out of must not be open.

Who misspelled a rule's name, or renamed the rule, has a policy that is about nothing, and a rule that looks guarded. As
with a guard that is misspelled the likeliest is meant: the rule whose name is the most alike, or else any. That one
refuses all requests until either is mended, unless a policy of its own says what it is to do.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from translator.decode import nearest
from translator.gateway.attached import WHOLE, is_override, targets
from translator.gateway.kinds.shared import Object
from translator.gateway.kinds.targets import place_of
from translator.ir import ObjectKey
from translator.values import dataclass

_ROUTES: Final = ("HTTPRoute/", "GRPCRoute/")


@dataclass(frozen=True, slots=True)
class Guarding:
    """The rules of a route that a policy is about, and the fields of it that keep people out."""

    rules: tuple[str, ...]
    guards: frozenset[str]
    overrides: bool = False

    def is_for(self, rule: str | None, names: Collection[str]) -> bool:
        """Whether it may be meant for this rule, though by another name; `names` are those of all rules."""
        return any(meant(name, names) in (rule, None) for name in self.rules if name not in names)


def meant(name: str, names: Collection[str]) -> str | None:
    """The rule that a name is likeliest to stand for; None: any may be."""
    return nearest(name, names)


def guarding(row: Object[Any], guards: frozenset[str]) -> Mapping[ObjectKey, Guarding]:
    """What a policy with these guards wants of rules, by their routes."""
    found: dict[ObjectKey, list[str]] = {}
    for target in targets(row) if guards else ():
        key, section = place_of(target, row.namespace)
        if section != WHOLE and is_route(key):
            found.setdefault(key, []).append(section)
    return {key: Guarding(tuple(rules), guards, is_override(row)) for key, rules in found.items()}


def is_route(key: ObjectKey) -> bool:
    """Whether an object is a route with rules that have names."""
    return key.partition("/")[2].startswith(_ROUTES)
