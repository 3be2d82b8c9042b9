"""The engine: a spec is made of parts, and each part goes to the other version by itself.

A part is a few fields that mean something together. Two functions convert it, and need not be each other's inverse:
what one says in two ways, the other may say in one. Whatever `there` makes of a part, its original is remembered when
`back` would not give it again. On the way back the original is believed as long as it would still become what is
there; once somebody has edited that, the edit counts. So nothing is lost, and nothing stale comes back:

    back(there(part)) == part            nothing to remember
    back(there(part)) != part            remembered; there(remembered) == what is there: restored
                                         there(remembered) != what is there: edited, back(what is there)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import orjson

Fields: TypeAlias = dict[str, Any]
"""Some fields of a spec, by name."""
Rule: TypeAlias = Callable[[Fields], Fields]
"""A part in one version to the same in another. It must be total: what it does not understand stays as it is."""

DEEPEST: Final = 32
"""Levels within a part; what has more of them is no part's, and stays as it is."""


@dataclass(frozen=True, slots=True)
class Part:
    """Fields that are converted together.

    Args:
        fields: their names, in either version; the first is the part's own.
        upgrade: from an older version to the current one.
        downgrade: from the current version to an older one.
        edited: in place of `downgrade` for an object that was made in an older version and edited in the current one.
        reads: fields that the rules look at, and which belong to another part or to none.
        implied: whether the part says something even when none of its fields is there.
    """

    fields: tuple[str, ...]
    upgrade: Rule
    downgrade: Rule
    edited: Rule | None = None
    reads: tuple[str, ...] = ()
    implied: bool = False

    @property
    def name(self) -> str:
        """What it is remembered by."""
        return self.fields[0]


@dataclass(frozen=True, slots=True)
class Converted:
    """A spec in the other version, and the originals to be remembered, by part."""

    spec: Fields
    originals: dict[str, Fields]


def converted(spec: Fields, parts: tuple[Part, ...], remembered: Mapping[str, Fields], *, upgrading: bool) -> Converted:
    """A spec in the other version.

    Args:
        spec: its fields; those of no part stay as they are.
        parts: what it is made of.
        remembered: what an earlier conversion, in the other direction, started from, by part.
        upgrading: to the current version, or else from it.
    """
    out = dict(spec)
    originals: dict[str, Fields] = {}
    for part in parts:
        given = {name: spec[name] for name in part.fields if name in spec}
        if not given and not part.implied and part.name not in remembered:
            continue
        context = {name: spec[name] for name in part.reads if name in spec}
        became, kept = _part(part, given, context, remembered.get(part.name), upgrading=upgrading)
        for name in given:
            del out[name]
        out |= became
        if not kept:
            originals[part.name] = given
    return Converted(out, originals)


def _part(part: Part, given: Fields, context: Fields, was: Fields | None, *, upgrading: bool) -> tuple[Fields, bool]:
    """What a part becomes, and whether it can be had again from that."""
    there, back = (part.upgrade, part.downgrade) if upgrading else (part.downgrade, part.upgrade)
    became = None
    if was is not None:
        made_by = (back, part.edited) if upgrading and part.edited else (back,)
        if any(_same(_applied(part, rule, was, context), given) for rule in made_by):
            became = was
        elif part.edited and not upgrading:
            there = part.edited
    if became is None:
        became = _applied(part, there, given, context)
    return became, _same(_applied(part, back, became, context), given)


def _applied(part: Part, rule: Rule, given: Fields, context: Fields) -> Fields:
    if (not given and not part.implied) or _is_deeper(given, DEEPEST):
        return given  # nobody means what is that deep; but it must not end us, and it must come back
    return {name: value for name, value in rule({**context, **given}).items() if name in part.fields}


def _same(one: Fields, other: Fields) -> bool:
    """Equal as JSON: true is not 1, and 1 is not 1.0. What is too deep to be compared came back as it was, or not."""
    if one is other:
        return True
    try:
        return _text(one) == _text(other)
    except orjson.JSONEncodeError:
        return False


def _text(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _is_deeper(value: dict[str, Any] | list[Any], most: int) -> bool:
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, dict | list) and (not most or _is_deeper(item, most - 1)):
            return True
    return False
