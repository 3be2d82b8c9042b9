"""Records as bytes: what a value in the file looks like, and the proof that it is whole.

Every value of the file, whatever it describes, has one frame:

    4 bytes   length of the header, big-endian; the highest bit of it says that the body is packed
    4 bytes   CRC-32 of key, those first 4 bytes, header and body, big-endian
    header    JSON, UTF-8
    body      bytes, to the end of the value
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from zlib import crc32

import orjson

from snapshot.errors import SnapshotBrokenError
from snapshot.packing import packed, unpacked

JSON: TypeAlias = "str | int | float | bool | list[JSON] | dict[str, JSON] | None"

MAX_KEY = 511
"""Bytes of a key, LMDB's limit (its compile-time MDB_MAXKEYSIZE)."""

_FRAME = struct.Struct(">II")
_LENGTH = struct.Struct(">I")
_PACKED = 1 << 31


@dataclass(frozen=True, slots=True)
class Record:
    """A value of a database: equal versions mean equal records, and only differing ones are written.

    `notes` are small extras beside the body, kept as JSON.
    """

    version: str
    body: bytes
    notes: Mapping[str, JSON] = field(default_factory=dict)


def key_bytes(key: str) -> bytes:
    """The key as it stands in the file: UTF-8, 1 to 511 bytes. ValueError, naming the key, for any other."""
    encoded = key.encode()
    if not 1 <= len(encoded) <= MAX_KEY:
        shown = key if len(key) <= 80 else f"{key[:77]}..."
        raise ValueError(f"snapshot key {shown!r} has {len(encoded)} bytes; 1 to {MAX_KEY} are possible")
    return encoded


def frame(key: bytes, header: Mapping[str, JSON], body: bytes = b"") -> bytes:
    """The bytes of a value."""
    head = orjson.dumps(header)
    made = packed(body)
    length, kept = (len(head), body) if made is None else (len(head) | _PACKED, made)
    return _FRAME.pack(length, _checksum(key, length, head, kept)) + head + kept


def unframe(key: bytes, raw: bytes | memoryview) -> tuple[dict[str, JSON], bytes]:
    """Header and body of a value. SnapshotBrokenError when the bytes are not those that were framed for this key."""
    try:
        told, checksum = _FRAME.unpack_from(raw)
        length = told & ~_PACKED
        head, body = bytes(raw[8 : 8 + length]), bytes(raw[8 + length :])
        if len(head) == length and checksum == _checksum(key, told, head, body):
            header: dict[str, JSON] = orjson.loads(head)
            return header, unpacked(body) if told & _PACKED else body
    except (ValueError, struct.error):
        pass
    raise SnapshotBrokenError(f"snapshot value {key!r} does not agree with its checksum")


def checksum_of(raw: bytes | memoryview) -> int:
    """The CRC-32 that a value carries, unverified."""
    checksum: int = _FRAME.unpack_from(raw)[1]
    return checksum


def header_of(raw: bytes | memoryview) -> bytes:
    """The header's bytes, unverified: two values with the same header hold the same record."""
    return bytes(raw[8 : 8 + (_LENGTH.unpack_from(raw)[0] & ~_PACKED)])


def encode(key: bytes, record: Record) -> bytes:
    """The value of a record."""
    header: dict[str, JSON] = {"version": record.version}
    if record.notes:
        header["notes"] = dict(record.notes)
    return frame(key, header, record.body)


def decode(key: bytes, raw: bytes | memoryview) -> Record:
    """The record of a value; SnapshotBrokenError when it is damaged."""
    header, body = unframe(key, raw)
    version, notes = header.get("version"), header.get("notes", {})
    if not isinstance(version, str) or not isinstance(notes, dict):
        raise SnapshotBrokenError(f"snapshot value {key!r} is not a record")
    return Record(version, body, notes)


def version_of(raw: bytes | memoryview) -> str:
    """The version that a value carries, its checksum unverified."""
    version: str = orjson.loads(header_of(raw))["version"]
    return version


def _checksum(key: bytes, length: int, head: bytes, body: bytes) -> int:
    return crc32(body, crc32(head, crc32(_LENGTH.pack(length), crc32(key))))
