"""The tables whose rows functions of ours make from other tables' rows: what a sweep runs, and what it remembers.

Each function is run again when the row that it made something of has changed, or one that it asked for.
"""
# The engine is the owner of its tables' rows; the underscores are for everyone else.
# ruff: noqa: SLF001

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any, Final, Generic, TypeVar

from translator.many import FROM, Many
from translator.one import One
from translator.table import Failure, Key, Moved, Table

K = TypeVar("K", bound=Hashable)
G = TypeVar("G", bound=Hashable)
V = TypeVar("V")
A = TypeVar("A")
B = TypeVar("B")

STRIDE: Final = 16
"""After so many functions, and at the first of a table, it is said that work goes on."""

_FAILED: Final = object()


class Computed(Table[K, V], Generic[K, A, V]):
    """A table whose rows a function of ours makes from the rows of a parent."""

    __slots__ = ("_make", "_parent", "_usual")

    def __init__(self, parent: Table[Any, A], make: Callable[[Any, A], Any], name: str, position: int) -> None:
        super().__init__(parent._turn, name, position)
        self._usual: tuple[Key, ...] = ()  # what was asked last: many keys ask the same, and that is kept once
        self._parent = parent
        self._make = make
        parent._adopt(self)

    def _answers(self, stale: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        """Each of these keys with what the function says of it now; None where the parent has no row.

        Nothing is said of a key for which the function raised. This is the innermost loop of a start.
        """
        turn, make, remembered, failures = self._turn, self._make, self._asked, self._failures
        parent, is_group = self._parent._rows, isinstance(self, Group)
        turn.running, asked = self, turn.asked  # until the sweep is over, or another table's turn
        for number, key in enumerate(stale):
            row = parent.get(key)
            if row is None:
                self._forget(key)
                yield key, None
                continue
            if not number % STRIDE:
                turn.step()
            try:
                result = make(key, row)
                if is_group and type(result) is not dict:
                    result = dict(result)
            except Exception as error:  # noqa: BLE001  a bug in one rule must not stop the others
                result = self._fail(key, error)
            else:
                if failures:
                    failures.pop(key, None)
            if asked or key in remembered:
                self._remember(key, tuple(asked))
                asked.clear()
            if result is not _FAILED:
                yield key, result

    def _fail(self, key: Any, error: Exception) -> Any:
        self._failures[key] = error
        self._turn.failures.append(Failure(self.name, key, error))
        return _FAILED

    def _forget(self, key: Any) -> None:
        """The parent's row is gone: so are the questions and the failure of this key."""
        self._failures.pop(key, None)
        self._remember(key, ())

    def _note(self, key: Any, asked: tuple[Key, ...]) -> None:
        """What a key asks that asked nothing before."""
        me = (self, key)
        for table, question in asked:
            others = table._readers.setdefault(question, me)
            if others is not me:
                table._join_readers(question, others, me)
        if asked:
            self._asked[key] = asked

    def _remember(self, key: Any, now: tuple[Key, ...]) -> None:
        """Replace what this key asked, in both directions."""
        before = self._asked.get(key)
        if now == before:
            return
        self._usual = now = self._usual if now == self._usual else now
        if before is None:
            self._note(key, now)
            return
        me = (self, key)
        known = set(now)
        for asking in before:
            if asking not in known:
                asking[0]._remove_reader(asking[1], me)
        known = set(before)
        for asking in now:
            if asking not in known:
                asking[0]._add_reader(asking[1], me)
        if now:
            self._asked[key] = now
        else:
            del self._asked[key]


class Each(Computed[K, A, V]):
    """One row for one row of the parent."""

    __slots__ = ()

    def _settle(self, stale: dict[K, Any]) -> Moved:
        moved, rows = Moved(), self._rows
        for key, row in self._answers(stale):
            before = rows.get(key)
            if row is not before and (before is None or row != before):
                self._replace(key, row, before, moved)
        return moved


class Group(Computed[G, A, Mapping[K, B]]):
    """Rows of members. A row is replaced, never changed, once its sweep is over: whoever holds one holds a value."""

    __slots__ = ("_given",)

    def __init__(self, parent: Table[K, A], make: Callable[[K, A], Any], name: str, position: int) -> None:
        super().__init__(parent, make, name, position)
        # What a member gives to one group alone, as almost all do, stands there without a dict round it.
        self._given: dict[K, dict[G, B] | tuple[G, B]] = {}

    def _settle(self, stale: dict[Any, Any]) -> Moved:
        given = self._given
        fresh: dict[G, dict[K, B] | Many[K, B]] = {}
        for key, gives in self._answers(stale):
            if gives or key in given:
                self._regroup(key, gives or {}, fresh)
        moved = Moved()
        for group, members in fresh.items():
            # Only rows of which a member is different are fresh, and each member settles once: so no comparison.
            row = One(*next(iter(members.items()))) if len(members) == 1 else members
            self._replace(group, row or None, self._rows.get(group), moved)
        return moved

    def _regroup(self, key: K, gives: dict[G, B], fresh: dict[G, dict[K, B] | Many[K, B]]) -> None:
        """Bring one member's contributions up to date; a row is copied before its first change in a sweep."""
        known = self._given.get(key)
        gave = dict((known,)) if isinstance(known, tuple) else known
        if gives == gave:
            return
        for group in {**gave, **gives} if gave else gives:
            if gave and group in gives and group in gave and gives[group] == gave[group]:
                continue
            members = fresh.get(group)
            if members is None:
                before = self._rows.get(group, {})
                members = fresh[group] = Many(before) if len(before) >= FROM else dict(before)
            if group in gives:
                members[key] = gives[group]
            else:
                del members[key]
        if gives:
            self._given[key] = next(iter(gives.items())) if len(gives) == 1 else gives
        else:
            del self._given[key]


class Union(Table[K, V]):
    """The rows of several tables; the first of them that has a row for a key gives it."""

    __slots__ = ("_parents",)

    def __init__(self, parents: tuple[Table[K, V], ...], name: str, position: int) -> None:
        super().__init__(parents[0]._turn, name, position)
        self._parents = parents
        for parent in parents:
            parent._adopt(self)

    def _settle(self, stale: dict[K, Any]) -> Moved:
        moved = Moved()
        tables = [parent._rows for parent in self._parents if parent._rows]
        for key in stale:
            row = None
            for rows in tables:
                row = rows.get(key)
                if row is not None:
                    break
            self._put(key, row, moved)
        return moved
