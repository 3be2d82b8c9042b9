"""Dataclass annotations read once, into shapes from which both the decoders and the schemas are made.

This is why "valid" has one definition: a decoder and a schema of the same class cannot disagree on what a field is
called, what kind of value it takes, or which bounds it has.
"""

from __future__ import annotations

import dataclasses
import functools
import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NewType, Union, get_args, get_origin, get_type_hints

from translator.decoding.values import RULE, FrozenMap, Rule
from translator.values import dataclass

Kind = Literal["string", "integer", "number", "boolean", "list", "mapping"]
_SCALARS: dict[object, Kind] = {str: "string", int: "integer", float: "number", bool: "boolean"}


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text, number or boolean."""

    kind: Kind


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some texts or integers."""

    options: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of one kind of item; a tuple in Python."""

    item: Shape


@dataclass(frozen=True, slots=True)
class MapOf:
    """A map from texts to one kind of value; a FrozenMap in Python."""

    key: Shape
    item: Shape


@dataclass(frozen=True, slots=True)
class ObjectOf:
    """A JSON object that is read into a dataclass."""

    cls: type


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of some shapes that the kind of the JSON value tells apart."""

    members: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class Anything:
    """Any JSON, kept frozen: mappings as FrozenMaps, lists as tuples."""


@dataclass(frozen=True, slots=True)
class Ruled:
    """A shape with a rule on it."""

    rule: Rule
    inner: Shape


Shape = Scalar | Choice | ListOf | MapOf | ObjectOf | AnyOf | Anything | Ruled


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a dataclass: its names, what it takes, and whether an object without it is stopped."""

    attribute: str
    name: str
    rule: Rule
    shape: Shape
    required: bool


@functools.cache
def fields_of(cls: type) -> tuple[Field, ...]:
    """The fields of a dataclass, in their order.

    Raises:
        TypeError: when it is no dataclass, or an annotation cannot be read: a bug of the class.
    """
    hints = get_type_hints(cls, include_extras=True)
    return tuple(_field_of(cls, field, hints[field.name]) for field in dataclasses.fields(cls) if field.init)


def _field_of(cls: type, field: dataclasses.Field[Any], annotation: object) -> Field:
    rule = field.metadata.get(RULE, Rule())
    try:
        shape = Ruled(rule, shape_of(annotation))
    except TypeError as error:
        raise TypeError(f"{cls.__name__}.{field.name}: {error}") from None
    bare = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    return Field(
        attribute=field.name,
        name=rule.name or field.name,
        rule=rule,
        shape=shape,
        required=rule.required or (bare and not _admits_none(annotation)),
    )


def shape_of(annotation: object) -> Shape:
    """The shape that an annotation asks for; None in a union only says that the field may be absent.

    Raises:
        TypeError: for an annotation that JSON cannot be read into.
    """
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        shape = shape_of(args[0])
        for extra in args[1:]:
            if isinstance(extra, Rule):
                shape = Ruled(extra, shape)
        return shape
    if origin in (Union, types.UnionType):
        return _union(tuple(shape_of(arg) for arg in args if arg is not types.NoneType))
    if origin is Literal:
        return Choice(args)
    if origin is tuple and len(args) == 2 and args[1] is Ellipsis:
        return ListOf(shape_of(args[0]))
    if origin in (Mapping, FrozenMap):
        return MapOf(shape_of(args[0] if len(args) == 2 else str), shape_of(args[-1]))
    return _plain(annotation)


def _plain(annotation: object) -> Shape:
    if isinstance(annotation, NewType):
        return shape_of(annotation.__supertype__)
    if annotation in _SCALARS:
        return Scalar(_SCALARS[annotation])
    if annotation in (object, Any):
        return Anything()
    if isinstance(annotation, type) and dataclasses.is_dataclass(annotation):
        return ObjectOf(annotation)
    raise TypeError(f"JSON cannot be read into {annotation!r}")


def _union(members: tuple[Shape, ...]) -> Shape:
    if len(members) == 1:
        return members[0]
    kinds = [kind for member in members for kind in kinds_of(member)]
    if len(kinds) != len(set(kinds)):
        raise TypeError(f"the kind of a JSON value cannot tell the members of this union apart: {kinds}")
    return AnyOf(members)


def _admits_none(annotation: object) -> bool:
    args = get_args(annotation)
    if get_origin(annotation) is Annotated:
        return _admits_none(args[0])
    return get_origin(annotation) in (Union, types.UnionType) and types.NoneType in args


def kinds_of(shape: Shape) -> tuple[Kind, ...]:
    """The kinds of JSON value that a shape takes; for a converter, which decides itself, none: it takes the rest."""
    kinds: tuple[Kind, ...]
    match shape:
        case Scalar(kind):
            kinds = ("integer", "number") if kind == "number" else (kind,)
        case Choice(options):
            kinds = tuple(sorted({_SCALARS[type(option)] for option in options}))
        case ListOf():
            kinds = ("list",)
        case MapOf() | ObjectOf():
            kinds = ("mapping",)
        case AnyOf(members):
            kinds = tuple(kind for member in members for kind in kinds_of(member))
        case Ruled(rule, inner):
            kinds = () if rule.convert else kinds_of(inner)
        case _:
            kinds = ()
    return kinds
