"""One table of the engine: its rows, who asked for them, and how rows that come from outside are brought up to date.

`translator.tables` is the door, and explains the whole; nothing else imports this module but `translator.computed`,
where the tables are that functions of ours make. A table is told which keys are stale; it settles them, and says what
moved; then what was made of those rows, or asked for them, is stale in turn.
"""
# The engine is the owner of its tables' rows; the underscores are for everyone else.
# ruff: noqa: SLF001

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar

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
