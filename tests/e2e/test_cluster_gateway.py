"""The real image with the real manifests on real nodes: three replicas serve, and no request learns of their changes.

The namespace enforces Pod Security `restricted`, and the pods have the shipped RBAC and no more.
"""

import json
import time
from collections.abc import Iterator, Mapping

import pytest

from tests.e2e.cluster.gateway import DEPLOYMENT, IMAGE_NAME, MANIFESTS, NAMESPACE, Installed
from tests.support.envoy import wait_until
from tests.support.load import Load

pytestmark = [pytest.mark.cluster, pytest.mark.image, pytest.mark.timeout(900)]

REPLICAS = 3
SETTLE = 120.0  # seconds until a pod that was started serves, on a busy machine
PREVIOUS = "docker.io/library/dragoman:previous"
WRONG = ("Timeout", "status", "answered 'HTTP")
"""In a failure: it is more than a connection that was refused or has ended."""

SELECTOR = f"app.kubernetes.io/name={DEPLOYMENT}"


STEADY = """
apiVersion: v1
kind: Namespace
metadata: {name: steady}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: steady, namespace: steady}
spec:
  selector: {matchLabels: {app: steady}}
  template:
    metadata: {labels: {app: steady}}
    spec:
      containers:
        - {name: steady, image: "localhost/standin:test", imagePullPolicy: Never, args: [serve, steady]}
---
apiVersion: v1
kind: Service
metadata: {name: steady, namespace: steady}
spec: {selector: {app: steady}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: steady, namespace: steady}
spec: {hostname: "*", prefix: /steady/, service: steady, timeout_ms: 60000}
"""


INGRESS = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: steady, namespace: steady, annotations: {kubernetes.io/ingress.class: ambassador}}
spec:
  rules:
    - host: steady.test
      http:
        paths: [{path: /, pathType: Prefix, backend: {service: {name: steady, port: {number: 80}}}}]
"""


@pytest.fixture(scope="module", autouse=True)
def steady(installed: Installed) -> None:
    """An upstream that does not move, with a time limit that only a lost request reaches: load is on the gateway."""
    installed.cluster.apply(STEADY)
    installed.cluster.wait_rollout("steady", "steady")
    statuses: dict[str, int] = {}

    def served() -> bool:
        statuses.clear()
        statuses.update({pod: installed.status("/steady/", address) for pod, address in installed.pods().items()})
        return set(statuses.values()) == {200}

    wait_until(
        served, SETTLE, what=lambda: f"the steady upstream served by all, not {statuses}; {_logs(installed, statuses)}"
    )


def _logs(installed: Installed, statuses: Mapping[str, int]) -> str:
    """The end of the logs of the pods that do not serve."""
    pods = [pod for pod, status in statuses.items() if status != 200]
    return "\n".join(installed.cluster.kubectl("-n", NAMESPACE, "logs", "--tail=60", pod) for pod in pods)


@pytest.fixture(autouse=True)
def all_replicas(installed: Installed) -> Iterator[None]:
    """Each test begins with three replicas, and the nodes are open again after it."""
    wait_until(lambda: len(installed.pods()) == REPLICAS, SETTLE, what="three replicas ready")
    yield
    for node in installed.cluster.node_names:
        installed.cluster.kubectl("uncordon", node)


def _mapping(name: str, prefix: str) -> str:
    spec = {"hostname": "*", "prefix": prefix, "service": "hello"}
    metadata = {"name": name, "namespace": "quickstart"}
    return json.dumps(
        {"apiVersion": "getambassador.io/v3alpha1", "kind": "Mapping", "metadata": metadata, "spec": spec}
    )


def test_requests_come_through_the_service(installed: Installed) -> None:
    status, answer = installed.cluster.fetch(installed.address, "/hello/cups", host="any.test")
    assert status == 200
    assert "/cups" in answer
    assert installed.status("/nowhere/") == 404
    service = installed.cluster.get(f"/api/v1/namespaces/{NAMESPACE}/services/dragoman-admin")["spec"]
    assert installed.cluster.fetch(service["clusterIP"], "/ambassador/v0/check_ready", port=8877)[0] == 200


def test_an_ingress_has_the_address_of_the_service(installed: Installed) -> None:
    """By its label, and by the labels that the pod reads of itself."""
    installed.cluster.apply(INGRESS)
    path = "/apis/networking.k8s.io/v1/namespaces/steady/ingresses/steady"
    given = wait_until(
        lambda: installed.cluster.get(path)["status"]["loadBalancer"].get("ingress"), SETTLE, what="an address"
    )
    service = installed.cluster.get(f"/api/v1/namespaces/{NAMESPACE}/services/{DEPLOYMENT}")
    assert given == [{"ip": each["ip"]} for each in service["status"]["loadBalancer"]["ingress"]]
    pod = next(iter(installed.pods()))
    facts = "print(open('/tmp/ambassador-pod-info/labels').read())"
    done = installed.cluster.kubectl("-n", NAMESPACE, "exec", pod, "--", "python", "-c", facts)
    assert SELECTOR.replace("=", '="') in done


def test_all_replicas_serve_the_same(installed: Installed) -> None:
    pods = installed.pods()
    installed.cluster.apply(_mapping("everywhere", "/everywhere/"))
    wait_until(
        lambda: {installed.status("/everywhere/", address) for address in pods.values()} == {200},
        what="the new Mapping served by all",
    )
    installed.cluster.kubectl("-n", "quickstart", "delete", "mapping", "everywhere")
    wait_until(
        lambda: {installed.status("/everywhere/", address) for address in pods.values()} == {404},
        what="the removed Mapping served by none",
    )


def test_nothing_is_forbidden_to_it(installed: Installed) -> None:
    for pod in installed.pods():
        log = installed.cluster.kubectl("-n", NAMESPACE, "logs", pod)
        assert [line for line in log.splitlines() if "forbidden" in line.lower()] == []


def test_it_runs_as_strictly_as_pod_security_wants(installed: Installed) -> None:
    labels = installed.cluster.get(f"/api/v1/namespaces/{NAMESPACE}")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    pod = next(iter(installed.pods()))
    facts = "import os; print(os.getuid(), os.access('/app', os.W_OK), os.access('/run/dragoman', os.W_OK))"
    done = installed.cluster.kubectl("-n", NAMESPACE, "exec", pod, "--", "python", "-c", facts)
    assert done.split() == ["8888", "False", "True"]


def test_an_upgrade_fails_no_request(installed: Installed) -> None:
    """From another image and other settings to the shipped manifests, as a person would do it."""
    cluster = installed.cluster
    for node in cluster.node_names:
        cluster.ctr(node, "images", "tag", "--force", IMAGE_NAME, PREVIOUS)
    shipped = (MANIFESTS / "workload.yaml").read_text()
    previous = shipped.replace("image: dragoman\n", f"image: {PREVIOUS}\n").replace('value: "2"', 'value: "1"')
    assert previous.count(PREVIOUS) == 1
    cluster.apply(previous)
    cluster.wait_rollout(NAMESPACE, DEPLOYMENT)
    wait_until(lambda: len(installed.pods()) == REPLICAS, SETTLE, what="the previous version ready")
    before = set(installed.pods())
    with installed.load() as load:
        cluster.apply(MANIFESTS)
        cluster.wait_rollout(NAMESPACE, DEPLOYMENT)
        _wait_gone(installed, before)
    _check(load)
    assert not before & set(installed.pods())


def test_a_deleted_pod_fails_no_request(installed: Installed) -> None:
    gone = next(iter(installed.pods()))
    with installed.load() as load:
        installed.cluster.kubectl("-n", NAMESPACE, "delete", "pod", gone, "--wait=false")
        _wait_gone(installed, {gone})
        wait_until(lambda: len(installed.pods()) == REPLICAS, SETTLE, what="another in its place")
    _check(load)


def test_evictions_fail_no_request_and_keep_to_the_budget(installed: Installed) -> None:
    """Two are asked for at once: the budget allows one, and the other only when there are three again."""
    first, second, _ = installed.pods()
    with installed.load() as load:
        wait_until(
            lambda: installed.cluster.evict(NAMESPACE, first) == 201, SETTLE, what="the budget knows of all three"
        )
        assert installed.cluster.evict(NAMESPACE, second) == 429
        wait_until(
            lambda: installed.cluster.evict(NAMESPACE, second) == 201, SETTLE, what="the second eviction allowed"
        )
        _wait_gone(installed, {first, second})
        wait_until(lambda: len(installed.pods()) == REPLICAS, SETTLE, what="others in their places")
    _check(load)


def test_a_drained_node_fails_no_request(installed: Installed) -> None:
    cluster = installed.cluster
    if len(cluster.node_names) != 2:
        pytest.skip("a drained node's pods need another node")
    (upstream,) = cluster.pods("steady")  # on the other node: what is asked here is not what becomes of upstreams
    (node,) = set(cluster.node_names) - {upstream["spec"]["nodeName"]}
    before = {pod["metadata"]["name"] for pod in cluster.pods(NAMESPACE, SELECTOR) if pod["spec"]["nodeName"] == node}
    with installed.load() as load:
        cluster.kubectl("drain", node, "--delete-emptydir-data", "--ignore-daemonsets", "--timeout=200s")
        assert before  # else nothing was drained
        _wait_gone(installed, before)
        wait_until(lambda: len(installed.pods()) == REPLICAS, SETTLE, what="three replicas on the other node")
    _check(load)
    assert node not in {pod["spec"]["nodeName"] for pod in cluster.pods(NAMESPACE, SELECTOR)}


def test_a_pod_killed_outright_comes_back_and_hurts_only_what_it_held(installed: Installed) -> None:
    """kill -9 of a whole pod: what it held is lost at once, new connections to it are refused until it is back.

    Nothing waits, nothing is answered wrongly, the others' share is served all the while, and it is over then.
    """
    name, address = next(iter(installed.pods().items()))
    with installed.load() as load:
        began = time.monotonic()
        killed = _kill(installed, name)
        wait_until(lambda: _container(installed, name) not in {killed, ""}, SETTLE, what="another container in the pod")
        wait_until(lambda: installed.status("/hello/", address) == 200, SETTLE, what="the killed pod serving again")
        back = time.monotonic() - began
        time.sleep(1)
        hurt, asked = list(load.failures), load.requests
        time.sleep(5)
    assert load.failures[len(hurt) :] == []
    assert [each for each in hurt if any(word in each for word in WRONG)] == []
    assert len(hurt) < asked / 2
    print(f"the pod served again after {back:.1f} s; {len(hurt)} of {asked} requests found nobody there")
    assert installed.pods().get(name) in {address, None}


def _check(load: Load) -> None:
    print(f"{load.requests} requests, {load.reconnects} sent again, the slowest took {load.slowest:.2f} s")
    assert load.failures == []
    assert load.requests > 200


def _wait_gone(installed: Installed, names: set[str]) -> None:
    """Until these pods have ended for good, their draining included."""

    def gone() -> bool:
        pods = installed.cluster.get(f"/api/v1/namespaces/{NAMESPACE}/pods")["items"]
        return not names & {pod["metadata"]["name"] for pod in pods}

    wait_until(gone, SETTLE, what=f"the end of {', '.join(sorted(names))}")


def _kill(installed: Installed, pod: str) -> str:
    """SIGKILL to the first process of the pod's container, as an out-of-memory kill does; the container's id."""
    (node,) = [
        each["spec"]["nodeName"]
        for each in installed.cluster.pods(NAMESPACE, SELECTOR)
        if each["metadata"]["name"] == pod
    ]
    container = _container(installed, pod)
    installed.cluster.ctr(node, "task", "kill", "--signal", "SIGKILL", container)
    return container


def _container(installed: Installed, pod: str) -> str:
    """The id of the container that runs in this pod; empty while none does.

    For a moment after its end the kubelet, and its own Envoy, still say and answer what they did before it.
    """
    found = installed.cluster.get(f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}")["status"]["containerStatuses"][0]
    running = "running" in found["state"]
    return str(found["containerID"]).removeprefix("containerd://") if running else ""
