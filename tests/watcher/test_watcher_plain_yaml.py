"""Plain YAML that is read without libyaml is read as libyaml reads it; what only looks plain is left to that."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher import documents
from watcher.documents import Budget, Document
from watcher.limits import MAX_DEPTH, Limits
from watcher.pieces import pieces
from watcher.plain_yaml import plain_document

EXAMPLES = Path(__file__).parents[2] / "examples"

INDENTS = st.sampled_from(("", "", "  ", "  ", "    ", "   ", "      "))
DASHES = st.sampled_from(("", "", "", "- ", "-   ", "- - ", "-"))
KEYS = st.sampled_from(("a", "b", "c", "x-y", "e/f.g", "on", "y", "7", "'q'", "<<", "?", ""))
COLONS = st.sampled_from((": ", ":", ":  ", " : "))
VALUES = st.sampled_from(
    [
        *("", "x", "'s'", '"d"', "''", "'it' 's'", "'a'b", '"\\n"', "{}", "[]", "{}x", "{a: b}", "[a, b]"),
        *("1", "007", "0x1F", "1_0", "22:22", "1e3", "-1", ".5", "1.", ".inf", "~", "true", "no", "2026-01-01"),
        *("a: b", "a :b", "a:", "a b", "a  b", "a#b", "a #c", "a,b", "a]b", "/p/", "http://h:80/x", "-x", "- 1", "-"),
        *("*a", "&a", "!!str 1", "|", ">", "é", "\t", "%", "@", "`", "...", "---"),
    ]
)
ENDS = st.sampled_from(("\n", "\n", "\n", " \n", "  # c\n", "# c\n", "\n\n", "\n# c\n", "\n        # c\n", "\r\n", ""))
BEGINNINGS = st.sampled_from(("", "", "---\n", "--- # c\n", "---  \n", "---# c\n", "# c\n", "\n", "--- a: b\n", "%a\n"))
ENTRIES = st.tuples(INDENTS, DASHES, KEYS, COLONS, VALUES, ENDS).map("".join)
ITEMS = st.tuples(INDENTS, DASHES, VALUES, ENDS).map("".join)
TEXTS = st.tuples(BEGINNINGS, st.lists(ENTRIES | ITEMS, min_size=1, max_size=7).map("".join)).map("".join)

NUMBERS = st.integers() | st.floats() | st.sampled_from((1e300, -0.0, 2**80))
NAMES = st.sampled_from(("a", "b", "<<", "", "on", "1", "a b", "#", ": ", "k" * 127, "k" * 129, "k" * 2000))
JSONS = st.recursive(
    st.none() | st.booleans() | NUMBERS | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


def by_events(text: bytes) -> tuple[list[object], int]:
    budget = Budget.of(Limits())
    before = budget.values
    return list(documents._read_by_events(text, budget)), before - budget.values


def same(text: bytes) -> bool:
    """Whether a text is plain; then libyaml's word is the same."""
    found = plain_document(text)
    if found is None:
        return False
    expected, values = by_events(text)
    assert repr(expected) == repr([Document(found.value, found.line, found.values)])  # 1 is not True, nor 1.0
    assert values == found.values
    return True


@given(TEXTS)
def test_what_is_plain_is_read_as_libyaml_reads_it(text: str) -> None:
    same(text.encode())


@given(JSONS, st.sampled_from(((", ", ": "), (",", ":"), (" , ", " : "), (",", f"{' ' * 2000}:"))), BEGINNINGS)
def test_a_line_of_json_is_read_as_libyaml_reads_it(value: object, separators: tuple[str, str], beginning: str) -> None:
    same(f"{beginning}{json.dumps({'v': value}, separators=separators)}\n".encode())


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\nb:\n- x\n- w: 2\n  z:\n    - 'q'\n",
        "# first\n\na: {}  # none\n",
        '--- # of yesterday\n{"a": [1, 2.5, true, null, "x"]}\n',
        "- a\n-   b: c\n    d: e",
        "a:\n" + "".join(f"{'  ' * level}a:\n" for level in range(1, 50)),
    ],
)
def test_usual_text_is_plain(text: str) -> None:
    assert same(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\na: 2\n",
        "on: 1\n",
        "a: b\n  c: d\n",
        "a: b\n  c\n",
        "a: .inf\n",
        "a: é\n",
        '{"a": 1, "a": 2}',
        '{"a": NaN}',
        "a:\n" + "".join(f"{' ' * level}a:\n" for level in range(1, MAX_DEPTH + 2)),
        "",
    ],
)
def test_what_is_a_mistake_or_not_surely_plain_is_left_to_libyaml(text: str) -> None:
    assert plain_document(text.encode()) is None


def test_the_examples_are_plain_for_the_most_part() -> None:
    every = [piece for path in EXAMPLES.rglob("*.yaml") for piece in pieces(path.read_bytes())]
    assert sum(map(same, every)) > len(every) / 2


def test_a_plain_document_with_more_values_than_are_left_is_too_much() -> None:
    budget = Budget(3, 0, "too many values")
    (found,) = documents.read_yaml(b"a: 1\nb: 2\n", budget)
    assert found == documents.Fault("too many values", 1)
