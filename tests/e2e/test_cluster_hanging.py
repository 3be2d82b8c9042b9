"""Processes in pods that somebody stops (SIGSTOP) are noticed and replaced: the reporter, a Gateway's own, the webhook.

Those of one pod are stopped from outside, as nothing within a pod may.
"""

import contextlib
import json
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.cluster.gateway import DEMO_NAMESPACE, DEPLOYMENT, NAMESPACE, Installed, gateway_api
from tests.e2e.test_cluster_older_versions import OLDER, WEBHOOK
from tests.e2e.test_cluster_provisioned import EXAMPLE, SETTLE
from tests.support.envoy import wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.image, pytest.mark.timeout(900)]

GATEWAYS = "/apis/gateway.networking.k8s.io/v1/namespaces"


def pids(pod: dict[str, Any], module: str) -> set[int]:
    """The processes of a pod that run a module, as this machine numbers them."""
    uid, found = pod["metadata"]["uid"], set[int]()
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            groups = (folder / "cgroup").read_text().replace("_", "-")
            command = (folder / "cmdline").read_bytes().decode(errors="replace")
            if uid in groups and re.search(rf"-m[\x00 ]{module}(?:[\x00 ]|\Z)", command):
                found.add(int(folder.name))
    return found


def stop(pod: dict[str, Any], module: str) -> set[int]:
    found = wait_until(lambda: pids(pod, module), what=f"{module} in {pod['metadata']['name']}")
    for pid in found:
        os.kill(pid, signal.SIGSTOP)
    return found


def wait_replaced(pod: dict[str, Any], module: str, stopped: set[int], deadline: float = 60.0) -> None:
    began = time.monotonic()
    wait_until(
        lambda: (now := pids(pod, module)) and not now & stopped,
        deadline,
        what=lambda: f"{module} replaced: {pids(pod, module)}",
    )
    print(f"{module} in {pod['metadata']['name']} replaced after {time.monotonic() - began:.1f} s")


def mapping(name: str) -> str:
    spec = {"hostname": "*", "prefix": f"/{name}/", "service": "hello"}
    metadata = {"name": name, "namespace": DEMO_NAMESPACE}
    return json.dumps(
        {"apiVersion": "getambassador.io/v3alpha1", "kind": "Mapping", "metadata": metadata, "spec": spec}
    )


def test_all_reporters_stopped_are_replaced_and_statuses_go_on(installed: Installed) -> None:
    cluster = installed.cluster
    pods = cluster.pods(NAMESPACE, f"app.kubernetes.io/name={DEPLOYMENT}")
    stopped = [(pod, stop(pod, "reporter")) for pod in pods]
    cluster.kubectl("apply", "-f", "-", stdin=mapping("after-stop"))
    path = f"/apis/getambassador.io/v3alpha1/namespaces/{DEMO_NAMESPACE}/mappings/after-stop"
    for pod, them in stopped:
        wait_replaced(pod, "reporter", them)
    wait_until(lambda: cluster.get(path).get("status", {}).get("conditions"), SETTLE, what="a status is written")
    assert len(installed.pods()) == len(pods), "nobody was unready for it"
    cluster.kubectl("-n", DEMO_NAMESPACE, "delete", "mapping", "after-stop")


@pytest.fixture
def provisioned(installed: Installed, gateway_api_release: Path) -> Iterator[str]:
    """A Gateway with pods of its own; its address."""
    cluster = installed.cluster
    path = f"{GATEWAYS}/{DEMO_NAMESPACE}/gateways/shop"

    def address() -> str:
        status = cluster.get(path).get("status", {})
        conditions = {each["type"]: each["status"] for each in status.get("conditions", ())}
        return status["addresses"][0]["value"] if conditions.get("Programmed") == "True" else ""

    with gateway_api(cluster, "dedicated-addresses", "provisioned"):
        cluster.apply(EXAMPLE)
        yield wait_until(address, SETTLE, what="the Gateway is programmed")
        cluster.kubectl("-n", DEMO_NAMESPACE, "delete", "gateway", "shop", "--wait=true")
        wait_until(lambda: not cluster.pods(NAMESPACE, "getambassador.io/gateway-pods"), SETTLE, what="its pods gone")


def test_a_part_in_the_pods_of_a_gateway_is_replaced_and_nobody_notices(installed: Installed, provisioned: str) -> None:
    cluster = installed.cluster
    wait_until(
        lambda: cluster.fetch(provisioned, "/shop/cups", host="any.test")[0] == 200,
        SETTLE,
        what="the Gateway is served",
    )
    for pod in cluster.pods(NAMESPACE, "getambassador.io/gateway-pods"):
        for part in ("translator", "watcher", "adsserver"):
            wait_replaced(pod, part, stop(pod, part))
            assert cluster.fetch(provisioned, "/shop/cups", host="any.test")[0] == 200


def test_a_webhook_that_is_stopped_gets_no_requests_and_is_replaced(installed: Installed) -> None:
    cluster = installed.cluster
    cluster.apply(OLDER)
    path = "/apis/getambassador.io/v2/mappings"
    wait_until(lambda: cluster.request("GET", path)[0] == 200, SETTLE, what="conversions")
    cluster.wait_rollout(NAMESPACE, WEBHOOK)
    first, *others = cluster.pods(NAMESPACE, f"app.kubernetes.io/name={WEBHOOK}")
    assert others
    stopped = stop(first, "webhook")
    ready = f"/api/v1/namespaces/{NAMESPACE}/pods/{first['metadata']['name']}"

    def is_ready() -> bool:
        conditions = cluster.get(ready)["status"]["conditions"]
        return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)

    wait_until(lambda: not is_ready(), SETTLE, what="it is noticed")
    wait_until(lambda: cluster.request("GET", path)[0] == 200, what="the other one converts")
    wait_replaced(first, "webhook", stopped, 240.0)
    wait_until(is_ready, SETTLE, what="it works again")
