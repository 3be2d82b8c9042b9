"""What is plain to see of a regular expression: how much of a path it asks for, where routes are put into an order.

An expression counts for as much as all that it matches begins with: a long one that matches everything asks for little.
"""

import re
from typing import Final

_PLAIN: Final = re.compile(r"[^\\.\[\](){}*+?|^$]+")
_TOKEN: Final = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*+(?:\]|\\?\Z)|[(|)]", re.DOTALL)
"""What is escaped, a class of characters, and what of the rest matters. One without an end is looked through once."""


def fixed_beginning(pattern: str) -> str:
    """What all that an expression matches begins with, as far as that is plain to see."""
    found = _PLAIN.match(pattern)
    if found is None or _has_alternatives(pattern):
        return ""
    text, behind = found[0], pattern[found.end() : found.end() + 1]
    return text[:-1] if behind and behind in "*?{" else text


def _has_alternatives(pattern: str) -> bool:
    """Whether a `|` stands, or may stand, outside of all groups."""
    if "|" not in pattern:
        return False
    if "[:" in pattern or r"\Q" in pattern:
        return True
    depth = 0
    for sign in _TOKEN.findall(pattern):
        if sign == "|" and depth == 0:
            return True
        depth += (sign == "(") - (sign == ")")
    return False
