"""Names that are looked for in what is none, so that no mistake makes a claim to a name vanish.

An object that its own mistake stops keeps its names shut; what was meant by a list, an address or a name with a port in
it is seen by people at once, and here.
"""

import re
from collections.abc import Callable, Iterable
from typing import Final

Check = Callable[[str], str | None]
"""A name in its one spelling; None: it is none."""

MOST_NAMES: Final = 16
"""So many names are looked for in what is no hostname."""
LONGEST_TEXT: Final = 2_000

_BETWEEN_WORDS: Final = re.compile(r"""[\s,;/\\'"<>()|@?#&=]+""")
_BARE: Final = re.compile(r"[\w*.%\[](?:.*[\w*.\]])?")
"""A word without what is round it, as in `{{foo.com}}`."""


def discerned(written: object, checked: Check, every: str = "*") -> tuple[str, ...]:
    """The hostnames in what may be none: a text with something round it, a list, a number. Checked, none twice.

    `every` is what an empty text stands for.
    """
    texts = written if isinstance(written, list) else [written]
    words = [word for text in texts[:MOST_NAMES] for word in _words(text, checked, every)]
    named = [name for name in words if "." in name or "*" in name] or words
    return tuple(dict.fromkeys(named))[:MOST_NAMES]


def _words(text: object, checked: Check, every: str) -> Iterable[str]:
    if isinstance(text, int | float) and not isinstance(text, bool):
        text = str(text)
    if not isinstance(text, str):
        return
    if not text:
        yield every
    whole = checked(text)
    if whole is not None:
        yield whole
        return
    for word in _BETWEEN_WORDS.split(text[:LONGEST_TEXT]):
        bare = _BARE.search(word)
        found = (checked(bare[0]) or checked(_without_oddities(bare[0]))) if bare else None
        if found is not None:
            yield found


def _without_oddities(word: str) -> str:
    """A name in letters that DNS knows, with `*` for what is before a leading dot, and without what is no port."""
    if not word.isascii():
        try:
            word = word.encode("idna").decode()
        except UnicodeError:
            return ""
    address, bracket, _ = word.partition("]")
    plain = address + bracket if bracket else word.partition(":")[0]
    return f"*{plain}" if plain.startswith(".") else plain
