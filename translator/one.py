"""A mapping of one member, as the rows of most groups are: there are tens of thousands, each a quarter of a dict."""

from collections.abc import Hashable, ItemsView, Iterator, KeysView, Mapping, ValuesView
from typing import TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class One(Mapping[K, V]):
    """Read-only, and equal to a dict of the same member."""

    __slots__ = ("_key", "_value")

    def __init__(self, key: K, value: V) -> None:
        self._key = key
        self._value = value

    def __getitem__(self, key: K) -> V:
        if key == self._key:
            return self._value
        raise KeyError(key)

    def __iter__(self) -> Iterator[K]:
        return iter((self._key,))

    def __len__(self) -> int:
        return 1

    # Mapping has these too, at ten times the cost.

    def keys(self) -> KeysView[K]:
        """As a dict's."""
        return {self._key: self._value}.keys()

    def values(self) -> ValuesView[V]:
        """As a dict's."""
        return {self._key: self._value}.values()

    def items(self) -> ItemsView[K, V]:
        """As a dict's."""
        return {self._key: self._value}.items()
