"""Helm installs, upgrades, rolls back and removes the gateway in a real cluster, while people ask it.

It stands beside the gateway of deploy/, with an id and a namespace of its own, on the kinds that are there.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from tests.charts.rendering import CHART, EMISSARYS, container_of, notes, objects, over, warnings
from tests.e2e.cluster.binaries import ensure
from tests.e2e.cluster.gateway import IMAGE_NAME, Installed
from tests.e2e.cluster.inside import FromInside
from tests.support.envoy import wait_until
from tests.support.helm import ROOT, Helm
from tests.support.inventory import Item, inventory
from tests.support.load import Load

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.image,
    pytest.mark.timeout(900),
]

Act = Callable[..., Any]

SETTLE = 120.0
NAMESPACE = "charted"
NAME = "edge"
FULL = "edge-dragoman"
EMISSARYS_FULL = "edge-emissary-ingress"
PREVIOUS = "docker.io/library/dragoman:previous"
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{{}}"
MAPPINGS = "/apis/getambassador.io/v3alpha1/namespaces/{}/mappings"
PEOPLES = f"""
apiVersion: v1
kind: Namespace
metadata: {{name: {NAMESPACE}, labels: {{pod-security.kubernetes.io/enforce: restricted}}}}
---
apiVersion: v1
kind: Namespace
metadata: {{name: people}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: shop, namespace: people}}
spec:
  selector: {{matchLabels: {{app: shop}}}}
  template:
    metadata: {{labels: {{app: shop}}}}
    spec:
      containers:
        - {{name: shop, image: "localhost/standin:test", imagePullPolicy: Never, args: [serve, shop]}}
---
apiVersion: v1
kind: Service
metadata: {{name: shop, namespace: people}}
spec: {{selector: {{app: shop}}, ports: [{{port: 80, targetPort: 8080}}]}}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {{name: shop, namespace: people}}
spec: {{ambassador_id: [charted], hostname: "*", prefix: /shop/, service: shop, timeout_ms: 60000}}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {{name: shop, namespace: {NAMESPACE}}}
spec: {{ambassador_id: [charted], hostname: "*", prefix: /own/, service: shop.people}}
"""
VALUES: dict[str, Any] = {"replicaCount": 2, "createDefaultListeners": True, "env": {"AMBASSADOR_ID": "charted"}}
OTHERWISE: dict[str, Any] = {
    "replicaCount": 3,
    "image": {"fullImageOverride": PREVIOUS},
    "env": {"ENVOY_CONCURRENCY": 1},
    "podAnnotations": {"team": "edges"},
    "networkPolicy": {"enabled": True},
    "startupProbe": {"failureThreshold": 90},
}
EMISSARYS_FILE = """
# Much of what a file of values for Emissary's chart has, dead keys too.
deploymentTool: ""
daemonSet: false
hostNetwork: false
replicaCount: 1
image: {repository: docker.io/emissaryingress/emissary, tag: 3.9.1, pullPolicy: IfNotPresent}
env: {AMBASSADOR_ID: charted, AES_LOG_LEVEL: info}
terminationGracePeriodSeconds: "0"
imagePullSecrets: []
nameOverride: ""
fullnameOverride: ""
dnsPolicy: ClusterFirst
scope: {singleNamespace: false}
service:
  type: LoadBalancer
  ports:
    - {name: http, port: 80, targetPort: 8080}
    - {name: https, port: 443, targetPort: 8443}
adminService: {create: true, type: ClusterIP, port: 8877, snapshotPort: 8005}
rbac: {create: true, podSecurityPolicies: {}, nameOverride:}
serviceAccount: {create: true, name:}
security: {podSecurityContext: {runAsUser: 8888}, containerSecurityContext: {allowPrivilegeEscalation: false}}
livenessProbe: {initialDelaySeconds: 3, periodSeconds: 3, failureThreshold: 6}
readinessProbe: {initialDelaySeconds: 3, periodSeconds: 3, failureThreshold: 3}
resources: {limits: {cpu: 1000m, memory: 600Mi}, requests: {cpu: 200m, memory: 300Mi}}
createDefaultListeners: true
agent: {enabled: true, image: {repository: docker.io/ambassador/ambassador-agent}, cloudConnectToken: secret}
waitForApiext: {enabled: true}
canary: {enabled: false}
prometheusExporter: {enabled: false}
ingressClassResource: {enabled: false}
"""


@pytest.fixture(scope="module")
def before(installed: Installed) -> Iterator[set[Item]]:
    """All that there is when people have written their objects, and nobody serves them yet.

    There are two images, one of which came before; nobody tells them apart but by their names.
    """
    cluster = installed.cluster
    for node in cluster.node_names:
        cluster.ctr(node, "images", "tag", "--force", IMAGE_NAME, PREVIOUS)
    cluster.apply(PEOPLES)
    cluster.wait_rollout("people", "shop")
    account = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/default"
    wait_until(lambda: cluster.request("GET", account)[0] == 200, SETTLE, what="the namespace's own objects")
    yield inventory(cluster, NAMESPACE)
    cluster.kubectl("delete", "namespaces", NAMESPACE, "people")


@pytest.fixture
def release(cluster: FromInside, helm: Helm, before: set[Item]) -> Iterator[Act]:
    """`helm` with an action; what a test installs is gone after it, all of it."""

    def act(action: str, *arguments: Any) -> Any:
        return helm.release(cluster.kubeconfig, NAMESPACE, action, *arguments)

    yield act
    act("uninstall", NAME)
    _wait_nothing_left(cluster, before)


def _wait_nothing_left(cluster: FromInside, before: set[Item]) -> None:
    """Until there is what there was: pods have drained, and the controllers have tidied up."""
    wait_until(
        lambda: inventory(cluster, NAMESPACE) == before,
        SETTLE,
        what=lambda: f"no more and no less than before, not {inventory(cluster, NAMESPACE) ^ before}",
    )


def _settle(cluster: FromInside, deployment: str, replicas: int) -> Installed:
    """Until the newest pods serve people's Mappings, and the others have ended, their draining included."""
    cluster.wait_rollout(NAMESPACE, deployment)
    pods = f"/api/v1/namespaces/{NAMESPACE}/pods"
    wait_until(lambda: len(cluster.get(pods)["items"]) == replicas, SETTLE, what="no older pods")
    gateway = Installed(cluster, cluster.wait_address(NAMESPACE, deployment))
    for path in ("/shop/", "/own/"):
        wait_until(lambda path=path: gateway.status(path) == 200, SETTLE, what=f"{path} served")
    return gateway


def _check(load: Load) -> None:
    print(f"{load.requests} requests, {load.reconnects} sent again, the slowest took {load.slowest:.2f} s")
    assert load.failures == []
    assert load.requests > 200


def _by_notes(cluster: FromInside, text: str, folder: Path) -> str:
    """What the commands print that the notes say: people's kubectl, and a curl that is in the cluster's network."""
    curl = folder / "curl"
    curl.write_text(f'#!/bin/sh\nexec nsenter -t {cluster.pid} -n -- {shutil.which("curl")} --silent "$@"\n')
    curl.chmod(0o755)
    commands = [line[2:] for line in text.splitlines() if line.startswith("  ") and "8877" not in line]
    kubectl = ensure(["kubectl"])["kubectl"].parent
    environ = {**os.environ, "PATH": f"{folder}:{kubectl}:{os.environ['PATH']}", "KUBECONFIG": str(cluster.kubeconfig)}
    script = "\n".join(commands)
    done = subprocess.run(["sh", "-ec", script], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _next_version(folder: Path) -> str:
    """The chart as it may be in its next version."""
    made = folder / "chart"
    shutil.copytree(ROOT / CHART, made)
    chart = made / "Chart.yaml"
    chart.write_text(chart.read_text().replace("version: 0.1.0", "version: 0.2.0"))
    return str(made)


def test_a_release_changes_and_goes_back_while_it_is_asked_and_leaves_nothing(
    cluster: FromInside, helm: Helm, release: Act, before: set[Item], tmp_path: Path
) -> None:
    peoples = _mappings(cluster)
    release("install", CHART, NAME, VALUES)
    gateway = _settle(cluster, FULL, 2)
    printed = _by_notes(cluster, notes(helm, VALUES, name=NAME, namespace=NAMESPACE), tmp_path)
    assert "successfully rolled out" in printed
    assert "HTTP/1.1 404" in printed
    assert "server: envoy" in printed
    with gateway.load(path="/shop/") as load:
        release("upgrade", _next_version(tmp_path), NAME, over(VALUES, OTHERWISE))
        _settle(cluster, FULL, 3)
        deployment = cluster.get(DEPLOYMENTS.format(FULL))
        assert deployment["metadata"]["labels"]["helm.sh/chart"] == "dragoman-0.2.0"
        assert container_of([deployment])["image"] == PREVIOUS
        release("rollback", NAME)
        _settle(cluster, FULL, 2)
    _check(load)
    deployment = cluster.get(DEPLOYMENTS.format(FULL))
    assert deployment["metadata"]["labels"]["helm.sh/chart"] == "dragoman-0.1.0"
    assert container_of([deployment])["image"] == "dragoman"
    release("uninstall", NAME)
    _wait_nothing_left(cluster, before)
    assert _mappings(cluster) == peoples
    cluster.apply(PEOPLES.replace("/own/", "/late/"))  # nothing that is left refuses what people write
    cluster.apply(PEOPLES)
    release("install", CHART, NAME, over(VALUES, {"replicaCount": 1}))
    _settle(cluster, FULL, 1)


def _mappings(cluster: FromInside) -> list[tuple[str, Any]]:
    """People's Mappings: which objects they are, and what they say."""
    found = [cluster.get(f"{MAPPINGS.format(namespace)}/shop") for namespace in ("people", NAMESPACE)]
    return [(each["metadata"]["uid"], each["spec"]) for each in found]


def test_a_release_of_emissarys_chart_becomes_one_of_ours_while_it_is_asked(
    cluster: FromInside, helm: Helm, release: Act, tmp_path: Path
) -> None:
    """By its file of values. Deployment and Services stay the objects that they are, and so does the address."""
    values = over(EMISSARYS, yaml.safe_load(EMISSARYS_FILE))
    release("install", _emissarys_chart(helm, values, tmp_path), NAME, {})
    gateway = _settle(cluster, EMISSARYS_FULL, 1)
    had = _uids(cluster)
    told = [line.split()[4].rstrip(":") for line in warnings(helm, values) if "nothing comes of" in line]
    assert sorted(told) == ["adminService.snapshotPort", "agent", "waitForApiext"]
    with gateway.load(path="/shop/") as load:
        release("upgrade", CHART, NAME, values)
        _settle(cluster, EMISSARYS_FULL, 1)
    _check(load)
    assert _uids(cluster) == had
    assert cluster.wait_address(NAMESPACE, EMISSARYS_FULL) == gateway.address
    deployment = cluster.get(DEPLOYMENTS.format(EMISSARYS_FULL))
    assert container_of([deployment], "emissary-ingress")["image"] == "dragoman"


def _uids(cluster: FromInside) -> list[str]:
    services = f"/api/v1/namespaces/{NAMESPACE}/services/{EMISSARYS_FULL}"
    paths = (DEPLOYMENTS.format(EMISSARYS_FULL), services, f"{services}-admin")
    return [cluster.get(path)["metadata"]["uid"] for path in paths]


def _emissarys_chart(helm: Helm, values: dict[str, Any], folder: Path) -> str:
    """A chart with the objects that Emissary's has, under its names; what runs is an image of ours."""
    made = folder / "emissary-ingress"
    (made / "templates").mkdir(parents=True)
    (made / "Chart.yaml").write_text("{apiVersion: v2, name: emissary-ingress, version: 8.12.2}")
    found = objects(helm, values, name=NAME, namespace=NAMESPACE)
    (container,) = [container_of(found, "emissary-ingress")]
    container["image"] = PREVIOUS
    for number, each in enumerate(found):
        text = orjson.dumps(each).decode().replace(f"{EMISSARYS_FULL}-dragoman", EMISSARYS_FULL)
        (made / f"templates/{number}.yaml").write_text(text)
    return str(made)
