"""Hostnames of listeners and routes."""

import pytest

from translator.gateway.hostnames import EVERY, best, covers, domains, intersection, specificity, wider


@pytest.mark.parametrize(
    ("listener", "route", "common"),
    [
        ("a.example.com", "a.example.com", "a.example.com"),
        ("a.example.com", "b.example.com", None),
        ("*.example.com", "a.example.com", "a.example.com"),
        ("*.example.com", "a.b.example.com", "a.b.example.com"),
        ("*.example.com", "example.com", None),
        ("*.example.com", "*.b.example.com", "*.b.example.com"),
        ("*.b.example.com", "*.example.com", "*.b.example.com"),
        ("a.example.com", "*.com", "a.example.com"),
        ("*.example.com", "*.example.org", None),
        ("*.ample.com", "a.example.com", None),
        (EVERY, "*.example.com", "*.example.com"),
        ("*.example.com", EVERY, "*.example.com"),
        (EVERY, EVERY, EVERY),
    ],
)
def test_what_two_hostnames_have_in_common(listener: str, route: str, common: str | None) -> None:
    assert intersection(listener, route) == common
    assert intersection(route, listener) == common


def test_the_most_specific_comes_first() -> None:
    ordered = ["abc.foo.com", "a.foo.com", "*.abc.foo.com", "*.foo.com", "*.com", EVERY]
    mixed = ["*.com", "a.foo.com", EVERY, "*.foo.com", "abc.foo.com", "*.abc.foo.com"]
    assert sorted(mixed, key=specificity) == ordered


def test_what_covers_a_hostname() -> None:
    assert list(wider("a.b.com")) == ["a.b.com", "*.b.com", "*.com", EVERY]
    assert list(wider("*.b.com")) == ["*.b.com", "*.com", EVERY]
    assert list(wider("com")) == ["com", EVERY]
    assert list(wider(EVERY)) == [EVERY]
    assert all(covers(each, "a.b.com") for each in wider("a.b.com"))


def test_the_best_of_some() -> None:
    among = {EVERY, "*.com", "*.b.com", "x.b.com"}
    assert [best(name, among) for name in ("x.b.com", "y.b.com", "y.c.com", "y.org")] == [
        "x.b.com",
        "*.b.com",
        "*.com",
        "",
    ]
    assert best("y.org", {"*.com"}) is None


def test_envoys_domains() -> None:
    assert domains(EVERY) == ("*",)
    assert domains("*.b.com") == ("*.b.com", "*.b.com.")
