"""`kubectl dragoman` with the real gateway on real nodes: its replicas are asked through the API server and kubelets.

Beside two replicas that serve there are pods that do not: one that may see nothing, one that ends while it is asked.
"""

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.cluster.binaries import ensure
from tests.e2e.cluster.cluster import ROOT
from tests.e2e.cluster.gateway import DEMO, DEPLOYMENT, NAMESPACE, Installed
from tests.support.envoy import wait_until
from tests.support.ports import unused_port

pytestmark = [pytest.mark.cluster, pytest.mark.image, pytest.mark.timeout(900)]

URL = "http://any.test:8080/hello/"
ODD = "odd"
BOTH = f"app.kubernetes.io/name in ({DEPLOYMENT},{ODD})"
SETTLE = 120.0  # seconds until a pod that was started runs, on a busy machine
KILLED = "its command was killed: the pod ended meanwhile, or has too little memory. Ask again"
SLOW = """#!/app/.venv/bin/python
import pathlib, time
pathlib.Path("/run/dragoman/asked").touch()
time.sleep(600)
"""


@pytest.fixture(scope="module", autouse=True)
def two_replicas(installed: Installed) -> Iterator[None]:
    if not (ROOT / ".venv/bin/python").exists():
        pytest.skip("no .venv in this checkout: make makes it")
    installed.cluster.kubectl("-n", NAMESPACE, "scale", f"deployment/{DEPLOYMENT}", "--replicas=2")
    running = f"/api/v1/namespaces/{NAMESPACE}/pods?labelSelector=app.kubernetes.io/name%3D{DEPLOYMENT}"
    wait_until(
        lambda: len(installed.cluster.get(running)["items"]) == 2, SETTLE, what="two replicas, and none that ends"
    )
    yield
    installed.cluster.kubectl("-n", NAMESPACE, "scale", f"deployment/{DEPLOYMENT}", "--replicas=3")
    installed.cluster.wait_rollout(NAMESPACE, DEPLOYMENT)


class Plugin:
    """kubectl with our plugin in its PATH."""

    def __init__(self, installed: Installed, folder: Path) -> None:
        self._cluster = installed.cluster
        self._folder = folder
        (folder / "kubectl-dragoman").symlink_to(ROOT / "scripts/dragoman")

    def __call__(self, *words: str, kubeconfig: Path | None = None) -> "subprocess.CompletedProcess[str]":
        """What it prints, and its exit code."""
        return subprocess.run(
            (str(ensure(["kubectl"])["kubectl"]), *words),
            env={
                **os.environ,
                "KUBECONFIG": str(kubeconfig or self._cluster.kubeconfig),
                "HOME": str(self._folder),
                "PATH": f"{self._folder}:{os.environ['PATH']}",
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def why(self, *words: str, kubeconfig: Path | None = None) -> "subprocess.CompletedProcess[str]":
        """All replicas, asked why."""
        asked = ("dragoman", "why", "GET", URL, "--all-replicas", "-n", NAMESPACE)
        return self(*asked, *words, kubeconfig=kubeconfig)


@pytest.fixture
def plugin(installed: Installed, tmp_path: Path) -> Plugin:
    return Plugin(installed, tmp_path)


def test_two_replicas_say_the_same(plugin: Plugin, installed: Installed) -> None:
    done = plugin.why("-o", "json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert (found["alike"], found["differ_in"]) == (True, [])
    assert [each["pod"] for each in found["replicas"]] == sorted(installed.pods())
    for each in found["replicas"]:
        assert each["report"]["rule"]["objects"][0]["name"] == "hello"
        assert {one["healthy"] for one in each["report"]["endpoints"]} == {True}
    text = plugin.why()
    assert text.returncode == 0
    assert text.stdout.startswith(f"2 of 2 replicas: {', '.join(sorted(installed.pods()))}\n")


def test_what_nothing_serves_is_1_by_all(plugin: Plugin) -> None:
    asked = ("dragoman", "why", "GET", "http://any.test:8080/nowhere/", "--all-replicas", "-n", NAMESPACE)
    done = plugin(*asked)
    assert (done.returncode, "2 of 2 replicas" in done.stdout) == (1, True), done.stderr


@contextlib.contextmanager
def odd_pod(installed: Installed, name: str, spec: Mapping[str, Any], container: Mapping[str, Any]) -> Iterator[None]:
    """A pod as the Deployment's are, with other labels, so that no Service leads there, and something else changed."""
    cluster = installed.cluster
    made = cluster.get(f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{DEPLOYMENT}")["spec"]["template"]["spec"]
    (only,) = made["containers"]
    pod = {**made, **spec, "containers": [{**only, **container}], "topologySpreadConstraints": []}
    metadata = {"name": name, "labels": {"app.kubernetes.io/name": ODD}}
    pods = f"/api/v1/namespaces/{NAMESPACE}/pods"
    cluster.ask("POST", pods, {"metadata": metadata, "spec": pod})
    try:
        wait_until(
            lambda: cluster.get(f"{pods}/{name}")["status"].get("containerStatuses", [{}])[0].get("started"),
            SETTLE,
            what=f"the pod {name} to run",
        )
        yield
    finally:
        cluster.kubectl("-n", NAMESPACE, "delete", "pod", name, "--ignore-not-found", "--force", "--grace-period=0")


def test_a_pod_that_is_not_ready_is_told_beside_the_others(plugin: Plugin, installed: Installed) -> None:
    """Its account may see nothing, so that it knows of no object and never gets ready."""
    with odd_pod(installed, "blind", {"serviceAccountName": "default", "serviceAccount": "default"}, {}):
        done = plugin.why("--selector", BOTH, "-o", "json")
        found = {each["pod"]: each for each in json.loads(done.stdout)["replicas"]}
        assert len(found) == 3
        blind = found.pop("blind")
        assert {each["report"]["served"] for each in found.values()} == {True}
        assert (blind["ready"], blind["report"]) == (False, None)
        text = plugin.why("--selector", BOTH)
        assert (done.returncode, text.returncode) == (2, 2)
        assert text.stdout.startswith("2 of 3 replicas: ")
        assert "not asked: blind (not ready): no Listener serves http: open is no port at all\n" in text.stdout


def test_a_pod_that_ends_while_it_is_asked_is_told(plugin: Plugin, installed: Installed) -> None:
    scripts = {"name": "slow", "configMap": {"name": "slow", "defaultMode": 0o555}}
    cluster = installed.cluster
    cluster.ask(
        "POST", f"/api/v1/namespaces/{NAMESPACE}/configmaps", {"metadata": {"name": "slow"}, "data": {"dragoman": SLOW}}
    )
    spec = cluster.get(f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{DEPLOYMENT}")["spec"]["template"]["spec"]
    (only,) = spec["containers"]
    container = {
        "env": [*only["env"], {"name": "PATH", "value": "/slow:/app/.venv/bin:/usr/bin:/bin"}],
        "volumeMounts": [*only["volumeMounts"], {"name": "slow", "mountPath": "/slow"}],
    }
    look = "import pathlib; print(pathlib.Path('/run/dragoman/asked').exists())"
    with odd_pod(installed, "slow", {"volumes": [*spec["volumes"], scripts]}, container), ThreadPoolExecutor() as pool:
        asking = pool.submit(plugin.why, "--selector", BOTH)
        wait_until(
            lambda: "True" in cluster.kubectl("-n", NAMESPACE, "exec", "slow", "--", "python", "-c", look),
            SETTLE,
            what="the question in the pod",
        )
        cluster.kubectl("-n", NAMESPACE, "delete", "pod", "slow", "--force", "--grace-period=0")
        done = asking.result()
    assert (done.returncode, done.stderr) == (2, "")
    assert done.stdout.startswith("2 of 3 replicas: ")
    [line] = [line for line in done.stdout.splitlines() if line.startswith("not asked: slow")]
    assert line.endswith((KILLED, "the connection ended before the command did"))


def test_an_account_without_the_right_is_told_which_one(plugin: Plugin, installed: Installed) -> None:
    cluster = installed.cluster

    def asked_by(name: str, *rules: Mapping[str, Any]) -> "subprocess.CompletedProcess[str]":
        roles = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}"
        cluster.ask("POST", f"{roles}/roles", {"metadata": {"name": name}, "rules": list(rules)})
        subject = {"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}
        ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
        body = {"metadata": {"name": name}, "roleRef": ref, "subjects": [subject]}
        cluster.ask("POST", f"{roles}/rolebindings", body)
        return plugin.why(kubeconfig=cluster.account_kubeconfig(name, namespace=NAMESPACE))

    lists = {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}
    gets = {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["get"]}
    blind = asked_by("blind")
    assert (blind.returncode, blind.stdout) == (2, "")
    assert 'cannot list resource "pods"' in blind.stderr
    listing = asked_by("listing", lists)
    assert listing.returncode == 2
    assert listing.stdout.count("it takes the right to get and create pods/exec in dragoman") == 2
    assert listing.stdout.count('cannot get resource "pods/exec" in API group "" in the namespace "dragoman"') == 2
    getting = asked_by("getting", lists, gets)
    assert (getting.returncode, getting.stdout.count("it takes the right to get and create pods/exec")) == (2, 2)
    able = asked_by("able", lists, {**gets, "verbs": ["get", "create"]})
    assert able.returncode == 0, able.stdout + able.stderr


def test_a_context_chooses_the_cluster(plugin: Plugin, installed: Installed, tmp_path: Path) -> None:
    config = yaml.safe_load(installed.cluster.kubeconfig.read_text())
    good = config["current-context"]
    nowhere = f"https://127.0.0.1:{unused_port()}"
    config["clusters"].append({"name": "nowhere", "cluster": {"server": nowhere}})
    context = {"cluster": "nowhere", "user": config["users"][0]["name"]}
    config["contexts"].append({"name": "nowhere", "context": context})
    config["current-context"] = "nowhere"
    both = tmp_path / "both.kubeconfig"
    both.write_text(json.dumps(config))
    assert plugin.why("--context", good, kubeconfig=both).returncode == 0
    unreachable = plugin.why(kubeconfig=both)
    assert (unreachable.returncode, "the API server cannot be asked: Cannot connect" in unreachable.stderr) == (2, True)
    missing = plugin.why("--context", "missing", kubeconfig=both)
    assert (missing.returncode, "Expected object with name missing" in missing.stderr) == (2, True)


@contextlib.contextmanager
def admin_port(installed: Installed) -> Iterator[str]:
    """The URL of a pod's diagnostics, forwarded by kubectl."""
    port, pod = unused_port(), min(installed.pods())
    command = (str(ensure(["kubectl"])["kubectl"]), "--kubeconfig", str(installed.cluster.kubeconfig))
    with subprocess.Popen(
        (*command, "-n", NAMESPACE, "port-forward", pod, f"{port}:8877"), stdout=subprocess.PIPE
    ) as forward:
        try:
            assert forward.stdout is not None
            assert b"Forwarding from" in forward.stdout.readline()
            yield f"http://127.0.0.1:{port}"
        finally:
            forward.terminate()


def test_status_and_top_are_asked_through_a_forwarded_port(plugin: Plugin, installed: Installed) -> None:
    with admin_port(installed) as url:
        done = plugin("dragoman", "status", "--url", url, "-n", "quickstart", "-k", "Mapping", "-o", "json")
        assert (done.returncode, done.stderr) == (0, "")
        found = json.loads(done.stdout)
        assert found["envoy"]["node"] in installed.pods()
        assert [(each["name"], each["state"], each["envoy"]) for each in found["objects"]] == [
            ("hello", "ok", "accepted")
        ]
        with installed.load(path="/hello/"):
            looked = wait_until(lambda: _looked(plugin, url), SETTLE, what="requests to hello in top")
    assert looked["by"] == "cluster"
    assert "routes are not counted" in looked["notes"][0]


def _looked(plugin: Plugin, url: str) -> dict[str, Any] | None:
    """What top tells once some of the load came to that pod."""
    done = plugin("dragoman", "top", "--url", url, "--once", "--interval", "1", "-o", "json")
    assert (done.returncode, done.stderr) == (0, "")
    told: dict[str, Any] = json.loads(done.stdout)
    return told if any("quickstart/hello" in json.dumps(row) for row in told["rows"]) else None


def test_a_folder_is_compared_with_the_cluster(plugin: Plugin, installed: Installed, tmp_path: Path) -> None:
    context = yaml.safe_load(installed.cluster.kubeconfig.read_text())["current-context"]
    folder = tmp_path / "k8s"
    folder.mkdir()
    text = "\n---\n".join(path.read_text() for path in sorted(DEMO.glob("*.yaml")))
    (folder / "all.yaml").write_text(text)
    same = plugin("dragoman", "diff", str(folder), "--context", context)
    assert same.stdout == f"the cluster of {context} -> {folder}: nothing differs\n", same.stderr
    assert same.returncode == 0
    (folder / "all.yaml").write_text(text.replace("prefix: /hello/", "prefix: /bonjour/"))
    other = plugin("dragoman", "diff", str(folder), "--context", context, "-o", "json")
    assert other.returncode == 3
    [team] = json.loads(other.stdout)["teams"]
    [changed] = team["objects"]
    assert [(each["what"], each["sort"], each["name"]) for each in changed["differences"]] == [
        ("changes", "route", "quickstart/hello")
    ]
