"""The engine: what runs again, what stays silent, and that any edits in any batches are the same as from scratch."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from translator import table as table_module
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


# What a sweep costs


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


def _calls(work: Callable[[], object]) -> int:
    """How many functions, Python's and C's, the work calls: a cost that does not depend on the machine."""
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls


def test_the_cost_of_a_change_does_not_depend_on_how_many_rows_there_are() -> None:
    costs = []
    for size in (200, 20_000):
        tables, numbers, rows = _wide(size)
        tables.sweep({numbers: rows})
        costs.append(_calls(lambda: tables.sweep({numbers: {7: -7}})))  # noqa: B023  called in this turn
    assert costs[0] == costs[1]


def test_the_cost_of_a_cold_start_is_linear() -> None:
    costs = []
    for size in (1_000, 4_000):
        tables, numbers, rows = _wide(size)
        costs.append(_calls(lambda: tables.sweep({numbers: rows})))  # noqa: B023  called in this turn
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
    monkeypatch.setattr(table_module, "dict", Spy, raising=False)

    tables.sweep({numbers: {key: key for key in range(100)}})
    assert max(copied) <= 1  # what each rule returned, and the empty row at first

    copied.clear()
    tables.sweep({numbers: dict.fromkeys(range(50), -1)})
    assert [size for size in copied if size > 1] == [100]


# Any edits in any batches = from scratch

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


# The guard bites: what it is there to find, it finds


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
