"""The engine: which rows the operators make of which, and what a sweep says of them."""

from __future__ import annotations

import pytest

from translator.tables import MisuseError, Table, Tables, every, read


def test_a_row_makes_a_row_under_the_same_key_or_none() -> None:
    tables = Tables()
    numbers: Table[str, int] = tables.source("numbers")
    halves = tables.each("halves", numbers, lambda _, n: n // 2 if n % 2 == 0 else None)

    sweep = tables.sweep({numbers: {"a": 4, "b": 5}})

    assert halves.view() == {"a": 2}
    assert sweep.changed(halves) == {"a": 2}
    assert sweep.changed(numbers) == {"a": 4, "b": 5}
    assert tables.sweep({numbers: {"a": 3}}).changed(halves) == {"a": None}
    assert halves.view() == {}


def test_a_group_row_lives_as_long_as_it_has_members() -> None:
    tables = Tables()
    words: Table[str, str] = tables.source("words")
    letters = tables.group("letters", words, lambda _, word: {letter: word.count(letter) for letter in word})

    tables.sweep({words: {"x": "aab", "y": "bc", "z": ""}})
    assert letters.view() == {"a": {"x": 2}, "b": {"x": 1, "y": 1}, "c": {"y": 1}}

    sweep = tables.sweep({words: {"x": "b"}})
    assert sweep.changed(letters) == {"a": None}

    sweep = tables.sweep({words: {"x": None, "y": "cc"}})
    assert sweep.changed(letters) == {"b": None, "c": {"y": 2}}
    assert sweep.before(letters) == {"b": {"x": 1, "y": 1}, "c": {"y": 1}}


def test_a_group_row_that_someone_holds_does_not_change() -> None:
    tables = Tables()
    words: Table[str, str] = tables.source("words")
    sizes = tables.group("sizes", words, lambda _, word: {len(word): word})
    tables.sweep({words: {"x": "a", "y": "b"}})
    held = sizes.view()[1]

    tables.sweep({words: {"y": "bb", "z": "c"}})

    assert held == {"x": "a", "y": "b"}
    assert sizes.view() == {1: {"x": "a", "z": "c"}, 2: {"y": "bb"}}


def test_the_order_of_members_does_not_make_a_difference() -> None:
    """A member that goes and comes back moves to the end of its row; what follows stays silent."""
    tables = Tables()
    words: Table[str, str] = tables.source("words")
    sizes = tables.group("sizes", words, lambda _, word: {len(word): word})
    tables.sweep({words: {"x": "a", "y": "b"}})
    tables.sweep({words: {"x": "aa"}})
    tables.sweep({words: {"x": "a"}})

    assert list(sizes.view()[1]) == ["y", "x"]
    assert sizes.view()[1] == {"x": "a", "y": "b"}


def test_a_question_without_an_answer_is_remembered_too() -> None:
    tables = Tables()
    services: Table[str, int] = tables.source("services")
    wanted: Table[str, str] = tables.source("wanted")
    ports = tables.each("ports", wanted, lambda _, service: read(services, service) or "missing")
    tables.sweep({wanted: {"m": "quote"}})
    assert ports.view() == {"m": "missing"}

    assert tables.sweep({services: {"quote": 80}}).changed(ports) == {"m": 80}
    assert tables.sweep({services: {"quote": None}}).changed(ports) == {"m": "missing"}


def test_every_row_of_a_table_can_be_asked() -> None:
    tables = Tables()
    services: Table[str, int] = tables.source("services")
    wanted: Table[str, int] = tables.source("wanted")
    totals = tables.each("totals", wanted, lambda _, factor: factor * sum(every(services).values()))
    tables.sweep({wanted: {"m": 2}, services: {"a": 1, "b": 2}})
    assert totals.view() == {"m": 6}

    assert tables.sweep({services: {"c": 3, "a": None}}).changed(totals) == {"m": 10}
    assert tables.sweep({services: {"c": 2, "b": 3}}).changed(totals) == {}


def test_the_first_parent_of_a_union_has_precedence() -> None:
    tables = Tables()
    first: Table[str, int] = tables.source("first")
    second: Table[str, int] = tables.source("second")
    both = tables.union("both", first, second)
    tables.sweep({first: {"a": 1}, second: {"a": 2, "b": 2}})
    assert both.view() == {"a": 1, "b": 2}

    assert tables.sweep({second: {"a": 3}}).changed(both) == {}
    assert tables.sweep({first: {"a": None}}).changed(both) == {"a": 3}
    assert tables.sweep({second: {"a": None, "b": 4}}).changed(both) == {"a": None, "b": 4}


def test_constant_rows_are_there_from_the_first_sweep_on() -> None:
    tables = Tables()
    always = tables.constant("always", {"a": 1})
    doubled = tables.each("doubled", always, lambda _, n: n * 2)

    assert tables.sweep({}).changed(doubled) == {"a": 2}
    assert tables.sweep({}).changed(doubled) == {}
    with pytest.raises(MisuseError, match="is not a source"):
        tables.sweep({always: {"a": 2}})


def test_a_table_that_is_declared_late_is_filled_by_the_next_sweep() -> None:
    tables = Tables()
    numbers: Table[str, int] = tables.source("numbers")
    tables.sweep({numbers: {"a": 1}})
    doubled = tables.each("doubled", numbers, lambda _, n: n * 2)
    both = tables.union("both", numbers, doubled)

    tables.sweep({})

    assert doubled.view() == {"a": 2}
    assert both.view() == {"a": 1}


def test_what_many_keys_ask_alike_and_give_to_one_group_is_kept_small() -> None:
    tables = Tables()
    defaults: Table[str, int] = tables.source("defaults")
    words: Table[str, str] = tables.source("words")
    groups = tables.group("groups", words, lambda _, word: {word: read(defaults, "always")})
    tables.sweep({defaults: {"always": 1}, words: {f"w{number}": f"g{number}" for number in range(50)}})

    assert len({id(asked) for asked in groups._asked.values()}) == 1
    assert {type(given) for given in groups._given.values()} == {tuple}  # type: ignore[attr-defined]
    tables.sweep({defaults: {"always": 2}})
    assert groups.view()["g7"] == {"w7": 2}
