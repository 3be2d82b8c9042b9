"""The schema says the same as the decoder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.translator.decoded_classes import Mapping_, Nested, RetryPolicy, Word
from translator.decode import Decoded, Rule, Validation, decode, rule, schema_of


def test_the_schema_says_what_the_decoder_does() -> None:
    open_ = {"x-kubernetes-preserve-unknown-fields": True}
    null = {"nullable": True}
    policy = {
        "type": "object",
        "description": "When a request is tried again.",
        "properties": {
            "retry_on": {
                "type": "string",
                "enum": ["5xx", "gateway-error"],
                "description": "Which answers are tried again.",
            },
            "num_retries": {"type": "integer", "minimum": 0, "maximum": 10, "description": "How often.", **null},
        },
        "required": ["retry_on"],
        **open_,
    }
    selector = {
        "type": "object",
        "properties": {
            "matchLabels": {"type": "object", "additionalProperties": {"type": "string", **null}, "minProperties": 1}
        },
        "required": ["matchLabels"],
        **open_,
        **null,
    }
    word = {"type": "string", "pattern": "^(?:[a-z]+)$"}
    assert schema_of(Mapping_) == {
        "type": "object",
        "description": "One route.",
        "properties": {
            "prefix": {"type": "string", "minLength": 1, "description": "The beginning of the path."},
            "service": {"type": "string", "description": "Where requests go."},
            "timeout_ms": {"type": "integer", "minimum": 0, "description": "How long.", **null},
            "weight": {"type": "integer", "minimum": 0, **null},
            "share": {"type": "number", "maximum": 1, **null},
            "grpc": {"type": "boolean", **null},
            "ids": open_,
            "port": {"x-kubernetes-int-or-string": True, **null},
            "headers": {"type": "object", "additionalProperties": open_, **null},
            "hosts": {"type": "array", "items": word, **null},
            "retry_policy": {**policy, **null},
            "policies": {"type": "array", "items": policy, "maxItems": 2, **null},
            "tlsSecret": open_,
            "mappingSelector": selector,
            "selector": {**selector, "description": "Another name of mappingSelector."},
            "methods": {"type": "string", "description": "This field is deprecated.", **null},
            "labels": open_,
        },
        "required": ["prefix", "service"],
        **open_,
    }


@dataclass(frozen=True, slots=True)
class Pair:
    """A class with something to say that no field can say alone."""

    VALIDATIONS: ClassVar[tuple[Validation, ...]] = (
        Validation("self.least <= self.most", "must not cross"),
        Validation("self.least > 0", "must be more", touched=("least",)),
    )

    least: int = 0
    most: int = 0


def test_the_schema_carries_the_rules_that_the_api_server_can_ask() -> None:
    assert schema_of(Pair)["x-kubernetes-validations"] == [
        {"rule": "self.least <= self.most", "message": "must not cross"},
        {
            "rule": "oldSelf.hasValue() && has(oldSelf.value().least) == has(self.least)"
            " && (!has(self.least) || oldSelf.value().least == self.least) || (self.least > 0)",
            "message": "must be more",
            "optionalOldSelf": True,
        },
    ]


KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def accepts(schema: Mapping[str, Any], value: Any) -> bool:
    """A validator for the keywords that our schemas use; null is absent, as for an API server that prunes nulls."""
    if schema.get("x-kubernetes-int-or-string"):
        return type(value) in (int, str)
    kind = schema.get("type")
    if kind is None:
        return True
    if type(value) not in KINDS[kind]:
        return False
    if kind == "object":
        return _accepts_object(schema, value)
    if kind == "array":
        return len(value) <= schema.get("maxItems", 999) and all(accepts(schema["items"], item) for item in value)
    return _accepts_scalar(schema, value)


def _accepts_scalar(schema: Mapping[str, Any], value: Any) -> bool:
    if isinstance(value, str):
        fits = schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 999)
        return fits and value in schema.get("enum", [value]) and bool(re.search(schema.get("pattern", ""), value))
    return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))


def _accepts_object(schema: Mapping[str, Any], value: dict[str, Any]) -> bool:
    known, others = schema.get("properties", {}), schema.get("additionalProperties", {})
    given = {name: item for name, item in value.items() if item is not None}
    return (
        len(given) >= schema.get("minProperties", 0)
        and all(name in given for name in schema.get("required", ()))
        and all(accepts(known.get(name, others), item) for name, item in given.items())
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """All that a structural schema can say."""

    text: str = field(metadata=rule(min_size=1, max_size=3))
    word: Word | None = None
    number: Annotated[float, Rule(minimum=0, maximum=2)] | None = None
    port: int | str | None = None
    flag: bool = False
    choice: Literal["a", "b"] | None = None
    words: tuple[Word, ...] = ()
    table: Mapping[str, RetryPolicy] | None = None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 3) | st.sampled_from([0.5, 2.5, "", "a", "abc", "abcd", "A", "5xx"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "retry_on"]), inner, max_size=2),
    max_leaves=3,
)

POLICY = st.fixed_dictionaries({"retry_on": st.just("5xx")}, optional={"num_retries": st.integers(-1, 11)})

PLAIN = st.fixed_dictionaries(
    {},
    optional={
        "text": st.sampled_from(["a", "abc"]) | JSON,
        "word": JSON,
        "number": JSON,
        "port": JSON,
        "flag": st.booleans() | JSON,
        "choice": JSON,
        "words": st.lists(st.sampled_from(["a", "bc", "A"])) | JSON,
        "table": st.dictionaries(st.sampled_from(["a", "b.c"]), POLICY | JSON, max_size=2),
        "other": JSON,
    },
)


@settings(max_examples=500, derandomize=True, deadline=None)
@given(PLAIN)
def test_the_schema_and_the_decoder_accept_the_same(value: dict[str, Any]) -> None:
    assert accepts(schema_of(Plain), value) == (decode(Plain, value).value is not None)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(JSON | PLAIN)
def test_any_json_is_either_a_value_or_told_why_not(value: object) -> None:
    for cls in (Mapping_, Plain, Nested):
        decoded: Decoded[Any] = decode(cls, value)
        assert (decoded.value is None) == any(problem.stops for problem in decoded.problems)
        assert all(problem.path.startswith("spec") and problem.message for problem in decoded.problems)
        hash(decoded)
