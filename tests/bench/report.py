"""One way in which every part of the bench says what it found. Pure, as what shows it is (table.py, history.py)."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True, slots=True)
class Goal:
    """What is hoped for: of the ratio, or of the value itself in its unit."""

    bound: Literal["<=", ">="]
    limit: float
    of: Literal["ratio", "value"] = "ratio"

    def is_met(self, found: float) -> bool:
        """Whether it is reached."""
        return found <= self.limit if self.bound == "<=" else found >= self.limit


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: what was measured, and beside it, in turn with it, what it is compared with.

    `value` and `reference` are in `unit`. `ratio` is the median of the turns' ratios where there are turns, so it is
    not always the quotient of the other two. What is compared with nothing has neither.
    """

    name: str
    value: float
    unit: str
    against: str = ""
    reference: float | None = None
    ratio: float | None = None
    goal: Goal | None = None
    part: str = ""

    def of(self, part: str) -> "Line":
        """The same, as what this part of the bench found."""
        return replace(self, part=part)

    @property
    def goal_is_met(self) -> bool | None:
        """None: there is no goal."""
        found = None if self.goal is None else (self.ratio if self.goal.of == "ratio" else self.value)
        return None if found is None or self.goal is None else self.goal.is_met(found)


@dataclass(frozen=True, slots=True)
class Failed:
    """A part that ended early; its reason."""

    part: str
    reason: str


Lines = Callable[[int], Iterator[Line]]
"""A part of the bench: its lines, one by one; the argument is the most Mappings that it may take."""


def beside(name: str, value: float, unit: str, reference: float, against: str, *, goal: Goal | None = None) -> Line:
    """A line whose ratio is the quotient."""
    return Line(name, value, unit, against, reference, value / reference, goal)


def sizes_up_to(largest: int, sizes: Iterable[int]) -> list[int]:
    """Those of these sizes that are not above the largest that is allowed; that itself where all are."""
    return [size for size in sizes if size <= largest] or [largest]
