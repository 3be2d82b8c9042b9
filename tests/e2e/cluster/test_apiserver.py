"""The light form of Kubernetes does what its tests' authors were promised."""

import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.support.apiserver import ApiError, ApiServer
from tests.support.envoy import wait_until

pytestmark = pytest.mark.kubernetes

ROOT = Path(__file__).parents[3]
DEPLOYMENT = """
apiVersion: v1
kind: Namespace
metadata: {name: applied}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: one, namespace: applied}
data: {key: value}
"""
READER = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: %(namespace)s}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [get, list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: %(namespace)s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects:
  - {kind: User, name: alice, apiGroup: rbac.authorization.k8s.io}
  - {kind: ServiceAccount, name: robot, namespace: %(namespace)s}
"""
CHILD = """
import os, sys, time
from tests.support.apiserver import ApiServer
api = ApiServer(controllers=True)
api.start()
print(api.folder, *(child.pid for child in (api.etcd, api.server, api.controllers)), flush=True)
time.sleep(600)
"""


def _make(api: ApiServer, namespace: str, name: str) -> int:
    made = api.ask("POST", f"/api/v1/namespaces/{namespace}/configmaps", {"metadata": {"name": name}})
    return int(made["metadata"]["resourceVersion"])


def _may_list(api: ApiServer, kubeconfig: Path) -> bool:
    try:
        return api.kubectl("auth", "can-i", "list", "configmaps", kubeconfig=kubeconfig) == "yes\n"
    except ApiError:
        return False


def _names(api: ApiServer, namespace: str) -> set[str]:
    """The ConfigMaps, but for the one that the controllers put into each namespace."""
    found = {item["metadata"]["name"] for item in api.get(f"/api/v1/namespaces/{namespace}/configmaps")["items"]}
    return found - {"kube-root-ca.crt"}


def test_kubectl_applies_to_it(apiserver: ApiServer) -> None:
    apiserver.apply(DEPLOYMENT)
    assert apiserver.kubectl("get", "-n", "applied", "configmap/one", "-o", "jsonpath={.data.key}") == "value"
    with pytest.raises(ApiError, match="NotFound"):
        apiserver.kubectl("get", "-n", "applied", "configmap/two")


def test_a_user_may_do_what_rbac_says_and_no_more(apiserver: ApiServer) -> None:
    namespace = apiserver.namespace()
    apiserver.apply(READER % {"namespace": namespace})
    for kubeconfig in (
        apiserver.user_kubeconfig("alice", namespace=namespace),
        apiserver.account_kubeconfig("robot", namespace=namespace),
    ):
        wait_until(
            partial(_may_list, apiserver, kubeconfig), what="the right, of which the server's authorizer learns later"
        )
        apiserver.kubectl("get", "configmaps", kubeconfig=kubeconfig)
        with pytest.raises(ApiError, match="Forbidden"):
            apiserver.kubectl("get", "secrets", kubeconfig=kubeconfig)


def test_the_controllers_end_a_namespace(apiserver: ApiServer) -> None:
    namespace = apiserver.namespace()
    apiserver.ask("DELETE", f"/api/v1/namespaces/{namespace}")
    wait_until(lambda: apiserver.request("GET", f"/api/v1/namespaces/{namespace}")[0] == 404, what="the end of it")


def test_a_restart_keeps_the_data(own_apiserver: ApiServer) -> None:
    namespace = own_apiserver.namespace()
    before = _make(own_apiserver, namespace, "kept")
    own_apiserver.stop()
    with pytest.raises(OSError, match="refused"):
        own_apiserver.get("/readyz")
    own_apiserver.start()
    assert _names(own_apiserver, namespace) == {"kept"}
    assert _make(own_apiserver, namespace, "next") > before


def test_a_paused_server_is_silent_and_then_goes_on(own_apiserver: ApiServer) -> None:
    namespace = own_apiserver.namespace()
    own_apiserver.pause()
    try:
        with pytest.raises(TimeoutError):
            own_apiserver.request("GET", "/readyz", timeout=0.5)
    finally:
        own_apiserver.resume()
    assert _names(own_apiserver, namespace) == set()


def test_an_older_state_comes_back_with_its_resource_versions(own_apiserver: ApiServer) -> None:
    namespace = own_apiserver.namespace()
    _make(own_apiserver, namespace, "old")
    snapshot = own_apiserver.snapshot()
    last = [_make(own_apiserver, namespace, f"new-{number}") for number in range(20)][-1]
    own_apiserver.restore(snapshot)
    assert _names(own_apiserver, namespace) == {"old"}
    assert _make(own_apiserver, namespace, "other") < last


def test_it_ends_with_a_process_that_is_killed(kubernetes_programs: None) -> None:
    child = subprocess.Popen((sys.executable, "-c", CHILD), cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    with child, child.stdout:
        folder, *pids = child.stdout.readline().split()
        assert len(pids) == 3
        assert all(Path(f"/proc/{pid}/exe").exists() for pid in pids)
        child.send_signal(signal.SIGKILL)
    wait_until(lambda: not any(_lives(pid) for pid in pids), what="the end of what it started")
    subprocess.run(("rm", "-r", folder), check=True)


def _lives(pid: str) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
