"""Helm installs, upgrades, rolls back and removes the charts on a real API server, which takes them to the letter."""

import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.charts.rendering import (
    CHART,
    CRDS,
    EMISSARYS,
    container_of,
    notes,
    objects,
    pod_of,
    values_in,
)
from tests.deploy.reading import DEPLOY
from tests.e2e.cluster.binaries import ensure
from tests.support.apiserver import ApiServer
from tests.support.envoy import wait_until
from tests.support.helm import Helm, HelmError
from tests.support.inventory import inventory

pytestmark = pytest.mark.kubernetes

OURS = "/apis/getambassador.io/v3alpha1"
DEPLOYMENTS = "/apis/apps/v1/namespaces/{}/deployments/{}"


@pytest.fixture(scope="module")
def api(own_apiserver: ApiServer, helm: Helm) -> ApiServer:
    """An API server on which Helm has installed the kinds."""
    own_apiserver.apply(DEPLOY / "namespace.yaml")
    helm.release(own_apiserver.kubeconfig, "dragoman", "install", CRDS, "dragoman-crds", {})
    for plural in ("listeners", "modules", "kubernetesendpointresolvers", "consulresolvers"):
        path = f"{OURS}/{plural}"
        wait_until(lambda path=path: own_apiserver.request("GET", path)[0] == 200, what=f"{plural} served")
    return own_apiserver


@pytest.mark.parametrize("values", [{}, EMISSARYS], ids=["ours", "as Emissary's"])
def test_the_namespace_that_is_restricted_takes_the_pods(api: ApiServer, helm: Helm, values: dict[str, Any]) -> None:
    pod = pod_of(objects(helm, values))
    pod["spec"].pop("serviceAccountName")  # a matter of the controllers, which do not run here
    body = {"metadata": {"name": "tried", "labels": pod["metadata"]["labels"]}, "spec": pod["spec"]}
    status, answer = api.request("POST", "/api/v1/namespaces/dragoman/pods?dryRun=All", body)
    assert status == 201, answer


def test_a_release_from_its_beginning_to_its_end(api: ApiServer, helm: Helm) -> None:
    def act(action: str, *arguments: Any) -> Any:
        return helm.release(api.kubeconfig, "dragoman", action, *arguments)

    def deployment() -> dict[str, Any]:
        found: dict[str, Any] = api.get(DEPLOYMENTS.format("dragoman", "dragoman"))
        return found

    before = inventory(api, "dragoman")
    act("install", CHART, "dragoman", {})
    first = deployment()
    assert first["spec"]["replicas"] == 3
    values = {
        "replicaCount": 5,
        "image": {"tag": "2"},
        "networkPolicy": {"enabled": True},
        "createDefaultListeners": True,
    }
    act("upgrade", CHART, "dragoman", values)
    second = deployment()
    assert second["metadata"]["uid"] == first["metadata"]["uid"]
    assert (second["spec"]["replicas"], container_of([second])["image"]) == (5, "dragoman:2")
    listeners = f"{OURS}/namespaces/dragoman/listeners"
    assert len(api.get(listeners)["items"]) == 2
    with pytest.raises(HelmError, match="replicaCount"):
        act("upgrade", CHART, "dragoman", {"replicaCount": "many"})
    assert deployment()["metadata"]["generation"] == second["metadata"]["generation"]
    act("rollback", "dragoman")
    third = deployment()
    assert third["spec"] == first["spec"]
    assert api.get(listeners)["items"] == []
    act("uninstall", "dragoman")
    assert inventory(api, "dragoman") == before


def test_a_release_of_emissarys_chart_is_upgraded_in_place(api: ApiServer, helm: Helm, tmp_path: Path) -> None:
    """Its Deployment and its Service stay the objects that they are, and so does the address of a load balancer."""
    api.apply("{apiVersion: v1, kind: Namespace, metadata: {name: emissary}}")
    before = objects(helm, EMISSARYS, name="edge", namespace="emissary")
    theirs = [each for each in before if each["kind"] in ("Deployment", "Service")]
    for each in theirs:
        each["metadata"]["labels"]["product"] = "aes"
        if each["kind"] == "Deployment":
            container_of([each], "emissary-ingress").update(image="emissary", env=[])
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("{apiVersion: v2, name: emissary-ingress, version: 8.12.2}")
    for number, each in enumerate(theirs):
        (tmp_path / f"templates/{number}.yaml").write_bytes(orjson.dumps(each))
    helm.release(api.kubeconfig, "emissary", "install", str(tmp_path), "edge", {})

    def uids() -> list[str]:
        paths = [DEPLOYMENTS.format("emissary", "edge-emissary-ingress")]
        paths += [f"/api/v1/namespaces/emissary/services/edge-emissary-ingress{end}" for end in ("", "-admin")]
        return [api.get(path)["metadata"]["uid"] for path in paths]

    had = uids()
    helm.release(api.kubeconfig, "emissary", "upgrade", CHART, "edge", EMISSARYS)
    assert uids() == had
    found = api.get(DEPLOYMENTS.format("emissary", "edge-emissary-ingress"))
    assert container_of([found], "emissary-ingress")["image"] == "dragoman"
    helm.release(api.kubeconfig, "emissary", "uninstall", "edge")


MAPPING = {"apiVersion": "getambassador.io/v3alpha1", "kind": "Mapping", "metadata": {"name": "peoples"}}
STATUS = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}}
SERVICES = "/api/v1/namespaces/dragoman/services"


@pytest.mark.parametrize(
    ("service", "asked"),
    [
        ({}, "http://192.0.2.7:80/"),
        ({"ports": [{"name": "https", "port": 444, "targetPort": 8443}]}, "https://192.0.2.7:444/"),
        ({"type": "NodePort", "ports": [{"name": "http", "port": 80, "nodePort": 30123}]}, "http://192.0.2.9:30123/"),
        ({"type": "ClusterIP"}, "http://127.0.0.1:8080/"),
    ],
)
def test_the_notes_say_commands_that_find_the_gateway(
    api: ApiServer, helm: Helm, tmp_path: Path, service: dict[str, Any], asked: str
) -> None:
    """kubectl is the real one; curl only says what it was told to ask."""
    values = {"service": service}
    (made,) = [
        each for each in objects(helm, values) if each["kind"] == "Service" and each["metadata"]["name"] == "dragoman"
    ]
    api.ask("POST", SERVICES, made)
    merge = "application/merge-patch+json"
    if made["spec"]["type"] == "LoadBalancer":
        api.ask("PATCH", f"{SERVICES}/dragoman/status", STATUS, content_type=merge)
    status, _ = api.request("POST", "/api/v1/nodes", {"metadata": {"name": "node"}})
    assert status in (201, 409)
    addresses = {"status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.9"}]}}
    api.ask("PATCH", "/api/v1/nodes/node/status", addresses, content_type=merge)
    curl = tmp_path / "curl"
    curl.write_text('#!/bin/sh\necho "$@"\n')
    curl.chmod(curl.stat().st_mode | stat.S_IXUSR)
    commands = [line[2:] for line in notes(helm, values).splitlines() if line.startswith("  ") and "8877" not in line]
    script = [line for line in commands if line.startswith(("GATEWAY=", "PORT=", "curl "))]
    path = f"{tmp_path}:{ensure(['kubectl'])['kubectl'].parent}:{os.environ['PATH']}"
    environ = {**os.environ, "PATH": path, "KUBECONFIG": str(api.kubeconfig)}
    done = subprocess.run(["sh", "-ec", "\n".join(script)], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout == f"-ik {asked}\n"
    api.ask("DELETE", f"{SERVICES}/dragoman")


def test_the_kinds_stay_when_their_release_goes_with_peoples_objects_and_what_converts_them(
    api: ApiServer, helm: Helm, tmp_path: Path
) -> None:
    """It comes last. A packed chart is the same chart, and finds again what is left of its release."""

    def act(action: str, *arguments: Any) -> Any:
        return helm.release(api.kubeconfig, "dragoman", action, *arguments)

    def versions() -> list[str]:
        return [version["name"] for version in api.get(crd)["spec"]["versions"]]

    archive = str(helm.package(CRDS, tmp_path))
    with_older = {"enableLegacyVersions": True}
    crd = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/mappings.getambassador.io"
    peoples = f"{OURS}/namespaces/default/mappings/peoples"
    webhook = DEPLOYMENTS.format("dragoman", "dragoman-webhook")
    policies = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
    spec = {"hostname": "*", "prefix": "/", "service": "shop"}
    made = api.ask("POST", peoples.rpartition("/")[0], {**MAPPING, "spec": spec})
    act("upgrade", archive, "dragoman-crds", with_older)
    assert api.get(webhook)["spec"]["replicas"] == 2
    assert len(versions()) == 3
    act("rollback", "dragoman-crds")
    assert versions() == ["v3alpha1"]
    act("upgrade", archive, "dragoman-crds", with_older)
    act("uninstall", "dragoman-crds")
    assert len(versions()) == 3
    assert api.get(peoples)["metadata"]["uid"] == made["metadata"]["uid"]
    assert api.get(webhook)["spec"]["replicas"] == 2
    assert api.get(policies)["items"] == []
    act("install", archive, "dragoman-crds", {})
    assert versions() == ["v3alpha1"]
    assert api.get(peoples)["spec"] == spec
    assert values_in(f"{CRDS}/values.yaml")["keep"] is True
