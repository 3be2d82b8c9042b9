"""The requests that are asked: of every sort of match one that Envoy would let take the route."""

import pytest
import re2

from diff.probes import MOST, probes
from diff.proving import _words, differs
from diff.samples import of_regex
from tests.diff.made import compared, made
from tests.support.objects import host, mapping

PATTERNS = [
    r"/carts?/[0-9]+",
    r"/(a|b)/.*",
    r"/x[^/]+/y",
    r"(?i)/abc",
    r"/\d{3}/\w+\s?",
    r"/[[:alpha:]]+",
    r"/\pL+",
    r"/a{2,4}$",
    r"/(?P<n>x)+y*?",
    r"/[^a-z\d]",
    r"^/b|/c",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_text_is_made_that_the_pattern_matches(pattern: str) -> None:
    text = of_regex(pattern)
    assert text is not None
    assert re2.fullmatch(pattern, text)


def test_no_text_is_made_up_that_does_not_match() -> None:
    assert of_regex(r"/a\b\B") is None


def asked(before: str, after: str) -> list[str]:
    old, new = made(before), made(after)
    chosen = probes(old.outline, new.outline, compared(before, after)).chosen
    said = [
        " ".join([each.request.method, f"{each.request.scheme}://{each.request.authority}{each.request.target}"])
        + "".join(f" {name}={value}" for name, value in each.request.headers)
        for each in chosen
    ]
    return list(dict.fromkeys(said))  # each is asked at both ports


def test_a_route_that_differs_is_asked_for_as_it_was_and_as_it_is() -> None:
    served = host("a", "a.test")
    before = served + mapping("m", "a.test", "10.0.0.1", "/old/") + mapping("same", "a.test", "10.0.0.1", "/same/")
    after = before.replace("/old/", "/new/")
    assert asked(before, after) == ["GET http://a.test/old/probe", "GET http://a.test/new/probe"]


def test_a_request_has_what_a_route_asks_for_and_another_has_not() -> None:
    served = host("a", "*.a.test")
    more = {
        "method": "PUT",
        "headers": {"x-a": "1"},
        "regex_headers": {"x-b": "t[0-9]"},
        "query_parameters": {"v": "2"},
    }
    after = served + mapping("m", "*.a.test", "10.0.0.1", "/p", **more)
    assert asked(served, after) == ["PUT http://any.a.test/p?v=2 x-a=1 x-b=t0", "GET http://any.a.test/p"]


def test_there_are_not_too_many() -> None:
    served = host("a", "a.test")
    after = served + "".join(mapping(f"m{each}", "a.test", "10.0.0.1", f"/{each}/") for each in range(MOST + 1))
    found = probes(made(served).outline, made(after).outline, compared(served, after))
    assert (len(found.chosen), found.left_out) == (MOST, 2 * (MOST + 1) - MOST)


def test_what_parameters_must_be_is_told_by_no_answer() -> None:
    before, after = "", mapping("quote", "*", "10.0.0.1:80", "/q/", query_parameters={"token": "s3cret"})
    (probe, *_) = probes(made(before).outline, made(after).outline, compared(before, after)).chosen
    assert probe.request.target == "/q/probe?token=s3cret"
    forwards = {"kind": "forwards", "cluster": "c", "method": "GET", "path": "/probe?token=s3cret&b=s3cret"}
    said = [
        _words({**forwards, "authority": "a.test", "headers": {}}, "", []),
        _words({"kind": "redirects", "status": 301, "location": "https://a.test/?token=s3cret"}, "", []),
    ]
    told = differs(probe, *({"said": each, "object": None} for each in said))
    assert "s3cret" not in str(told)
    assert told["url"].endswith("/q/probe?token=(not shown)")
    assert told["before"]["said"] == "to c as GET /probe?token=(not shown)&b=(not shown), Host: a.test"
