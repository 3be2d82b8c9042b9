"""Envoy's protobuf descriptors, derived from envoy-data-plane's metadata.

They give us protobuf's own C implementation of Envoy's messages, without a second copy of the schema: a package of
generated classes would have to be called `envoy`, which is where the Envoy binary lives, and lags behind. Each top
level message is a file of its own, or with those that it needs in a circle, because files may not need each other so
as packages do. Slow to load (a third of a second, as envoy-data-plane is): for people and tests, never on the path of
a change.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache

from google.protobuf import (
    any_pb2,
    descriptor_pb2,
    duration_pb2,
    empty_pb2,
    field_mask_pb2,
    struct_pb2,
    timestamp_pb2,
    wrappers_pb2,
)
from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool

from envoyapi import schema
from envoyapi.schema import EnumType, Field, Kind, MessageType

_WELL_KNOWN = {
    f"google.protobuf.{name}": module.DESCRIPTOR
    for module in (
        *(any_pb2, descriptor_pb2, duration_pb2, empty_pb2),
        *(field_mask_pb2, struct_pb2, timestamp_pb2, wrappers_pb2),
    )
    for name in (*module.DESCRIPTOR.message_types_by_name, *module.DESCRIPTOR.enum_types_by_name)
}
_LABELS = {"repeated": FieldDescriptorProto.LABEL_REPEATED, "map": FieldDescriptorProto.LABEL_REPEATED}


class Descriptors:
    """A private pool that learns messages as they are asked for; it is what finds types for protobuf's JSON."""

    def __init__(self) -> None:
        self._pool = DescriptorPool()
        self._files: dict[str, str] = {}  # by the top level name that they declare

    def FindMessageTypeByName(self, full_name: str) -> Descriptor:  # noqa: N802 - protobuf's name for it
        """The descriptor of a message.

        Raises:
            KeyError: there is no such message.
        """
        try:
            self._learn(_top_level(full_name))
        except LookupError as error:
            raise KeyError(str(error)) from error
        return self._pool.FindMessageTypeByName(full_name)

    def _learn(self, top_level: str) -> None:
        """Adds the file that declares this name, after all that it needs."""
        if top_level not in self._files:
            for circle in _circles(top_level, _needed):
                if circle[0] not in self._files:
                    self._add(circle)

    def _add(self, circle: list[str]) -> None:
        known = _WELL_KNOWN.get(circle[0])
        if known:
            self._files |= {name: known.name for name, file in _WELL_KNOWN.items() if file is known}
            self._pool.AddSerializedFile(known.serialized_pb)
            return
        file = FileDescriptorProto(name=f"{circle[0]}.proto", package=schema.package_of(circle[0]), syntax="proto3")
        self._files |= dict.fromkeys(circle, file.name)
        needed = {self._files[name] for top_level in circle for name in _needed(top_level)}
        file.dependency.extend(sorted(needed - {file.name}))
        for top_level in circle:
            _declare(file, top_level)
        self._pool.AddSerializedFile(file.SerializeToString())


def _circles(start: str, needed: Callable[[str], list[str]]) -> Iterator[list[str]]:
    """The names reached from this one in groups that need each other, each group after those it needs (Tarjan's)."""
    order: dict[str, int] = {}
    first: dict[str, int] = {}
    path: list[str] = []

    def visit(name: str) -> Iterator[list[str]]:
        order[name] = first[name] = len(order)
        path.append(name)
        for other in needed(name):
            if other not in order:
                yield from visit(other)
                first[name] = min(first[name], first[other])
            elif other in path:
                first[name] = min(first[name], order[other])
        if first[name] == order[name]:
            at = path.index(name)
            group = sorted(path[at:])
            del path[at:]
            yield group

    return visit(start)


@cache
def _needed(top_level: str) -> list[str]:
    """The other top level names that the fields of this message, or of those inside it, are of."""
    if top_level in _WELL_KNOWN or schema.is_enum(top_level):
        return []
    inside = (schema.message(name) for name in (top_level, *schema.messages_inside(top_level)))
    kinds = {field.kind.full_name for message in inside for field in message.fields}
    return sorted({_top_level(name) for name in kinds if name} - {top_level})


def _declare(file: FileDescriptorProto, top_level: str) -> None:
    """Adds a message and all inside it, or an enum, to the file."""
    if schema.is_enum(top_level):
        file.enum_type.append(_enum(schema.enum(top_level)))
        return
    protos = {name: _message(schema.message(name)) for name in (top_level, *schema.messages_inside(top_level))}
    for name in schema.enums_inside(top_level):
        protos[_outer(name)].enum_type.append(_enum(schema.enum(name)))
    for name in sorted(protos, key=len, reverse=True):  # the innermost first, because what is appended is copied
        (file.message_type if name == top_level else protos[_outer(name)].nested_type).append(protos[name])


def _outer(full_name: str) -> str:
    return full_name.rpartition(".")[0]


def _top_level(full_name: str) -> str:
    return f"{schema.package_of(full_name)}.{schema.local_name(full_name).partition('.')[0]}"


def _enum(enum: EnumType) -> EnumDescriptorProto:
    proto = EnumDescriptorProto(name=enum.full_name.rpartition(".")[2])
    for _, name, number in enum.values:
        proto.value.add(name=name, number=number)
    return proto


def _message(message: MessageType) -> DescriptorProto:
    proto = DescriptorProto(name=message.full_name.rpartition(".")[2])
    groups = list(dict.fromkeys(field.oneof for field in message.fields if field.oneof))
    for group in groups:
        proto.oneof_decl.add(name=group)
    for field in message.fields:
        added = proto.field.add()
        if field.key:
            entry = "".join(part.title() for part in field.name.split("_")) + "Entry"
            proto.nested_type.append(_map_entry(entry, field.key, field.kind))
            added.CopyFrom(_field(field.name, field.number, Kind("message", f"{message.full_name}.{entry}")))
        else:
            added.CopyFrom(_field(field.name, field.number, field.kind))
        added.label = _LABELS.get(field.label, FieldDescriptorProto.LABEL_OPTIONAL)
        if field.oneof:
            added.oneof_index = groups.index(field.oneof)
    _mark_optional(proto, (field for field in message.fields if field.label == "optional" and not field.oneof))
    return proto


def _mark_optional(proto: DescriptorProto, fields: Iterable[Field]) -> None:
    """Gives scalars with presence the oneof of their own that descriptors want, after the real ones."""
    wanted = {field.name for field in fields if field.kind.proto != "message"}
    for field in proto.field:
        if field.name in wanted:
            field.proto3_optional = True
            field.oneof_index = len(proto.oneof_decl)
            proto.oneof_decl.add(name=f"_{field.name}")


def _map_entry(name: str, key: Kind, value: Kind) -> DescriptorProto:
    entry = DescriptorProto(name=name, field=[_field("key", 1, key), _field("value", 2, value)])
    entry.options.map_entry = True
    return entry


def _field(name: str, number: int, kind: Kind) -> FieldDescriptorProto:
    proto = FieldDescriptorProto(name=name, number=number, label=FieldDescriptorProto.LABEL_OPTIONAL)
    proto.type = FieldDescriptorProto.Type.Value(f"TYPE_{kind.proto.upper()}")
    if kind.full_name:
        proto.type_name = f".{kind.full_name}"
    return proto
