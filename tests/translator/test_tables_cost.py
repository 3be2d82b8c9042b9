"""What a sweep costs: only what depends on a change runs, and nothing is kept of what is gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.calls import calls_of
from translator import computed as computed_module
from translator.tables import Table, Tables, every, read


class Counter:
    """Wraps functions, and counts their calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, object]] = []

    def __call__(self, name: str, make: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        def counted(key: object, row: object) -> object:
            self.calls.append((name, key))
            return make(key, row)

        return counted

    def taken(self) -> list[tuple[str, object]]:
        calls, self.calls = self.calls, []
        return calls


def test_only_what_depends_on_a_change_runs_and_equal_results_stop_it() -> None:
    tables, counter = Tables(), Counter()
    services: Table[str, int] = tables.source("services")
    mappings: Table[str, str] = tables.source("mappings")
    upper = tables.each("upper", mappings, counter("upper", lambda _, name: name.upper()))
    found = tables.each("found", upper, counter("found", lambda _, name: (name, read(services, name))))
    hosts = tables.group("hosts", found, counter("hosts", lambda _, row: {row[0][0]: row}))
    tables.each("sizes", hosts, counter("sizes", lambda _, members: len(members)))
    tables.sweep({mappings: {"1": "ax", "2": "ay", "3": "bx"}})
    counter.taken()

    tables.sweep({mappings: {"1": "AX"}})
    assert counter.taken() == [("upper", "1")]

    tables.sweep({mappings: {"1": "AX"}})
    assert counter.taken() == []

    tables.sweep({services: {"BX": 1, "other": 2}})
    assert counter.taken() == [("found", "3"), ("hosts", "3"), ("sizes", "B")]

    tables.sweep({mappings: {"3": None}, services: {"BX": 2}})
    assert counter.taken() == []

    tables.sweep({services: {"BX": 3}})
    assert counter.taken() == []


def test_a_question_that_is_asked_no_longer_wakes_nobody() -> None:
    tables, counter = Tables(), Counter()
    services: Table[str, int] = tables.source("services")
    wanted: Table[str, str | None] = tables.source("wanted")
    tables.each("ports", wanted, counter("ports", lambda _, name: read(services, name) if name != "none" else 0))
    tables.sweep({wanted: {"m": "a", "n": "a"}})
    tables.sweep({wanted: {"m": "none"}})
    counter.taken()

    tables.sweep({services: {"a": 1}})

    assert counter.taken() == [("ports", "n")]


def test_nothing_is_left_of_rows_that_are_gone() -> None:
    tables = Tables()
    services: Table[str, int] = tables.source("services")
    wanted: Table[str, str] = tables.source("wanted")
    ports = tables.each("ports", wanted, lambda _, name: (read(services, name), len(every(services))))
    groups = tables.group("groups", ports, lambda key, port: {port: key, read(services, "a"): key})
    tables.sweep({wanted: {"m": "a", "n": "a"}, services: {"a": 1, "b": 2}})

    tables.sweep({wanted: {"m": None, "n": None}, services: {"a": None, "b": None}})

    for table in (services, wanted, ports, groups):
        assert not any((table._rows, table._asked, table._readers, table._stale, table._failures))


def _wide(size: int) -> tuple[Tables, Table[int, int], dict[int, int]]:
    """A network with groups of 50 and questions, over this many rows, filled."""
    tables = Tables()
    services: Table[int, int] = tables.source("services")
    numbers: Table[int, int] = tables.source("numbers")
    routes = tables.each("routes", numbers, lambda key, n: (key, n, read(services, n % 10)))
    hosts = tables.group("hosts", routes, lambda key, route: {key // 50: route})
    tables.each("bodies", hosts, lambda _, members: min(members.values()))
    tables.sweep({services: dict.fromkeys(range(10), 1)})
    return tables, numbers, {key: key for key in range(size)}


def test_the_cost_of_a_change_does_not_depend_on_how_many_rows_there_are() -> None:
    costs = []
    for size in (200, 20_000):
        tables, numbers, rows = _wide(size)
        tables.sweep({numbers: rows})
        costs.append(calls_of(lambda: tables.sweep({numbers: {7: -7}})))  # noqa: B023  called in this turn
    assert costs[0] == costs[1]


def test_the_cost_of_a_cold_start_is_linear() -> None:
    costs = []
    for size in (1_000, 4_000):
        tables, numbers, rows = _wide(size)
        costs.append(calls_of(lambda: tables.sweep({numbers: rows})))  # noqa: B023  called in this turn
    assert costs[1] < 4.1 * costs[0]


def test_a_group_row_is_copied_once_a_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    copied = []

    class Spy(dict[Any, Any]):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            copied.append(len(self))

    tables = Tables()
    numbers: Table[int, int] = tables.source("numbers")
    tables.group("all", numbers, lambda _, n: {"all": n})
    monkeypatch.setattr(computed_module, "dict", Spy, raising=False)

    tables.sweep({numbers: {key: key for key in range(100)}})
    assert max(copied) <= 1  # what each rule returned, and the empty row at first

    copied.clear()
    tables.sweep({numbers: dict.fromkeys(range(50), -1)})
    assert [size for size in copied if size > 1] == [100]
