"""JSON that is nested deeper than the library reads."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.reading import DEEPEST, read


def deep(levels: int, inner: bytes = b"1") -> bytes:
    return b'{"x":[' * (levels // 2) + inner + b"]}" * (levels // 2)


@pytest.mark.parametrize("levels", [1100, 9000])
def test_what_lies_too_deep_is_null_and_the_rest_is_there(levels: int) -> None:
    text = b'{"before":1,"spec":%s,"strings":["}","\\"]","{"],"after":{"a":[2]}}' % deep(levels, b'"]}\\""')
    found = read(text)
    spec = found.pop("spec")
    assert found == {"before": 1, "strings": ["}", '"]', "{"], "after": {"a": [2]}}
    reached = 1
    while spec is not None:
        spec = spec["x"] if isinstance(spec, dict) else spec[0]
        reached += 1
    assert reached == DEEPEST


def test_what_was_cut_cannot_be_written_and_so_not_be_kept() -> None:
    with pytest.raises(orjson.JSONEncodeError):
        orjson.dumps(read(deep(2000)))


@pytest.mark.parametrize("text", [b"<html>", b'{"a":', deep(1100)[:-9], deep(1100)[:2000], deep(1100) + b"}", b""])
def test_what_is_no_json_is_none(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"line|unexpected|Input"):
        read(text)


values = st.recursive(
    st.none() | st.text(max_size=4) | st.text('"\\{}[]', max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('"\\{a', max_size=3), inner, max_size=3),
    max_leaves=20,
)


@given(values, values, st.booleans())
def test_beside_and_below_what_is_too_deep_anything_may_stand(beside: object, below: object, plain: bool) -> None:
    text = json.dumps([beside, "DEEP", beside], ensure_ascii=plain)
    given = text.replace('"DEEP"', deep(1100, json.dumps(below).encode()).decode()).encode()
    first, _, last = read(given)
    assert first == last == beside
