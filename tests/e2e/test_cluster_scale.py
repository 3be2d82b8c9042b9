"""Ten thousand Mappings in a pod of the shipped manifests: it begins, serves, and keeps within its memory limit."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.bench.cluster import create, objects_of
from tests.e2e.cluster.gateway import DEPLOYMENT, NAMESPACE, Installed
from tests.support.envoy import wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.image, pytest.mark.timeout(900)]

MAPPINGS = 10_000
MANY = "many"
SETTLE = 300.0  # seconds, on a busy machine

OUT_OF_MEMORY = """
import pathlib
for name in ("memory.events", "memory/memory.oom_control"):
    file = pathlib.Path("/sys/fs/cgroup", name)
    if file.exists():
        print(dict(line.split() for line in file.read_text().splitlines())["oom_kill"])
        break
"""
"""The kernel's own count: of a process that it killed in there, the container as a whole need not have noticed."""


@pytest.fixture
def alone(installed: Installed) -> Iterator[Installed]:
    """One replica, so that a small machine can carry it; the manifest's number again afterwards."""
    installed.cluster.kubectl("-n", NAMESPACE, "scale", f"deployment/{DEPLOYMENT}", "--replicas=1")
    wait_until(lambda: len(_pods(installed)) == 1, SETTLE, what="one replica")
    yield installed
    installed.cluster.kubectl("delete", "namespace", MANY, "--wait=false", "--ignore-not-found")
    installed.cluster.kubectl("-n", NAMESPACE, "scale", f"deployment/{DEPLOYMENT}", "--replicas=3")


def test_ten_thousand_mappings_fit_the_memory_limit(alone: Installed) -> None:
    """Both in the pod that watches them come, and in one that finds them all at its start."""
    cluster = alone.cluster
    cluster.ask("POST", "/api/v1/namespaces", {"metadata": {"name": MANY}})
    asyncio.run(create(cluster, objects_of(MANY, 0, MAPPINGS)))
    _serves_a_new_one(alone, "after-all")
    grown = _only(alone)
    assert _out_of_memory(alone, grown) == "0"

    cluster.kubectl("-n", NAMESPACE, "delete", "pod", grown, "--wait=false")
    began = time.monotonic()
    wait_until(lambda: set(alone.pods()) - {grown}, SETTLE, what="a fresh pod with all of it ready")
    print(f"ready {time.monotonic() - began:.1f} s after its predecessor was asked to end")
    wait_until(lambda: len(_pods(alone)) == 1, SETTLE, what="the former pod's end")
    _serves_a_new_one(alone, "in-a-fresh-pod")
    fresh = _only(alone)
    assert fresh != grown
    assert _out_of_memory(alone, fresh) == "0"
    (container,) = _pods(alone)[0]["status"]["containerStatuses"]
    assert (container["restartCount"], container["lastState"]) == (0, {})


def _serves_a_new_one(installed: Installed, name: str) -> None:
    """Objects of a kind come in order, so a Mapping made last is served when all before it are known."""
    spec = {"hostname": "*", "prefix": f"/{name}/", "service": "hello.quickstart"}
    made = {"apiVersion": "getambassador.io/v3alpha1", "kind": "Mapping", "metadata": {"name": name}, "spec": spec}
    installed.cluster.ask("POST", f"/apis/getambassador.io/v3alpha1/namespaces/{MANY}/mappings", made)
    began = time.monotonic()
    wait_until(lambda: installed.status(f"/{name}/") == 200, SETTLE, what=f"the Mapping {name} served")
    print(f"{name}: served after {time.monotonic() - began:.2f} s")


def _pods(installed: Installed) -> list[Any]:
    found = installed.cluster.get(f"/api/v1/namespaces/{NAMESPACE}/pods")["items"]
    return [pod for pod in found if pod["metadata"]["labels"].get("app.kubernetes.io/name") == DEPLOYMENT]


def _only(installed: Installed) -> str:
    (pod,) = _pods(installed)
    return str(pod["metadata"]["name"])


def _out_of_memory(installed: Installed, pod: str) -> str:
    return installed.cluster.kubectl("-n", NAMESPACE, "exec", pod, "--", "python", "-c", OUT_OF_MEMORY).strip()
