"""Logs: one line an event, whatever is in it."""

import io
import json
import logging
import re
import sys
import threading
import warnings
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import pytest
import structlog

from process import logs
from process.settings import Settings

TEXT = Settings()
JSON = replace(TEXT, json_logs=True)


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def configured(settings: Settings, part: str = "translator") -> io.StringIO:
    out = io.StringIO()
    logs.configure(part, settings, out)
    return out


def fail() -> None:
    raise ValueError('no\n"such" thing')


def test_a_line_for_a_person() -> None:
    out = configured(TEXT)
    logs.get().info("published", resources=12, ms=3)
    assert re.fullmatch(r"\d\d:\d\d:\d\d info    translator  published  resources=12 ms=3\n", out.getvalue())


def test_a_line_without_circumstances_ends_with_its_event() -> None:
    out = configured(TEXT, "watcher")
    logs.get().warning("stopping")
    assert out.getvalue()[9:] == "warning watcher     stopping\n"


def test_a_circumstance_hides_neither_part_nor_level() -> None:
    out = configured(TEXT)
    logs.get().info("restarted", part="watcher", level=3)
    assert out.getvalue()[9:] == "info    translator  restarted  part_=watcher level_=3\n"


def test_a_line_for_a_machine() -> None:
    out = configured(JSON)
    logs.get().error("refused", object="core/Secret/a/b", why="two\nlines", times=[1, 2.5], known=None)
    line = json.loads(out.getvalue())
    assert out.getvalue().count("\n") == 1
    assert datetime.fromisoformat(line.pop("time")).utcoffset().total_seconds() == 0
    assert line == {
        "level": "error",
        "part": "translator",
        "event": "refused",
        "object": "core/Secret/a/b",
        "why": "two\nlines",
        "times": [1, 2.5],
        "known": None,
    }


NASTY: list[object] = [
    *(
        "a\nb",
        "\r",
        "\u2028",
        "\u2029",
        "\x85",
        "\x1b[31m",
        "\x9b31m",
        "\0",
        "\x7f",
        "\ud800",
        "\u202e",
        "\u200f",
        "\ufeff",
    ),
    *(b"\n", {"a": "\n"}, {"\x1b\u202e": 1}, ["\n\x9b"], object(), "", 1 << 70, ("\u2028",), {"\ud800"}),
]


@pytest.mark.parametrize("settings", [TEXT, JSON], ids=["text", "json"])
def test_nothing_breaks_a_line(settings: Settings) -> None:
    out = configured(settings)
    for nasty in NASTY:
        logs.get().info("one\nevent", value=nasty)
        logs.get().info("event", **{str(nasty): 1})
    assert out.getvalue().count("\n") == 2 * len(NASTY)
    assert out.getvalue().replace("\n", "").isprintable()
    out.getvalue().encode()


class Unshowable:
    """Who cannot even be shown."""

    def __repr__(self) -> str:
        raise ValueError("no")


@pytest.mark.parametrize("settings", [TEXT, JSON], ids=["text", "json"])
@pytest.mark.parametrize(
    "value",
    [
        "x" * 10**5,
        "\x1b" * 10**5,
        "\U000e0001" * 10**5,
        "\ud800" * 10**5,
        "😀" * 10**5,
        ["x" * 1000] * 1000,
        {"\x1b" * 10**5: 1},
        [[]] * 10**5,
        10**10**5,
        ValueError("x" * 10**5),
        Unshowable(),
        [Unshowable()],
        {("a", "b"): float("nan")},
    ],
    ids=lambda value: type(value).__name__,
)
def test_no_line_is_longer_than_a_pipe_takes(settings: Settings, value: object) -> None:
    out = configured(settings)
    logs.get().info("event", **{f"value{number}": value for number in range(50)})
    logs.get().info(str(type(value)) * 10_000, **{"x\n" * 10**5: value})
    lines = out.getvalue().splitlines()
    assert len(lines) == 2
    for line in lines:
        assert len(line.encode()) < 1 << 16
        assert line.isprintable()
        if settings.json_logs:
            assert json.loads(line)["level"] == "info"


@pytest.mark.parametrize("settings", [TEXT, JSON], ids=["text", "json"])
def test_what_is_cut_says_how_long_it_was(settings: Settings) -> None:
    out = configured(settings)
    logs.get().info("event", value="x" * 5000, **{f"v{number}": 1 for number in range(50)})
    assert f"{'x' * 4000}... (5,000 characters)" in out.getvalue()
    assert re.search(r'circumstances_left_out"?[=:]15', out.getvalue())


def test_a_machine_reads_the_very_text() -> None:
    out = configured(JSON)
    text = "a\n\x1b\u202e\x7f\U000e0001é"
    logs.get().info("event", value=text, deep={"a": [text]})
    line = json.loads(out.getvalue())
    assert line["value"] == text
    assert text not in out.getvalue()


@pytest.mark.parametrize("settings", [TEXT, JSON], ids=["text", "json"])
def test_what_nobody_catches_is_one_line_too(settings: Settings) -> None:
    out = configured(settings)

    class Falling:
        def __del__(self) -> None:
            fail()

    with logs.uncaught():
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
        Falling()
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("old\nhat", DeprecationWarning, stacklevel=1)
        try:
            fail()
        except ValueError as error:
            sys.excepthook(type(error), error, error.__traceback__)
    lines = out.getvalue().splitlines()
    assert len(lines) == 4
    assert all(("ValueError" in line) is (number != 2) for number, line in enumerate(lines))
    assert "old" in lines[2]


def test_values_with_spaces_are_quoted() -> None:
    out = configured(TEXT)
    logs.get().info("said", plain="a/b:c", empty="", spaced="a b", quoted='a"b', number=0.1 + 0.2, deep={"a": [1]})
    expected = """said  plain=a/b:c empty="" spaced="a b" quoted="a\\"b" number=0.3 deep="{'a': [1]}"\n"""
    assert out.getvalue().endswith(expected)


@pytest.mark.parametrize("settings", [TEXT, JSON], ids=["text", "json"])
def test_a_failure_says_what_and_where_on_its_line(settings: Settings) -> None:
    out = configured(settings)
    try:
        fail()
    except ValueError:
        logs.get().exception("failed", object="x")
    assert out.getvalue().count("\n") == 1
    assert 'ValueError: no\\n\\"such\\" thing' in out.getvalue()
    assert re.search(r"test_process_logs.py:\d+ fail < \S*test_process_logs.py:\d+ test_a_failure", out.getvalue())
    assert "error" in out.getvalue()


def test_only_what_is_asked_for_is_logged() -> None:
    out = configured(replace(TEXT, log_level="warning"))
    log = logs.get()
    log.debug("a")
    log.info("b")
    log.warning("c")
    log.error("d")
    assert [line.split()[3] for line in out.getvalue().splitlines()] == ["c", "d"]


def test_a_logger_got_early_follows_the_configuration() -> None:
    log = logs.get("tables")
    out = configured(TEXT)
    log.info("ready")
    assert out.getvalue().endswith("ready  by=tables\n")
    out = configured(JSON)
    log.info("ready")
    assert json.loads(out.getvalue())["by"] == "tables"


def test_what_libraries_log_comes_out_the_same_way() -> None:
    out = configured(TEXT)
    logging.getLogger("asyncio").warning("slow: %s s", 3)
    logging.getLogger("asyncio").info("not asked for")
    logging.getLogger("aiohttp").error("broken", exc_info=ValueError("x"))
    first, second = out.getvalue().splitlines()
    assert first.endswith("warning translator  slow: 3 s  by=asyncio")
    assert second.endswith('error   translator  broken  by=aiohttp failure="ValueError: x" at=""')


def test_a_reader_that_went_away_ends_nobody() -> None:
    out = configured(TEXT)
    out.close()
    logs.get().info("nobody hears this")
