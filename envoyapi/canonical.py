"""Envoy's messages as the JSON that Envoy itself reads and writes, and as protobuf's own objects.

Field names are those of Envoy's documentation (snake case), enums are named, and Any is shown as what it holds, with
"@type". Loads envoy-data-plane when first used: for the command line and the tests.
"""

from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

from google.protobuf import json_format, message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message

if TYPE_CHECKING:
    from envoyapi.descriptors import Descriptors


class CanonicalError(ValueError):
    """What was given is not such a message, or there is no such message."""


def to_json(full_name: str, data: bytes) -> dict[str, Any]:
    """The message that these bytes encode, as JSON.

    Raises:
        CanonicalError: the bytes are not that message, or there is no such message.
    """
    message = parse(full_name, data)
    try:
        shown = json_format.MessageToDict(message, preserving_proto_field_name=True, descriptor_pool=_types())
    except (TypeError, json_format.Error, DecodeError) as error:
        raise CanonicalError(f"{full_name}: {error}") from error
    plain: dict[str, Any] = _plain(shown)
    return plain


def from_json(full_name: str, json: dict[str, Any]) -> bytes:
    """The encoding of a message given as JSON; equal JSON gives equal bytes.

    Raises:
        CanonicalError: the JSON is not that message (with the field's path), or there is no such message.
    """
    message = _message(full_name)
    try:
        json_format.ParseDict(json, message, descriptor_pool=_types())
    except (TypeError, json_format.Error) as error:
        raise CanonicalError(f"{full_name}: {error}") from error
    return message.SerializeToString(deterministic=True)


def parse(full_name: str, data: bytes) -> Message:
    """The message as protobuf's own object, whose class has Envoy's fields.

    Raises:
        CanonicalError: the bytes are not that message, or there is no such message.
    """
    message = _message(full_name)
    try:
        message.ParseFromString(data)
    except DecodeError as error:
        raise CanonicalError(f"not a {full_name}: {error}") from error
    return message


@cache
def _descriptors() -> "Descriptors":
    from envoyapi.descriptors import Descriptors  # noqa: PLC0415 - slow to import, and few callers get here

    return Descriptors()


def _types() -> DescriptorPool:
    """Ours, as the pool that protobuf's JSON asks for types by name and for nothing else."""
    return cast("DescriptorPool", _descriptors())


_MAPS: Final = frozenset(
    {
        "context_extensions",
        "filter_context",
        "filter_metadata",
        "json_format",
        "layer",
        "policies",
        "source_codes",
        "typed_extension_protocol_options",
        "typed_filter_metadata",
        "typed_per_filter_config",
    }
)
"""Fields that are maps, or objects of any JSON, whose entries protobuf gives in another order in each process."""


def _plain(value: Any, field: str = "") -> Any:
    """JSON in one order, without protobuf's ordered dicts, which YAML would not write."""
    if isinstance(value, dict):
        entries = sorted(value.items()) if field in _MAPS else value.items()
        return {name: _plain(inner, name) for name, inner in entries}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _message(full_name: str) -> Message:
    try:
        descriptor = _descriptors().FindMessageTypeByName(full_name)
    except KeyError as error:
        raise CanonicalError(f"{full_name!r}: {error.args[0]}") from error
    return message_factory.GetMessageClass(descriptor)()
