"""What may open something is in no difference between objects; that it is another one is."""

import orjson
import pytest

from diagnostics.differing import COMPARED, LARGEST, MOST_LINES, difference
from diagnostics.hiding import Hiding

HIDDEN = "(hidden 1)"
PRIVATE = "s3cr3t"


@pytest.mark.parametrize(
    ("spec", "shown"),
    [
        ({"headers": {"x-key": PRIVATE}}, {"headers": {"x-key": HIDDEN}}),
        ({"headers": {"x-key": True}}, {"headers": {"x-key": True}}),
        ({"regex_headers": {"x-key": PRIVATE}}, {"regex_headers": {"x-key": HIDDEN}}),
        ({"query_parameters": {"key": PRIVATE}}, {"query_parameters": {"key": HIDDEN}}),
        (
            {"add_request_headers": {"authorization": {"value": PRIVATE, "append": False}}},
            {"add_request_headers": {"authorization": {"value": HIDDEN, "append": False}}},
        ),
        ({"remove_request_headers": ["x-a"]}, {"remove_request_headers": ["x-a"]}),
        (
            {"rules": [{"matches": [{"headers": [{"type": "Exact", "name": "x", "value": PRIVATE}]}]}]},
            {"rules": [{"matches": [{"headers": [{"type": "Exact", "name": "x", "value": HIDDEN}]}]}]},
        ),
        (
            {"filters": [{"requestHeaderModifier": {"set": [{"name": "x", "value": PRIVATE}], "remove": ["y"]}}]},
            {"filters": [{"requestHeaderModifier": {"set": [{"name": "x", "value": HIDDEN}], "remove": ["y"]}}]},
        ),
        ({"queryParams": [{"name": "x", "value": PRIVATE}]}, {"queryParams": [{"name": "x", "value": HIDDEN}]}),
        ({"config": {"access_token": PRIVATE}}, {"config": {"access_token": HIDDEN}}),
        ({"service": f"http://me:{PRIVATE}@host:80"}, {"service": f"http://{HIDDEN}@host:80"}),
        ({"lua_scripts": PRIVATE}, {"lua_scripts": HIDDEN}),
        (
            {"annotations": {"nginx.ingress.kubernetes.io/canary-by-header-value": PRIVATE, "a": "b"}},
            {"annotations": {"nginx.ingress.kubernetes.io/canary-by-header-value": HIDDEN, "a": "b"}},
        ),
        ({"annotations": {"last": f'{{"spec": "{PRIVATE}"}}'}}, {"annotations": {"last": HIDDEN}}),
        (
            {"carried": [{"object": {"spec": {"headers": {"x": PRIVATE}}}}]},
            {"carried": [{"object": {"spec": {"headers": {"x": HIDDEN}}}}]},
        ),
        ({"tlsSecret": {"name": "tls"}, "prefix": "/token/"}, {"tlsSecret": {"name": "tls"}, "prefix": "/token/"}),
    ],
)
def test_values_that_may_open_something_are_hidden(spec: object, shown: object) -> None:
    assert Hiding().shown(spec) == shown


def body(**spec: object) -> bytes:
    return orjson.dumps({"kind": "Mapping", "spec": spec})


def test_a_difference_is_told_line_by_line_as_people_write() -> None:
    before = body(prefix="/a/", service="one", timeout_ms=1)
    assert difference(before, body(prefix="/a/", service="two", timeout_ms=1)) == [
        "@@ -1,5 +1,5 @@",
        " kind: Mapping",
        " spec:",
        "   prefix: /a/",
        "-  service: one",
        "+  service: two",
        "   timeout_ms: 1",
    ]
    assert difference(b"", b'{"kind":"Host"}') == ["@@ -0,0 +1 @@", "+kind: Host"]
    assert difference(b'{"kind":"Host"}', b"") == ["@@ -1 +0,0 @@", "-kind: Host"]
    assert difference(before, before) == []


def test_lines_are_numbered_as_in_the_whole() -> None:
    many = {f"field{number}": number for number in range(20)}
    told = difference(body(**many), body(**many | {"field10": "x"}))
    assert told is not None
    assert told[0] == "@@ -10,7 +10,7 @@"


def test_a_value_that_is_hidden_is_told_as_another_one() -> None:
    told = difference(body(headers={"x": "one", "y": "same"}), body(headers={"x": "two", "y": "same"}))
    assert told is not None
    assert [line for line in told if line[0] in "+-"] == ["-    x: (hidden 1)", "+    x: (hidden 3)"]


def test_what_is_large_is_cut_and_what_would_take_long_is_not_compared() -> None:
    old = body(**{f"a{number}": number for number in range(COMPARED + 1)})
    new = body(**{f"b{number}": number for number in range(COMPARED + 1)})
    told = difference(old, new)
    assert told is not None
    assert len(told) == MOST_LINES + 1
    assert told[-1].endswith("more lines")
    assert difference(body(text="x" * LARGEST), b"") is None
