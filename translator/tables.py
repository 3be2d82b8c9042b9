"""The incremental engine: keyed tables computed from other tables, a spreadsheet with keys for cells.

It exists so that a change costs what it changes, and so that nobody who writes a rule has to think about that. A rule
is a pure function of one row; what else it wants to know it asks with `read`, and the engine remembers the question,
found or not. `Tables.sweep` walks the tables once, in the order of their declaration; it calls again only the functions
whose row or answers changed, and goes on only with results that are different (`==`).

    source --each--> rows, the same keys --group--> rows of members --each--> ...
                        ^ read(table, key), every(table): tables declared earlier

A function can only ask tables that were declared before its own, so there are no cycles and the order of declaration is
the order of work: no recursion, no locks, no clock. The engine knows neither Kubernetes nor Envoy.

Rules that the engine relies on (a property test guards them: any edits in any batches = the same edits from scratch):

- A function depends on its arguments and on what it `read`, and on nothing else; not on the order of a mapping's rows
  or members either, which is no one's. Where order matters, sort.
- Rows are never changed after they were returned, and rows that are equal may stand for each other (so 1 and True,
  which are equal, must mean the same).
- `None` is "no row", so it is never a row.

A function that raises is a bug of ours and hurts nobody else: the last good row of its key stays, the exception is in
`Table.failures`, and the function runs again when its row or one of its answers changes.
"""
# The engine is the owner of its tables' rows; the underscores are for everyone else.
# ruff: noqa: SLF001

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from translator.computed import Each, Group, Union
from translator.table import EVERY, Constant, Failure, MisuseError, Moved, Source, Table, Turn
from translator.values import dataclass

__all__ = ["Failure", "MisuseError", "Sweep", "Table", "Tables", "every", "read"]

K = TypeVar("K", bound=Hashable)
G = TypeVar("G", bound=Hashable)
V = TypeVar("V")
A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T", bound=Table[Any, Any])


@dataclass(frozen=True, slots=True)
class Sweep:
    """What one sweep changed. `failures` are those of the functions that ran in it."""

    _moved: Mapping[Any, Moved]
    failures: tuple[Failure, ...]

    def changed(self, table: Table[K, V]) -> Mapping[K, V | None]:
        """The rows that are new or different, and None for those that are gone; empty when nothing changed."""
        moved = self._moved.get(table)
        return moved.now if moved else {}

    def before(self, table: Table[K, V]) -> Mapping[K, V | None]:
        """What the changed rows were before, with the same keys as `changed`; None for those that are new."""
        moved = self._moved.get(table)
        return moved.before if moved else {}


class Tables:
    """The tables in the order of their declaration, and the only one who changes them.

    `step` is called every few functions: a sweep may be long, and whoever started it wants to show that it goes on.
    """

    def __init__(self, step: Callable[[], None] = lambda: None) -> None:
        self._tables: list[Table[Any, Any]] = []
        self._names: set[str] = set()
        self._turn = Turn(step)

    def source(self, name: str) -> Table[K, V]:
        """A table whose rows come from outside, through `sweep`; annotate it: `objects: Table[str, bytes] = ...`."""
        return self._add(Source(self._turn, name, self._place(name)))

    def constant(self, name: str, rows: Mapping[K, V]) -> Table[K, V]:
        """A table whose rows never change: for what must be there even when no object is."""
        return self._add(Constant(self._turn, name, self._place(name), rows))

    def each(self, name: str, parent: Table[K, A], make: Callable[[K, A], B | None]) -> Table[K, B]:
        """One row for one row of the parent, under the same key, or none when `make` returns None."""
        return self._add(Each(parent, make, name, self._place(name, parent)))

    def group(self, name: str, parent: Table[K, A], make: Callable[[K, A], Mapping[G, B]]) -> Table[G, Mapping[K, B]]:
        """Fan-out and fan-in: `make` says to which rows of the new table a row belongs, and what it brings there.

        A row of the new table is the mapping from its members' keys to what they brought, in no particular order; it
        goes when its last member goes. `make` may return an empty mapping: a member of nothing.
        """
        return self._add(Group(parent, make, name, self._place(name, parent)))

    def union(self, name: str, first: Table[K, V], *others: Table[K, V]) -> Table[K, V]:
        """The rows of all parents. Where more than one has a row for a key, the first of them gives it."""
        parents = (first, *others)
        return self._add(Union(parents, name, self._place(name, *parents)))

    def _place(self, name: str, *parents: Table[Any, Any]) -> int:
        """The position of a new table in the order of declaration."""
        if any(parent._turn is not self._turn for parent in parents):
            raise MisuseError(f"a parent of {name!r} belongs to other tables")
        if name in self._names:
            raise MisuseError(f"there are two tables named {name!r}")
        return len(self._tables)

    def _add(self, table: T) -> T:
        self._tables.append(table)
        self._names.add(table.name)
        return table

    def sweep(self, changes: Mapping[Any, Mapping[Any, Any]]) -> Sweep:
        """Change rows of sources, and everything that follows from it.

        Args:
            changes: for each source table, the keys with their new rows, or None for those that are gone. A row equal
                to the present one changes nothing.

        Raises:
            MisuseError: when a table is not a source of these tables, or when called from a rule. Nothing was changed.
        """
        if self._turn.running is not None:
            raise MisuseError(f"{self._turn.running.name!r} started a sweep from inside a sweep")
        for table in changes:
            if not isinstance(table, Source) or table._turn is not self._turn:
                raise MisuseError(f"{table!r} is not a source of these tables")
        for table, rows in changes.items():
            table._stale = dict(rows)
        self._turn.failures = []
        moved: dict[Any, Moved] = {}
        try:
            for table in self._tables:
                if table._stale:
                    stale, table._stale = table._stale, {}
                    result = table._settle(stale)
                    if result.now:
                        moved[table] = result
                        table._wake(result.now)
        finally:
            self._turn.end()
        return Sweep(moved, tuple(self._turn.failures))

    def failures(self) -> tuple[Failure, ...]:
        """Every function that raised when it last ran, in all tables."""
        return tuple(
            Failure(table.name, key, error) for table in self._tables for key, error in table._failures.items()
        )


def read(table: Table[K, V], key: K) -> V | None:
    """A row of an earlier table, or None: for functions that a sweep runs. They run again when the answer changes.

    Raises:
        MisuseError: outside a sweep (use `Table.view`), or when the table is not declared before the asking one.
    """
    turn = table._turn
    running = turn.running
    if running is None or table._position >= running._position:
        raise _misuse(table, running)
    turn.asked[table, key] = None
    return table._rows.get(key)


def every(table: Table[K, V]) -> Mapping[K, V]:
    """All rows of an earlier table, for functions that a sweep runs. They run again when any row changes.

    The mapping is a live view: take what is needed from it, do not keep it in a row.

    Raises:
        MisuseError: as `read`.
    """
    turn = table._turn
    running = turn.running
    if running is None or table._position >= running._position:
        raise _misuse(table, running)
    turn.asked[table, EVERY] = None
    return MappingProxyType(table._rows)


def _misuse(table: Table[Any, Any], running: Table[Any, Any] | None) -> MisuseError:
    if running is None:
        return MisuseError(f"read of {table.name!r} outside a sweep: use its view()")
    return MisuseError(f"{running.name!r} read {table.name!r}, which is not declared before it")
