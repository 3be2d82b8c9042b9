"""The files of `charts/` that are made: rules, kinds and pods of `deploy/`, so that a chart is never behind it.

Helm reads nothing outside a chart's folder, and some tools that carry charts leave symbolic links out: what the charts
share with `deploy/` is written into them.
"""

import itertools
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

import yaml

from crds.chart_values import CRD_VALUES, VALUES, Value
from crds.files import FOLDER as DEPLOY
from crds.text import text_of

ROOT: Final = DEPLOY.parent
PAGE: Final = "docs/helm.md"
_MADE: Final = "MADE by `make crds`"
_RULES: Final = {
    "cluster": ("rbac.yaml", "ClusterRole"),
    "own": ("rbac.yaml", "Role"),
    "single": ("single-namespace/rbac.yaml", "Role"),
    "gatewayAPI": ("gateway-api/rbac.yaml", "ClusterRole"),
    "dedicatedAddresses": ("gateway-api/dedicated-addresses/rbac.yaml", "Role"),
    "gatewayNames": ("gateway-api/dedicated-addresses/rbac.yaml", "ClusterRole"),
    "provisioned": ("gateway-api/provisioned/rbac.yaml", "Role"),
    "knative": ("knative/rbac.yaml", "ClusterRole"),
}


def chart_files() -> Mapping[str, str]:
    """What is written, by its path in the tree; what `deploy/` has is taken as it is there."""
    return {
        "charts/dragoman/files/rules.yaml": text_of(f"{_MADE} from deploy/: what may be done.", [_rules()]),
        "charts/dragoman/files/keys.yaml": text_of(f"{_MADE} from crds/chart_values.py.", [_keys(VALUES)]),
        "charts/dragoman/values.schema.json": _schema("dragoman", VALUES),
        "charts/dragoman-crds/files/crds.yaml": _copy("crds.yaml"),
        "charts/dragoman-crds/files/older-versions.yaml": _copy("older-versions/crds.yaml"),
        "charts/dragoman-crds/files/validation.yaml": _copy("validation.yaml"),
        "charts/dragoman-crds/files/webhook.yaml": text_of(
            f"{_MADE} from deploy/older-versions/: the pods that convert.",
            [*_read("older-versions/rbac.yaml"), *_read("older-versions/workload.yaml")],
        ),
        "charts/dragoman-crds/files/keys.yaml": text_of(f"{_MADE} from crds/chart_values.py.", [_keys(CRD_VALUES)]),
        "charts/dragoman-crds/values.schema.json": _schema("dragoman-crds", CRD_VALUES),
        PAGE: page((ROOT / PAGE).read_text()),
    }


def page(text: str) -> str:
    """The page with its tables anew; what is around them is written by hand."""
    for chart, values in (("dragoman", VALUES), ("dragoman-crds", CRD_VALUES)):
        begin, end = f"<!-- {chart}: {_MADE} -->\n", f"<!-- {chart}: until here -->\n"
        before, _, rest = text.partition(begin)
        _, found, after = rest.partition(end)
        if not found:
            raise ValueError(f"{PAGE} does not say where the values of {chart} are")
        text = before + begin + "".join(f"{line}\n" for line in _tables(chart, values)) + end + after
    return text


def _copy(name: str) -> str:
    lines = (DEPLOY / name).read_text().splitlines(keepends=True)
    return "".join([f"# {_MADE}: deploy/{name}.\n", *itertools.dropwhile(lambda line: line.startswith("#"), lines)])


def _read(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DEPLOY / name).read_text()))


def _rules() -> dict[str, Any]:
    return {
        key: next(each["rules"] for each in _read(name) if each["kind"] == kind) for key, (name, kind) in _RULES.items()
    }


def _keys(values: Iterable[Value]) -> dict[str, Any]:
    """The keys as they nest: an empty map where one is taken, a sentence where nothing comes of it."""
    found: dict[str, Any] = {}
    for value in values:
        *above, last = value.path.split(".")
        here = found
        for name in above:
            here = here.setdefault(name, {})
        here[last] = value.text if value.gone else {}
    return found


def _schema(chart: str, values: Iterable[Value]) -> str:
    """Strict where something comes of a value, and only there. `null` is what takes a default away."""
    schema: dict[str, Any] = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$comment": f"{_MADE} from crds/chart_values.py.",
        "title": f"Values of the chart {chart}",
        "type": "object",
        "properties": {},
    }
    for value in values:
        *above, last = value.path.split(".")
        here = schema
        for name in above:
            here = here["properties"].setdefault(name, {"type": ["object", "null"], "properties": {}})
        here["properties"][last] = _property(value)
    return json.dumps(schema, indent=2) + "\n"


def _property(value: Value) -> dict[str, Any]:
    if value.gone:
        return {"description": f"Nothing comes of it: {value.text}.", "deprecated": True}
    about = {"description": value.text} if value.text else {}
    if value.only:
        return {**about, "enum": [*value.only, None]}
    return {**about, "type": [*value.types, "null"], **dict(value.more)}


def _tables(chart: str, values: Iterable[Value]) -> Iterable[str]:
    values = tuple(values)
    usual = yaml.safe_load((ROOT / "charts" / chart / "values.yaml").read_text())
    yield from ("", "| key | default | what it says |", "|---|---|---|")
    for value in values:
        if not value.gone:
            yield f"| `{value.path}` | {_shown(_at(usual, value.path))} | {value.text} |"
    yield from ("", "Nothing comes of these, and it is said when one asks for something:", "")
    yield from ("| key | instead |", "|---|---|")
    for value in values:
        if value.gone:
            yield f"| `{value.path}` | {value.text} |"
    yield ""


def _at(values: Any, path: str) -> Any:
    for name in path.split("."):
        values = values.get(name) if isinstance(values, dict) else None
    return values


def _shown(value: Any) -> str:
    """A default, if it is short enough for a table."""
    text = json.dumps(value)
    if value in ("", None):
        return ""
    return f"`{text}`" if len(text) <= 60 else "in values.yaml"
