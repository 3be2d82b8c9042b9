"""Envoy's schema as plain values, read from envoy-data-plane's dataclasses.

envoy-data-plane (https://github.com/cetanu/envoy_data_plane) carries the whole Envoy API, but importing it takes a
third of a second and its serializer the best part of a millisecond a message. So only the generator, the descriptors
and the tests read it, through here, and nothing in the running gateway does.
"""

import dataclasses
import importlib
import types
import typing
import warnings
from enum import IntEnum
from functools import cache
from typing import Any, Literal

Label = Literal["implicit", "optional", "repeated", "map"]

TYPE_URL_PREFIX = "type.googleapis.com/"


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """A field's type: protobuf's word for it, and the full name when that is "message" or "enum"."""

    proto: str
    full_name: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """One field; `name` is the name in Envoy's proto files. `key` is set for maps only."""

    name: str
    number: int
    kind: Kind
    label: Label
    oneof: str | None
    key: Kind | None


@dataclasses.dataclass(frozen=True, slots=True)
class MessageType:
    """A message; `class_name` is its full name in its package without dots, e.g. RouteMatchConnectMatcher."""

    full_name: str
    class_name: str
    fields: tuple[Field, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class EnumType:
    """An enum; its values as (name in our classes, name in Envoy's proto files, number)."""

    full_name: str
    class_name: str
    values: tuple[tuple[str, str, int], ...]


def package_of(full_name: str) -> str:
    """The proto package: the leading parts, which are in lower case as messages' names are not."""
    return ".".join(part for part in full_name.split(".") if not part[:1].isupper())


def local_name(full_name: str) -> str:
    """The name inside the package, e.g. RouteMatch.ConnectMatcher."""
    return full_name.removeprefix(package_of(full_name) + ".")


@cache
def message(full_name: str) -> MessageType:
    """The message of that name.

    Raises:
        LookupError: envoy-data-plane has no such message.
    """
    cls = library_class(full_name)
    hints = typing.get_type_hints(cls)
    fields = tuple(_field(each, hints[each.name]) for each in dataclasses.fields(cls))
    return MessageType(full_name, cls.__name__, fields)


def is_enum(full_name: str) -> bool:
    """Whether that is an enum's name."""
    return full_name in _enums(package_of(full_name))


@cache
def enum(full_name: str) -> EnumType:
    """The enum of that name.

    Raises:
        LookupError: envoy-data-plane has no such enum.
    """
    cls = _enums(package_of(full_name)).get(full_name)
    if cls is None:
        raise LookupError(f"envoy-data-plane has no enum {full_name}")
    real: dict[int, str] = cls.betterproto_value_to_renamed_proto_names()
    values = tuple((member.name, real.get(member.value, member.name), member.value) for member in cls)
    return EnumType(full_name, cls.__name__, values)


def messages_inside(full_name: str) -> list[str]:
    """The full names of the messages declared inside this message, at any depth."""
    library_class(full_name)
    inside = TYPE_URL_PREFIX + full_name + "."
    return [url.removeprefix(TYPE_URL_PREFIX) for url in _pool().url_to_type if url.startswith(inside)]


def enums_inside(full_name: str) -> list[str]:
    """The full names of the enums declared inside this message, at any depth."""
    return [name for name in _enums(package_of(full_name)) if name.startswith(full_name + ".")]


def library_class(full_name: str) -> Any:
    """envoy-data-plane's dataclass for the message.

    Raises:
        LookupError: it has no such message.
    """
    package = package_of(full_name)
    try:
        _module(package)
        return _pool().url_to_type[TYPE_URL_PREFIX + full_name]
    except (ImportError, KeyError) as error:
        raise LookupError(f"envoy-data-plane has no message {full_name}") from error


def _module(name: str) -> types.ModuleType:
    """A module of the library; what it asks of pydantic is deprecated, and no matter of ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return importlib.import_module(f"envoy_data_plane.{name}")


def _pool() -> Any:
    return _module("message_pool").default_message_pool


@cache
def _enums(package: str) -> dict[str, Any]:
    """The package's enum classes by full name.

    The library does not keep the full name of an enum: it is inside the message whose class name its own begins with.
    """
    try:
        module = _module(package)
    except ImportError as error:
        raise LookupError(f"envoy-data-plane has no package {package}") from error
    classes = [cls for cls in vars(module).values() if isinstance(cls, type) and cls.__module__ == module.__name__]
    found: dict[str, Any] = {}
    for cls in classes:
        if issubclass(cls, IntEnum):
            outer = [each for each in classes if each in _pool().type_to_url and cls.__name__.startswith(each.__name__)]
            owner = max(outer, key=lambda each: len(each.__name__), default=None)
            inside = cls.__name__.removeprefix(owner.__name__) if owner else cls.__name__
            found[f"{_message_name(owner) if owner else package}.{inside}"] = cls
    return found


def _field(field: dataclasses.Field[Any], hint: Any) -> Field:
    meta = field.metadata["betterproto"]
    name = field.name.removesuffix("_")
    if meta.map_meta:
        key, value = (_kind(part, one) for part, one in zip(meta.map_meta, typing.get_args(hint), strict=True))
        return Field(name, meta.number, value, "map", None, key)
    label: Label = "repeated" if meta.repeated else "optional" if meta.optional else "implicit"
    return Field(name, meta.number, _kind(meta, hint), label, meta.group, None)


def _kind(meta: Any, hint: Any) -> Kind:
    if meta.unwrap:
        return Kind("message", _message_name(meta.unwrap()))
    if meta.proto_type == "message":
        return Kind("message", _message_name(_bare(hint)))
    if meta.proto_type == "enum":
        return Kind("enum", _enum_name(_bare(hint)))
    return Kind(meta.proto_type)


def _bare(hint: Any) -> Any:
    """The class inside `list[X]` and `X | None`."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) in {list, typing.Union}:
        return _bare(typing.get_args(hint)[0])
    return hint


def _message_name(cls: type) -> str:
    url: str = _pool().type_to_url[cls]
    return url.removeprefix(TYPE_URL_PREFIX)


def _enum_name(cls: type) -> str:
    enums = _enums(cls.__module__.removeprefix("envoy_data_plane."))
    return next(name for name, each in enums.items() if each is cls)
