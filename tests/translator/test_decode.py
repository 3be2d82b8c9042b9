"""Decoding: a value, or all problems of an object at once, each with its path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.calls import calls_of
from tests.translator.decoded_classes import (
    SMALL,
    Mapping_,
    Name,
    Nested,
    Redirect,
    RetryPolicy,
    Secret,
    Selector,
    comma_separated,
)
from translator.decode import Decoded, FrozenMap, Problem, decode, quote, rule, schema_of


def problems(spec: object, cls: type = Mapping_) -> list[str]:
    return [
        f"{problem.path} {problem.message}" + ("" if problem.stops else " (warning)")
        for problem in decode(cls, spec).problems
    ]


def test_a_good_object_becomes_a_value() -> None:
    spec = {
        **SMALL,
        "timeout_ms": 0,
        "share": 1,
        "grpc": False,
        "ids": ["a", "b"],
        "headers": {"x": True, "y": ""},
        "hosts": [],
        "retry_policy": {"retry_on": "5xx"},
        "tlsSecret": {"name": "s"},
        "mappingSelector": {"matchLabels": {"a.b/c": "d"}},
        "labels": {"list": [{"any": 1.5}, None]},
    }
    decoded = decode(Mapping_, spec)
    assert decoded == Decoded(
        Mapping_(
            prefix="/a",
            service=Name("a"),
            timeout_ms=0,
            share=1.0,
            grpc=False,
            ids=("a", "b"),
            headers=FrozenMap({"x": True, "y": ""}),
            retry_policy=RetryPolicy(retry_on="5xx"),
            tls_secret=Secret(name="s"),
            selector=Selector(match_labels=FrozenMap({"a.b/c": "d"})),
            labels=FrozenMap({"list": (FrozenMap({"any": 1.5}), None)}),
        )
    )
    assert isinstance(decoded.value, Mapping_)
    assert isinstance(decoded.value.share, float)
    assert hash(decoded.value) == hash(decode(Mapping_, spec).value)


def test_all_problems_are_told_at_once_with_their_paths() -> None:
    spec = {
        "prefix": "",
        "timeout_ms": "four",
        "grpc": "true",
        "ids": ["a", 3],
        "port": 1.5,
        "headers": {"x": 4, "Y.z": "v"},
        "hosts": ["fine", "No", "fine", None],
        "retry_policy": {"retry_on": "sometimes", "num_retries": 11},
        "policies": [{"retry_on": "5xx"}, {"num_retries": True}],
        "mappingSelector": {"matchLabels": {}},
        "labels": "anything",
        "nonsense": 1,
    }
    assert problems(spec) == [
        "spec.prefix must not be empty",
        "spec.timeout_ms must be an integer, not a string: 'four'",
        "spec.grpc must be a boolean, not a string: 'true'",
        "spec.ids[1] must be a string, not an integer: 3",
        "spec.port must be an integer or a string, not a number: 1.5",
        "spec.headers.x must be a string or a boolean, not an integer: 4",
        "spec.headers[\"Y.z\"] must be a word in lower case, not 'Y.z'",
        "spec.hosts[1] must be a word in lower case, not 'No'",
        "spec.hosts[3] must be a string, not null",
        "spec.retry_policy.retry_on must be one of '5xx', 'gateway-error', not a string: 'sometimes'",
        "spec.retry_policy.num_retries must be between 0 and 10, not 11",
        "spec.policies[1].num_retries must be an integer, not a boolean: true",
        "spec.policies[1].retry_on is required",
        "spec.mappingSelector.matchLabels must not be empty",
        "spec.nonsense unknown field (warning)",
        "spec.service is required",
    ]
    assert decode(Mapping_, spec).value is None


@pytest.mark.parametrize("wrong", [[], "text", 3, True])
def test_what_is_no_mapping_is_no_object(wrong: object) -> None:
    (problem,) = problems(wrong)
    assert problem.startswith("spec must be a mapping, not a")
    assert problems({**SMALL, "retry_policy": wrong})[0].startswith("spec.retry_policy must be a mapping, not a")
    assert problems({**SMALL, "headers": wrong})[0].startswith("spec.headers must be a mapping, not a")


def test_absent_null_and_empty_are_told_apart() -> None:
    assert decode(Mapping_, {**SMALL, "timeout_ms": None, "unheard": None}) == decode(Mapping_, SMALL)
    assert problems({**SMALL, "headers": {"x": None}}) == []
    assert problems(None) == problems({}) == ["spec.prefix is required", "spec.service is required"]
    assert problems({"prefix": None, "service": "a"}) == ["spec.prefix is required"]
    absent, given = decode(Mapping_, SMALL).value, decode(Mapping_, {**SMALL, "timeout_ms": 0, "ids": ""}).value
    assert absent is not None
    assert given is not None
    assert (absent.timeout_ms, absent.ids) == (None, None)
    assert (given.timeout_ms, given.ids) == (0, "")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("timeoutMs", "unknown field; did you mean 'timeout_ms'?"),
        ("Prefix", "unknown field; did you mean 'prefix'?"),
        ("tls_secret", "unknown field; did you mean 'tlsSecret'?"),
        ("zzz", "unknown field"),
    ],
)
def test_an_unknown_field_is_a_warning_with_a_suggestion(name: str, message: str) -> None:
    decoded = decode(Mapping_, {**SMALL, name: 1}, "spec")
    assert decoded.problems == (Problem(f"spec.{name}", message, stops=False),)
    assert decoded.value == Mapping_(prefix="/a", service=Name("a"))


def test_paths_begin_where_they_are_told_to() -> None:
    assert decode(Secret, {"name": 1, "odd key": 2}, "tls[0]").problems[0].path == "tls[0].name"
    assert decode(Secret, {"name": "s", "odd key": 2}, "tls").problems[0].path == 'tls["odd key"]'
    assert decode(Secret, {}, "").problems == (Problem("name", "is required"),)
    assert decode(Secret, [], "").problems == (Problem("", "must be a mapping, not a list"),)


def test_an_alias_stands_for_its_field_and_loses_against_it() -> None:
    first, second = {"matchLabels": {"a": "1"}}, {"matchLabels": {"a": "2"}}
    alone = decode(Mapping_, {**SMALL, "selector": first})
    assert alone.problems == ()
    for spec in ({"selector": second, "mappingSelector": first}, {"mappingSelector": first, "selector": second}):
        both = decode(Mapping_, {**SMALL, **spec})
        assert both.value == alone.value
        assert both.problems == (
            Problem("spec.selector", "is another name of 'mappingSelector', which is used", stops=False),
        )
    assert problems({**SMALL, "selector": {}}) == ["spec.selector.matchLabels is required"]


def test_a_converter_reads_what_annotations_cannot_say() -> None:
    warning = "spec.methods is deprecated (warning)"
    decoded = decode(Mapping_, {**SMALL, "methods": "GET,PUT"})
    assert decoded.value is not None
    assert decoded.value.methods == ("GET", "PUT")
    assert problems({**SMALL, "methods": "GET,PUT"}) == [warning]
    assert problems({**SMALL, "methods": 3}) == [warning, "spec.methods must be a text with commas"]
    assert problems({**SMALL, "methods": "GET,"}) == [warning, "spec.methods[1] has an empty part"]
    assert problems({**SMALL, "tlsSecret": {"name": 3}}) == ["spec.tlsSecret.name must be a string, not an integer: 3"]
    assert problems({**SMALL, "weight": 3}) == ["spec.weight must be even, not 3"]
    assert problems({**SMALL, "weight": -3}) == ["spec.weight must be at least 0, not -3"]
    assert problems({**SMALL, "share": 1.5}) == ["spec.share must be at most 1, not 1.5"]
    assert problems({**SMALL, "policies": [{"retry_on": "5xx"}] * 3}) == [
        "spec.policies must have at most 2 entries, not 3"
    ]


def test_a_value_that_is_only_warned_about_is_as_if_absent() -> None:
    decoded = decode(Mapping_, {**SMALL, "methods": "old"})
    assert decoded.value == Mapping_(prefix="/a", service=Name("a"))
    assert [problem.message for problem in decoded.problems] == ["is deprecated", "is not used any more"]


@dataclass(frozen=True)
class Picky:
    word: str = field(metadata=rule(convert=comma_separated))


def test_a_required_value_that_is_only_warned_about_still_stops() -> None:
    assert problems({"word": "old"}, Picky) == ["spec.word is not used any more (warning)", "spec.word is required"]


def test_fields_that_are_good_alone_are_checked_together() -> None:
    assert problems({"redirects": [{"host_redirect": True, "path": "/a"}, {"path": "/b"}]}, Nested) == [
        "spec.redirects[1].path needs host_redirect"
    ]
    assert decode(Nested, {"redirects": [{"path": "/b"}]}).value is None
    assert problems({"redirects": [{"port": 80}]}, Nested) == ["spec.redirects[0] is a long way to say http (warning)"]
    assert decode(Nested, {"redirects": [{"port": 80}]}).value == Nested(redirects=(Redirect(port=80),))
    assert problems({"redirects": [{"port": "x", "path": "/b"}]}, Nested) == [
        "spec.redirects[0].port must be an integer, not a string: 'x'"
    ]


def test_json_of_any_depth_is_no_danger() -> None:
    deep: Any = 1
    for _ in range(900):
        deep = [deep]
    assert problems({**SMALL, "labels": deep}) == ["spec.labels is nested more than 64 levels deep"]


def test_a_frozen_map_is_a_value() -> None:
    value: FrozenMap[int] = FrozenMap({"a": 1, "b": 2})
    other: FrozenMap[int] = FrozenMap({"b": 2, "a": 1})
    assert value == other == {"a": 1, "b": 2}
    assert hash(value) == hash(other)
    changes: list[Callable[[], object]] = [
        lambda: value.__setitem__("c", 3),
        lambda: value.__delitem__("a"),
        lambda: value.update({"a": 2}),
        lambda: value.pop("a"),
        lambda: value.setdefault("c", 3),
        value.clear,
        lambda: value.__ior__({"a": 3}),
        value.popitem,
    ]
    for change in changes:
        with pytest.raises(TypeError, match="does not change"):
            change()
    assert value == {"a": 1, "b": 2}


def test_long_texts_are_cut_in_messages() -> None:
    assert quote("x" * 100) == repr("x" * 57 + "...")
    assert quote("a\nb") == r"'a\nb'"


@dataclass(frozen=True)
class Ambiguous:
    either: Secret | Selector | None = None


@dataclass(frozen=True)
class Unreadable:
    when: set[str]


def test_a_class_that_cannot_be_read_into_is_a_bug() -> None:
    with pytest.raises(TypeError, match=r"Ambiguous.either: the kind of a JSON value cannot tell"):
        decode(Ambiguous, {})
    with pytest.raises(TypeError, match=r"Unreadable.when: JSON cannot be read into set\[str\]"):
        schema_of(Unreadable)


def test_decoding_does_little() -> None:
    """10,000 Mappings are decoded at a cold start: a field may cost a few calls, and no more (counted, not timed)."""
    spec = {**SMALL, "timeout_ms": 3000, "headers": {"x": "y"}, "retry_policy": {"retry_on": "5xx", "num_retries": 3}}
    decode(Mapping_, spec)
    assert calls_of(lambda: decode(Mapping_, spec)) < 90
