"""One table of the engine: its rows, who asked for them, and how each sort of table brings its rows up to date.

`translator.tables` is the door, and explains the whole; nothing else imports this module. A table is told which keys
are stale; it settles them, and says what moved; then what was made of those rows, or asked for them, is stale in turn.
"""
# The engine is the owner of its tables' rows; the underscores are for everyone else.
# ruff: noqa: SLF001

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar

from translator.many import FROM, Many
from translator.one import One
from translator.values import dataclass

K = TypeVar("K", bound=Hashable)
G = TypeVar("G", bound=Hashable)
V = TypeVar("V")
A = TypeVar("A")
B = TypeVar("B")

Key = tuple["Table[Any, Any]", Hashable]
"""A key of a table."""

Asked = dict[Key, None]
"""Keys of tables: an ordered set, so that runs repeat exactly."""

Askers = tuple["Table[Any, Any]", Hashable | dict[Hashable, None]] | dict["Table[Any, Any]", dict[Hashable, None]]
"""Who asked for a key: one key of one table, many keys of one, or of several. There are hundreds of thousands, and a
key that stands there bare takes a quarter of what it takes in a pair with its table. Keys of tables are never dicts."""

EVERY: Final = object()
"""Stands for all keys of a table where a key is remembered."""

STRIDE: Final = 16
"""After so many functions, and at the first of a table, it is said that work goes on."""

_FAILED: Final = object()


class MisuseError(Exception):
    """A rule or a caller used the engine in a way that could give stale rows: always a bug of ours."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A function of ours raised instead of answering; the last good row of that key stays in its table."""

    table: str
    key: Hashable
    error: Exception


class Turn:
    """Whose function is running, what it asked so far, and what failed in this sweep: shared by an engine's tables.

    `step` is called now and then while functions run.
    """

    __slots__ = ("asked", "failures", "running", "step")

    def __init__(self, step: Callable[[], None]) -> None:
        self.step = step
        self.running: Table[Any, Any] | None = None
        self.asked: Asked = {}
        self.failures: list[Failure] = []

    def end(self) -> None:
        """No function runs any more, however the sweep ended."""
        self.running = None
        self.asked.clear()


class Moved:
    """What one sweep changed in one table: the rows before and now, None for no row, under the same keys."""

    __slots__ = ("before", "now")

    def __init__(self) -> None:
        self.before: dict[Any, Any] = {}
        self.now: dict[Any, Any] = {}


class Table(Generic[K, V]):
    """Rows by key. Only `Tables` makes and fills one; functions ask it with `read` and `every`, outputs with `view`."""

    __slots__ = ("_asked", "_children", "_failures", "_position", "_readers", "_rows", "_stale", "_turn", "name")

    def __init__(self, turn: Turn, name: str, position: int) -> None:
        self.name = name
        self._turn = turn
        self._position = position
        self._rows: dict[K, V] = {}
        self._failures: dict[Any, Exception] = {}
        self._children: list[Table[K, Any]] = []
        # What the function of each key asked, and the reverse: who asked for a key of this table. There are hundreds
        # of thousands of both, so that each stands there in the smallest form.
        self._asked: dict[K, tuple[Key, ...]] = {}
        self._readers: dict[Hashable, Askers] = {}
        # The keys that the next sweep has to look at; for a source with their new rows.
        self._stale: dict[K, Any] = {}

    def __repr__(self) -> str:
        return f"<Table {self.name!r}: {len(self._rows)} rows>"

    @property
    def failures(self) -> Mapping[Any, Exception]:
        """The parent's keys for which the function raised when it last ran, with what it raised."""
        return MappingProxyType(self._failures)

    def view(self) -> Mapping[K, V]:
        """The rows as they are now, read-only and live, for outputs and tests.

        Nobody remembers who looked, so a rule must not use it.

        Raises:
            MisuseError: when called from a function that a sweep is running.
        """
        if self._turn.running is not None:
            raise MisuseError(f"{self._turn.running.name!r} looked at {self.name!r} without read() or every()")
        return MappingProxyType(self._rows)

    def missed(self) -> frozenset[K]:
        """The keys that functions asked for and that have no row, for outputs; not those who asked for all keys."""
        asked: set[Any] = set(self._readers)
        return frozenset(asked - self._rows.keys() - {EVERY})

    def _settle(self, stale: dict[K, Any]) -> Moved:
        raise NotImplementedError

    def _put(self, key: K, row: V | None, moved: Moved) -> None:
        """Keep a row, or the absence of one, when it is different."""
        before = self._rows.get(key)
        if row is not before and (before is None or row != before):
            self._replace(key, row, before, moved)

    def _replace(self, key: K, row: V | None, before: V | None, moved: Moved) -> None:
        moved.before[key] = before
        moved.now[key] = row
        if row is None:
            del self._rows[key]
        else:
            self._rows[key] = row

    def _wake(self, keys: Iterable[K]) -> None:
        """Mark stale what was made of these keys, and what asked for them."""
        for child in self._children:
            child._stale.update(dict.fromkeys(keys))
        known = self._readers
        if known:
            for key in (*keys, EVERY):
                askers = known.get(key)
                if askers is not None:
                    for table, who in (askers,) if isinstance(askers, tuple) else askers.items():
                        if isinstance(who, dict):
                            table._stale.update(who)
                        else:
                            table._stale[who] = None

    def _add_reader(self, question: Hashable, reader: Key) -> None:
        """Remember who asks; `reader` itself is kept while nobody else does."""
        others = self._readers.setdefault(question, reader)
        if others is not reader:
            self._join_readers(question, others, reader)

    def _join_readers(self, question: Hashable, others: Askers, reader: Key) -> None:
        table, key = reader
        if isinstance(others, dict):
            others.setdefault(table, {})[key] = None
            return
        first, who = others
        keys = who if isinstance(who, dict) else {who: None}
        if first is not table:
            self._readers[question] = {first: keys, table: {key: None}}
            return
        keys[key] = None
        if keys is not who:
            self._readers[question] = table, keys

    def _remove_reader(self, question: Hashable, reader: Key) -> None:
        table, key = reader
        askers = self._readers[question]
        keys = askers[table] if isinstance(askers, dict) else askers[1]
        if isinstance(keys, dict):
            del keys[key]
            if keys:
                return
        if isinstance(askers, dict):
            del askers[table]
            if askers:
                return
        del self._readers[question]

    def _adopt(self, child: Table[K, Any]) -> None:
        self._children.append(child)
        child._stale.update(dict.fromkeys(self._rows))


class _Given(Table[K, V]):
    """Rows that no function made."""

    __slots__ = ()

    def _settle(self, stale: dict[K, Any]) -> Moved:
        moved = Moved()
        for key, row in stale.items():
            self._put(key, row, moved)
        return moved


class Source(_Given[K, V]):
    """Rows from outside."""

    __slots__ = ()


class Constant(_Given[K, V]):
    """Rows that are there from the first sweep on, and stay."""

    __slots__ = ()

    def __init__(self, turn: Turn, name: str, position: int, rows: Mapping[K, V]) -> None:
        super().__init__(turn, name, position)
        self._stale = dict(rows)


class _Derived(Table[K, V], Generic[K, A, V]):
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


class Each(_Derived[K, A, V]):
    """One row for one row of the parent."""

    __slots__ = ()

    def _settle(self, stale: dict[K, Any]) -> Moved:
        moved, rows = Moved(), self._rows
        for key, row in self._answers(stale):
            before = rows.get(key)
            if row is not before and (before is None or row != before):
                self._replace(key, row, before, moved)
        return moved


class Group(_Derived[G, A, Mapping[K, B]]):
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
