"""JSON that is nested deeper than it can be read or written here: what is deep is set aside as it is, and put back.

The API server keeps objects of 10,000 levels; orjson reads 1,024 and writes 254, and Python's own json is as recursive.
No conversion looks as deep as that, so that nothing has to: a text stands for each such value meanwhile. It cannot be
guessed, since one object of a review must not be able to name what is in another.
"""

import re
import secrets
from collections.abc import Sequence

from conversion.parts import DEEPEST

_ABOVE = 8
"""Levels above a part: of the review, its list of objects, an object, its spec."""
_MOST = _ABOVE + 2 * DEEPEST
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[{]|[\]}]', re.DOTALL)


class Aside:
    """The values that were set aside."""

    def __init__(self, name: str, values: Sequence[bytes]) -> None:
        self._pattern = re.compile(rb'"%b-([0-9]+)"' % name.encode())
        self._values = values

    def put_back(self, text: bytes) -> bytes:
        """JSON that was made of what `shallow` gave, with its deep values."""
        return self._pattern.sub(lambda found: self._values[int(found[1])], text)


def shallow(text: bytes) -> tuple[bytes, Aside]:
    """JSON without its deep values, and these. What is no JSON stays none, if only above them."""
    name, kept, values = secrets.token_hex(16), list[bytes](), list[bytes]()
    depth = begin = end = 0
    for found in _TOKEN.finditer(text):
        if found[0] in b"[{":
            depth += 1
            if depth == _MOST:
                begin = found.start()
        elif found[0] in b"]}":
            if depth == _MOST:
                kept += (text[end:begin], b'"%b-%d"' % (name.encode(), len(values)))
                end = found.end()
                values.append(text[begin:end])
            depth -= 1
    kept.append(text[end:])
    return b"".join(kept), Aside(name, values)
