"""Where a JSON text is nested deeper than it can be read: found without recursion, in the text itself.

The API server stores objects of 10,000 levels; orjson reads 1,024 and writes 254, and Python's own json recurses too.
"""

import re
from collections.abc import Iterator
from typing import Final

_TOKEN: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[][{}]', re.DOTALL)


def values_at(text: bytes, level: int) -> Iterator[tuple[int, int]]:
    """Begin and end of each object or list that begins at this level, 1 being the outermost, and comes to its end."""
    begin = depth = 0
    for token in _TOKEN.finditer(text):
        if token[0] in b"{[":
            depth += 1
            if depth == level:
                begin = token.start()
        elif token[0] in b"}]":
            if depth == level:
                yield begin, token.end()
            depth -= 1
