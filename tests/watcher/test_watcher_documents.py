"""YAML and JSON text to JSON values: what is accepted, what is refused, and with which sentence and line."""

import time
from collections.abc import Iterator

import orjson
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from watcher import json_text, yaml_text
from watcher.documents import TOO_MANY_ALIASES, Budget, Document, Fault
from watcher.limits import MAX_DEPTH, Limits
from watcher.scalars import plain


def read_yaml(text: bytes) -> Iterator[Document | Fault]:
    """The documents, without what they take: that is for tests of its own."""
    for found in yaml_text.read_yaml(text, Budget.of(Limits())):
        yield Document(found.value, found.line) if isinstance(found, Document) else found


def read_json(text: bytes) -> Document | Fault:
    found = json_text.read_json(text, Budget.of(Limits()))
    return Document(found.value, found.line) if isinstance(found, Document) else found


def only(text: str) -> Document | Fault:
    (found,) = read_yaml(text.encode())
    return found


def value(text: str) -> object:
    found = only(text)
    assert isinstance(found, Document), found
    return found.value


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("yes", True),
        ("On", True),
        ("y", True),
        ("NO", False),
        ("off", False),
        ("n", False),
        ("~", None),
        ("Null", None),
        ("yES", "yES"),
        ("2001-12-14", "2001-12-14"),
        ("2001-12-14t21:59:43.10-05:00", "2001-12-14t21:59:43.10-05:00"),
        ("22:22", "22:22"),
        ("1_000", 1000),
        ("0644", 420),
        ("0o644", 420),
        ("0x1F", 31),
        ("0b11", 3),
        ("-0b11", -3),
        ("09", 9),
        ("+5", 5),
        ("1e3", 1000),
        ("1.50", 1.5),
        (".5", 0.5),
        ("1e999", "1e999"),
        ("1.2.3", "1.2.3"),
        ("-", "-"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_plain_scalars_mean_what_kubectl_reads(text: str, meant: object) -> None:
    assert plain(text) == meant
    assert type(plain(text)) is type(meant)


def test_quotes_and_tags_rule_over_the_look_of_a_scalar() -> None:
    text = "a: 'yes'\nb: !!str 5\nc: !!int '5'\nd: |\n  on\nf: !!float 5\ng: ''\nh:\n"
    assert value(text) == {"a": "yes", "b": "5", "c": 5, "d": "on\n", "f": 5, "g": "", "h": None}


def test_an_alias_is_the_value_it_refers_to_and_a_merge_key_gives_defaults() -> None:
    text = "base: &b {x: 1, w: 2}\nmore: &m {w: 5, z: 3}\nuse: {<<: [*b, *m], x: 9}\nagain: *b\n"
    assert value(text) == {
        "base": {"x": 1, "w": 2},
        "more": {"w": 5, "z": 3},
        "use": {"x": 9, "w": 2, "z": 3},
        "again": {"x": 1, "w": 2},
    }


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", 2, "the key 'a' occurs twice in one mapping"),
        ("x:\n  on: 1\n", 1, "the key on is read as a boolean; write it in quotes"),
        ("80: 1\n", 0, "the key 80 is read as a number; write it in quotes"),
        ("? [a]\n: 1\n", 0, "a key is not text"),
        ("a: .inf\n", 0, ".inf is a number that JSON does not have"),
        ("a: !!binary aGk=\n", 0, "the tag tag:yaml.org,2002:binary has no JSON form"),
        ("a: !thing {}\n", 0, "the tag !thing does not fit what follows it"),
        ("a: !!int x\n", 0, "'x' does not fit the tag !!int"),
        ("a: *nobody\n", 0, "the alias *nobody refers to nothing that is complete before it"),
        ("a: &a [*a]\n", 0, "the alias *a refers to nothing that is complete before it"),
        ("<<: 5\n", 0, "a merge key (<<) takes a mapping or a list of mappings"),
        (
            "a: 1\nb: [1, 2\nc: 3\n",
            2,
            "it is not YAML: while parsing a flow sequence, did not find expected ',' or ']'",
        ),
        ("a: b: c\n", 0, "it is not YAML: mapping values are not allowed in this context"),
    ],
)
def test_what_cannot_be_json_is_a_fault_with_its_line(text: str, line: int, message: str) -> None:
    assert only(text) == Fault(message, line)


def test_bytes_that_are_not_utf8_are_a_fault_with_their_line() -> None:
    assert list(read_yaml(b"a: 1\nb: \xff\n")) == [Fault("it is not YAML: invalid leading UTF-8 octet at byte 8", 1)]
    assert read_json(b'{"a":\n"\xff"}') == Fault("it is not UTF-8: invalid start byte at byte 7", 1)


def test_deep_nesting_is_refused_quickly_however_deep() -> None:
    began = time.process_time()
    assert only("[" * 3_000_000) == Fault(f"it is nested more than {MAX_DEPTH} deep", 0)
    assert value("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    assert read_json(b"[" * 1_000_000) == Fault("it is nested too deeply", 0)
    assert time.process_time() - began < 2.0


def test_aliases_that_multiply_are_refused() -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]
    found = only("\n".join(lines))
    assert isinstance(found, Fault)
    assert found.message == TOO_MANY_ALIASES
    assert isinstance(only("\n".join(lines[:4])), Document)


def test_documents_have_the_lines_they_begin_at_and_end_with_the_first_fault() -> None:
    text = b"# first\n---\na: 1\n---\n---\nb: 2\n...\n---\nc: [\n---\nd: 1\n"
    found = list(read_yaml(text))
    assert found[:3] == [Document({"a": 1}, 1), Document(None, 3), Document({"b": 2}, 4)]
    assert isinstance(found[3], Fault)
    assert len(found) == 4


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b'{"a": 1,\n "a": 2}', Fault("the key 'a' occurs twice in one mapping", 0)),
        (b'{"a": NaN}', Fault("NaN is a number that JSON does not have", 0)),
        (b'{"a": 1,\n}', Fault("it is not JSON: Illegal trailing comma before end of object", 0)),
    ],
)
def test_json_is_held_to_the_same_rules(text: bytes, fault: Fault) -> None:
    found = read_json(text)
    assert isinstance(found, Fault)
    if "trailing" in fault.message:  # the wording differs between Pythons
        assert found.message.startswith("it is not JSON: ")
    else:
        assert found == fault


def test_json_with_tabs_and_a_byte_order_mark_is_read() -> None:
    assert read_json(b'\xef\xbb\xbf{\n\t"a": [1.0, 2.5, "x"]\n}') == Document({"a": [1, 2.5, "x"]}, 0)


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON_VALUES)
def test_what_was_written_as_json_is_read_as_it_was(written: object) -> None:
    """JSON is read as JSON, and through PyYAML's writer as YAML with tags too; numbers compare by value."""
    text = orjson.dumps(written)
    found = read_json(text)
    assert isinstance(found, Document)
    assert found.value == written
    assert value(yaml.safe_dump(written, default_style='"')) == written


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_raise(text: bytes) -> None:
    for found in [*read_yaml(text), read_json(text)]:
        assert isinstance(found, Document | Fault)
