"""The checks: what each takes and refuses."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.calls import calls_of
from tests.translator.header_formats import BAD_FORMATS, GOOD_FORMATS, REFUSED_FORMATS, STRICTER
from translator import checks
from translator.decode import Invalid, decode, quote, rule, schema_of
from translator.emissary.kinds.mapping import MappingSpec


def refused(check: Callable[[Any], object], value: object) -> str:
    with pytest.raises(Invalid) as caught:
        check(value)
    return caught.value.message


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("3s", 3000),
        ("1.5s", 1500),
        ("0.25s", 250),
        (".5s", 500),
        ("2.s", 2000),
        ("300ms", 300),
        ("1m", 60_000),
        ("1m30s", 90_000),
        ("1h2m3.004s", 3_723_004),
        ("2000us", 2),
        ("1000000ns", 1),
        ("500µs500us", 1),
        ("0", 0),
        ("0s", 0),
        ("2.007s", 2007),
        ("9223372035.999s", checks.LONGEST_DURATION),
    ],
)
def test_a_duration_is_read_exactly(text: str, milliseconds: int) -> None:
    assert checks.duration_ms(text) == milliseconds


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("three seconds", "must be a duration such as '1.5s' or '300ms' (units: h, m, s, ms), not 'three seconds'"),
        ("3", "must be a duration such as '1.5s' or '300ms' (units: h, m, s, ms), not '3'"),
        ("3 s", "must be a duration such as '1.5s' or '300ms' (units: h, m, s, ms), not '3 s'"),
        ("", "must be a duration such as '1.5s' or '300ms' (units: h, m, s, ms), not ''"),
        (".s", "must be a duration such as '1.5s' or '300ms' (units: h, m, s, ms), not '.s'"),
        ("1.2.3s", "must be a duration such as '1.5s' or '300ms' (units: h, m, s, ms), not '1.2.3s'"),
        ("3d", "must be a duration such as '1.5s' or '300ms' (units: h, m, s, ms), not '3d'"),
        (3, "must be a duration such as '1.5s' or '300ms', not an integer: 3"),
        ("-3s", "must not be negative: '-3s'"),
        ("0.0001s", "must be a whole number of milliseconds, not '0.0001s'"),
        ("9223372036s", "must be at most 9223372035999ms, not '9223372036s'"),
    ],
)
def test_what_is_no_duration_is_refused(value: object, message: str) -> None:
    assert refused(checks.duration_ms, value) == message


def test_names_of_headers() -> None:
    for good in ("x-a", "X_A", ":authority", "!#$%&'*+-.^_`|~09aZ"):
        assert checks.header_name(good) == good
    for bad in ("", ":", "a b", "a:b", "a\n", "ä", "a" * 16_385):
        refused(checks.header_name, bad)
    for bad in (":path", ":authority", "Host", "host", "HOST", "a b", ""):
        refused(checks.edited_header_name, bad)
    assert checks.edited_header_name("hosts") == "hosts"
    assert "which Envoy decides" in refused(checks.edited_header_name, "Content-Length")
    assert "which Envoy decides" in refused(checks.edited_header_name, "transfer-encoding")


def test_what_a_path_becomes_is_a_path() -> None:
    assert [checks.rewritten_path(good) for good in ("", "/", "/a?b")] == ["", "/", "/a?b"]
    assert refused(checks.rewritten_path, "a") == "must begin with /, as every path does, unlike 'a'"
    assert refused(checks.token, "GET /") == "must be letters, digits or any of !#$%&'*+-.^_`|~, not 'GET /'"


def test_names_of_query_parameters() -> None:
    for good in ("q", "a b", "ä", "a[]", "q" * 1_024):
        assert checks.query_name(good) == good
    assert refused(checks.query_name, "") == "must not be empty"
    assert refused(checks.query_name, "ä" * 513) == "must have at most 1024 bytes, not 1026"
    assert refused(checks.query_name, "a\n") == "must not contain a line break"


def test_texts_of_headers() -> None:
    assert checks.plain_text("ä\t" * 20_000)
    assert refused(checks.plain_text, "a\nb") == "must not contain a line break"
    for good in ("", "a b\tc", "ä", "100%", "x" * 16_384):
        assert checks.header_text(good) == good
    assert refused(checks.header_text, "a\r\nb") == "must not contain a line break"
    assert refused(checks.header_text, "a\x00") == "must not contain a NUL"
    assert refused(checks.header_text, "\x1b") == r"must not contain '\x1b'"
    assert refused(checks.header_text, "ä" * 8_193) == "must have at most 16384 bytes, not 16386"


@pytest.mark.parametrize("text", GOOD_FORMATS)
def test_a_header_format_has_operators_that_envoy_knows(text: str) -> None:
    assert checks.header_format(text) == text


@pytest.mark.parametrize(("text", "message"), BAD_FORMATS.items())
def test_a_wrong_operator_is_told(text: str, message: str) -> None:
    assert refused(checks.header_format, text) == message


@pytest.mark.parametrize(("text", "beginning"), (REFUSED_FORMATS | STRICTER).items())
@pytest.mark.parametrize("around", ["{}", "a {} b", "%PROTOCOL%{}%%", "%%{}"])
def test_an_operator_that_is_not_for_headers_is_told(around: str, text: str, beginning: str) -> None:
    assert refused(checks.header_format, around.format(text)) == f"{beginning}{quote(text)}"


def test_paths_and_hosts() -> None:
    for good in ("/", "/a/b", "", "/ä", "/%20"):
        assert checks.path_prefix(good) == good
    assert refused(checks.path_prefix, "/a?b") == "must not contain '?': '/a?b'"
    assert refused(checks.path_prefix, "/a\n") == r"must not contain a line break: '/a\n'"
    assert refused(checks.path_prefix, "/a b") == "must not contain a space: '/a b'"
    for bad in ("/#", "/\x00", "/\t", "/\u2003"):
        refused(checks.path_prefix, bad)

    for good in ("*", "a", "a.b.c", "*.b.c", "*-b.c", "a.*", "a.b-*", "a:80", "*:8080", "[::1]", "[::1]:80", "*.b:1"):
        assert checks.host_glob(good) == good
    for bad in (
        "a*b",
        "*.*",
        "**",
        "a b",
        "a\n",
        "a/b",
        "a:",
        "a:b",
        "a:80:80",
        "::1",
        "http://a",
        "a?",
        "*a*",
        "é",
        "a,b",
        ":80",
        "a*:80",
    ):
        assert refused(checks.host_glob, bad).startswith("must be a host name, which may have one '*'")
    assert refused(checks.host_glob, "") == "must not be empty; '*' means every host"
    assert refused(checks.host_glob, "a:0") == "must have a port between 1 and 65535, not 0"
    assert refused(checks.host_glob, "a:65536") == "must have a port between 1 and 65535, not 65536"
    assert refused(checks.host_glob, "a" * 254) == "must have at most 253 characters, not 254"


def test_a_regex_is_measured_as_envoy_measures_it() -> None:
    assert checks.regex("/v[0-9]+/(users|orders)/[^/]+", 26) == "/v[0-9]+/(users|orders)/[^/]+"
    assert refused(lambda text: checks.regex(text, 25), "/v[0-9]+/(users|orders)/[^/]+") == (
        "is too big a regular expression: its program size is 26, and at most 25 is allowed"
    )
    assert checks.regex("[^/]{60}", 124) == "[^/]{60}"
    assert checks.regex("a{1000}") == "a{1000}"
    assert refused(checks.regex, "a\n") == "must not contain a line break"
    assert refused(checks.regex, "(?=a)") == "must be a regular expression of RE2: invalid perl operator: (?="
    assert refused(checks.regex, "[a") == "must be a regular expression of RE2: missing ]: [a"
    assert refused(checks.regex, "") == "must not be empty"


def test_a_substitution_refers_to_groups_that_there_are() -> None:
    for good in ("", "/x", r"/\1/\0\\"):
        assert checks.regex_substitution("/(a)", good) == good
    assert refused(lambda text: checks.regex_substitution("/(a)", text), r"\2") == "refers to group 2, and '/(a)' has 1"
    for bad in (r"\n", "\\", "\\\\\\", r"\é", "a\n"):
        refused(lambda text: checks.regex_substitution("/(a)", text), bad)


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    port: checks.Port | None = None
    percent: checks.Percent | None = None
    timeout_ms: checks.Milliseconds | None = field(default=None, metadata=rule("How long."))
    count: checks.Count | None = None
    timeout: checks.Duration | None = field(default=None, metadata=rule("How long."))
    method: checks.Method | None = None
    matched: Mapping[checks.HeaderName, checks.HeaderText] | None = None
    added: Mapping[checks.EditedHeaderName, checks.HeaderFormat] | None = None
    removed: tuple[checks.EditedHeaderName, ...] = ()
    prefix: checks.PathPrefix | None = None
    hostname: checks.HostGlob | None = None
    pattern: checks.Regex | None = None


def test_the_checks_are_types_for_annotations() -> None:
    good = {
        "port": 65_535,
        "percent": 0,
        "timeout": "1.5s",
        "timeout_ms": 0,
        "count": 0,
        "method": "GET",
        "matched": {":authority": "a"},
        "added": {"x-a": "%PROTOCOL%"},
        "removed": ["x-b"],
        "prefix": "/a",
        "hostname": "*.a",
        "pattern": "a+",
    }
    decoded = decode(Typed, good)
    assert decoded.problems == ()
    assert decoded.value is not None
    assert decoded.value.timeout == 1500

    bad = {
        "port": 0,
        "percent": 101,
        "timeout": 3,
        "timeout_ms": -1,
        "count": -1,
        "method": "G T",
        "matched": {"a b": "a\n"},
        "added": {"Host": "%NO%"},
        "removed": ["x-b", ":path"],
        "prefix": "/a b",
        "hostname": "a*b",
        "pattern": "a**",
    }
    assert [problem.path for problem in decode(Typed, bad).problems] == [
        "spec.port",
        "spec.percent",
        "spec.timeout",
        "spec.timeout_ms",
        "spec.count",
        "spec.method",
        'spec.matched["a b"]',
        'spec.matched["a b"]',
        "spec.added.Host",
        "spec.added.Host",
        "spec.removed[1]",
        "spec.prefix",
        "spec.hostname",
        "spec.pattern",
    ]


def test_the_schema_of_a_duration_agrees_with_its_check() -> None:
    schema = schema_of(Typed)["properties"]
    assert schema["port"] == {"type": "integer", "minimum": 1, "maximum": 65_535, "nullable": True}
    assert schema["timeout"]["type"] == "string"
    assert schema["timeout"]["description"] == "How long."
    for good in ("3s", "1m30.5s", ".5s", "2.s", "0", "300ms", "1000µs", "1000μs"):
        assert re.search(schema["timeout"]["pattern"], good)
        checks.duration_ms(good)
    for bad in ("", "3", "-3s", "3 s", ".s", "s", "1.2.3s"):
        assert not re.search(schema["timeout"]["pattern"], bad)


def test_the_biggest_pattern_that_envoy_takes_is_taken() -> None:
    assert checks.regex("a{196}", 200)
    assert "program size is 201" in refused(lambda text: checks.regex(text, 200), "a{197}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (r"\pL" * 21, r"must have at most 20 Unicode classes (\p), not 21"),
        (r"[\p{Greek}\PN]" * 11, r"must have at most 20 Unicode classes (\p), not 22"),
        (r"(?i)\pL", r"must not have Unicode classes (\p) where case is ignored, as (?i) says"),
        (r"a(?si:[\PL])", r"must not have Unicode classes (\p) where case is ignored, as (?i) says"),
        ("a" * 4097, "must have at most 4096 bytes, not 4097"),
    ],
)
def test_what_keeps_re2_busy_is_refused_before_it_sees_it(text: str, said: str) -> None:
    assert refused(checks.regex, text) == said
    assert calls_of(lambda: refused(checks.regex, text)) < 100


@pytest.mark.parametrize("text", [r"\p{Lu}", r"\\p(?i)" * 30, r"(?s-i)\pL", r"(?i:a|b)", r"(?P<i>\pL)"])
def test_what_only_looks_like_it_is_taken(text: str) -> None:
    assert checks.regex(text) == text


@pytest.mark.parametrize("field", ["regex_headers", "regex_query_parameters"])
def test_so_many_regular_expressions_are_refused_that_nobody_compiles_one(field: str) -> None:
    """40,000 of them took 14 s, and Envoy as long."""
    many = {f"x-{number}": "(" for number in range(101)}
    spec = {"hostname": "*", "prefix": "/", "service": "s", field: many}
    (problem,) = decode(MappingSpec, spec).problems
    assert (problem.path, problem.message) == (f"spec.{field}", "must have at most 100 entries, not 101")
