"""`kubectl dragoman` with the real gateway on real nodes: its replicas are asked through the API server and kubelets.

Beside two replicas that serve there are pods that do not: one that may see nothing, one that ends while it is asked.
"""

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.cluster.binaries import ensure
from tests.e2e.cluster.cluster import ROOT
from tests.e2e.cluster.gateway import DEPLOYMENT, NAMESPACE, Installed
from tests.support.envoy import wait_until
from tests.support.ports import unused_port

pytestmark = [pytest.mark.cluster, pytest.mark.image, pytest.mark.timeout(900)]

URL = "http://any.test:8080/hello/"
ODD = "odd"
BOTH = f"app.kubernetes.io/name in ({DEPLOYMENT},{ODD})"
SETTLE = 120.0  # seconds until a pod that was started runs, on a busy machine
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
        assert [one["healthy"] for one in each["report"]["endpoints"]] == [True]
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
        print(done.returncode, blind)
        text = plugin.why("--selector", BOTH)
        print(text.stdout, text.stderr)
        assert False


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
    with odd_pod(installed, "slow", {"volumes": [*spec["volumes"], scripts]}, container):
        began = time.monotonic()
        asked = ("dragoman", "why", "GET", URL, "--all-replicas", "-n", NAMESPACE, "--selector", BOTH)
        environ = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig)}
        running = subprocess.Popen(
            (str(ROOT / "scripts/dragoman"), *asked[1:]),
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        look = "import pathlib; print(pathlib.Path('/run/dragoman/asked').exists())"
        wait_until(
            lambda: "True" in cluster.kubectl("-n", NAMESPACE, "exec", "slow", "--", "python", "-c", look),
            SETTLE,
            what="the question in the pod",
        )
        cluster.kubectl("-n", NAMESPACE, "delete", "pod", "slow", "--force", "--grace-period=0")
        out, errors = running.communicate(timeout=120)
        print(time.monotonic() - began, running.returncode, out, errors)
        assert False


def test_an_account_without_the_right_is_told_which_one(plugin: Plugin, installed: Installed) -> None:
    cluster = installed.cluster
    role = {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]}
    roles = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}"
    cluster.ask("POST", f"{roles}/roles", {"metadata": {"name": "looks"}, **role})
    subject = {"kind": "ServiceAccount", "name": "looks", "namespace": NAMESPACE}
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "looks"}
    cluster.ask("POST", f"{roles}/rolebindings", {"metadata": {"name": "looks"}, "roleRef": ref, "subjects": [subject]})
    nobody = plugin.why(kubeconfig=cluster.account_kubeconfig("nobody", namespace=NAMESPACE))
    print(nobody)
    done = plugin.why(kubeconfig=cluster.account_kubeconfig("looks", namespace=NAMESPACE))
    print(done)
    assert False


def test_a_context_chooses_the_cluster(plugin: Plugin, installed: Installed, tmp_path: Path) -> None:
    config = yaml.safe_load(installed.cluster.kubeconfig.read_text())
    good = config["current-context"]
    nowhere = f"https://127.0.0.1:{unused_port()}"
    config["clusters"].append({"name": "nowhere", "cluster": {"server": nowhere}})
    config["contexts"].append(
        {"name": "nowhere", "context": {"cluster": "nowhere", "user": config["users"][0]["name"]}}
    )
    config["current-context"] = "nowhere"
    both = tmp_path / "both.kubeconfig"
    both.write_text(json.dumps(config))
    assert plugin.why("--context", good, kubeconfig=both).returncode == 0
    done = plugin.why(kubeconfig=both)
    print(done)
    missing = plugin.why("--context", "missing", kubeconfig=both)
    print(missing)
    assert False


@contextlib.contextmanager
def admin_port(installed: Installed, plugin_folder: Path) -> Iterator[str]:
    """The URL of a pod's diagnostics, forwarded by kubectl."""
    port, pod = unused_port(), sorted(installed.pods())[0]
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


def test_status_and_top_are_asked_through_a_forwarded_port(
    plugin: Plugin, installed: Installed, tmp_path: Path
) -> None:
    with admin_port(installed, tmp_path) as url:
        done = plugin("dragoman", "status", "--url", url, "-n", "quickstart", "-o", "json")
        print(done)
        top = plugin("dragoman", "top", "--url", url, "--once", "--interval", "0.5", "-o", "json")
        print(top)
    assert False


def test_a_folder_is_compared_with_the_cluster(plugin: Plugin, installed: Installed, tmp_path: Path) -> None:
    context = yaml.safe_load(installed.cluster.kubeconfig.read_text())["current-context"]
    folder = tmp_path / "k8s"
    folder.mkdir()
    demo = ROOT / "examples/kubernetes"
    text = "\n---\n".join(path.read_text() for path in sorted(demo.glob("*.yaml")))
    (folder / "all.yaml").write_text(text)
    same = plugin("dragoman", "diff", str(folder), "--context", context)
    print(same)
    (folder / "all.yaml").write_text(text.replace("prefix: /hello/", "prefix: /bonjour/"))
    other = plugin("dragoman", "diff", str(folder), "--context", context, "-o", "json")
    print(other)
    assert False
