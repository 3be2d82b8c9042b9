"""Prometheus' own `promtool`: it reads rules and questions, and plays what alerts would do.

    tool = Promtool(place)
    tool.check(rules)                    # what it says against a file of rules; empty: nothing
    tool.play(rules, [play, ...])        # what went otherwise than a play says; empty: nothing

It is built from its Go module (tests/e2e/cluster/binaries.py).
"""

import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Told:
    """An alert that fires: its labels beside `alertname` and `severity`, and its summary."""

    summary: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Play:
    """What is scraped each minute, in Prometheus' own notation, and what of one alert fires in which minute.

    `named` says what it shows. A minute in which nothing fires has no Told.
    """

    alert: str
    named: str
    series: Mapping[str, str]
    minutes: Mapping[int, tuple[Told, ...]]

    @property
    def fires(self) -> bool:
        """Whether anything does, ever."""
        return any(self.minutes.values())


class Promtool:
    """The program at `place`."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def check(self, rules: Mapping[str, Any]) -> str:
        """What it says against rules, its linter's words too; empty: nothing."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "rules.yaml")
            path.write_text(yaml.safe_dump(rules))
            return self._run("check", "rules", "--lint=all", "--lint-fatal", str(path))

    def play(self, rules: Mapping[str, Any], plays: Iterable[Play]) -> str:
        """What went otherwise under these rules; empty: nothing."""
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "rules.yaml").write_text(yaml.safe_dump(rules))
            tests = [_as_test(play, rules) for play in plays]
            path = Path(folder, "tests.yaml")
            path.write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": tests}))
            return self._run("test", "rules", str(path))

    def _run(self, *arguments: str) -> str:
        done = subprocess.run((self._place, *arguments), capture_output=True, text=True, check=False)
        return "" if done.returncode == 0 else done.stdout + done.stderr


def questions(expressions: Mapping[str, str]) -> dict[str, Any]:
    """Questions as rules, so that they can be checked: each is recorded under a number, in order.

    Grafana's variables stand in quotes but for that of a range.
    """
    rules = [
        {"record": f"question:{number}", "expr": expression.replace("$__rate_interval", "5m")}
        for number, expression in enumerate(expressions.values())
    ]
    return {"groups": [{"name": "questions", "rules": rules}]}


def _as_test(play: Play, rules: Mapping[str, Any]) -> dict[str, Any]:
    """As promtool reads it. What an alert tells beside its summary is the same for all."""
    (rule,) = [rule for group in rules["groups"] for rule in group["rules"] if rule["alert"] == play.alert]
    description = rule["annotations"]["description"]
    return {
        "name": f"{play.alert}: {play.named}",
        "interval": "1m",
        "input_series": [{"series": series, "values": values} for series, values in play.series.items()],
        "alert_rule_test": [
            {
                "eval_time": f"{minute}m",
                "alertname": play.alert,
                "exp_alerts": [
                    {
                        "exp_labels": {**rule["labels"], **each.labels},
                        "exp_annotations": {"summary": each.summary, "description": description},
                    }
                    for each in told
                ],
            }
            for minute, told in play.minutes.items()
        ],
    }
