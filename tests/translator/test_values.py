"""Values: dataclasses that mypy alone keeps frozen are, in all else, what frozen ones are."""

from dataclasses import dataclass as frozen_anyway
from dataclasses import fields, replace

import pytest

from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class Value:
    """One of ours."""

    name: str
    parts: tuple[int, ...] = ()


@frozen_anyway(frozen=True, slots=True)
class Frozen:
    """The same of the standard library's."""

    name: str
    parts: tuple[int, ...] = ()


def test_equal_values_are_one_key() -> None:
    assert len({Value("a", (1,)), Value("a", (1,)), Value("a")}) == 2
    assert hash(Value("a", (1,))) == hash(Frozen("a", (1,)))


def test_values_of_different_classes_differ() -> None:
    assert Value("a") != Frozen("a")


def test_a_value_is_replaced_in_part() -> None:
    assert replace(Value("a"), parts=(2,)) == Value("a", (2,))
    assert [field.name for field in fields(Value)] == ["name", "parts"]


def test_a_value_has_slots_alone() -> None:
    assert not hasattr(Value("a"), "__dict__")


def test_what_is_not_frozen_is_refused() -> None:
    with pytest.raises(TypeError, match="standard library"):

        @dataclass(frozen=False)
        class _Open:
            name: str
