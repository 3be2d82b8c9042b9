"""A real API server takes the manifests as they are, and Pod Security `restricted` takes their pods."""

import copy
from pathlib import Path
from typing import Any

import orjson
import pytest

from reporter.gateway_merging import CONTROLLER as WRITER
from tests.deploy.reading import DEPLOY, ROOT, documents, of_kind
from tests.support.apiserver import ApiServer
from tests.support.gateway_crds import install
from translator.gateway.names import CONTROLLER as READER
from watcher.gateway_kinds import CONTROLLER

pytestmark = pytest.mark.kubernetes

QUICKSTART = ROOT / "examples/kubernetes"
WORKLOADS = [
    (DEPLOY / "workload.yaml", "dragoman"),
    (DEPLOY / "older-versions/workload.yaml", "dragoman-webhook"),
    (QUICKSTART / "quickstart.yaml", "hello"),
]


@pytest.fixture(scope="module")
def api(own_apiserver: ApiServer) -> ApiServer:
    """An API server on which people do what docs/install.md says, one command right after the other."""
    own_apiserver.kubectl("apply", "--warnings-as-errors", "-f", str(DEPLOY))
    own_apiserver.kubectl("apply", "--warnings-as-errors", "-f", str(QUICKSTART))
    return own_apiserver


def test_the_folder_is_applied_in_one_go_to_an_empty_cluster(api: ApiServer) -> None:
    found = api.get("/apis/apps/v1/namespaces/dragoman/deployments/dragoman")
    assert found["spec"]["replicas"] == 3


def test_applying_it_again_changes_nothing(api: ApiServer) -> None:
    api.kubectl("apply", "-f", str(DEPLOY))
    assert api.kubectl("diff", "-f", str(DEPLOY)) == ""
    for kind in ("deployment", "validatingadmissionpolicy", "crd"):
        generations = api.kubectl("get", kind, "-A", "-o", "jsonpath={.items[*].metadata.generation}")
        assert set(generations.split()) == {"1"}, kind


def test_what_lies_beside_is_taken_too(api: ApiServer) -> None:
    api.kubectl("apply", "--warnings-as-errors", "-f", str(DEPLOY / "kind"))
    for folder in ("single-namespace", "older-versions"):
        api.kubectl("apply", "--warnings-as-errors", "--dry-run=server", "-f", str(DEPLOY / folder))


def test_the_class_is_taken_where_gateway_api_is(api: ApiServer, gateway_api_release: Path) -> None:
    install(api, "standard", "GatewayClass")
    api.kubectl("apply", "--warnings-as-errors", "-f", str(DEPLOY / "gateway-api"))
    api.kubectl("apply", "--warnings-as-errors", "-f", str(DEPLOY / "gateway-api/dedicated-addresses"))
    api.kubectl("apply", "--warnings-as-errors", "-f", str(DEPLOY / "gateway-api/provisioned"))
    found = api.get("/apis/gateway.networking.k8s.io/v1/gatewayclasses/dragoman")
    assert found["spec"]["controllerName"] == CONTROLLER == WRITER == READER


def pod_of(path: Path, name: str) -> dict[str, Any]:
    template = copy.deepcopy(of_kind(documents(path), "Deployment", name)["spec"]["template"])
    # The account is a matter of the controllers, which do not run here.
    return {"metadata": {"name": "tried", "labels": template["metadata"]["labels"]}, "spec": template["spec"]}


def admitted(api: ApiServer, pod: dict[str, Any]) -> str:
    """Why a pod is refused; empty when it is not."""
    status, answer = api.request("POST", "/api/v1/namespaces/dragoman/pods?dryRun=All", pod)
    return "" if status == 201 else str(orjson.loads(answer)["message"])


@pytest.mark.parametrize(("path", "name"), WORKLOADS)
def test_pod_security_takes_the_pods(api: ApiServer, path: Path, name: str) -> None:
    assert admitted(api, pod_of(path, name)) == ""


@pytest.mark.parametrize("without", ["runAsNonRoot", "seccompProfile", "allowPrivilegeEscalation", "capabilities"])
@pytest.mark.parametrize(("path", "name"), WORKLOADS)
def test_each_of_its_demands_is_needed(api: ApiServer, path: Path, name: str, without: str) -> None:
    """So the namespace does enforce it."""
    pod = pod_of(path, name)
    for context in (pod["spec"]["securityContext"], pod["spec"]["containers"][0]["securityContext"]):
        context.pop(without, None)
    assert "PodSecurity" in admitted(api, pod)


@pytest.mark.parametrize(("path", "name"), WORKLOADS[:2])
def test_a_pod_mounts_nothing_but_memory_and_its_own_labels(api: ApiServer, path: Path, name: str) -> None:
    pod = pod_of(path, name)
    labels = [] if "webhook" in name else [{"downwardAPI"}]
    assert [volume.keys() - {"name"} for volume in pod["spec"]["volumes"]] == [{"emptyDir"}, *labels]
    context = pod["spec"]["containers"][0]["securityContext"]
    assert context == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
