"""From the same shapes to OpenAPI v3: the structural schema that a CRD of Kubernetes carries.

Source: Kubernetes, "Extend the Kubernetes API with CustomResourceDefinitions", "Specifying a structural schema".
There are no defaults in it: the API server would write them into the objects, and absent would look like given. Null is
absent here as there. Unknown fields are kept: an API server that prunes them does so in silence, and decoding tells.
"""

from __future__ import annotations

import inspect
from typing import Any

from translator.decoding.shapes import (
    AnyOf,
    Choice,
    Field,
    Kind,
    ListOf,
    MapOf,
    ObjectOf,
    Ruled,
    Scalar,
    Shape,
    fields_of,
    kinds_of,
)
from translator.decoding.values import Rule, Validation

Schema = dict[str, Any]

_OPEN: Schema = {"x-kubernetes-preserve-unknown-fields": True}
_SIZES = {"string": "Length", "array": "Items", "object": "Properties"}


def object_schema(cls: type) -> Schema:
    """The schema of a dataclass: an object with its fields' names, aliases, kinds, bounds and descriptions."""
    schema: Schema = {"type": "object"}
    described = _description(cls)
    if described:
        schema["description"] = described
    schema["properties"] = {name: part for field in fields_of(cls) for name, part in _properties(field)}
    # An alias may stand for its field, which "required" cannot say.
    required = [field.name for field in fields_of(cls) if field.required and not field.rule.aliases]
    if required:
        schema["required"] = required
    rules: tuple[Validation, ...] = getattr(cls, "VALIDATIONS", ())
    if rules:
        schema["x-kubernetes-validations"] = [_validation(each) for each in rules]
    return schema | _OPEN


def _validation(validation: Validation) -> Schema:
    if not validation.touched:
        return {"rule": validation.cel, "message": validation.message}
    same = " && ".join(_as_before(f"oldSelf.value().{name}", f"self.{name}") for name in validation.touched)
    rule = f"oldSelf.hasValue() && {same} || ({validation.cel})"
    return {"rule": rule, "message": validation.message, "optionalOldSelf": True}


def _as_before(old: str, new: str) -> str:
    """Optional values would say it shorter, and cost more than an API server grants."""
    return f"has({old}) == has({new}) && (!has({new}) || {old} == {new})"


def _description(cls: type) -> str:
    """The first paragraph of the class's docstring, unless dataclasses wrote it."""
    doc = cls.__doc__ or ""
    if doc.startswith(f"{cls.__name__}("):
        return ""
    return " ".join(inspect.cleandoc(doc).split("\n\n")[0].split())


def _properties(field: Field) -> list[tuple[str, Schema]]:
    schema = _schema_for(field.shape)
    must = field.required and not field.rule.aliases
    return [
        (field.name, schema if must else _or_null(schema)),
        *(
            (alias, _or_null(schema) | {"description": f"Another name of {field.name}."})
            for alias in field.rule.aliases
        ),
    ]


def _or_null(schema: Schema) -> Schema:
    """The schema that takes null too; one without a type takes all. The API server knows no null among choices."""
    typed = "type" in schema or "x-kubernetes-int-or-string" in schema
    return schema | {"nullable": True} if typed and "enum" not in schema else schema


def _schema_for(shape: Shape) -> Schema:
    schema: Schema
    match shape:
        case Scalar(kind):
            schema = {"type": kind}
        case Choice(options):
            kinds = kinds_of(shape)
            schema = {"type": kinds[0], "enum": list(options)} if len(kinds) == 1 else dict(_OPEN)
        case ListOf(item):
            schema = {"type": "array", "items": _schema_for(item)}
        case MapOf(_, item):
            schema = {"type": "object", "additionalProperties": _or_null(_schema_for(item))}
        case ObjectOf(cls):
            schema = object_schema(cls)
        case AnyOf(members):
            schema = _either(members)
        case Ruled(rule, inner):
            schema = _ruled(rule, inner)
        case _:
            schema = dict(_OPEN)
    return schema


def _either(members: tuple[Shape, ...]) -> Schema:
    """Structural schemas know no unions of kinds but one."""
    kinds: set[Kind] = {kind for member in members for kind in kinds_of(member)}
    return {"x-kubernetes-int-or-string": True} if kinds == {"integer", "string"} else dict(_OPEN)


def _ruled(rule: Rule, inner: Shape) -> Schema:
    schema = dict(rule.schema or _OPEN) if rule.convert else _schema_for(inner) | dict(rule.schema or {})
    bounds = {"minimum": rule.minimum, "maximum": rule.maximum}
    if schema.get("type") in _SIZES:
        unit = _SIZES[schema["type"]]
        bounds |= {f"min{unit}": rule.min_size, f"max{unit}": rule.max_size}
    schema |= {keyword: bound for keyword, bound in bounds.items() if bound is not None}
    if rule.pattern is not None:
        schema["pattern"] = f"^(?:{rule.pattern})$"
    if rule.doc or rule.warn:
        schema["description"] = " ".join(filter(None, (rule.doc, rule.warn and f"This field {rule.warn}.")))
    return schema
