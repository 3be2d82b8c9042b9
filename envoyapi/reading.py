"""Reads protobuf's wire format without a schema library: what Envoy tells its discovery server.

The adsserver reads one kind of message, so it needs no descriptors; the first request after a reconnection lists
every resource that Envoy holds, and ten thousand of them must not hold up the stream.
Source: https://protobuf.dev/programming-guides/encoding and envoy/service/discovery/v3/discovery.proto
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_WIDTHS = {1: 8, 5: 4}


class DecodeError(ValueError):
    """The bytes are not a protobuf message, or not the one expected."""


@dataclass(frozen=True, slots=True)
class DeltaDiscoveryRequest:
    """What Envoy asks for, acknowledges (nonce, no error) or refuses (nonce and error: gRPC code and text)."""

    node_id: str
    type_url: str
    subscribe: tuple[str, ...]
    unsubscribe: tuple[str, ...]
    initial_resource_versions: Mapping[str, str]
    response_nonce: str
    error: tuple[int, str] | None


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields as (number, value), as they come: an int for a varint, bytes for all else.

    Raises:
        DecodeError: the bytes end inside a field, or no field can look so.
    """
    at = 0
    end = len(data)
    while at < end:
        key = data[at]
        at += 1
        if key > 0x7F:
            key, at = _varint(data, at - 1)
        number, wire_type = key >> 3, key & 7
        if not number:
            raise DecodeError(f"field number 0 before byte {at}")
        if wire_type == 0:
            value, at = _varint(data, at)
            yield number, value
            continue
        if wire_type == 2:
            size, at = _varint(data, at)
        elif wire_type in _WIDTHS:
            size = _WIDTHS[wire_type]
        else:
            raise DecodeError(f"field {number} has the unknown wire type {wire_type} before byte {at}")
        if size > end - at:
            raise DecodeError(f"field {number} wants {size} bytes at byte {at} of {end}")
        yield number, data[at : at + size]
        at += size


def delta_discovery_request(data: bytes) -> DeltaDiscoveryRequest:
    """The request that these bytes are; fields that we have no use for are skipped.

    Raises:
        DecodeError: they are not a DeltaDiscoveryRequest.
    """
    node_id = type_url = nonce = ""
    subscribe: list[str] = []
    unsubscribe: list[str] = []
    versions: dict[str, str] = {}
    error: tuple[int, str] | None = None
    for number, value in fields(data):
        match number:
            case 1:
                node_id = _text_field(_message(value, "node"), 1, "node.id")
            case 2:
                type_url = _text(value, "type_url")
            case 3:
                subscribe.append(_text(value, "resource_names_subscribe"))
            case 4:
                unsubscribe.append(_text(value, "resource_names_unsubscribe"))
            case 5:
                name, version = _entry(_message(value, "initial_resource_versions"))
                versions[name] = version
            case 6:
                nonce = _text(value, "response_nonce")
            case 7:
                error = _status(_message(value, "error_detail"))
    return DeltaDiscoveryRequest(node_id, type_url, tuple(subscribe), tuple(unsubscribe), versions, nonce, error)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at that place, and the place after it."""
    number = shift = 0
    try:
        while (byte := data[at]) > 0x7F:
            number |= (byte & 0x7F) << shift
            shift += 7
            at += 1
    except IndexError:
        raise DecodeError(f"a number has no end before byte {at}") from None
    number |= byte << shift
    if number >> 64 or shift > 63:
        raise DecodeError(f"a number is longer than 64 bits before byte {at + 1}")
    return number, at + 1


def _entry(data: bytes) -> tuple[str, str]:
    name = version = ""
    for number, value in fields(data):
        if number == 1:
            name = _text(value, "initial_resource_versions")
        elif number == 2:
            version = _text(value, "initial_resource_versions")
    return name, version


def _status(data: bytes) -> tuple[int, str]:
    """A google.rpc.Status: its code and message."""
    code = 0
    for number, value in fields(data):
        if number == 1:
            if not isinstance(value, int):
                raise DecodeError("error_detail.code is not a number")
            code = value
    return code, _text_field(data, 2, "error_detail.message")


def _text_field(data: bytes, wanted: int, name: str) -> str:
    found = ""
    for number, value in fields(data):
        if number == wanted:
            found = _text(value, name)
    return found


def _message(value: int | bytes, name: str) -> bytes:
    if isinstance(value, int):
        raise DecodeError(f"{name} is a number, not a message")
    return value


def _text(value: int | bytes, name: str) -> str:
    if isinstance(value, int):
        raise DecodeError(f"{name} is a number, not a string")
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise DecodeError(f"{name} is not UTF-8 at its byte {error.start}: {error.reason}") from None
