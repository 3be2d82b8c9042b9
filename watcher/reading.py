"""JSON of the API server as values, however deep one object in it is nested: pure.

The API server stores objects of 10,000 levels, and orjson reads 1,024: one such object would hide all others of its
kind.
"""

from typing import Any, Final

import orjson

from kubeapi.nesting import values_at

DEEPEST: Final = 512
"""Levels that are read where not all can be. orjson writes half as many: what was cut is never taken for the whole."""


def read(text: bytes) -> Any:
    """A JSON value. Where it is nested deeper than can be read, null is in place of what lies too deep.

    ValueError for what is no JSON.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return orjson.loads(_shallow(text))


def _shallow(text: bytes) -> bytes:
    kept: list[bytes] = []
    after = 0
    for begin, end in values_at(text, DEEPEST + 1):
        kept += text[after:begin], b"null"
        after = end
    return b"".join((*kept, text[after:]))
