"""Prometheus' own tool reads every rule and every question of the boards, and plays when each alert fires."""

import copy
from typing import Any

import pytest
import yaml

from monitoring.alerts import ALERTS, rules
from monitoring.files import FOLDER
from tests.charts.plays import PLAYS
from tests.support.promql import QUESTIONS
from tests.support.promtool import Promtool, questions

pytestmark = pytest.mark.promtool

NAMES = [alert.name for alert in ALERTS]


def plays(name: str) -> list[Any]:
    return [play for play in PLAYS if play.alert == name]


def with_expression(name: str, expression: str) -> dict[str, Any]:
    """The rules, in which one asks otherwise."""
    changed = copy.deepcopy(rules())
    for each in changed["groups"][0]["rules"]:
        if each["alert"] == name:
            each["expr"] = expression
    return changed


def test_the_rules_of_the_chart_are_rules(promtool: Promtool) -> None:
    assert promtool.check(yaml.safe_load((FOLDER / "alerts.yaml").read_text())) == ""


def test_each_question_of_alerts_and_boards_is_one(promtool: Promtool) -> None:
    assert promtool.check(questions(QUESTIONS)) == ""


def test_what_is_no_question_is_found(promtool: Promtool) -> None:
    """And named by its number, so that the test above can fail."""
    said = promtool.check(questions({"first": "up", "second": "sum(rate(up))", "third": "up{"}))
    assert "question:1" in said
    assert "question:2" in said
    assert "question:0" not in said


@pytest.mark.parametrize("name", NAMES)
def test_an_alert_fires_when_it_should_and_else_not(promtool: Promtool, name: str) -> None:
    assert {play.fires for play in plays(name)} == {True, False}
    assert promtool.play(rules(), plays(name)) == ""


@pytest.mark.parametrize("name", NAMES)
def test_an_alert_that_never_or_always_fires_is_found(promtool: Promtool, name: str) -> None:
    never = promtool.play(with_expression(name, "vector(0) > 1"), plays(name))
    always = promtool.play(with_expression(name, "vector(1)"), plays(name))
    for play in plays(name):
        assert (f"{name}: {play.named}" in never) == play.fires
        assert play.fires or f"{name}: {play.named}" in always


@pytest.mark.parametrize("name", NAMES)
def test_an_alert_that_waits_otherwise_is_found(promtool: Promtool, name: str) -> None:
    """A minute longer is too late for its play."""
    changed = copy.deepcopy(rules())
    (rule,) = [each for each in changed["groups"][0]["rules"] if each["alert"] == name]
    rule["for"] = {"1h": "61m"}.get(rule["for"]) or f"{int(rule['for'].removesuffix('m')) + 1}m"
    assert f"FAILED:\n    name: {name}: " in promtool.play(changed, plays(name))
