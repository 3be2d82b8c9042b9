"""What a path must begin with: as much as can be told, and never more."""

import itertools
import random
from typing import Literal

import pytest

from translator.checks import compiled
from translator.decode import Invalid
from translator.ir import PathMatch
from translator.xds.beginnings import LONGEST, beginning_of

REGEXES = {
    "/api-7/v[0-9]+/.*": "/api-7/v",
    "^/abc/.*$": "/abc/",
    "/abc(/.*)?": "/abc",
    "/abc?": "/ab",
    "/ab+c": "/ab",
    "/ab{2}": "/abb",
    "/svc-(?:1|2)/x": "/svc-",
    "/svc|/svb": "/sv",
    "/svc|": "",
    "/a|b/c": "",
    "/abc(?:/|0)": "/abc",
    r"/a\.b\x2fc\?d": "/a.b/c?d",
    r"\Q/a.b\E.*": "/a.b",
    r"\A/abc\z": "/abc",
    "(?i)/1/abc": "/1/",
    "/api/(?i:abc)": "/api/",
    "(?U)/abc.*": "/abc",
    ".*/abc": "",
    ".*": "",
    "(?s).*": "",
    "/é/.*": "",
    "/" + "a" * 2 * LONGEST: "/" + "a" * (LONGEST - 1),
}

ATOMS = (
    *(
        "a",
        "b",
        "/",
        ".",
        "[ab]",
        "[^a]",
        r"\.",
        r"\x{61}",
        r"\Qa.\E",
        r"\d",
        "k",
        "(?i:a)",
        "(?-i:b)",
        "^",
        "$",
        r"\b",
    ),
    *(r"\B", r"\A", r"\z", "é", r"\C", "[[:alpha:]]", r"\pL", "(?s:.)", "(?m:^)", "(?m:$)", "ab", "/a"),
)
REPEATED = ("*", "+", "?", "*?", "+?", "??", "{2}", "{0,2}", "{1,}", "{0}")
TEXTS = tuple("".join(signs).encode() for size in range(6) for signs in itertools.product("abA/.1", repeat=size))
ODD_TEXTS = (b"\xc3\xa9", b"a\xc3\xa9b", b"K", b"ka", b"\xc3a", b"a\nb", b"a\xff", b"a" * 130, b"a" * 127 + b"b")


@pytest.mark.parametrize("pattern", REGEXES)
def test_a_regular_expression_begins_with(pattern: str) -> None:
    assert beginning_of(PathMatch("regex", pattern, case_sensitive=False)) == REGEXES[pattern]


@pytest.mark.parametrize(
    ("kind", "text", "case_sensitive", "beginning"),
    [
        ("prefix", "/Abc/", True, "/Abc/"),
        ("prefix", "", True, ""),
        ("exact", "/Abc", True, "/Abc"),
        ("segments", "/Abc/", True, "/Abc"),
        ("segments", "/", True, ""),
        ("prefix", "/1.2/Abc", False, "/1.2/"),
        ("exact", "/_é", False, "/_"),
        ("segments", "/1/", False, "/1"),
    ],
)
def test_a_text_begins_with(
    kind: Literal["exact", "prefix", "segments"], text: str, case_sensitive: bool, beginning: str
) -> None:
    assert beginning_of(PathMatch(kind, text, case_sensitive)) == beginning


def an_expression(rng: random.Random, depth: int) -> str:
    if depth == 0 or rng.random() < 0.3:
        return rng.choice(ATOMS)
    parts = [an_expression(rng, depth - 1) for _ in range(2)]
    shape = rng.randrange(6)
    if shape < 3:
        return "".join(parts)
    return (
        "|".join(parts)
        if shape == 3
        else f"({'|'.join(parts)})"
        if shape == 4
        else f"(?:{parts[0]}){rng.choice(REPEATED)}"
    )


def test_every_match_begins_so() -> None:
    rng = random.Random(7)
    matched = 0
    for _ in range(1500):
        pattern = rng.choice(("", "", "(?i)", "(?s)", "(?m)", "(?U)", "/", "/a", "/ab/", "a.b")) + an_expression(rng, 4)
        try:
            regex = compiled(pattern)
        except Invalid:
            continue
        beginning = beginning_of(PathMatch("regex", pattern)).encode()
        for text in (*rng.sample(TEXTS, 100), *ODD_TEXTS):
            for each in (text, beginning[:-1] + text, beginning + text) if beginning else ():
                if regex.fullmatch(each):
                    matched += 1
                    assert each.startswith(beginning), (pattern, each, beginning)
    assert matched > 1000
