"""Text that others wrote, made fit to be shown to people: on one line, with nothing in it that only looks like text.

A name, a value or a message of another program may hold line breaks, a terminal's control sequences, signs that turn
the direction of what follows, half characters, or a megabyte. In a log, a status or on a terminal each of these can
pass for something that we said. Pure; what it escapes, it escapes as JSON does, so that it stays JSON where it was.
"""

from typing import Final

_LONGEST_ESCAPE: Final = 12
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(text: str, most: int) -> str:
    """The text on one line and cut: see `escaped` and `cut`."""
    return escaped(cut(text, most))


def escaped(text: str) -> str:
    r"""The text on one line: `\n`, `\u001b`, `\u202e` and the like in place of what cannot be printed."""
    if text.isprintable():
        return text
    return "".join([sign if sign.isprintable() else _escape(sign) for sign in text])


def cut(text: str, most: int) -> str:
    """The text; of one that would be longer than `most` when it is escaped, the beginning, and how long it is."""
    if len(text) <= most and (text.isprintable() or len(text) * _LONGEST_ESCAPE <= most):
        return text
    end = most if text[:most].isprintable() else _fitting(text[:most], most)
    return text if end == len(text) else f"{text[:end]}... ({len(text):,} characters)"


def _fitting(text: str, room: int) -> int:
    """How many signs of a text there is room for when they are escaped."""
    for end, sign in enumerate(text):
        room -= 1 if sign.isprintable() else len(_escape(sign))
        if room < 0:
            return end
    return len(text)


def _escape(sign: str) -> str:
    units = sign.encode("utf-16-be", errors="surrogatepass")
    return _SHORT.get(sign) or "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
