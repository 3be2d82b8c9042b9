"""The picture of `dragoman run --live`, and what `dragoman status --changes` says, of the diagnostics' answers."""

from typing import Any

import click
import pytest

from cli import history
from cli.picture import Answer, Seen, picture

EVIL = "a\x1b[2Jb\u202e"
WELL: dict[str, Any] = {"state": "well", "hung": None, "age": 1.0, "replaced": 0}
ENVOY = {"state": "LIVE", "version": "abc/1.40.0/Clean/RELEASE/BoringSSL", "connected": True}
NUMBERS = {"at": 10.0, "requests": 100, "errors": 0, "active": 3, "p50": 1.5, "p99": 9.0}


def change(**said: Any) -> dict[str, Any]:
    return {
        "key": "getambassador.io/Mapping/default/a",
        "at": "2026-01-01T00:00:00.000Z",
        "what": "changed",
        "source": "a.yaml#1",
        "state": "ok",
        "served_after_s": 0.012,
        "refused": None,
        "diff": "@@ -1 +1 @@\n-a: 1\n+a: 2",
        "note": None,
        **said,
    }


def seen(told: dict[str, Any] | None = None, **answer: Any) -> Seen:
    base = {"envoy": ENVOY, "parts": {"watcher": WELL}, "errors": [], "files": {}, "notices": [], "history": []}
    last = {"numbers": NUMBERS, "before": {**NUMBERS, "at": 8.0, "requests": 90}, **answer}
    return Seen("folder", "http://page/", Answer({**base, **(told or {})}, **last))


def lines(shown: Seen, columns: int = 120, height: int = 40) -> list[str]:
    return [click.unstyle(line) for line in picture(shown, columns, height)]


def test_rates_are_made_of_two_answers_of_the_same_envoy() -> None:
    assert (
        lines(seen())[2] == "Requests 5.0/s, 0.0/s 5xx, 100 requests, 3 connections, answered in 1.5 ms, 99 % in 9.0 ms"
    )
    anew = seen(before={**NUMBERS, "requests": 500})
    assert lines(anew)[2].startswith("Requests 100 requests")
    assert lines(seen(before={}))[2].startswith("Requests 100 requests")
    assert lines(seen(numbers={"at": 1.0}))[2] == "Requests unknown: Envoy does not answer"


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({}, "Envoy 1.40.0 LIVE; all 1 parts well"),
        ({"parts": {"watcher": {**WELL, "state": "hangs", "hung": "asleep for 4 s", "replaced": 2}}},
         "Envoy 1.40.0 LIVE; watcher hangs: asleep for 4 s, replaced 2 times"),
        ({"envoy": {"state": None, "version": None, "connected": False}},
         "Envoy ? does not answer, not connected: it gets no changes; all 1 parts well"),
    ],
)  # fmt: skip
def test_what_is_not_well_is_named(told: dict[str, Any], says: str) -> None:
    assert lines(seen(told))[1] == says


def test_what_people_wrote_moves_no_cursor() -> None:
    told = {
        "errors": [[f"getambassador.io/Mapping/{EVIL}/{EVIL}", EVIL]],
        "files": {EVIL: {"problems": [{"path": "", "message": EVIL}]}},
        "notices": [{"level": "ERROR", "message": EVIL}],
        "history": [change(key=f"getambassador.io/Mapping/{EVIL}/{EVIL}", source=EVIL)],
    }
    text = "\n".join(lines(seen(told)))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert text.count("a\\u001b[2Jb") >= 6


def test_until_it_answers_it_is_said_why_not() -> None:
    assert lines(Seen("folder", "page"))[1] == "Nothing is known yet, or any more: it begins"


@pytest.mark.parametrize("height", [1, 5, 12, 24, 60])
@pytest.mark.parametrize("columns", [1, 20, 200])
def test_it_fits_whatever_there_is_to_tell(columns: int, height: int) -> None:
    many = [[f"getambassador.io/Mapping/default/m{place}", "is wrong"] for place in range(100)]
    shown = seen({"errors": many, "history": [change()] * 100})
    shown.log.extend(f"line {place}" for place in range(100))
    made = lines(shown, columns, height)
    assert len(made) == height
    assert max(map(len, made)) <= columns


def test_each_list_has_a_part_of_the_screen_and_the_log_its_end() -> None:
    many = [[f"getambassador.io/Mapping/default/m{place}", "is wrong"] for place in range(100)]
    shown = seen({"errors": many, "history": [change()] * 100})
    shown.log.extend([*(f"line {place}" for place in range(100)), ""])
    made = lines(shown, 120, 20)
    assert made[3:6] == ["", "Problems (95 more)", "Mapping default/m0 is wrong"]
    assert made[-1] == "line 99"
    assert sum(line.endswith("(a.yaml#1)") for line in made) == 3


def test_changes_are_told_with_what_is_different_and_why_they_are_not_served() -> None:
    told = [change(), change(key="getambassador.io/Host/other/h", state="stopped", served_after_s=None, diff=None)]
    refused = change(refused="bad\nregex", served_after_s=None)
    said = [click.unstyle(line) for line in history.lines([told[0], told[1], refused])]
    assert said[0].split("  ", 1)[1] == "changed  Mapping default/a  served after 12ms  (a.yaml#1)"
    assert said[1:4] == ["    @@ -1 +1 @@", "    -a: 1", "    +a: 2"]
    assert said[4].split("  ", 1)[1] == "changed  Host other/h  stopped  (a.yaml#1)"
    assert said[6] == "    Envoy refused it: bad\\nregex"
    assert list(history.lines([])) == ["no change is remembered"]


def test_changes_of_some_namespaces_and_kinds_come_in_the_order_of_time() -> None:
    told = [change(), change(key="getambassador.io/Host/other/h"), change(key="dragoman/File//a.yaml", what="made")]
    assert history.chosen(told) == told[::-1]
    assert history.chosen(told, ["other"]) == [told[1]]
    assert history.chosen(told, (), ["mapping"]) == [told[0]]
    assert "a.yaml cannot be read" in history.headline(told[2])
