"""Any edits in any batches are the same as from scratch, and the guard that says so finds what breaks that."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from translator.tables import Table, Tables, every, read

Edits = dict[tuple[str, int], int | None]

SOURCES = ("a", "b", "c")

POISON = 7


class Recomputed:
    """The oracle: the same operators, and nothing incremental; all is made anew, but for the last good rows."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[Any, Any]] = {}
        self.steps: list[Callable[[], None]] = []
        self.good: dict[tuple[str, Any], Any] = {}
        self.failures: set[tuple[str, Any]] = set()

    def source(self, name: str) -> str:
        self.rows[name] = {}
        return name

    def each(self, name: str, parent: str, make: Callable[[Any, Any], Any]) -> str:
        def step() -> None:
            self._forget(name, parent)
            made = {key: self._made(name, parent, make, key) for key in self.rows[parent]}
            self.rows[name] = {key: row for key, row in made.items() if row is not None}

        return self._declare(name, step)

    def group(self, name: str, parent: str, make: Callable[[Any, Any], Mapping[Any, Any]]) -> str:
        def step() -> None:
            self._forget(name, parent)
            self.rows[name] = {}
            for key in self.rows[parent]:
                for group, value in (self._made(name, parent, make, key) or {}).items():
                    self.rows[name].setdefault(group, {})[key] = value

        return self._declare(name, step)

    def union(self, name: str, *parents: str) -> str:
        def step() -> None:
            self.rows[name] = {key: row for parent in reversed(parents) for key, row in self.rows[parent].items()}

        return self._declare(name, step)

    def _declare(self, name: str, step: Callable[[], None]) -> str:
        self.rows[name] = {}
        self.steps.append(step)
        return name

    def _made(self, name: str, parent: str, make: Callable[[Any, Any], Any], key: Any) -> Any:
        try:
            self.good[name, key] = make(key, self.rows[parent][key])
        except ValueError:
            self.failures.add((name, key))
        return self.good.get((name, key))

    def read(self, table: str, key: Any) -> Any:
        return self.rows[table].get(key)

    def every(self, table: str) -> Mapping[Any, Any]:
        return self.rows[table]

    def sweep(self, edits: Edits) -> None:
        for (source, key), value in edits.items():
            if value is None:
                self.rows[source].pop(key, None)
            else:
                self.rows[source][key] = value
        self.failures = set()
        for step in self.steps:
            step()

    def _forget(self, name: str, parent: str) -> None:
        """A last good row goes when its parent's row goes."""
        for key in [key for table, key in self.good if table == name and key not in self.rows[parent]]:
            del self.good[name, key]


def _poisoned(value: Any) -> Any:
    if value == POISON:
        raise ValueError(value)
    return value


def build(t: Any, read: Callable[..., Any], every: Callable[..., Any]) -> list[Any]:
    """A small network with everything in it: fan-out, answers found or not, whole tables, no rows, exceptions."""
    a, b, c = (t.source(name) for name in SOURCES)
    nonzero = t.each("nonzero", a, lambda _, n: n or None)
    answered = t.each("answered", nonzero, lambda _, n: (n, _poisoned(read(b, n % 3))))
    chosen = t.each("chosen", c, lambda key, n: (read(a, n % 3) if n < 3 else _poisoned(n), read(nonzero, key)))
    either = t.union("either", answered, chosen)

    def members_of(key: int, row: tuple[int, int | None]) -> dict[Any, Any]:
        if row[1] is None:
            return {}
        return {row[0] % 2: key, ("answer", _poisoned(row[0] + row[1])): row}

    members = t.group("members", answered, members_of)
    sums = t.each("sums", members, lambda _, row: (sorted(map(str, row.items())), len(every(c))))
    all_b = t.each("all", b, lambda key, n: sum(len(row) for row in every(members).values()) + n if n != key else None)
    parities = t.group("parities", sums, lambda key, row: {len(row[0]) % 2: (key, read(all_b, row[1]))})
    last = t.each("last", parities, lambda _, row: (sorted(map(str, row.values())), read(either, len(row))))
    return [nonzero, answered, chosen, either, members, sums, all_b, parities, last]


def swept(batches: list[Edits], build: Callable[..., list[Any]] = build) -> Iterator[dict[str, dict[Any, Any]]]:
    """The rows of all tables after each batch."""
    tables = Tables()
    outputs: list[Table[Any, Any]] = build(tables, read, every)
    sources = {table.name: table for table in tables._tables if table.name in SOURCES}
    for batch in batches:
        changes: dict[Any, dict[int, int | None]] = {table: {} for table in sources.values()}
        for (source, key), value in batch.items():
            changes[sources[source]][key] = value
        before = {table.name: dict(table.view()) for table in outputs}
        sweep = tables.sweep(changes)
        _check_what_the_sweep_says(sweep, outputs, before)
        yield {table.name: dict(table.view()) for table in outputs} | {
            "failures": dict.fromkeys((failure.table, failure.key) for failure in tables.failures())
        }


def _check_what_the_sweep_says(sweep: Any, outputs: list[Table[Any, Any]], before: dict[str, dict[Any, Any]]) -> None:
    for table in outputs:
        now, was = table.view(), before[table.name]
        different = {key for key in (*now, *was) if now.get(key) != was.get(key)}
        assert sweep.changed(table) == {key: now.get(key) for key in different}
        assert sweep.before(table) == {key: was.get(key) for key in different}


def last_of(batches: list[Edits], build: Callable[..., list[Any]] = build) -> dict[str, dict[Any, Any]]:
    return list(swept(batches, build))[-1]


def merged(batches: list[Edits]) -> Edits:
    return {where: value for batch in batches for where, value in batch.items()}


def batches_of(values: list[int]) -> st.SearchStrategy[list[Edits]]:
    edit = st.tuples(st.sampled_from(SOURCES), st.integers(0, 2))
    batch = st.dictionaries(edit, st.none() | st.sampled_from(values), max_size=4)
    return st.lists(batch, min_size=1, max_size=8)


GOOD = [0, 1, 2, 3]

ALL = [0, 1, 2, 6, POISON]


@settings(max_examples=300, derandomize=True, deadline=None)
@given(batches_of(GOOD))
def test_any_edits_in_any_batches_are_the_same_as_from_scratch(batches: list[Edits]) -> None:
    for count, rows in enumerate(swept(batches), start=1):
        assert rows == last_of([merged(batches[:count])])


@settings(max_examples=500, derandomize=True, deadline=None)
@given(batches_of(ALL))
def test_with_failures_too_each_sweep_is_the_same_as_computing_everything(batches: list[Edits]) -> None:
    oracle = Recomputed()
    names = build(oracle, oracle.read, oracle.every)
    for batch, rows in zip(batches, swept(batches), strict=True):
        oracle.sweep(batch)
        assert rows == {name: oracle.rows[name] for name in names} | {"failures": dict.fromkeys(oracle.failures)}


@settings(max_examples=100, derandomize=True, deadline=None)
@given(batches_of(ALL))
def test_after_healing_nothing_of_a_failure_is_left(batches: list[Edits]) -> None:
    healing: Edits = {(source, key): 1 for source in SOURCES for key in range(3)}
    assert last_of([*batches, healing]) == last_of([healing])


def _unlike_from_scratch(build: Callable[..., list[Any]]) -> Callable[[list[Edits]], bool]:
    return lambda batches: last_of(batches, build) != last_of([merged(batches)], build)


def _build_that_peeks(t: Any, *_: Any) -> list[Any]:
    a, b = t.source("a"), t.source("b")
    t.source("c")
    held = b.view()
    return [t.each("peeked", a, lambda key, n: (n, held.get(key)))]


def _build_that_trusts_order(t: Any, *_: Any) -> list[Any]:
    a = t.source("a")
    t.source("b"), t.source("c")
    everyone = t.group("everyone", a, lambda _, n: {"all": n})
    return [t.each("listed", everyone, lambda _, row: tuple(row.values()))]


@pytest.mark.parametrize("broken", [_build_that_peeks, _build_that_trusts_order])
def test_the_guard_finds_rules_that_break_the_engines_rules(broken: Callable[..., list[Any]]) -> None:
    example = find(
        batches_of(GOOD),
        _unlike_from_scratch(broken),
        random=random.Random(0),
        settings=settings(max_examples=500, database=None, phases=[Phase.generate, Phase.shrink], deadline=None),
    )
    assert 2 <= len(example) <= 3
    assert not _unlike_from_scratch(build)(example)
