"""JSON of the API server as values, however deep one object in it is nested: pure.

The API server stores objects of 10,000 levels, and orjson reads 1,024: one such object would hide all others of its
kind.
"""

import re
from typing import Any, Final

import orjson

DEEPEST: Final = 512
"""Levels that are read where not all can be. orjson writes half as many: what was cut is never taken for the whole."""

_TOKEN: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[][{}]', re.DOTALL)


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
    begin = depth = 0
    for token in _TOKEN.finditer(text):
        if token[0] in b"{[":
            depth += 1
            if depth == DEEPEST + 1:
                kept += text[begin : token.start()], b"null"
        elif token[0] in b"}]":
            if depth == DEEPEST + 1:
                begin = token.end()
            depth -= 1
    return b"".join((*kept, text[begin:]))
