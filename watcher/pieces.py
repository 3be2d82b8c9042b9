"""A text cut into pieces of whole documents, without parsing it.

A line that begins with `---` is a document's border wherever it stands (YAML 1.1, section 4.3.1). Only directives
(`%YAML`) and the end mark `...` reach across; a text with these is one piece.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice, pairwise
from typing import Final

_BORDER: Final = re.compile(rb"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
_END: Final = re.compile(rb"^\.\.\.(?=[ \t\r\n]|\Z)", re.MULTILINE)
_DIRECTIVE: Final = re.compile(rb"^%", re.MULTILINE)


def has_more_borders(text: bytes, most: int) -> bool:
    """Whether a text has more borders of documents than so many."""
    borders = chain(_BORDER.finditer(text), _END.finditer(text))
    return sum(1 for _ in islice(borders, most + 1)) > most


def pieces(text: bytes) -> Iterator[bytes]:
    """The pieces, in order; together they are the text."""
    if _END.search(text) or _DIRECTIVE.search(text):
        yield text
        return
    borders = (found.start() for found in _BORDER.finditer(text) if found.start())
    for start, end in pairwise(_with_ends(borders, len(text))):
        yield text[start:end]


def _with_ends(borders: Iterable[int], end: int) -> Iterator[int]:
    yield 0
    yield from borders
    yield end
