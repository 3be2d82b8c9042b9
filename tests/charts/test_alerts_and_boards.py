"""Alerts and boards ask in Prometheus' language, and Helm installs them; tests/e2e asks a gateway the same."""

import json

import pytest
import yaml

from monitoring.boards import BOARDS
from monitoring.files import FOLDER, files
from tests.charts.rendering import by_key, objects
from tests.support.helm import Helm
from tests.support.promql import QUESTIONS, named


@pytest.mark.parametrize("name", QUESTIONS)
def test_each_is_a_question_to_prometheus(name: str) -> None:
    asked = named(QUESTIONS[name])
    assert asked
    assert {metric.partition("_")[0] for metric in asked} <= {"dragoman", "envoy"}


def test_what_is_made_is_what_is_there() -> None:
    assert {name: (FOLDER / name).read_text() for name in files()} == dict(files()), "make monitoring"
    assert {path.name for path in (FOLDER / "boards").iterdir()} == {board.file for board in BOARDS}


def test_helm_installs_them_when_they_are_wanted(helm: Helm) -> None:
    wanted = {"metrics": {"prometheusRule": {"enabled": True, "selector": {"a": "b"}}, "boards": {"enabled": True}}}
    found = by_key(objects(helm, wanted))
    rule = found["PrometheusRule/dragoman"]
    assert rule["metadata"]["labels"]["a"] == "b"
    assert rule["spec"] == yaml.safe_load(files()["alerts.yaml"])
    boards = {key: each for key, each in found.items() if key.startswith("ConfigMap/dragoman-board-")}
    assert len(boards) == len(BOARDS)
    for each in boards.values():
        assert each["metadata"]["labels"]["grafana_dashboard"] == "1"
        ((name, text),) = each["data"].items()
        assert json.loads(text) == json.loads(files()[f"boards/{name.removeprefix('dragoman-')}"])
    assert not [each for each in objects(helm, {}) if each["kind"] in ("PrometheusRule", "ConfigMap")]
