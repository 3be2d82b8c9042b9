"""The border where JSON becomes values: objects are read once, into frozen dataclasses that cannot be wrong.

A dataclass says what is valid, by its annotations and its fields' rules; the decoder and the schema of a CRD both
follow from it, so that "valid" has one definition. The problems of an object are told at once, each with its path:
the first ones, and how many more there are.

    @dataclass(frozen=True, slots=True, kw_only=True)
    class RetryPolicy:
        retry_on: Literal["5xx", "gateway-error"] = field(metadata=rule("When to try again."))
        num_retries: int | None = field(default=None, metadata=rule("How often.", minimum=0))

    decode(RetryPolicy, {"num_retries": "four"}, "spec.retry_policy").problems
    # spec.retry_policy.num_retries must be an integer, not a string: 'four'
    # spec.retry_policy.retry_on is required

What a JSON value becomes: text, numbers and booleans themselves (an integer is a float where a float is asked for; no
other conversions), a list a tuple, a mapping a `FrozenMap` (annotate it `Mapping[str, T]`), an object a dataclass,
`object` anything, frozen. All of it can be hashed. Null is absent; absent is the field's default, which should be None
wherever absent differs from 0, false or empty. Unions are told apart by the kind of the JSON value (`str | tuple[str,
...]`). A dataclass that has more to say than its fields one by one has a method `cross_check(self) ->
Iterable[Problem]`, with paths relative to itself; it is asked when every field is good. Of one that is `OPEN`, fields
that it does not name are nothing to be told of; of one that is `STRICT`, they stop it. What a text or number means to
Envoy (`Port`, `Duration`, `HeaderName`, `Regex` ...) is in `translator.checks`.
"""

from __future__ import annotations

from typing import Any, TypeVar

from translator.decoding.decoders import NOTHING, nearest, object_decoder
from translator.decoding.findings import MOST, Findings, few
from translator.decoding.schema import object_schema
from translator.decoding.values import (
    Decoded,
    FrozenMap,
    Invalid,
    Problem,
    Reason,
    Rule,
    Sort,
    Validation,
    join,
    kind_shown,
    quote,
    rule,
    show,
    step,
)

__all__ = [
    "MOST",
    "Decoded",
    "FrozenMap",
    "Invalid",
    "Problem",
    "Reason",
    "Rule",
    "Sort",
    "Validation",
    "decode",
    "few",
    "join",
    "kind_shown",
    "nearest",
    "quote",
    "rule",
    "schema_of",
    "show",
    "step",
]

T = TypeVar("T")


def decode(cls: type[T], value: object, path: str = "spec") -> Decoded[T]:
    """Read a JSON object into a dataclass.

    Args:
        cls: a dataclass; its decoder is made once.
        value: what orjson gave; None (no such object) is an empty object.
        path: where the object is, the beginning of its problems' paths.

    Raises:
        TypeError: when the class itself cannot be read into: a bug of ours.
    """
    problems = Findings()
    plain: type = cls  # functools.cache takes no type[T] for hashable
    made = object_decoder(plain)({} if value is None else value, problems)
    if problems.found:
        problems.put_under(path, 0)
    return Decoded(None if made is NOTHING else made, problems.told())


def schema_of(cls: type) -> dict[str, Any]:
    """The OpenAPI v3 structural schema of a dataclass, as a CRD's `openAPIV3Schema` wants it for this object."""
    return object_schema(cls)
