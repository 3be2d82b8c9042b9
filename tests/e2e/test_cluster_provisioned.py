"""A Gateway with pods of its own in a real cluster: they serve it, nobody else does, and all of it goes with it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.cluster.gateway import DEMO_NAMESPACE, NAMESPACE, Installed, gateway_api
from tests.support.envoy import wait_until
from tests.support.part import ROOT

pytestmark = [pytest.mark.cluster, pytest.mark.image, pytest.mark.timeout(600)]

EXAMPLE = ROOT / "examples/provisioned/gateway.yaml"
SETTLE = 120.0  # seconds until a pod that was started serves, on a busy machine
SERVES = "labelSelector=getambassador.io%2Fserves%3Dgateway%2Cteam%3Dshop"  # by the label that the Gateway asks for
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
SERVICES = f"/api/v1/namespaces/{NAMESPACE}/services?{SERVES}"


@pytest.fixture(scope="module", autouse=True)
def classes(installed: Installed, gateway_api_release: Path) -> Iterator[None]:
    with gateway_api(installed.cluster, "dedicated-addresses", "provisioned"):
        yield


def _items(installed: Installed, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = installed.cluster.get(path)["items"]
    return found


def _programmed(installed: Installed) -> str:
    path = f"/apis/gateway.networking.k8s.io/v1/namespaces/{DEMO_NAMESPACE}/gateways/shop"
    status = installed.cluster.get(path).get("status", {})
    conditions = {each["type"]: each["status"] for each in status.get("conditions", ())}
    return status["addresses"][0]["value"] if conditions.get("Programmed") == "True" else ""


def _served(installed: Installed, address: str) -> str:
    """What a request of its own gets: the proxy of each node learns of pods beside us, not before us."""
    answers: list[tuple[int, str]] = []

    def is_served() -> bool:
        answers.append(installed.cluster.fetch(address, "/shop/cups", host="any.test"))
        return answers[-1][0] == 200

    wait_until(is_served, SETTLE, what=lambda: f"the Gateway is served; the last answer: {answers[-1]}")
    return answers[-1][1]


def _pods(installed: Installed) -> list[str]:
    pods = installed.cluster.pods(NAMESPACE, "getambassador.io/gateway-pods")
    return [each["metadata"]["name"] for each in pods]


def test_a_gateway_is_served_by_pods_of_its_own_which_go_with_it(installed: Installed) -> None:
    cluster = installed.cluster
    cluster.apply(EXAMPLE)
    address = wait_until(lambda: _programmed(installed), SETTLE, what="the Gateway is programmed")
    assert "/shop/cups" in _served(installed, address)
    assert cluster.fetch(address, "/hello/", host="any.test")[0] == 404  # which is a Mapping's
    assert installed.status("/hello/") == 200
    assert installed.status("/shop/") == 404
    (service,) = _items(installed, SERVICES)
    name = service["metadata"]["name"]
    own = cluster.get(f"/api/v1/namespaces/{DEMO_NAMESPACE}/services/shop-dragoman-provisioned")
    assert own["spec"]["externalName"].startswith(f"{name}.{NAMESPACE}.")

    cluster.kubectl("-n", NAMESPACE, "delete", "deployment", name, "--wait=true")
    wait_until(lambda: not _programmed(installed), SETTLE, what="it is known that nobody serves it")
    again = wait_until(lambda: _programmed(installed), SETTLE, what="the pods that were deleted are made again")
    assert again == address
    _served(installed, address)

    cluster.kubectl("-n", DEMO_NAMESPACE, "delete", "gateway", "shop", "--wait=false")
    wait_until(lambda: not _items(installed, SERVICES), SETTLE, what="the Service is gone")
    deployments = [each["metadata"]["name"] for each in _items(installed, DEPLOYMENTS)]
    wait_until(lambda: not _pods(installed), SETTLE, what=f"the pods are gone ({deployments})")
    names = [each["metadata"]["name"] for each in _items(installed, f"/api/v1/namespaces/{DEMO_NAMESPACE}/services")]
    assert "shop-dragoman-provisioned" not in names
