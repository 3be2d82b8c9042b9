"""A text cut into pieces of whole documents, without parsing it.

A line that begins with `---` is a document's border wherever it stands (YAML 1.1, section 4.3.1). Only directives
(`%YAML`) and the end mark `...` reach across; a text with these is one piece.
"""

import re
from itertools import chain, islice, pairwise
from typing import Final

# Each begins with what is looked for fast: the end of the line before. What a text begins with is looked at apart.
_BORDER: Final = re.compile(rb"\n---(?=[ \t\r\n]|\Z)")
_END: Final = re.compile(rb"\n\.\.\.(?=[ \t\r\n]|\Z)")
_FIRST: Final = re.compile(rb"(?:---|\.\.\.)(?=[ \t\r\n]|\Z)")


def has_more_borders(text: bytes, most: int) -> bool:
    """Whether a text has more borders of documents than so many."""
    if text.count(b"\n---") + text.count(b"\n...") < most:
        return False
    borders = chain(_BORDER.finditer(text), _END.finditer(text))
    return sum(1 for _ in islice(borders, most + 1)) + bool(_FIRST.match(text)) > most


def pieces(text: bytes) -> list[bytes]:
    """The pieces, in order; together they are the text."""
    if _reaches_across(text):
        return [text]
    borders = [0, *[found.start() + 1 for found in _BORDER.finditer(text)], len(text)]
    return [text[start:end] for start, end in pairwise(borders)]


def _reaches_across(text: bytes) -> bool:
    """Whether something in a text is about more than one document."""
    first = _FIRST.match(text)
    is_end = first is not None and text.startswith(b".")
    return is_end or text.startswith(b"%") or b"\n%" in text or _END.search(text) is not None
