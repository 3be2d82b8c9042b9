"""Dot segments: what is written, and what a rewrite would join; the guard refuses exactly what gets one."""

import re
from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import unquote

import pytest
import re2
from hypothesis import example, given
from hypothesis import strategies as st

from tests.translator.test_checks import refused
from translator import ir
from translator.checks import rewritten_path
from translator.dot_segments import ANYWHERE, LONGEST_PREFIX, path_without_dots, substitution_without_dots
from translator.xds.paths import guard_of

PIECES = ("/", "/", ".", "..", "a", "b.", "%2e", "%252E", "%2f", "%5C", ";", "x", "%3b", "%")


def dotted(path: str) -> bool:
    """The same question by the words of RFC 3986, decoding again and again."""
    path = path.split("?", 1)[0]
    while True:
        segments = [re.split(r";|%3b", each, flags=re.IGNORECASE)[0] for each in re.split(r"[/\\]", path)]
        if {".", ".."} & set(segments):
            return True
        if (decoded := unquote(path, encoding="latin-1")) == path:
            return False
        path = decoded


paths = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


@given(paths | st.tuples(paths, paths).map("?".join))
@example("/a/%25252e%2e%255cb")
def test_a_dot_segment_is_found_however_it_is_written(path: str) -> None:
    assert (re.fullmatch(ANYWHERE, path, re.DOTALL) is not None) == dotted(path)
    assert re2.fullmatch(ANYWHERE, path) is None or dotted(path)


@given(
    st.tuples(st.just("/"), paths).map("".join),
    st.sampled_from(("/", "/static/", "/static", "/s.", "/x?y=", "/a%2f", "/%")),
    paths,
    st.booleans(),
    st.sampled_from(("matched", "joined")),
)
@example("/img", "/static/", "../secret", True, "matched")
def test_a_guard_refuses_what_a_rewrite_would_give_a_dot_segment_and_nothing_else(
    prefix: str, rewrite: str, rest: str, case_sensitive: bool, kind: Literal["matched", "joined"]
) -> None:
    path = prefix + rest
    if dotted(path) or (kind == "joined" and prefix.endswith("/")) or rewrite.endswith("%"):
        return  # refused before it comes here; a joined prefix ends in no slash; a rewrite is whole
    guard = guard_of(ir.PathMatch("prefix", prefix, case_sensitive), ir.Rewrite(kind, rewrite))
    kept = rest.removeprefix("/") if kind == "joined" else rest
    found = guard is not None and re2.fullmatch(guard, path) is not None
    assert found == dotted(rewrite + kept)
    if guard is not None and found:
        assert re2.fullmatch(guard, f"{path}?a=b")


@pytest.mark.parametrize(
    ("path", "rewrite"),
    [
        (ir.PathMatch("prefix", "/img/"), ir.Rewrite("matched", "/static/")),
        (ir.PathMatch("prefix", "/"), ir.Rewrite("matched", "/static/")),
        (ir.PathMatch("prefix", "/img"), ir.Rewrite("matched", "/static")),
        (ir.PathMatch("prefix", "/img"), ir.Rewrite("matched", "")),
        (ir.PathMatch("prefix", "/img"), None),
        (ir.PathMatch("segments", "/img"), ir.Rewrite("joined", "/static/")),
        (ir.PathMatch("exact", "/img"), ir.Rewrite("matched", "/static/")),
        (ir.PathMatch("regex", "/i.*"), ir.Rewrite("matched", "/static/")),
        (ir.PathMatch("prefix", "/img"), ir.Rewrite("whole", "/static/")),
        (ir.PathMatch("prefix", "/img"), ir.Rewrite("regex", "/static/", "^/img")),
    ],
)
def test_routes_whose_rewrite_joins_no_dot_segment_cost_nothing_more(
    path: ir.PathMatch, rewrite: ir.Rewrite | None
) -> None:
    assert guard_of(path, rewrite) is None


def test_a_guard_of_a_long_prefix_stays_small() -> None:
    prefix = "/" + "a" * 5_000
    guard = guard_of(ir.PathMatch("prefix", prefix), ir.Rewrite("joined", "/"))
    assert guard is not None
    assert re2.compile(guard).programsize < 3 * LONGEST_PREFIX
    assert re2.fullmatch(guard, f"{prefix}../x")
    assert not re2.fullmatch(guard, f"{prefix}.x")


def test_case_counts_where_it_counts_for_the_mapping() -> None:
    for case_sensitive in (True, False):
        guard = guard_of(ir.PathMatch("prefix", "/img", case_sensitive), ir.Rewrite("joined", "/"))
        assert guard is not None
        assert (re2.fullmatch(guard, "/IMG../x") is None) == case_sensitive


@pytest.mark.parametrize("text", ["", "/", "/a/", "/.well-known/", "/a.b/...", "/%20/", "/x?y=/../z", "/a..", "/..a"])
def test_a_good_rewrite(text: str) -> None:
    assert rewritten_path(text) == text


DOTTED = "must not hold . or .. as a part of the path"
HALF = "must not end inside an escape such as %2f"


@pytest.mark.parametrize(
    ("check", "text", "message"),
    [
        (path_without_dots, "/a/../b", DOTTED),
        (path_without_dots, "/a/.", DOTTED),
        (path_without_dots, "..", DOTTED),
        (path_without_dots, "/%2E./", DOTTED),
        (path_without_dots, "/a\\..\\", DOTTED),
        (path_without_dots, "/..;x/b", DOTTED),
        (path_without_dots, "/a%2f..%2f", DOTTED),
        (path_without_dots, "/..?x", DOTTED),
        (path_without_dots, "/a/.. HTTP/1.1", DOTTED),
        (path_without_dots, "/a/..\t", DOTTED),
        (path_without_dots, "/a%", HALF),
        (path_without_dots, "/a%2", HALF),
        (path_without_dots, "/a%25", HALF),
        (substitution_without_dots, "/a/../\\1", DOTTED),
        (substitution_without_dots, "\\1/./", DOTTED),
        (substitution_without_dots, "/a/.. HTTP/1.1", DOTTED),
        (substitution_without_dots, "a\\\\..\\\\", DOTTED),
    ],
)
def test_a_rewrite_that_leads_elsewhere_by_itself(check: Callable[[str], Any], text: str, message: str) -> None:
    assert refused(check, text).startswith(message)


@pytest.mark.parametrize("text", ["", "/a/\\1", ".", "..", "/.\\1/", "\\1..", "/a/\\1../b", "/x?y=/../z"])
def test_a_good_substitution(text: str) -> None:
    assert substitution_without_dots(text) == text
