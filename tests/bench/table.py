"""The table of costs as text, and the ratios as bars that any terminal shows."""

import math
from collections.abc import Iterable, Sequence
from typing import Final

from tests.bench.report import Failed, Line

HEAD: Final = ("what", "value", "beside it", "", "ratio", "goal")
WIDTH: Final = 24
"""Characters on each side of the plot."""

DECADES: Final = 2
"""The plot goes from a hundredth to a hundred times; what is beyond ends in an arrow."""


def number(value: float) -> str:
    """Three digits that count: 0.0123, 1.23, 12.3, 123, 12,345."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    places = max(0, 2 - math.floor(math.log10(abs(value)) + 1e-9))
    return f"{value:,.{min(places, 4)}f}"


def cells(line: Line) -> tuple[str, ...]:
    """One line as the columns of `HEAD`."""
    goal = ""
    if line.goal is not None:
        limit = number(line.goal.limit) + (f" {line.unit}" if line.goal.of == "value" else " x")
        goal = f"{line.goal.bound} {limit}: {'met' if line.goal_is_met else 'MISSED'}"
    beside = "" if line.reference is None else f"{number(line.reference)} {line.unit}"
    ratio = "" if line.ratio is None else f"{number(line.ratio)} x"
    return line.name, f"{number(line.value)} {line.unit}", beside, line.against, ratio, goal


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns one below the other."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    right = {1, 2, 4}
    return [
        "  ".join(
            text.rjust(width) if column in right else text.ljust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def table(found: Iterable[Line | Failed]) -> str:
    """All lines, by the part that found them."""
    every = list(found)
    rows: list[tuple[str, ...]] = [HEAD, *(cells(each) for each in every if isinstance(each, Line))]
    shown = iter(aligned(rows))
    said, part = [next(shown)], ""
    for each in every:
        if each.part != part:
            part = each.part
            said += ["", f"{part}:"]
        said.append(next(shown) if isinstance(each, Line) else f"ended early: {each.reason}")
    return "\n".join(said)


def bar(ratio: float) -> str:
    """To the left of the middle what takes less than what it is compared with, to the right what takes more."""
    length = round(math.log10(ratio) / DECADES * WIDTH)
    if ratio < 1:
        drawn = "#" * min(-length, WIDTH)
        left = ("<" + drawn[1:] if -length > WIDTH else drawn).rjust(WIDTH)
        return left + "|" + " " * WIDTH
    drawn = "#" * min(length, WIDTH)
    return " " * WIDTH + "|" + (drawn[:-1] + ">" if length > WIDTH else drawn).ljust(WIDTH)


def plot(found: Iterable[Line | Failed]) -> str:
    """The ratios on a logarithmic scale."""
    lines = [each for each in found if isinstance(each, Line) and each.ratio is not None and each.ratio > 0]
    if not lines:
        return ""
    names = [f"{each.part}: {each.name}" for each in lines]
    width = max(map(len, names))
    tenth = WIDTH // DECADES
    scale = "0.01".ljust(tenth) + "0.1".ljust(tenth) + "1" + "10".rjust(tenth) + "100".rjust(tenth)
    rows = [f"{'':{width}}  {scale}  x what it is compared with"]
    for name, each in zip(names, lines, strict=True):
        mark = {True: "", False: "  missed", None: ""}[each.goal_is_met]
        rows.append(f"{name:{width}}  {bar(each.ratio or 1)}  {number(each.ratio or 1)}{mark}")
    return "\n".join(row.rstrip() for row in rows)
