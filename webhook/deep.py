"""JSON that is nested deeper than it can be read or written here: what is deep is set aside as it is, and put back.

The API server keeps objects of 10,000 levels; orjson reads 1,024 and writes 254, and Python's own json is as recursive.
No conversion looks as deep as that, so that nothing has to: a text stands for each such value meanwhile. It cannot be
guessed, since one object of a review must not be able to name what is in another.
"""

import re
import secrets
from collections.abc import Sequence

from conversion.parts import DEEPEST
from kubeapi.nesting import values_at

_ABOVE = 8
"""Levels above a part: of the review, its list of objects, an object, its spec."""
_MOST = _ABOVE + 2 * DEEPEST


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
    after = 0
    for begin, end in values_at(text, _MOST):
        kept += (text[after:begin], b'"%b-%d"' % (name.encode(), len(values)))
        values.append(text[begin:end])
        after = end
    kept.append(text[after:])
    return b"".join(kept), Aside(name, values)
