"""What a path must begin with to match: so a matcher tree knows where a route can be asked for, and where it never is.

Of a regular expression RE2 itself tells the range that its matches lie in, and what both ends of it begin with, every
match begins with. Where it ignores case, the ends differ in it, so that only what has no case is left.
"""

import re
from itertools import takewhile
from typing import Final

import re2

from translator.checks import compiled
from translator.ir import PathMatch

LONGEST: Final = 128
"""Bytes of a regular expression's matches that are looked at: RE2's time grows with them."""

_WITH_CASE: Final = re.compile(r"[^\x00-@\[-`{-\x7f]")


def beginning_of(path: PathMatch) -> str:
    """The text that every path that matches begins with; the empty one where there is none, or none is known."""
    if path.kind == "regex":
        return _of_regex(path.text)
    text = path.text.rstrip("/") if path.kind == "segments" else path.text
    return text if path.case_sensitive else _WITH_CASE.split(text, maxsplit=1)[0]


def _of_regex(pattern: str) -> str:
    regex = compiled(pattern)
    try:
        least, most = regex.possiblematchrange(LONGEST)
    except re2.error:
        return ""
    common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(least, most, strict=False)))
    is_next = len(most) == common + 1 <= len(least) and most[common] == least[common] + 1
    if is_next and not regex.fullmatch(most):
        # What comes right after all that begins so was only a bound: nothing between is left but what begins so.
        common += 1
    known: bytes = least[:common]
    return known.decode("ascii") if known.isascii() else ""
