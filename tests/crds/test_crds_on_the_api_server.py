"""A real API server takes what the translator takes, and refuses what the schemas say is wrong."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crds.definitions import spec_schema
from tests.crds.generating import specs
from tests.crds.talking import BY_NAME, GOOD, refusal, stopped
from tests.support.apiserver import ApiServer

pytestmark = pytest.mark.kubernetes


@pytest.mark.parametrize("name", GOOD)
@settings(max_examples=100, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_what_the_translator_takes_the_api_server_takes(api: ApiServer, name: str, data: st.DataObject) -> None:
    kind = BY_NAME[name]
    given_ = data.draw(specs(kind.spec))
    few = data.draw(st.sets(st.sampled_from([*given_, ""]), max_size=3))
    for spec in (given_, GOOD[name] | {field: given_[field] for field in few - {""}}):
        if not stopped(name, spec):
            assert refusal(api, name, spec) == "", spec


# What a schema says: each of its words, broken alone, is refused by both.


WRONG_KIND: dict[str, Any] = {"string": 5, "integer": "five", "boolean": "true", "array": {}, "object": []}
AGAINST: dict[str, Callable[[Any], Any]] = {
    "type": lambda kind: WRONG_KIND[kind],
    "x-kubernetes-int-or-string": lambda _: {},
    "enum": lambda options: "other" if isinstance(options[0], str) else 299,
    "minimum": lambda least: least - 1,
    "maximum": lambda most: int(most) + 1,
    "pattern": lambda _: "no pattern of ours has %",
    "minLength": lambda least: "x" * (least - 1),
    "maxLength": lambda most: "x" * (most + 1),
    "minItems": lambda _: [],
    "minProperties": lambda _: {},
    "maxItems": lambda most: ["TCP"] * (most + 1),
    "maxProperties": lambda most: {f"x-{number}": "a" for number in range(most + 1)},
}
"""For each keyword, a value that is against it."""


def wrong_values(schema: Mapping[str, Any], must: bool) -> Iterator[Any]:
    """A value against each keyword of a schema."""
    silent = {"description", "properties", "required", "items", "additionalProperties", "nullable"}
    others = {"x-kubernetes-preserve-unknown-fields", "x-kubernetes-validations"}
    for keyword in schema.keys() - silent - others:
        yield AGAINST[keyword](schema[keyword])
    if must:
        yield None


def least(schema: Mapping[str, Any]) -> Any:
    """A value that a schema takes."""
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            return {name: least(schema["properties"][name]) for name in schema.get("required", ())}
        case "array":
            return []
        case "integer":
            return int(schema.get("minimum", 0))
        case "boolean":
            return True
    return "a"


def breaches(schema: Mapping[str, Any], good: Any, *, must: bool = False) -> Iterator[tuple[str, Any]]:
    """Where, and the whole value with one thing wrong."""
    for wrong in wrong_values(schema, must):
        yield "", wrong
    for name, part in schema.get("properties", {}).items():
        required = name in schema.get("required", ())
        if required:
            yield f".{name}", {key: value for key, value in good.items() if key != name}
        inner = good.get(name, least(part))
        for where, wrong in breaches(part, inner, must=required):
            yield f".{name}{where}", {**good, name: wrong}
    if "items" in schema:
        for where, wrong in breaches(schema["items"], least(schema["items"])):
            yield f"[0]{where}", [wrong]
    if "additionalProperties" in schema:
        for where, wrong in breaches(schema["additionalProperties"], least(schema["additionalProperties"])):
            yield f".x{where}", {"x": wrong}


FEW_WORDS = {"ConsulResolver": 5, "KubernetesEndpointResolver": 0, "KubernetesServiceResolver": 0, "Module": 1}


@pytest.mark.parametrize("name", GOOD)
def test_each_word_of_a_schema_is_meant_by_both(api: ApiServer, name: str) -> None:
    kind = BY_NAME[name]
    schema = spec_schema(kind)
    # Who else it is for is no part of its meaning: an object with a wrong one is nobody's.
    schema = {
        **schema,
        "properties": {key: part for key, part in schema["properties"].items() if key != "ambassador_id"},
    }
    tried = 0
    for where, spec in breaches(schema, GOOD[name]):
        tried += 1
        assert refusal(api, name, spec), (where, spec)
        assert stopped(name, spec), (where, spec)
    assert tried > FEW_WORDS.get(name, 10)


@pytest.mark.parametrize("wrong", [5, "default", [5]])
def test_an_ambassador_id_that_would_hide_an_object_from_everyone_is_refused(api: ApiServer, wrong: Any) -> None:
    assert "ambassador_id" in refusal(api, "Host", {"ambassador_id": wrong})
