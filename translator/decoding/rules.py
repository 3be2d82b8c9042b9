"""A rule's conditions as functions: each takes a decoded value and returns what to keep, or raises Invalid."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from translator.decoding.values import Invalid, Rule, quote

Condition = Callable[[Any], Any]


def conditions_of(rule: Rule) -> tuple[Condition, ...]:
    """The conditions in the order in which they are asked; the rule's own check comes last."""
    conditions: list[Condition] = []
    if rule.minimum is not None or rule.maximum is not None:
        conditions.append(_bounds(rule.minimum, rule.maximum))
    if rule.min_size is not None or rule.max_size is not None:
        conditions.append(_sizes(rule.min_size or 0, rule.max_size))
    if rule.pattern is not None:
        conditions.append(_pattern(rule.pattern, rule.hint))
    if rule.check is not None:
        conditions.append(rule.check)
    return tuple(conditions)


def _bounds(minimum: float | None, maximum: float | None) -> Condition:
    if minimum is None:
        wanted = f"at most {maximum}"
    else:
        wanted = f"at least {minimum}" if maximum is None else f"between {minimum} and {maximum}"

    def check(value: float) -> float:
        if (minimum is not None and value < minimum) or (maximum is not None and value > maximum):
            raise Invalid(f"must be {wanted}, not {value}", sort="Range")
        return value

    return check


def _sizes(least: int, most: int | None) -> Condition:
    def check(value: Any) -> Any:
        size = len(value)
        if size < least:
            raise Invalid(
                "must not be empty" if least == 1 else f"must have at least {least} {_parts(value)}, not {size}",
                sort="Range",
            )
        if most is not None and size > most:
            raise Invalid(f"must have at most {most} {_parts(value)}, not {size}", sort="Range")
        return value

    return check


def _parts(value: object) -> str:
    return "characters" if isinstance(value, str) else "entries"


def _pattern(pattern: str, hint: str) -> Condition:
    compiled = re.compile(pattern)
    wanted = hint or f"text that matches {pattern}"

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise Invalid(f"must be {wanted}, not {quote(value)}")
        return value

    return check
