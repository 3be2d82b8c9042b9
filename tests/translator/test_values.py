"""Values: dataclasses that mypy alone keeps frozen are, in all else, what frozen ones are."""

from dataclasses import dataclass as frozen_anyway
from dataclasses import field, fields, replace

import pytest

from translator.many import Many
from translator.one import One
from translator.values import dataclass, sparse


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


@sparse(frozen=True, kw_only=True)
class Sparse:
    """One of many fields."""

    name: str
    count: int = 301
    parts: tuple[int, ...] = ()


def test_what_is_as_by_default_is_not_kept_and_is_there() -> None:
    said = Sparse(name="a", count=int("301"), parts=(1,))
    assert (said.name, said.count, said.parts) == ("a", 301, (1,))
    assert said.__dict__ == {"name": "a", "parts": (1,)}


def test_sparse_values_are_equal_where_all_fields_are() -> None:
    assert {Sparse(name="a", count=int("301")), Sparse(name="a"), Sparse(name="a", count=1)} == {
        Sparse(name="a"),
        Sparse(count=1, name="a"),
    }
    assert replace(Sparse(name="a", count=1), count=301) == Sparse(name="a") != Sparse(name="b")
    assert Sparse(name="a") != Value("a")


@pytest.mark.parametrize("given", [{}, {"count": 1}, {"name": "a", "counts": 1}])
def test_a_sparse_value_is_made_of_its_fields(given: dict[str, str]) -> None:
    with pytest.raises(TypeError, match="Sparse is made without a field or with one too many"):
        Sparse(**given)  # type: ignore[arg-type]


def test_a_default_that_is_made_anew_cannot_be_shared() -> None:
    with pytest.raises(TypeError, match="a default anew"):

        @sparse(frozen=True, kw_only=True)
        class _Made:
            parts: list[int] = field(default_factory=list)


def test_a_mapping_of_one_is_one() -> None:
    one = One("a", 1)
    assert one == {"a": 1} == one
    assert one == One("a", 1) != One("a", 2)
    assert (list(one), list(one.keys()), list(one.values()), list(one.items())) == (["a"], ["a"], [1], [("a", 1)])
    assert (len(one), one["a"], one.get("b"), "a" in one, "b" in one) == (1, 1, None, True, False)
    assert {**one, "b": 2} == {"a": 1, "b": 2}
    assert dict(one) == {"a": 1}
    with pytest.raises(KeyError):
        one["b"]


def test_a_mapping_of_very_many_is_a_dict_that_others_take_over() -> None:
    first = Many({f"k{number}": number for number in range(2000)})
    before = dict(first.items())
    second = Many(first)
    second["new"] = 1
    second["k7"] = -7
    del second["k8"]
    assert before == first == dict(zip(first, first.values(), strict=True))
    assert second == {**{key: value for key, value in before.items() if key != "k8"}, "new": 1, "k7": -7}
    assert second != first
    assert (len(first), len(second)) == (2000, 2000)
    assert ("k8" in first, "k8" in second, second.get("k8"), second["k7"]) == (True, False, None, -7)
    del second["new"]
    second["k7"], second["k8"] = 7, 8
    assert second == first
    assert Many(before) == first


def test_only_what_counts_is_compared_hashed_and_shown() -> None:
    @dataclass(frozen=True, slots=True)
    class Odd:
        name: str
        secret: str = field(default="", repr=False)
        unhashed: tuple[list[int], ...] = field(default=(), hash=False)
        apart: int = field(default=0, compare=False)

    one = Odd("a", "b", ([1],), 1)
    assert one == Odd("a", "b", ([1],), 2)
    assert one != Odd("a", "c", ([1],))
    assert one != Odd("a", "b", ([2],))
    assert hash(one) == hash(Odd("a", "b", ([2],), 2))
    assert repr(one).endswith("Odd(name='a', unhashed=([1],), apart=1)")


def test_a_value_without_fields_equals_its_like() -> None:
    @dataclass(frozen=True, slots=True)
    class Nothing:
        pass

    assert Nothing() == Nothing()
    assert len({Nothing(), Nothing()}) == 1
    assert repr(Nothing()).endswith("Nothing()")
