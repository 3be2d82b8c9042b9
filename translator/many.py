"""A mapping of very many members, of which another with one member more costs the same however many there are.

A row of a group is a value: a change of one member is another row, and a copy of a dict of 10,000 takes longer than
all else that such a change is. So the members are spread over small dicts, and another mapping takes over all but the
one that is different.
"""

# The views are of the same family as what they show.
# ruff: noqa: SLF001

from collections.abc import Hashable, ItemsView, Iterator, Mapping, ValuesView
from itertools import chain
from typing import Any, Final, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

FROM: Final = 512
"""Members from which on a row is such a mapping; a dict is faster in all else."""

_PARTS: Final = 256


class Many(Mapping[K, V]):
    """Changed only by who made it, and no more once another has it; equal to a dict of the same members."""

    __slots__ = ("_count", "_own", "_parts")

    def __init__(self, members: "Mapping[K, V]") -> None:
        self._own: set[int] = set()
        if isinstance(members, Many):
            self._parts: list[dict[K, V]] = list(members._parts)
            self._count: int = members._count
            return
        self._own.update(range(_PARTS))
        self._parts = [{} for _ in range(_PARTS)]
        self._count = len(members)
        for key, value in members.items():
            self._parts[hash(key) % _PARTS][key] = value

    def _part(self, key: K) -> dict[K, V]:
        place = hash(key) % _PARTS
        if place not in self._own:
            self._own.add(place)
            self._parts[place] = dict(self._parts[place])
        return self._parts[place]

    def __setitem__(self, key: K, value: V) -> None:
        part = self._part(key)
        self._count += key not in part
        part[key] = value

    def __delitem__(self, key: K) -> None:
        del self._part(key)[key]
        self._count -= 1

    def __getitem__(self, key: K) -> V:
        return self._parts[hash(key) % _PARTS][key]

    def __contains__(self, key: object) -> bool:
        return key in self._parts[hash(key) % _PARTS]

    def __iter__(self) -> Iterator[K]:
        return chain.from_iterable(self._parts)

    def __len__(self) -> int:
        return self._count

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Many):
            return self._count == other._count and self._parts == other._parts
        return isinstance(other, Mapping) and self._count == len(other) and dict(self.items()) == dict(other.items())

    __hash__ = None  # type: ignore[assignment]

    # Mapping has these too, at several times the cost.

    def values(self) -> ValuesView[V]:
        """As a dict's."""
        return _Values(self)

    def items(self) -> ItemsView[K, V]:
        """As a dict's."""
        return _Items(self)


class _Values(ValuesView[V]):
    _mapping: Many[Any, V]

    def __iter__(self) -> Iterator[V]:
        return chain.from_iterable([part.values() for part in self._mapping._parts])


class _Items(ItemsView[K, V]):
    _mapping: Many[K, V]

    def __iter__(self) -> Iterator[tuple[K, V]]:
        return chain.from_iterable([part.items() for part in self._mapping._parts])
