"""The engine's failures: a rule that raises keeps its last good row, and misuse says what is wrong."""

from __future__ import annotations

import pytest

from translator.tables import MisuseError, Table, Tables, every, read


def test_an_exception_keeps_the_last_good_row_until_it_heals() -> None:
    tables = Tables()
    services: Table[str, int] = tables.source("services")
    numbers: Table[str, int] = tables.source("numbers")
    shares = tables.each("shares", numbers, lambda key, n: n // (read(services, key) or 0))
    doubled = tables.each("doubled", shares, lambda _, n: n * 2)
    tables.sweep({numbers: {"a": 10, "b": 10}, services: {"a": 5, "b": 2}})

    sweep = tables.sweep({services: {"a": 0}, numbers: {"b": 20}})
    assert doubled.view() == {"a": 4, "b": 20}
    assert [(failure.table, failure.key, type(failure.error)) for failure in sweep.failures] == [
        ("shares", "a", ZeroDivisionError)
    ]
    assert list(shares.failures) == ["a"]
    assert tables.sweep({numbers: {"b": 30}}).failures == ()
    assert [failure.key for failure in tables.failures()] == ["a"]

    assert tables.sweep({services: {"a": 10}}).changed(doubled) == {"a": 2}
    assert tables.failures() == ()


def test_a_failure_goes_with_its_row() -> None:
    tables = Tables()
    numbers: Table[str, int] = tables.source("numbers")
    shares = tables.each("shares", numbers, lambda _, n: 10 // n)
    grouped = tables.group("grouped", numbers, lambda key, n: {10 // n: key})
    tables.sweep({numbers: {"a": 5}})
    tables.sweep({numbers: {"a": 0, "b": 0}})
    assert shares.view() == {"a": 2}
    assert grouped.view() == {2: {"a": "a"}}
    assert set(shares.failures) == {"a", "b"}
    assert set(grouped.failures) == {"a", "b"}

    tables.sweep({numbers: {"a": None, "b": None}})

    assert shares.view() == {}
    assert grouped.view() == {}
    assert tables.failures() == ()


def test_a_rule_that_gives_no_mapping_to_a_group_is_a_failure_of_its_own() -> None:
    tables = Tables()
    numbers: Table[str, int] = tables.source("numbers")
    grouped = tables.group("grouped", numbers, lambda key, n: {n: key} if n else None)  # type: ignore[arg-type,return-value]

    sweep = tables.sweep({numbers: {"a": 0, "b": 1}})

    assert grouped.view() == {1: {"b": "b"}}
    assert [failure.key for failure in sweep.failures] == ["a"]


def test_a_rule_cannot_look_without_being_seen() -> None:
    tables = Tables()
    numbers: Table[str, int] = tables.source("numbers")
    tables.each("spy", numbers, lambda *_: len(numbers.view()))

    (failure,) = tables.sweep({numbers: {"a": 1}}).failures

    assert str(failure.error) == "'spy' looked at 'numbers' without read() or every()"


def test_a_rule_cannot_read_what_is_not_computed_yet() -> None:
    tables = Tables()
    numbers: Table[str, int] = tables.source("numbers")
    tables.each("early", numbers, lambda key, _: read(late, key))
    late: Table[str, int] = tables.each("late", numbers, lambda *_: len(every(late)))

    sweep = tables.sweep({numbers: {"a": 1}})

    assert [str(failure.error) for failure in sweep.failures] == [
        "'early' read 'late', which is not declared before it",
        "'late' read 'late', which is not declared before it",
    ]


def test_misuse_says_what_is_wrong_and_changes_nothing() -> None:
    tables, others = Tables(), Tables()
    numbers: Table[str, int] = tables.source("numbers")
    foreign: Table[str, int] = others.source("foreign")
    doubled = tables.each("doubled", numbers, lambda _, n: n * 2)

    misuses: list[Table[str, int]] = [doubled, foreign]
    for wrong in misuses:
        with pytest.raises(MisuseError, match="is not a source of these tables"):
            tables.sweep({numbers: {"a": 1}, wrong: {"a": 1}})
    with pytest.raises(MisuseError, match="two tables named 'doubled'"):
        tables.each("doubled", numbers, lambda _, n: n)
    with pytest.raises(MisuseError, match="a parent of 'third' belongs to other tables"):
        tables.union("third", numbers, foreign)
    for ask in (lambda: read(numbers, "a"), lambda: every(numbers)):
        with pytest.raises(MisuseError, match="outside a sweep"):
            ask()
    assert tables.sweep({}).changed(numbers) == {}
    assert repr(numbers) == "<Table 'numbers': 0 rows>"

    tables.each("nested", numbers, lambda *_: tables.sweep({}))
    (failure,) = tables.sweep({numbers: {"a": 1}}).failures
    assert str(failure.error) == "'nested' started a sweep from inside a sweep"
