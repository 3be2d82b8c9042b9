"""Whether an API server with our CRDs would take a value: the words of structural schemas that `crds` writes.

The same classes make the schemas and the decoders, and tests on a real API server hold the two equal. What is looked at
here is the little that only the schema says, so that whoever lints is not surprised by `kubectl apply`: null among
choices, the type of `ambassador_id`. Rules in CEL are the translator's `cross_check`, and are left to that.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, TypeAlias

from translator.decode import join, show, step

Refusal: TypeAlias = tuple[str, str]
"""A path, and a sentence without its subject."""

_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}
_SIZES: Final[Mapping[str, type[Any]]] = {"Length": str, "Items": list, "Properties": dict}


Check: TypeAlias = Callable[[Any], bool]
_SILENT: Final = frozenset(["description", "nullable", "x-kubernetes-preserve-unknown-fields"])
"""Words that a value cannot go against."""


def check_of(schema: Mapping[str, Any]) -> Check:
    """What tells at once whether a schema takes a value, and not why: most values are taken."""
    if schema.keys() <= _SILENT:
        return lambda _: True
    kind = schema.get("type")
    if kind is None or "x-kubernetes-int-or-string" in schema:
        return lambda value: not any(refusals(value, schema, ""))
    types, wanted = _TYPES[kind], list(_wanted_of(kind, schema))
    is_nullable = bool(schema.get("nullable"))

    def check(value: Any) -> bool:
        if type(value) not in types:
            return is_nullable and value is None
        for each in wanted:  # noqa: SIM110 -- without a generator for each value
            if not each(value):
                return False
        return True

    return check


def _wanted_of(kind: str, schema: Mapping[str, Any]) -> Iterator[Check]:
    """What a schema wants of values of its type: each a function that is given no others."""
    if "enum" in schema:
        yield schema["enum"].__contains__
    if kind in ("integer", "number"):
        yield from _between(schema.get("minimum"), schema.get("maximum"), lambda value: value)
    for unit, of in _SIZES.items():
        if of in _TYPES[kind]:
            yield from _between(schema.get(f"min{unit}"), schema.get(f"max{unit}"), len)
    if "pattern" in schema and kind == "string":
        search = _compiled(schema["pattern"])
        yield lambda value: search(value) is not None
    if kind == "array" and "items" in schema:
        item = check_of(schema["items"])
        yield lambda value: all(map(item, value))
    if kind == "object":
        yield _check_of_fields(schema)


def _between(least: float | None, most: float | None, measure: Callable[[Any], float]) -> Iterator[Check]:
    """What tells whether a measure of a value is in some bounds; nothing where there are none."""
    if least is not None and most is not None:
        yield lambda value: least <= measure(value) <= most
    elif least is not None:
        yield lambda value: least <= measure(value)
    elif most is not None:
        yield lambda value: measure(value) <= most


def _check_of_fields(schema: Mapping[str, Any]) -> Check:
    inner = {name: check_of(each) if each else None for name, each in schema.get("properties", {}).items()}
    others = check_of(schema["additionalProperties"]) if schema.get("additionalProperties") else None
    required = set(schema.get("required", ()))

    def check(value: Any) -> bool:
        if not required <= value.keys():
            return False
        for name, item in value.items():
            of_item = inner.get(name, others)
            if of_item is not None and not of_item(item):
                return False
        return True

    return check


def refusals(value: Any, schema: Mapping[str, Any], path: str) -> Iterator[Refusal]:
    """Why a schema does not take a value, with where in it."""
    kind = schema.get("type")
    if value is None:
        if kind is not None and not schema.get("nullable"):
            yield path, "is null, which the API server refuses there: leave the field out"
        return
    if schema.get("x-kubernetes-int-or-string") and type(value) not in (int, str):
        yield path, f"must be an integer or a string to the API server, not {show(value)}"
        return
    if kind is not None and not _is(value, kind):
        yield path, f"must be of type {kind} to the API server, not {show(value)}"
        return
    yield from ((path, said) for said in _broken(value, schema))
    if isinstance(value, dict):
        yield from _inside(value, schema, path)
    elif isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from refusals(item, schema["items"], f"{path}[{index}]")


def _inside(value: dict[str, Any], schema: Mapping[str, Any], path: str) -> Iterator[Refusal]:
    properties, others = schema.get("properties", {}), schema.get("additionalProperties")
    for name, item in value.items():
        inner = properties.get(name, others)
        if inner:
            yield from refusals(item, inner, join(path, step(name)))
    for name in schema.get("required", ()):
        if name not in value:
            yield join(path, name), "is required by the API server"


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if isinstance(value, float) and kind == "integer":
        return value.is_integer()  # as JSON has it
    types: tuple[type, ...] = _TYPES[kind]
    return isinstance(value, types)


def _broken(value: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    """The words of a schema that a value of the right type goes against."""
    if "enum" in schema and value not in schema["enum"]:
        yield f"must be one of {', '.join(map(repr, schema['enum']))} to the API server"
    if isinstance(value, int | float):
        least, most = schema.get("minimum"), schema.get("maximum")
        if (least is not None and value < least) or (most is not None and value > most):
            yield f"must be from {least} to {most} to the API server"
    for unit, of in _SIZES.items():
        if isinstance(value, of):
            least, most = schema.get(f"min{unit}"), schema.get(f"max{unit}")
            if (least is not None and len(value) < least) or (most is not None and len(value) > most):
                yield f"has {len(value)} {unit.lower()} of {least or 0} to {most} that the API server takes"
    if "pattern" in schema and isinstance(value, str) and not _compiled(schema["pattern"])(value):
        yield f"must match {schema['pattern']} to the API server"


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Callable[[str], re.Match[str] | None]:
    return re.compile(pattern).search
