"""DER, value by value, as strictly as Envoy's TLS library reads it. One pass over the bytes, and nothing is copied.

https://www.itu.int/rec/T-REC-X.690
"""

import re
from typing import Final

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
OBJECT_IDENTIFIER: Final = 0x06
UTF8_STRING: Final = 0x0C
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30
SET: Final = 0x31
CONSTRUCTED: Final = 0x20

_LONG_FORM: Final = 0x80
_HIGH_TAG: Final = 0x1F
_MOST_LENGTH_BYTES: Final = 4
_MOST_UNUSED_BITS: Final = 7
_IDENTIFIER: Final = re.compile(rb"(?:(?!\x80)[\x80-\xff]*+[\x00-\x7f])++")

Value = tuple[int, int, int, int]
"""A value: its tag, and where it begins, where its content begins, and where it ends."""


class MalformedError(ValueError):
    """The bytes are not what they should be."""


def value_at(der: bytes, at: int, end: int) -> Value:
    """The value that begins here and lasts to `end` at most."""
    start = at + 2
    if start > end:
        raise MalformedError
    tag, length = der[at], der[at + 1]
    if tag & _HIGH_TAG == _HIGH_TAG:
        raise MalformedError
    if length & _LONG_FORM:
        count = length ^ _LONG_FORM
        length = int.from_bytes(der[start : start + count]) if count <= _MOST_LENGTH_BYTES else 0
        if length < _LONG_FORM or not der[start]:
            raise MalformedError  # it could be shorter, or is not told
        start += count
    stop = start + length
    if stop > end:
        raise MalformedError
    return tag, at, start, stop


def parts_of(der: bytes, whole: Value, tag: int = SEQUENCE) -> list[Value]:
    """The values that a value is made of, which has this tag."""
    kind, _, at, end = whole
    if kind != tag:
        raise MalformedError
    parts = []
    while at < end:
        part = value_at(der, at, end)
        parts.append(part)
        at = part[3]
    return parts


def only_value(der: bytes) -> Value:
    """The value that is all of these bytes."""
    found = value_at(der, 0, len(der))
    if found[3] != len(der):
        raise MalformedError
    return found


def content_of(der: bytes, value: Value, tag: int) -> bytes:
    """What a value with this tag holds."""
    if value[0] != tag:
        raise MalformedError
    return der[value[2] : value[3]]


def first_value(der: bytes) -> bytes:
    """What of the bytes is their first value: the rest is not looked at where keys and certificates are read."""
    try:
        return der[: value_at(der, 0, len(der))[3]]
    except MalformedError:
        return der


def integer(content: bytes) -> int:
    """A number, in as few bytes as it needs."""
    if not content or (len(content) > 1 and content[0] in (0, 0xFF) and (content[0] ^ content[1]) < _LONG_FORM):
        raise MalformedError
    return int.from_bytes(content, signed=True)


def bits(content: bytes) -> bytes:
    """The bits of a bit string, of which the last ones may count for nothing: these are 0."""
    unused = content[0] if content else _LONG_FORM
    if unused > _MOST_UNUSED_BITS or (unused and (len(content) == 1 or content[-1] & ((1 << unused) - 1))):
        raise MalformedError
    return content[1:]


def identifier(content: bytes) -> bytes:
    """An object identifier, in as few bytes as it needs."""
    if not _IDENTIFIER.fullmatch(content):
        raise MalformedError
    return content
