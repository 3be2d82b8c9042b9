"""The primitives of protobuf's wire format, and the few well-known messages that every Envoy message is made of.

A message of ours *is* its encoding: a subclass of `bytes` whose constructor takes the fields. An embedded message is
then its tag, its length and itself, so parents are joined from children that were encoded once. The generated modules
beside this one hold Envoy's messages; what they share is here. Source: https://protobuf.dev/programming-guides/encoding
"""

import math
import struct as packing
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import ClassVar, Self, TypeAlias

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"

TYPE_URL_PREFIX = "type.googleapis.com/"

_REMEMBERED = 16_384  # encodings of smaller numbers are kept: sizes, ports, weights, enums


def varint(number: int) -> bytes:
    """The base-128 encoding of a number; a negative one takes ten bytes, as its 64-bit two's complement.

    Raises:
        ValueError: the number does not fit 64 bits.
    """
    if not -(1 << 63) <= number < 1 << 64:
        raise ValueError(f"{number} does not fit 64 bits")
    rest = number & 0xFFFF_FFFF_FFFF_FFFF
    encoded = bytearray()
    while rest > 0x7F:
        encoded.append(rest & 0x7F | 0x80)
        rest >>= 7
    encoded.append(rest)
    return bytes(encoded)


def _wrapped(number: int) -> bytes:
    """The size and encoding of an integer wrapper message (UInt32Value, ...)."""
    inside = b"\x08" + varint(number) if number else b""
    return bytes((len(inside),)) + inside


class Numbers(dict[int, bytes]):
    """Encodings by number, remembered while they are small: a look-up is several times cheaper than a call.

    Looking up a number outside the type's range raises ValueError; Envoy would silently take another number.
    """

    __slots__ = ("_encode", "_range")

    def __init__(self, numbers: range, encode: Callable[[int], bytes]) -> None:
        super().__init__()
        self._range = numbers
        self._encode = encode

    def __missing__(self, number: int) -> bytes:
        if not self._range.start <= number < self._range.stop:  # `in` would count up to a member of an IntEnum
            raise ValueError(f"{number} is not between {self._range.start} and {self._range.stop - 1}")
        encoded = self._encode(number)
        if 0 <= number < _REMEMBERED:
            self[int(number)] = encoded
        return encoded


_UINT32 = range(1 << 32)
_UINT64 = range(1 << 64)
_INT32 = range(-(1 << 31), 1 << 31)
_INT64 = range(-(1 << 63), 1 << 63)

SIZE = Numbers(_INT32, varint)
UINT32 = Numbers(_UINT32, varint)
UINT64 = Numbers(_UINT64, varint)
INT32 = Numbers(_INT32, varint)
INT64 = Numbers(_INT64, varint)
WRAPPED_UINT32 = Numbers(_UINT32, _wrapped)
WRAPPED_UINT64 = Numbers(_UINT64, _wrapped)
WRAPPED_INT32 = Numbers(_INT32, _wrapped)
WRAPPED_INT64 = Numbers(_INT64, _wrapped)


def tag(number: int, wire_type: int) -> bytes:
    """What goes before a field's value. Wire types: 0 varint, 1 eight bytes, 2 sized, 5 four bytes."""
    return varint(number << 3 | wire_type)


def sized(data: bytes) -> bytes:
    """The bytes after their length."""
    return SIZE[len(data)] + data


def utf8(value: str) -> bytes:
    """A string after its length."""
    data = value.encode()
    return SIZE[len(data)] + data


def float64(value: float) -> bytes:
    """A 64-bit float."""
    return packing.pack("<d", value)


def float32(value: float) -> bytes:
    """A 32-bit float."""
    return packing.pack("<f", value)


def wrapped_utf8(value: str) -> bytes:
    """A sized StringValue."""
    return sized(b"\n" + utf8(value) if value else b"")


def wrapped_bytes(value: bytes) -> bytes:
    """A sized BytesValue."""
    return sized(b"\n" + sized(value) if value else b"")


def wrapped_float64(value: float) -> bytes:
    """A sized DoubleValue."""
    return b"\x09\x09" + float64(value) if value else b"\x00"


def wrapped_float32(value: float) -> bytes:
    """A sized FloatValue."""
    return b"\x05\x0d" + float32(value) if value else b"\x00"


class Message(bytes):
    """A protobuf message that is its own encoding; equal bytes are equal messages."""

    __slots__ = ()

    FULL_NAME: ClassVar[str]

    @classmethod
    def of(cls, data: bytes) -> Self:
        """The message that these bytes, encoded elsewhere, are. They are not checked."""
        return bytes.__new__(cls, data)

    def __reduce__(self) -> tuple[object, tuple[bytes]]:
        return type(self).of, (bytes(self),)


class Any(Message):
    """google.protobuf.Any: a message that carries its type's name. Made by `any_of`."""

    __slots__ = ()

    FULL_NAME: ClassVar[str] = "google.protobuf.Any"

    def __new__(cls, *, type_url: str = "", value: bytes = b"") -> Self:  # noqa: D102
        parts: list[bytes] = []
        if type_url:
            parts.append(b"\n" + utf8(type_url))
        if value:
            parts.append(b"\x12" + sized(value))
        return bytes.__new__(cls, b"".join(parts))


def type_url(kind: type[Message]) -> str:
    """The type's name as Any and xDS write it, e.g. `type.googleapis.com/envoy.config.route.v3.Route`."""
    return TYPE_URL_PREFIX + kind.FULL_NAME


@cache
def _any_head(kind: type[Message]) -> bytes:
    return b"\n" + utf8(type_url(kind))


def any_of(message: Message) -> Any:
    """The message wrapped with its type's name."""
    head = _any_head(type(message))
    return Any.of(head + b"\x12" + SIZE[len(message)] + message if message else head)


class Duration(Message):
    """google.protobuf.Duration. Made by `duration_ms` and `duration_s`, or from seconds and nanoseconds of one sign."""

    __slots__ = ()

    FULL_NAME: ClassVar[str] = "google.protobuf.Duration"

    def __new__(cls, *, seconds: int = 0, nanos: int = 0) -> Self:  # noqa: D102
        parts: list[bytes] = []
        if seconds:
            parts.append(b"\x08" + INT64[seconds])
        if nanos:
            parts.append(b"\x10" + INT32[nanos])
        return bytes.__new__(cls, b"".join(parts))


def _duration_ns(nanoseconds: int) -> Duration:
    seconds, nanos = divmod(abs(nanoseconds), 1_000_000_000)
    return Duration(seconds=seconds, nanos=nanos) if nanoseconds >= 0 else Duration(seconds=-seconds, nanos=-nanos)


@lru_cache(_REMEMBERED)
def duration_ms(milliseconds: int) -> Duration:
    """A Duration of whole milliseconds."""
    return _duration_ns(milliseconds * 1_000_000)


@lru_cache(_REMEMBERED)
def duration_s(seconds: float) -> Duration:
    """A Duration of seconds, to the nanosecond.

    Raises:
        ValueError: not a finite number.
    """
    if not math.isfinite(seconds):
        raise ValueError(f"{seconds} is not a length of time")
    return _duration_ns(round(seconds * 1_000_000_000))


class Empty(Message):
    """google.protobuf.Empty."""

    __slots__ = ()

    FULL_NAME: ClassVar[str] = "google.protobuf.Empty"

    def __new__(cls) -> Self:  # noqa: D102
        return bytes.__new__(cls)


class Value(Message):
    """google.protobuf.Value: any JSON value. Made by `value`."""

    __slots__ = ()

    FULL_NAME: ClassVar[str] = "google.protobuf.Value"


class Struct(Message):
    """google.protobuf.Struct: a JSON object. Made by `struct`."""

    __slots__ = ()

    FULL_NAME: ClassVar[str] = "google.protobuf.Struct"


def struct(members: Mapping[str, JSON]) -> Struct:
    """The JSON object as a Struct, its keys sorted so that equal objects are equal bytes.

    Raises:
        TypeError: something in it is not JSON.
    """
    entries = (b"\n" + utf8(key) + b"\x12" + sized(value(members[key])) for key in sorted(members))
    return Struct.of(b"".join([b"\n" + sized(entry) for entry in entries]))


def value(json: JSON) -> Value:
    """A JSON value as a Value; numbers become 64-bit floats, as in JavaScript.

    Raises:
        TypeError: something in it is not JSON.
    """
    match json:
        case None:
            return Value.of(b"\x08\x00")
        case bool():
            return Value.of(b"\x20\x01" if json else b"\x20\x00")
        case int() | float():
            return Value.of(b"\x11" + float64(json))
        case str():
            return Value.of(b"\x1a" + utf8(json))
        case Mapping():
            return Value.of(b"\x2a" + sized(struct(json)))
        case list() | tuple():
            return Value.of(b"\x32" + sized(b"".join([b"\n" + sized(value(item)) for item in json])))
        case _:
            raise TypeError(f"{json!r} is not JSON")
