"""The pods that convert older versions: they fit the program, and no other pod of ours is taken for one of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from process.settings import Settings
from tests.deploy.reading import DEPLOY, documents, of_kind
from tests.deploy.test_manifests import LABEL, WORKLOADS
from webhook import server
from webhook.__main__ import LEAVE

FOUND = documents(DEPLOY / "older-versions/workload.yaml")
NAME = "dragoman-webhook"
SELECTED = {"app.kubernetes.io/name": NAME}


def template() -> dict[str, Any]:
    found: dict[str, Any] = of_kind(FOUND, "Deployment", NAME)["spec"]["template"]
    return found


def container() -> dict[str, Any]:
    (found,) = template()["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def chosen_by(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    return selector.items() <= labels.items()


def test_only_who_listens_is_asked() -> None:
    service = of_kind(FOUND, "Service", NAME)["spec"]
    assert "publishNotReadyAddresses" not in service
    assert {port["targetPort"] for port in service["ports"]} == {Settings().webhook_port}
    assert {port["containerPort"] for port in container()["ports"]} == {Settings().webhook_port}
    assert Settings().webhook_service == NAME


def test_no_pod_is_taken_for_one_of_the_others() -> None:
    deployment, labels = of_kind(FOUND, "Deployment", NAME)["spec"], template()["metadata"]["labels"]
    budget = of_kind(FOUND, "PodDisruptionBudget", NAME)["spec"]["selector"]["matchLabels"]
    constraints = [one["labelSelector"]["matchLabels"] for one in template()["spec"]["topologySpreadConstraints"]]
    service = of_kind(FOUND, "Service", NAME)["spec"]["selector"]
    for selector in (deployment["selector"]["matchLabels"], budget, service, *constraints):
        assert selector == SELECTED
        assert chosen_by(selector, labels)
    assert not chosen_by(LABEL, labels)
    for path in WORKLOADS:
        gateway = of_kind(documents(path), "Deployment")["spec"]["template"]["metadata"]["labels"]
        assert not chosen_by(SELECTED, gateway)


def test_probes_ask_what_the_server_answers() -> None:
    paths = {name: container()[f"{name}Probe"]["httpGet"] for name in ("liveness", "readiness")}
    assert {name: probe["path"] for name, probe in paths.items()} == {"liveness": "/healthz", "readiness": "/readyz"}
    assert {(probe["port"], probe["scheme"]) for probe in paths.values()} == {("webhook", "HTTPS")}
    assert all(f'"{probe["path"]}"' in Path(server.__file__).read_text() for probe in paths.values())


def test_a_pod_has_the_time_to_go_on_answering() -> None:
    assert template()["spec"]["terminationGracePeriodSeconds"] >= LEAVE + server.GOODBYE + 10
    assert of_kind(FOUND, "Deployment", NAME)["spec"]["strategy"]["rollingUpdate"] == {
        "maxUnavailable": 0,
        "maxSurge": 1,
    }
    assert template()["spec"]["enableServiceLinks"] is False


def test_the_environment_means_what_is_wanted(tmp_path: Path) -> None:
    fields = {"metadata.name": "one", "metadata.namespace": "dragoman"}
    environ = {
        each["name"]: each["value"] if "value" in each else fields[each["valueFrom"]["fieldRef"]["fieldPath"]]
        for each in container()["env"]
    }
    settings = Settings.from_environment(environ, tmp_path)
    assert settings.config_dir is None
    assert (settings.namespace, settings.pod_name) == ("dragoman", "one")
    assert container()["volumeMounts"] == [{"name": "run", "mountPath": str(settings.run_dir)}]
    assert template()["spec"]["volumes"][0]["emptyDir"]["medium"] == "Memory"
    assert template()["spec"]["serviceAccountName"] == NAME


@pytest.mark.parametrize("path", WORKLOADS)
def test_the_gateway_has_no_part_in_it(path: Path) -> None:
    """The variables of the Service would be taken for settings, so that its name is still told of there."""
    lines = [line for line in path.read_text().splitlines() if "webhook" in line.lower()]
    assert [line for line in lines if not line.strip().startswith("#")] == []
