"""What `dragoman trace` shows of traces: bars, numbers, what went wrong, and no text that is none. Pure."""

from typing import Any

import click
import pytest
from click.testing import CliRunner

from cli import trace
from cli.__main__ import main
from cli.diag import Diag
from cli.waterfall import last_of, lines, traces_of
from diagnostics.traces.otlp import document
from diagnostics.traces.spans import Span, Trace

KEY = "getambassador.io/Mapping/default/m"


def a_trace(
    number: int = 1, *, key: str = KEY, count: int = 1, error: str | None = None, answered: bool = True
) -> Trace:
    whole: dict[str, Any] = {"dragoman.objects": (key,), "dragoman.objects.count": count, "dragoman.answered": answered}
    translated = {"dragoman.resources.route": 1200, "dragoman.snapshot.resources": 7}
    exchanged = {"dragoman.resources.type": "route", "dragoman.resources.changed": 2, "dragoman.resources.removed": 1}
    spans = (
        Span("00" * 8, "", "change", 100.0, 100.4, whole, error),
        Span("01" * 8, "00" * 8, "watcher: read", 100.0, 100.1),
        Span("02" * 8, "00" * 8, "translator: translate", 100.1, 100.2, translated),
        Span("03" * 8, "00" * 8, "adsserver: deliver", 100.2, 100.4, {}, error),
        Span("04" * 8, "03" * 8, "ADS route", 100.3, 100.4, exchanged, error, is_client=True),
    )
    return Trace(f"{number:032x}", spans)


def shown(trace: Trace) -> list[str]:
    (spans,) = traces_of(document([trace], {}))
    return [click.unstyle(line) for line in lines(spans)]


def test_each_span_is_a_bar_where_its_time_is() -> None:
    first, read, translate, deliver, ads = shown(a_trace())
    assert first == "1970-01-01T00:01:40.000Z  Mapping/default/m  400.0ms"
    assert [line.count("━") for line in (read, translate, deliver, ads)] == [10, 10, 20, 10]
    assert [line.index("━") - read.index("━") for line in (translate, deliver, ads)] == [10, 20, 30]
    assert "0.0ms +100.0ms" in read
    assert translate.endswith("1,200 route")
    assert ads.startswith("    ADS route")
    assert ads.endswith("2 changed, 1 removed")


def test_what_went_wrong_is_said_and_what_is_not_answered() -> None:
    *_, ads, reason = shown(a_trace(error="Envoy refuses route: r: no"))
    assert ads.endswith("2 changed, 1 removed, refused")
    assert reason == "  Envoy refuses route: r: no"
    assert shown(a_trace(answered=False))[0].endswith("not answered yet")
    assert "Mapping/default/m and 499 more" in shown(a_trace(count=500))[0]


def test_nothing_that_others_wrote_passes_for_something_of_ours() -> None:
    text = "\n".join(shown(a_trace(key="g/K/n/\x1b[2Jx", error="a\nb\u202e")))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\\u001b[2Jx" in text
    assert "  a\\nb" in text


def test_a_change_that_took_no_time_has_bars_too() -> None:
    spans = tuple(Span(each.span_id, each.parent_id, each.name, 1.0, 1.0, each.attributes) for each in a_trace().spans)
    assert all(line.count("━") == 1 for line in shown(Trace("0" * 32, spans))[1:])


def test_the_last_ones_are_kept_whole() -> None:
    told = last_of(document([a_trace(number) for number in range(1, 5)], {"service.name": "x"}), 2)
    assert [spans[0]["traceId"] for spans in traces_of(told)] == [f"{3:032x}", f"{4:032x}"]
    assert all(len(spans) == 5 for spans in traces_of(told))
    assert told["resourceSpans"][0]["resource"]["attributes"]


def test_without_a_change_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Diag, "ask", lambda *_: {"traces": document([], {})})
    done = CliRunner().invoke(main, ["trace", "--url", "127.0.0.1:1"])
    assert (done.exit_code, done.output) == (0, "no change that anybody remembers\n")


def test_without_a_gateway_it_is_said_and_which_one_is_said_once() -> None:
    done = CliRunner().invoke(main, ["trace", "--url", "127.0.0.1:1"])
    assert done.exit_code == trace.UNKNOWN
    assert done.output.startswith("Error: the diagnostics do not answer")
    assert CliRunner().invoke(main, ["trace", "--url", "127.0.0.1:1", "--run-dir", "x"]).exit_code == 2
    assert CliRunner().invoke(main, ["trace", "--url", "ftp://x"]).exit_code == 2
