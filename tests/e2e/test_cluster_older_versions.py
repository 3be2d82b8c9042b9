"""v1 and v2 in a real cluster: converted by pods of their own through a Service, and served by the gateway's Envoys."""

import contextlib
import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.cluster.binaries import ensure
from tests.e2e.cluster.gateway import NAMESPACE, Installed
from tests.support.envoy import wait_until
from tests.webhook.running_webhook import reading

pytestmark = [pytest.mark.cluster, pytest.mark.image, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
OLDER = ROOT / "deploy/older-versions"
PAGE = (ROOT / "docs/older-versions.md").read_text()
SETTLE = 120.0
WEBHOOK = "dragoman-webhook"
SPEC = {"prefix": "/older/", "service": "hello", "ambassador_id": "default", "query_parameters": {"q": True}}


def _mapping(version: str, name: str, prefix: str) -> str:
    metadata = {"name": name, "namespace": "quickstart"}
    document = {"apiVersion": f"getambassador.io/{version}", "kind": "Mapping", "metadata": metadata}
    return json.dumps({**document, "spec": {**SPEC, "prefix": prefix}})


@pytest.fixture(scope="module")
def older_versions(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """Turned on, and off again as the page says."""
    cluster = installed.cluster
    cluster.apply(OLDER)
    wait_until(lambda: _converts(installed), SETTLE, what="conversions")
    cluster.wait_rollout(NAMESPACE, WEBHOOK)
    yield installed
    cluster.kubectl("-n", "quickstart", "delete", "mapping", "older")
    section = PAGE.partition("### Off again")[2].partition("\n## ")[0]
    block = "set -e\n" + "\n".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL))
    folder, home = Path(ensure(["kubectl"])["kubectl"]).parent, tmp_path_factory.mktemp("home")
    environ = {"PATH": f"{folder}:/usr/bin:/bin", "KUBECONFIG": str(cluster.kubeconfig), "HOME": str(home)}
    subprocess.run(["bash", "-c", block], cwd=ROOT, env=environ, check=True, capture_output=True)


def _converts(installed: Installed) -> bool:
    paths = [f"/apis/getambassador.io/{version}/mappings" for version in ("v1", "v2", "v3alpha1")]
    return all(installed.cluster.request("GET", path)[0] == 200 for path in paths)


def _pods(installed: Installed) -> list[str]:
    """Those that convert, and neither begin nor end."""
    return [
        pod["metadata"]["name"]
        for pod in installed.cluster.pods(NAMESPACE, f"app.kubernetes.io/name={WEBHOOK}")
        if "deletionTimestamp" not in pod["metadata"]
        and any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions", []))
    ]


@contextlib.contextmanager
def _no_read_fails(installed: Installed) -> Iterator[None]:
    """Both older versions are read all the time, one object and a list."""
    with contextlib.ExitStack() as stack:
        read = [
            stack.enter_context(reading(installed.cluster, f"/apis/getambassador.io/{path}"))
            for path in ("v1/namespaces/quickstart/mappings/older", "v2/mappings")
        ]
        yield
        time.sleep(2)
    assert read == [[], []]


def test_a_mapping_of_v2_is_served_by_all_replicas(older_versions: Installed) -> None:
    installed = older_versions
    installed.cluster.apply(_mapping("v2", "older", "/older/"))
    for address in installed.pods().values():
        wait_until(
            lambda at=address: installed.status("/older/?q=1", at) == 200, SETTLE, what=f"it served at {address}"
        )
        assert installed.status("/older/", address) == 404, "the parameter must be there"
    path = "/apis/getambassador.io/%s/namespaces/quickstart/mappings/older"
    assert installed.cluster.get(path % "v2")["spec"] == SPEC
    assert installed.cluster.get(path % "v1")["spec"] == SPEC
    assert installed.cluster.get(path % "v3alpha1")["spec"]["hostname"] == "*"


def test_conversions_go_on_when_the_pod_that_leads_dies(older_versions: Installed) -> None:
    installed = older_versions
    lease = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/dragoman-default-webhook"

    def holder() -> str:
        return str(installed.cluster.get(lease)["spec"].get("holderIdentity") or "")

    before = wait_until(holder, SETTLE, what="a holder")
    pod = next(pod for pod in _pods(installed) if before.startswith(pod))
    installed.cluster.kubectl("-n", NAMESPACE, "delete", "pod", pod, "--grace-period=0", "--force")
    wait_until(lambda: holder() not in ("", before), SETTLE, what="another holder")
    wait_until(lambda: _converts(installed), SETTLE, what="conversions")
    wait_until(lambda: len(_pods(installed)) == 2, SETTLE, what="two replicas again")


def test_no_read_fails_while_all_pods_are_replaced(older_versions: Installed) -> None:
    installed, before = older_versions, set(_pods(older_versions))
    with _no_read_fails(installed):
        installed.cluster.kubectl("-n", NAMESPACE, "rollout", "restart", f"deployment/{WEBHOOK}")
        installed.cluster.wait_rollout(NAMESPACE, WEBHOOK)
        wait_until(lambda: _all(installed).isdisjoint(before), SETTLE, what="the old pods gone")


def test_no_read_fails_while_a_pod_is_deleted(older_versions: Installed) -> None:
    installed = older_versions
    with _no_read_fails(installed):
        for pod in _pods(installed):
            installed.cluster.kubectl("-n", NAMESPACE, "delete", "pod", pod)
            wait_until(lambda: len(_pods(installed)) == 2, SETTLE, what="two replicas again")


def test_no_read_fails_while_an_image_that_there_is_not_is_rolled_out(older_versions: Installed) -> None:
    installed, before = older_versions, set(_pods(older_versions))
    with _no_read_fails(installed):
        installed.cluster.kubectl("-n", NAMESPACE, "set", "image", f"deployment/{WEBHOOK}", "webhook=dragoman:absent")
        wait_until(lambda: len(_all(installed)) == 3, SETTLE, what="a pod that cannot begin")
        time.sleep(5)
        assert set(_pods(installed)) == before
        installed.cluster.kubectl("-n", NAMESPACE, "rollout", "undo", f"deployment/{WEBHOOK}")
        wait_until(lambda: _all(installed) == before, SETTLE, what="that pod gone")


def _all(installed: Installed) -> set[str]:
    pods = installed.cluster.pods(NAMESPACE, f"app.kubernetes.io/name={WEBHOOK}")
    return {pod["metadata"]["name"] for pod in pods}


def test_nothing_is_forbidden_to_the_webhook(older_versions: Installed) -> None:
    pods = _pods(older_versions)
    assert len(pods) == 2
    for pod in pods:
        told = older_versions.cluster.kubectl("-n", NAMESPACE, "logs", pod).splitlines()
        assert [line for line in told if "cannot be seen to" in line or "error" in line] == []
        assert any(" ready" in line for line in told)


def test_the_gateways_pods_have_no_part_in_it(older_versions: Installed) -> None:
    for pod in older_versions.pods():
        log = older_versions.cluster.kubectl("-n", NAMESPACE, "logs", pod)
        assert [line for line in log.splitlines() if " webhook " in line] == []
