"""v1 and v2 in a real cluster: converted by the pods through their Service, and served by their Envoys."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.cluster.binaries import ensure
from tests.e2e.cluster.gateway import NAMESPACE, Installed
from tests.support.envoy import wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.image, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
OLDER = ROOT / "deploy/older-versions"
PAGE = (ROOT / "docs/older-versions.md").read_text()
SETTLE = 120.0
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
    wait_until(lambda: _all_listen(installed), SETTLE, what="all replicas converting")
    yield installed
    cluster.kubectl("-n", "quickstart", "delete", "mapping", "older")
    block = next(text for text in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) if "delete -n dragoman" in text)
    folder, home = Path(ensure(["kubectl"])["kubectl"]).parent, tmp_path_factory.mktemp("home")
    environ = {"PATH": f"{folder}:/usr/bin:/bin", "KUBECONFIG": str(cluster.kubeconfig), "HOME": str(home)}
    subprocess.run(["bash", "-c", block], cwd=ROOT, env=environ, check=True, capture_output=True)


def _converts(installed: Installed) -> bool:
    paths = [f"/apis/getambassador.io/{version}/mappings" for version in ("v1", "v2", "v3alpha1")]
    return all(installed.cluster.request("GET", path)[0] == 200 for path in paths)


def _all_listen(installed: Installed) -> bool:
    """Whether each replica has noticed: the Service leads to any of them."""
    pods = installed.pods().values()
    try:
        for address in pods:
            installed.cluster.enter("bash", "-c", f"exec 3<>/dev/tcp/{address}/9443")
    except RuntimeError:
        return False
    return len(pods) == 3


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
    pod = next(pod for pod in installed.pods() if before.startswith(pod))
    installed.cluster.kubectl("-n", NAMESPACE, "delete", "pod", pod, "--grace-period=0", "--force")
    wait_until(lambda: holder() not in ("", before), SETTLE, what="another holder")
    wait_until(lambda: _converts(installed), SETTLE, what="conversions")
    wait_until(lambda: len(installed.pods()) == 3, SETTLE, what="three replicas again")


def test_nothing_is_forbidden_to_the_webhook(older_versions: Installed) -> None:
    for pod in older_versions.pods():
        log = older_versions.cluster.kubectl("-n", NAMESPACE, "logs", pod)
        told = [line for line in log.splitlines() if " webhook " in line]
        assert [line for line in told if "cannot be seen to" in line] == []
        assert any("listening" in line for line in told)
