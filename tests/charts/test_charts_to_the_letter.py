"""Whatever the charts render, a real API server takes to the letter: all kinds, others' too, by their own schemas.

As `kubectl apply --server-side --dry-run=server` asks, and Helm: an unknown field, a wrong type, a key that is
twice in a list of keyed things are refusals.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.charts.matrix import AXES, ROWS, Row, values_of
from tests.charts.rendering import CHART, CRDS, EMISSARYS, EVERY, objects, over
from tests.deploy.reading import DEPLOY
from tests.e2e.cluster.toolchain import ToolchainError
from tests.support import gateway_crds, operator_crds
from tests.support.apiserver import ApiServer
from tests.support.cluster_gateway import install_crds
from tests.support.helm import ROOT, Helm

pytestmark = pytest.mark.kubernetes

Refusals = Callable[[list[dict[str, Any]]], list[str]]

CASES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "for one namespace": {"scope": {"singleNamespace": True}},
    "a DaemonSet": {"daemonSet": True, "knative": {"enabled": True}},
    "an autoscaler": {"autoscaling": {"enabled": True, "behavior": {"scaleDown": {"stabilizationWindowSeconds": 9}}}},
    "as Emissary's": over(EMISSARYS, {"createDefaultListeners": True, "env": {"AMBASSADOR_ID": "edge"}}),
    "a NetworkPolicy": {"networkPolicy": {"enabled": True}},
    "no probe and no budget": {"startupProbe": None, "podDisruptionBudget": None, "topologySpreadConstraints": []},
    # Whoever copies Emissary's whole file says much of it as nothing.
    "nothing in many words": {
        **dict.fromkeys(("nameOverride", "priorityClassName", "ambassadorConfig"), ""),
        **dict.fromkeys(("terminationGracePeriodSeconds", "restartPolicy", "lifecycle")),
        **{
            key: {}
            for key in ("env", "envRaw", "podDisruptionBudget", "startupProbe", "docker", "podLabels", "affinity")
        },
        "image": {"repository": "docker.io/emissaryingress/emissary", "tag": "3.9.1"},
        "service": dict.fromkeys(("nameOverride", "sessionAffinity", "sessionAffinityConfig", "externalTrafficPolicy")),
        "adminService": {"nodePort": None, "loadBalancerSourceRanges": None, "snapshotPort": 8005},
        "namespace": {"name": None},
        "deploymentStrategy": {"type": "RollingUpdate"},
        "dnsPolicy": "ClusterFirst",
        "module": {},
    },
    # What excludes something else in it is put right.
    "every value": over(
        EVERY,
        {
            "namespaceOverride": "dragoman",
            "namespace": {"name": None},
            "podDisruptionBudget": {"unhealthyPodEvictionPolicy": "AlwaysAllow"},
            "service": {"type": "LoadBalancer", "internalTrafficPolicy": "Cluster"},
            "serviceAccount": {"extra": ""},
        },
    ),
}


@pytest.fixture(scope="module")
def api(own_apiserver: ApiServer) -> ApiServer:
    """An API server that knows all kinds which the chart makes."""
    try:
        gateway_crds.install(own_apiserver)
        operator_crds.install(own_apiserver)
    except ToolchainError as error:
        pytest.skip(str(error))
    install_crds(own_apiserver)
    own_apiserver.apply(DEPLOY / "namespace.yaml")
    return own_apiserver


@pytest.fixture(scope="module")
def refusals(api: ApiServer) -> Refusals:
    """Why the API server would not take objects; empty when it would take them all."""
    plurals: dict[str, dict[str, str]] = {}

    def plural(version: str, kind: str) -> str:
        if version not in plurals:
            found = api.get(f"/apis/{version}" if "/" in version else f"/api/{version}")["resources"]
            plurals[version] = {each["kind"]: each["name"] for each in found if "/" not in each["name"]}
        return plurals[version][kind]

    def refusal(each: dict[str, Any]) -> str:
        version, kind, metadata = each["apiVersion"], each["kind"], each["metadata"]
        path = f"/apis/{version}" if "/" in version else f"/api/{version}"
        if "namespace" in metadata:
            path += f"/namespaces/{metadata['namespace']}"
        path += f"/{plural(version, kind)}/{metadata['name']}"
        asked = "dryRun=All&fieldValidation=Strict&fieldManager=test&force=true"
        status, answer = api.request("PATCH", f"{path}?{asked}", each, content_type="application/apply-patch+yaml")
        return "" if status in (200, 201) else f"{kind} {metadata['name']}: {orjson.loads(answer)['message']}"

    return lambda found: [reason for each in found if (reason := refusal(each))]


@pytest.mark.parametrize("name", CASES)
def test_what_is_rendered_is_taken_to_the_letter(refusals: Refusals, helm: Helm, name: str) -> None:
    assert refusals(objects(helm, CASES[name])) == []


@pytest.mark.parametrize("row", ROWS, ids=", ".join)
def test_so_it_is_whatever_is_said_together(refusals: Refusals, helm: Helm, row: Row) -> None:
    found = objects(helm, values_of(row))
    assert refusals(found) == []
    assert helm.lint(CHART, values_of(row)) == []


def test_each_kind_that_the_chart_makes_is_among_them(helm: Helm) -> None:
    """The kinds that a template names are those that some row or case renders."""
    made = {each["kind"] for row in ROWS for each in objects(helm, values_of(row))}
    made |= {each["kind"] for values in CASES.values() for each in objects(helm, values)}
    texts = [path.read_text() for path in Path(ROOT, CHART, "templates").glob("*.yaml")]
    named = {kind for text in texts for kind in re.findall(r'(?m)(?:^kind: |"kind" ")([A-Z]\w+)', text)}
    assert len(named) > 15
    assert named - made == set()


def test_each_value_of_an_axis_changes_what_is_rendered(helm: Helm) -> None:
    """Else a pair of values would be tried that is none."""
    for axis in AXES.values():
        texts = [repr(objects(helm, dict(values))) for values in axis.values()]
        assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("values", [{}, {"enableLegacyVersions": True}, {"keep": False, "validation": False}])
def test_so_it_is_with_the_chart_of_the_kinds(refusals: Refusals, helm: Helm, values: dict[str, Any]) -> None:
    assert refusals(objects(helm, values, CRDS, "dragoman-crds")) == []


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a budget": ({"podDisruptionBudget": {"unknown": 1}}, ".spec.unknown: field not declared in schema"),
    "an autoscaler": (
        {"autoscaling": {"enabled": True, "behavior": {"scaleDown": {"window": 1}}}},
        ".spec.behavior.scaleDown.window: field not declared in schema",
    ),
    "a monitor": (
        {"metrics": {"podMonitor": {"enabled": True, "relabelings": [{"action": "drip"}]}}},
        "spec.podMetricsEndpoints[0].relabelings[0].action: Unsupported value",
    ),
    "a NetworkPolicy": (
        {"networkPolicy": {"enabled": True, "egress": [{"ports": [{"port": 0}]}]}},
        "spec.egress[0].ports[0].port: Invalid value",
    ),
    "a spread": (
        {"topologySpreadConstraints": [{"maxSkew": 0, "topologyKey": "rack", "whenUnsatisfiable": "ScheduleAnyway"}]},
        "spec.template.spec.topologySpreadConstraints[0].maxSkew: Invalid value",
    ),
    "a Service": (
        {"service": {"ports": [{"name": name, "port": 80} for name in ("http", "plain")]}},
        "duplicate entries for key",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_would_be_found(refusals: Refusals, helm: Helm, name: str) -> None:
    values, wanted = WRONG[name]
    (reason,) = refusals(objects(helm, values))
    assert wanted in reason
