"""The manifests fit the program: its ports, its paths, its times; and they fit each other."""

from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from crds.files import single_namespace
from diagnostics import server
from process.settings import Settings
from tests.deploy.reading import DEPLOY, ROOT, documents, of_kind
from translator.offline import translate
from translator.options import Options

WORKLOADS = (DEPLOY / "workload.yaml", DEPLOY / "single-namespace/workload.yaml")
PATHS = {"/ambassador/v0/check_alive", "/ambassador/v0/check_ready"}
LABEL = {"app.kubernetes.io/name": "dragoman"}


@pytest.fixture(params=WORKLOADS, ids=lambda path: str(path.relative_to(DEPLOY)))
def found(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    return documents(request.param)


def pod_of(found: list[dict[str, Any]]) -> dict[str, Any]:
    spec: dict[str, Any] = of_kind(found, "Deployment")["spec"]["template"]["spec"]
    return spec


def container_of(found: list[dict[str, Any]]) -> dict[str, Any]:
    (container,) = pod_of(found)["containers"]
    assert isinstance(container, dict)
    return container


def environment_of(found: list[dict[str, Any]]) -> dict[str, str]:
    """The environment as a pod `one` in the namespace `dragoman` has it."""
    fields = {"metadata.name": "one", "metadata.namespace": "dragoman"}
    return {
        each["name"]: each["value"] if "value" in each else fields[each["valueFrom"]["fieldRef"]["fieldPath"]]
        for each in container_of(found)["env"]
    }


def test_the_environment_means_what_is_wanted(found: list[dict[str, Any]], tmp_path: Path) -> None:
    settings = Settings.from_environment(environment_of(found), tmp_path)
    assert settings.config_dir is None  # Kubernetes, not a folder
    assert (settings.namespace, settings.pod_name) == ("dragoman", "one")
    alone = environment_of(found)["AMBASSADOR_SINGLE_NAMESPACE"]
    assert settings.namespaces == (("dragoman",) if alone else ())
    info = {"name": "pod-info", "mountPath": str(settings.pod_labels.parent), "readOnly": True}
    assert container_of(found)["volumeMounts"] == [{"name": "run", "mountPath": str(settings.run_dir)}, info]
    run, labels = pod_of(found)["volumes"]
    assert run["emptyDir"]["medium"] == "Memory"
    (item,) = labels["downwardAPI"]["items"]
    assert item == {"path": settings.pod_labels.name, "fieldRef": {"fieldPath": "metadata.labels"}}


def test_the_service_where_clients_come_in_is_known_as_ours(found: list[dict[str, Any]]) -> None:
    labels = of_kind(found, "Deployment")["spec"]["template"]["metadata"]["labels"] | {"pod-template-hash": "1"}
    services = {
        f"core/Service/dragoman/{each['metadata']['name']}": each for each in found if each["kind"] == "Service"
    }
    assert len(services) == 2
    ingress = {"metadata": {"annotations": {"kubernetes.io/ingress.class": "ambassador"}}, "spec": {}}
    key = "networking.k8s.io/Ingress/dragoman/one"
    objects = {name: orjson.dumps(body) for name, body in {**services, key: ingress}.items()}
    options = Options(namespace="dragoman", pod_labels=labels, in_cluster=True)
    assert translate(objects, options).statuses[key].address == b"[]"
    others = Options(namespace="dragoman", pod_labels={"app": "other"}, in_cluster=True)
    assert translate(objects, others).statuses[key].address == b"null"


def test_services_variables_do_not_become_our_settings(found: list[dict[str, Any]]) -> None:
    assert pod_of(found)["enableServiceLinks"] is False


def test_a_pod_has_the_time_that_draining_may_take(found: list[dict[str, Any]]) -> None:
    settings = Settings.from_environment(environment_of(found))
    assert pod_of(found)["terminationGracePeriodSeconds"] >= settings.drain_max + 15
    assert "lifecycle" not in container_of(found)


def test_each_service_leads_to_a_port_of_the_container(found: list[dict[str, Any]]) -> None:
    ports = {port["containerPort"] for port in container_of(found)["ports"]}
    settings = Settings()
    assert settings.diagnostics_port in ports
    services = [each for each in (*found, *documents(DEPLOY / "kind/ports.yaml")) if each["kind"] == "Service"]
    assert {each["metadata"]["name"] for each in services} == {"dragoman", "dragoman-admin", "dragoman-ports"}
    for service in services:
        assert service["spec"]["selector"] == LABEL
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports


def test_probes_ask_what_diagnostics_answers(found: list[dict[str, Any]]) -> None:
    container = container_of(found)
    probes = {name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    assert {probe["path"] for probe in probes.values()} == PATHS
    assert probes["readiness"]["path"].endswith("check_ready")
    assert probes["startup"] == probes["liveness"]  # without an API server it may never be ready, and must live
    assert {probe["port"] for probe in probes.values()} == {"admin"}
    assert all(f'"{path}": self._' in Path(server.__file__).read_text() for path in PATHS)


def test_selectors_select_the_pods(found: list[dict[str, Any]]) -> None:
    deployment = of_kind(found, "Deployment")["spec"]
    assert LABEL.items() <= deployment["template"]["metadata"]["labels"].items()
    assert deployment["selector"]["matchLabels"] == LABEL
    assert of_kind(found, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == LABEL
    for constraint in deployment["template"]["spec"]["topologySpreadConstraints"]:
        assert constraint["labelSelector"]["matchLabels"] == LABEL


def test_the_memory_of_the_volume_fits_into_the_pods(found: list[dict[str, Any]]) -> None:
    def mebibytes(text: str) -> int:
        return int(text[:-2]) * {"Mi": 1, "Gi": 1024}[text[-2:]]

    volume = mebibytes(pod_of(found)["volumes"][0]["emptyDir"]["sizeLimit"])
    resources = container_of(found)["resources"]
    assert volume <= mebibytes(resources["limits"]["memory"]) / 4
    assert mebibytes(resources["requests"]["memory"]) <= mebibytes(resources["limits"]["memory"])


def test_the_single_namespace_form_differs_in_one_line() -> None:
    usual, single = (path.read_text() for path in WORKLOADS)
    assert single_namespace(usual) == single
    assert len(set(single.splitlines()[1:]) ^ set(usual.splitlines())) == 1


def test_the_ports_of_kind_are_those_of_its_service() -> None:
    (node,) = yaml.safe_load((ROOT / "kind-config.yaml").read_text())["nodes"]
    (service,) = documents(DEPLOY / "kind/ports.yaml")
    assert [port["containerPort"] for port in node["extraPortMappings"]] == [
        port["nodePort"] for port in service["spec"]["ports"]
    ]
    assert [port["hostPort"] for port in node["extraPortMappings"]] == [
        port["port"] for port in service["spec"]["ports"]
    ]


def test_everything_of_ours_is_labelled() -> None:
    for path in DEPLOY.rglob("*.yaml"):
        for each in documents(path):
            assert each["metadata"]["labels"]["app.kubernetes.io/part-of"] == "dragoman" or each["kind"] == "Namespace"


def test_image_names_are_what_make_image_builds() -> None:
    makefile = (ROOT / "Makefile").read_text()
    deployments = [
        *WORKLOADS,
        DEPLOY / "older-versions/workload.yaml",
        *sorted((ROOT / "examples/kubernetes").glob("*.yaml")),
    ]
    for path in deployments:
        for each in documents(path):
            if each["kind"] == "Deployment":
                assert f"IMAGE ?= {each['spec']['template']['spec']['containers'][0]['image']}\n" in makefile


def test_the_upstream_of_the_first_route_answers_until_every_gateway_knows_that_it_leaves() -> None:
    found = documents(ROOT / "examples/kubernetes/quickstart.yaml")
    (container,) = of_kind(found, "Deployment", "hello")["spec"]["template"]["spec"]["containers"]
    assert container["lifecycle"]["preStop"]["sleep"]["seconds"] >= 5
