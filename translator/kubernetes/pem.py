"""Texts in PEM, read as Envoy's TLS library reads them: what it skips is skipped, what it stumbles over is told.

Other readers take what that one refuses (blocks that are joined on a line) and refuse what it takes (any text between
blocks). A block begins with a BEGIN line and lasts to the first END line, whatever is between them, so a text is read
once, however it is made: the work is as long as the text.

Stricter on purpose: characters beyond ASCII in a block, which are blanks to that library on some processors only.
"""

import binascii
import re
import string
from collections.abc import Iterator
from typing import Final

from translator.values import dataclass

OTHER_TEXT: Final = "other text"

_LONGEST_LINE: Final = 253
"""The library reads lines in pieces of this size: a BEGIN behind so many characters counts."""

_PIECE: Final = re.compile(rb"[^\n]{%d}" % _LONGEST_LINE)
_BEGIN: Final = re.compile(rb"^([^\n]*?)-----BEGIN ([^\n]*)", re.MULTILINE)
_END: Final = re.compile(rb"^-----END [^\n]*", re.MULTILINE)
_END_OR_BLANK: Final = re.compile(rb"^(?:-----END [^\n]*|[\x00-\x09\x0b-\x20]*+$)", re.MULTILINE)
_BYTE_ORDER_MARK: Final = "\ufeff"
_CONTROL: Final = bytes(range(0x21))
_BEYOND_ASCII: Final = bytes(range(0x80, 0x100))
_BLANKS: Final = b" \t\r\n"
_USUAL: Final = string.ascii_letters.encode() + b"0123456789+/=" + _BLANKS
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/]*+={0,2}")
_DASHES: Final = b"-----"


@dataclass(frozen=True, slots=True)
class Block:
    """A block: what stands between its BEGIN and its END, decoded. `number` counts from 1."""

    number: int
    label: str
    content: bytes
    has_headers: bool = False
    """Whether it has headers as RFC 1421 knows them, which say that it is encrypted."""

    @property
    def called(self) -> str:
        """Its name for people."""
        return _called(self.number, self.label)


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A block that is taken for a comment, since its BEGIN is not at the beginning of a line; what is before it."""

    label: str
    before: str

    @property
    def is_by_mistake(self) -> bool:
        """Whether nobody can have wanted it: nothing that can be seen is before it."""
        return self.before != OTHER_TEXT

    @property
    def problem(self) -> str:
        """What is wrong with it."""
        return f"has {self.before} before a BEGIN ({self.label[:40]}), which must be at the beginning of its line"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a text cannot be read further."""

    problem: str


Found = Block | PassedOver | Unreadable


def read_pem(text: bytes) -> Iterator[Found]:
    """The blocks of a text, in order; the last of it may be what prevents reading on."""
    text = _PIECE.sub(rb"\g<0>\n", text)
    number, at = 0, 0
    while begin := _BEGIN.search(text, at):
        before, line = begin[1], begin[2].rstrip(_CONTROL + _BEYOND_ASCII)
        at = begin.end()
        if not line.endswith(_DASHES):
            continue  # a line like any other
        if before:
            yield PassedOver(line.removesuffix(_DASHES).decode("ascii", "replace"), _what(before))
            continue
        number += 1
        found, at = _read_block(text, number, begin[2].rstrip(_CONTROL), at + 1)
        yield found
        if isinstance(found, Unreadable):
            return


def _what(before: bytes) -> str:
    text = before.decode("utf-8", "replace")
    if any(character.isprintable() and character != " " for character in text):
        return OTHER_TEXT
    return "a byte order mark" if _BYTE_ORDER_MARK in text else "blanks"


def _read_block(text: bytes, number: int, rest: bytes, at: int) -> tuple[Block | Unreadable, int]:
    """The block whose BEGIN line has this `rest`; its lines begin at `at`. And where to read on."""
    label = rest.removesuffix(_DASHES).decode("ascii", "replace")
    called = _called(number, label)
    if not rest.endswith(_DASHES) or not (rest.isascii() and label.isprintable()):
        return Unreadable(f"{called} has a BEGIN line with characters that are not ASCII"), at
    headers_end = body = at
    stop = _END_OR_BLANK.search(text, at)
    if stop and not stop[0].startswith(b"-----END "):
        headers_end, body = stop.start(), stop.end()
        stop = _END.search(text, body)
    if stop is None:
        return Unreadable(f"{called} does not end: its END line is missing, or not at the beginning of a line"), at
    if stop[0].rstrip(_CONTROL) != b"-----END " + rest.removesuffix(_DASHES) + _DASHES:
        return Unreadable(f"{called} ends with another END line than its own, or with text behind it"), at
    content = _decoded(text[body : stop.start()])
    if content is None or not text[at : stop.end()].isascii():
        return Unreadable(f"{called} holds something that is not base64"), at
    if not content:
        return Unreadable(f"{called} is empty"), at
    return Block(number, label, content, has_headers=headers_end > at), stop.end()


def _decoded(body: bytes) -> bytes | None:
    if body.translate(None, _USUAL):
        body = b"\n".join(line.rstrip(_CONTROL) for line in body.split(b"\n"))
    digits = body.translate(None, _BLANKS)
    return binascii.a2b_base64(digits) if len(digits) % 4 == 0 and _BASE64.fullmatch(digits) else None


def _called(number: int, label: str) -> str:
    return f"block {number} ({label[:40]})"
