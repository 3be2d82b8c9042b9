"""What is read of a text of YAML or JSON: its documents or the fault that ends it, and what it may take.

A text takes time and memory by its bytes and its values; both are bounded, aliases counted as if they were written out.
"""

from dataclasses import dataclass, field
from typing import Final

from snapshot import JSON
from watcher.limits import MAX_ALIASED, Limits, mib
from watcher.sources import Sort


@dataclass(frozen=True, slots=True)
class Document:
    """A document's value, the line it begins at (from 0, in the text it was read from), and what it takes.

    `values` are its scalars and collections, `aliased` the characters that its aliases add, both written out.
    """

    value: JSON
    line: int
    values: int = 0
    aliased: int = 0


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a document cannot be read, and the line and column (from 0) where that shows.

    `began`: the line of what goes on until there, as text in quotes that do not end.
    """

    message: str
    line: int
    sort: Sort = field(default="Text", compare=False)
    column: int = field(default=0, compare=False)
    began: int | None = field(default=None, compare=False)


TOO_MANY_ALIASES: Final = f"the aliases of this file add more than {mib(MAX_ALIASED)} to it"


def too_many_values(limits: Limits) -> str:
    """What is said of a file with more values than it may have."""
    return limits.too_large(f"{limits.values} values")


@dataclass(slots=True)
class Budget:
    """What may still be read: values, and characters that aliases add."""

    values: int
    aliased: int
    excess: str
    """What is said when there are more values."""
    excess_of_aliases: str = TOO_MANY_ALIASES

    @classmethod
    def of(cls, limits: Limits) -> "Budget":
        """That of a whole file."""
        return cls(limits.values, MAX_ALIASED, too_many_values(limits))


def line_at(text: bytes, position: int) -> int:
    """The line, from 0, of a byte of a text."""
    return text.count(b"\n", 0, position)
