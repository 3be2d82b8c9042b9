"""The way of log lines: whole, in order, and never a reason to wait."""

import json
import os
from datetime import datetime
from pathlib import Path

import pytest

from entrypoint.relay import Lines, Outlet, Relay, as_json, shown
from tests.support.envoy import until


def test_lines_are_whole_however_they_are_cut() -> None:
    lines = Lines()
    text = b"one\ntwo\n\nthree\nfour"
    assert b"".join(lines.feed(text[at : at + 1]) for at in range(len(text))) == b"one\ntwo\n\nthree\n"
    assert lines.feed(b"!\n") == b"four!\n"


def test_of_a_line_without_an_end_the_beginning_is_told_and_what_follows_is_no_line() -> None:
    lines = Lines()
    assert lines.feed(b"x" * 40_000) == b""
    assert lines.feed(b"x" * 40_000) == b"x" * 65_536 + b"... (cut)\n"
    assert lines.feed(b"12:00:00 error forged") == b""
    assert lines.feed(b" still\ny\n") == b"y\n"


def test_what_is_plain_is_carried_as_it_is() -> None:
    text = b'12:00:00 info "a\tb" {}\n\nnext\n'
    assert shown(text) is text
    assert shown("größe, 日本\n".encode()) == "größe, 日本\n".encode()


@pytest.mark.parametrize(
    ("said", "becomes"),
    [
        (b"\x1b[31mred", r"\u001b[31mred"),
        (b"a\rb\x00c\x7f", r"a\rb\u0000c\u007f"),
        ("\u2028\u202e\x9b\u200b".encode(), r"\u2028\u202e\u009b\u200b"),
        ("\U000e0001".encode(), r"\udb40\udc01"),
        (b"half \xe2\x82 a sign", "half \ufffd a sign"),
        (b"tab\tstays \x01", "tab\tstays \\u0001"),
    ],
)
def test_what_cannot_be_printed_is_escaped(said: bytes, becomes: str) -> None:
    assert shown(b"before\n" + said + b"\nafter\n") == f"before\n{becomes}\nafter\n".encode()


def test_a_long_line_is_cut_and_the_others_are_whole() -> None:
    assert shown(b"a\n" + b"x" * 100 + b"\nb\n", 50) == b"a\n" + b"x" * 50 + b"... (cut)\nb\n"


def test_json_stays_json_when_it_is_escaped() -> None:
    line = '{"event":"\u202e\x9b\U000e0001\\n"}\n'
    escaped = shown(line.encode())
    assert escaped.isascii()
    assert json.loads(escaped) == json.loads(line)
    assert as_json("anna", escaped) == escaped


@pytest.mark.parametrize("line", [b'{"event":"cut', b"{}{}", b"{nonsense}", b"[1]"])
def test_a_line_that_only_begins_like_json_becomes_an_event(line: bytes) -> None:
    assert json.loads(as_json("anna", line + b"\n"))["event"] == line.decode()


def test_an_outlet_writes_all_in_order_before_it_closes() -> None:
    reader, writer = os.pipe()
    outlet = Outlet(writer)
    outlet.write("before the start\n")
    outlet.start()
    for number in range(100):
        outlet.put(b"%d\n" % number)
    outlet.close(5)
    os.close(writer)
    with os.fdopen(reader) as read:
        assert read.read().split() == ["before", "the", "start", *map(str, range(100))]


def test_an_outlet_drops_what_is_too_much_and_says_so() -> None:
    reader, writer = os.pipe()
    outlet = Outlet(writer, limit=10)
    for _ in range(3):
        outlet.put(b"123456\n")
    outlet.start()
    outlet.close(5)
    again = Outlet(writer, limit=100)
    again._dropped = outlet._dropped
    again.start()
    again.put(b"later\n")
    again.close(5)
    os.close(writer)
    with os.fdopen(reader) as read:
        assert read.read() == "123456\n(2 lines dropped: the reader is too slow)\nlater\n"


def test_plain_lines_become_events_where_logs_are_json() -> None:
    ours = b'{"event":"ours"}\n'
    first, second, third = as_json("anna", ours + b'Traceback "x":\n' + ours).splitlines(keepends=True)
    assert first == third == ours
    event = json.loads(second)
    assert datetime.fromisoformat(event.pop("time")).tzinfo is not None
    assert event == {"level": "warning", "part": "anna", "event": 'Traceback "x":'}


async def test_a_relay_carries_each_stream_and_remembers_the_last_words(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    out, err = Outlet(writer), Outlet(writer)
    relay = Relay(tmp_path, {1: out, 2: err})
    relay.open(["anna"])
    assert relay.last_line("anna") == ""
    with (tmp_path / "anna.err").open("w") as said, (tmp_path / "anna.out").open("w") as told:
        said.write("first\nlast words\n")
        told.write("told\n")
    await until(lambda: relay.last_line("anna") == "last words")
    relay.close()
    for outlet in (out, err):
        outlet.start()
        outlet.close(5)
    os.close(writer)
    with os.fdopen(reader) as read:
        assert read.read() == "told\nfirst\nlast words\n"
