"""What is valid and never takes effect as it is meant: a warning with the reason, and everything is served."""

import re
from typing import Any

import pytest

from tests.translator.emissary.world import TLS, world


@pytest.mark.parametrize(
    ("prefix", "said"),
    [
        ("/a//b/", "holds //, which becomes /"),
        ("/a/./b", "holds . or .."),
        ("/a/../b", "holds . or .."),
        ("/a%2Fb/", "holds an escaped slash"),
        ("/caf\N{LATIN SMALL LETTER E WITH ACUTE}/", r"write '/caf%C3%A9/'"),
        ("/x/*", r"ends with \*, which is no wildcard"),
        ("/users/{id}", r"holds \{id\}, which is no variable"),
        ("/users/:id/", "holds :id, which is no variable"),
    ],
)
def test_a_prefix_that_never_matches(prefix: str, said: str) -> None:
    made = world()
    key = made.mapping("a", prefix=prefix)
    assert re.search(said, made.problems(key)["spec.prefix"])
    assert made.problems(key)["spec.prefix"].startswith("warning: ")
    assert not [problem for problem in made.told(key) if problem.stops]


@pytest.mark.parametrize(
    "prefix", ["/", "/a/b.c/", "/..a/", "/a/.", "/a:b/", "/a-*/b", "/a?".removesuffix("?"), "/v1.2/"]
)
def test_a_prefix_that_matches_is_not_told(prefix: str) -> None:
    made = world()
    assert "spec.prefix" not in made.problems(made.mapping("a", prefix=prefix))


def test_what_the_module_says_of_paths_counts() -> None:
    made = world()
    made.module(merge_slashes=False)
    assert "spec.prefix" not in made.problems(made.mapping("a", prefix="/a//b/"))
    exact = made.mapping("b", prefix="/a/..", prefix_exact=True)
    assert "holds . or .." in made.problems(exact)["spec.prefix"]


@pytest.mark.parametrize(
    ("fields", "path", "said"),
    [
        ({"prefix": r"/a\?b=.*", "prefix_regex": True}, "spec.prefix", "asks for a question mark"),
        ({"prefix": "/[\xe0-\xe9]+", "prefix_regex": True}, "spec.prefix", "percent-encoded"),
        ({"regex_headers": {"x": "[a\xe9]"}}, "spec.regex_headers.x", "has a class with a letter beyond ASCII"),
        (
            {"regex_rewrite": {"pattern": "/a/(.*)", "substitution": "/b/$1"}},
            "spec.regex_rewrite.substitution",
            r"holds \$1, which is no group",
        ),
        (
            {"regex_rewrite": {"pattern": r"\?.*", "substitution": ""}},
            "spec.regex_rewrite.pattern",
            "asks for a question mark",
        ),
        ({"hostname": "a..test"}, "spec.hostname", "empty part"),
        ({"hostname": f"{'a' * 64}.test"}, "spec.hostname", "more than 63"),
        ({"retry_policy": {"retry_on": "retriable-status-codes"}}, "spec.retry_policy.retry_on", "nothing by itself"),
        ({"retry_policy": {"retry_on": "refused-stream"}}, "spec.retry_policy.retry_on", "HTTP/1.1"),
    ],
)
def test_fields_that_do_nothing_as_they_are(fields: dict[str, Any], path: str, said: str) -> None:
    made = world()
    key = made.mapping("a", **fields)
    assert re.search(said, made.problems(key)[path])
    assert made.problems(key)[path].startswith("warning: ")
    assert not [problem for problem in made.told(key) if problem.stops]


@pytest.mark.parametrize(
    "fields",
    [
        {"prefix": "/a.?b", "prefix_regex": True},
        {"prefix": r"/a\\?", "prefix_regex": True},
        {"regex_headers": {"x": "\xe9[a-z]"}},
        {"regex_rewrite": {"pattern": "/a/(.*)$", "substitution": r"/b/\1$"}},
        {"retry_policy": {"retry_on": "5xx"}},
        {"retry_policy": {"retry_on": "refused-stream"}, "grpc": True},
    ],
)
def test_fields_that_do_something_are_not_told(fields: dict[str, Any]) -> None:
    made = world()
    found = made.problems(made.mapping("a", **fields))
    assert not [path for path in found if path.split(".")[1].split("[")[0] in {*fields, "prefix"}], found


def test_a_host_that_nobody_can_ask_for() -> None:
    made = world()
    made.secret("tls")
    assert "empty part" in made.problems(made.host("a", "a..test"))["spec.hostname"]
    assert "is an address" in made.problems(made.host("b", "10.0.0.1", **TLS))["spec.hostname"]
    assert "spec.hostname" not in made.problems(made.host("c", "*.c.test", **TLS))


def test_what_yaml_made_of_a_word_is_told() -> None:
    made = world()
    fields = {
        "headers": {"a": False, "b": True, "c": "off"},
        "add_request_headers": {"d": True, "e": "yes"},
        "add_response_headers": {"f": False},
    }
    key = made.mapping("a", version="getambassador.io/v2", host="a.test", **fields)
    found = made.problems(key)
    assert found["spec.headers.a"].startswith("warning: is false, as YAML reads off, no and n too")
    assert "spec.headers.b" not in found, "which asks for the header with any value"
    assert "is true, as YAML reads on, yes and y too, and is sent so" in found["spec.add_request_headers.d"]
    assert "is false" in found["spec.add_response_headers.f"]
    assert not {"spec.headers.c", "spec.add_request_headers.e"} & found.keys()
