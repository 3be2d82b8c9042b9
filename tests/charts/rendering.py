"""A chart as objects, and files of values as people have them."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.support.helm import ROOT, Helm

CHART = "charts/dragoman"
CRDS = "charts/dragoman-crds"
OWN = {"app.kubernetes.io/instance", "app.kubernetes.io/managed-by", "helm.sh/chart"}
"""Labels that say which release an object is of; deploy/ knows no releases."""


def objects(
    helm: Helm, values: Mapping[str, Any], chart: str = CHART, name: str = "dragoman", namespace: str = "dragoman"
) -> list[dict[str, Any]]:
    """What a chart installs."""
    texts = helm.render(chart, values, name, namespace)
    return [each for file, text in sorted(texts.items()) if file != "NOTES.txt" for each in loaded(text)]


def loaded(text: str) -> list[dict[str, Any]]:
    """The objects of a text, by libyaml: the kinds are long."""
    return [each for each in yaml.load_all(text, yaml.CSafeLoader) if each]


def notes(
    helm: Helm, values: Mapping[str, Any], chart: str = CHART, name: str = "dragoman", namespace: str = "dragoman"
) -> str:
    return helm.render(chart, values, name, namespace)["NOTES.txt"]


def warnings(helm: Helm, values: Mapping[str, Any], chart: str = CHART) -> list[str]:
    return [line for line in notes(helm, values, chart).splitlines() if line.startswith("WARNING: ")]


def by_key(found: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Objects by kind and name; each is there once."""
    keyed = {f"{each['kind']}/{each['metadata']['name']}": each for each in found}
    assert len(keyed) == len(found)
    return keyed


def pod_of(found: list[dict[str, Any]]) -> dict[str, Any]:
    """The pods' template."""
    (template,) = [each["spec"]["template"] for each in found if each["kind"] in ("Deployment", "DaemonSet")]
    assert isinstance(template, dict)
    return template


def container_of(found: list[dict[str, Any]], name: str = "dragoman") -> dict[str, Any]:
    (container,) = [each for each in pod_of(found)["spec"]["containers"] if each["name"] == name]
    assert isinstance(container, dict)
    return container


def bare(value: Any) -> Any:
    """Without the labels that say which release it is."""
    if isinstance(value, dict):
        return {key: bare(each) for key, each in value.items() if key not in OWN}
    return [bare(each) for each in value] if isinstance(value, list) else value


def values_in(path: str) -> dict[str, Any]:
    found = yaml.safe_load(Path(ROOT, path).read_text())
    assert isinstance(found, dict)
    return found


def at(path: str, value: Any) -> dict[str, Any]:
    for name in reversed(path.split(".")):
        value = {name: value}
    assert isinstance(value, dict)
    return value


def said(values: Any, path: str) -> Any:
    for name in path.split("."):
        values = values[name]
    return values


def over(one: dict[str, Any], two: dict[str, Any]) -> dict[str, Any]:
    """Values over values, as Helm lays them."""
    both = copy.deepcopy(one)
    for key, value in two.items():
        both[key] = over(both[key], value) if isinstance(value, dict) and isinstance(both.get(key), dict) else value
    return both


def without(values: dict[str, Any], path: str) -> dict[str, Any]:
    left = copy.deepcopy(values)
    above, _, last = path.rpartition(".")
    del (said(left, above) if above else left)[last]
    return left


EVERY = values_in("tests/charts/every-value.yaml")
EMISSARYS = values_in(f"{CHART}/values-emissary.yaml")
