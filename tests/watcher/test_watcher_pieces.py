"""A text cut into pieces: as by the rule for the borders of documents, told here in the plainest words."""

import re

from hypothesis import given
from hypothesis import strategies as st

from watcher.pieces import has_more_borders, pieces

BORDER = re.compile(rb"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
END = re.compile(rb"^\.\.\.(?=[ \t\r\n]|\Z)", re.MULTILINE)
DIRECTIVE = re.compile(rb"^%", re.MULTILINE)

texts = st.lists(
    st.sampled_from([b"---", b"...", b"--", b"%", b"\n", b"\r\n", b" ", b"\t", b"a: 1", b"-"]), max_size=14
).map(b"".join)


@given(texts)
def test_a_piece_begins_at_each_border_unless_something_reaches_across(text: bytes) -> None:
    found = pieces(text)
    assert b"".join(found) == text
    if END.search(text) or DIRECTIVE.search(text):
        assert found == [text]
    else:
        starts = [0, *[each.start() for each in BORDER.finditer(text) if each.start()]]
        assert [sum(map(len, found[:number])) for number in range(len(found))] == starts


@given(texts, st.integers(0, 6))
def test_borders_are_counted_wherever_they_stand(text: bytes, most: int) -> None:
    there = len(BORDER.findall(text)) + len(END.findall(text))
    assert has_more_borders(text, most) == (there > most)
