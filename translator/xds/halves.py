"""Values told apart by their signs, where there is no look-up: in a route table Envoy looks up headers alone.

A regular expression asks of one sign of a value in which half of the routes it is, and so on, so that a thousand values
are told apart in few steps. That is for query parameters, which are found in `:path`. A route sees the first value of a
parameter, an expression any of them: a path that has the parameter twice is for the list. Neither unescapes anything.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

import re2

LONGEST_NAME: Final = 100
"""Characters of a parameter's name: an expression with a longer one could be larger than Envoy takes."""

LONGEST_VALUE: Final = 100
"""Signs of a value that are looked at, likewise."""

_PARAMETER: Final = r"[^?]*\?(?:.*&)?"


class Half(NamedTuple):
    """About half of some values, and what those look like that are in it; of other values, any."""

    values: frozenset[str]
    regex: str


def more_than_once(name: str) -> str:
    """The paths that have a query parameter twice."""
    escaped = re2.escape(name)
    return f"{_PARAMETER}{escaped}=.*&{escaped}=.*"


def paths_with(name: str, value: str) -> str:
    """The paths that have a query parameter with a value that looks so."""
    return f"{_PARAMETER}{re2.escape(name)}={value}"


def half_of(values: Sequence[str]) -> Half | None:
    """The values that have some signs at some place, chosen so that they are about half; or None when all are alike."""
    best: tuple[int, int, frozenset[str]] | None = None
    for place in range(min(LONGEST_VALUE, max(map(len, values), default=0))):
        counts = Counter(value[place : place + 1] for value in values)
        count, signs = _about_half(counts, len(values))
        if best is None or count < best[0]:
            best = count, place, signs
    if best is None or best[0] == len(values):
        return None
    _, place, signs = best
    inside = frozenset([value for value in values if value[place : place + 1] in signs])
    either = "".join([rf"\x{ord(sign):02x}" for sign in sorted(signs)])
    return Half(inside, f".{{{place}}}[{either}].*")


def _about_half(counts: Counter[str], total: int) -> tuple[int, frozenset[str]]:
    """Signs, and how many values are on the larger side; the end of a value is no sign."""
    signs: list[str] = []
    held = 0
    for sign, count in sorted(counts.items(), key=lambda each: (-each[1], each[0])):
        if sign and abs(2 * (held + count) - total) < abs(2 * held - total):
            signs.append(sign)
            held += count
    return max(held, total - held), frozenset(signs)
