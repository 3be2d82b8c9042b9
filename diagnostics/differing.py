"""Two versions of an object, line by line, as people write objects: in YAML, without what may not be shown. Pure.

Comparing texts can take as long as the product of their lengths, and anybody may write them: so both are bounded, and
what would take too long is told as gone and come, without what stayed between.
"""

import difflib
from itertools import islice
from typing import Any, Final

import orjson
import yaml

from diagnostics.hiding import Hiding

LARGEST: Final = 1 << 16
"""Bytes of a body that is shown."""
COMPARED: Final = 500
"""Lines, between what is equal at the beginning and at the end, that are compared."""
MOST_LINES: Final = 200
"""Lines of a difference that are told."""
AROUND: Final = 3

_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def difference(before: bytes, after: bytes) -> list[str] | None:
    """The lines that differ, with those around them, as `diff -u` has them; None: they are too large.

    An empty body is no object.
    """
    if max(len(before), len(after)) > LARGEST:
        return None
    hiding = Hiding()
    old, new = _lines(before, hiding), _lines(after, hiding)
    first = _alike(old, new)
    last = _alike(old[first:][::-1], new[first:][::-1])
    begin, end = max(first - AROUND, 0), max(last - AROUND, 0)
    old, new = old[begin : len(old) - end], new[begin : len(new) - end]
    if max(len(old), len(new)) > COMPARED:
        told = [*(f"-{line}" for line in old), *(f"+{line}" for line in new)]
    else:
        found = difflib.unified_diff(old, new, lineterm="", n=AROUND)
        told = [_counted(line, begin) for line in islice(found, 2, None)]
    more = len(told) - MOST_LINES
    return [*told[:MOST_LINES], f" ... and {more:,} more lines"] if more > 0 else told


def _lines(body: bytes, hiding: Hiding) -> list[str]:
    if not body:
        return []
    shown = hiding.shown(orjson.loads(body))
    text: str = yaml.dump(shown, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)
    return text.splitlines()


def _alike(old: list[str], new: list[str]) -> int:
    """How many lines at the beginning are equal."""
    for place, (left, right) in enumerate(zip(old, new, strict=False)):
        if left != right:
            return place
    return min(len(old), len(new))


def _counted(line: str, left_out: int) -> str:
    """A line of the difference; where it says at which lines it is, those of the whole text."""
    if not line.startswith("@@ "):
        return line
    words = line.split(" ")
    moved = [_moved(word, left_out) for word in words[1:3]]
    return f"@@ {moved[0]} {moved[1]} @@"


def _moved(word: str, left_out: int) -> str:
    start, _, length = word[1:].partition(",")
    return f"{word[0]}{int(start) + left_out}{f',{length}' if length else ''}"
