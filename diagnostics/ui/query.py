"""What the address of a page says: bounded, since anybody may write it, and the links that change one word of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

LONGEST: Final = 300
"""Characters of a word of an address that count."""
MOST_PAGES: Final = 100_000


@dataclass(frozen=True, slots=True)
class Query:
    """The words by their names; `path` is the last part of the address.

    `is_local`: who asks is in this pod. `from_elsewhere`: a page of somebody else's sent them.
    """

    path: str
    words: Mapping[str, str] = field(default_factory=dict)
    is_local: bool = True
    from_elsewhere: bool = False

    def text(self, name: str, otherwise: str = "") -> str:
        """A word, cut."""
        return self.words.get(name, otherwise)[:LONGEST].strip()

    def number(self, name: str, otherwise: int = 0) -> int:
        """A word that is a small number."""
        said = self.text(name)
        return min(int(said), MOST_PAGES) if said.isascii() and said.isdigit() else otherwise

    def link(self, **changes: str | int | None) -> str:
        """The address with other words; None takes one away."""
        words = {**self.words, **changes}
        said = urlencode({name: value for name, value in words.items() if value not in (None, "") and name != "part"})
        return f"{self.path or './'}{'?' if said else ''}{said}"


@dataclass(frozen=True, slots=True)
class Paged:
    """Which of many are shown; pages are counted from 1."""

    page: int
    of: int
    size: int

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return max(1, -(-self.of // self.size))

    @property
    def first(self) -> int:
        """How many come before this page."""
        return (self.page - 1) * self.size

    @property
    def last(self) -> int:
        """The number of the last one on it."""
        return min(self.first + self.size, self.of)


def paged(query: Query, of: int, size: int) -> Paged:
    """The page that an address asks for, or the last one that there is."""
    pages = max(1, -(-of // size))
    return Paged(min(max(query.number("page", 1), 1), pages), of, size)
