"""Flagger itself moves the weights of its HTTPRoute, and real requests follow: docs/friends/flagger.md."""

from typing import Any

import pytest

from tests.friends.conftest import Starts
from tests.friends.workloads import Namespace, answers, template, undefaulted
from tests.support.apiserver import ApiServer
from tests.support.cluster_gateway import ClusterGateway
from tests.support.envoy import wait_until
from tests.support.friends import Canary
from tests.support.gateway_crds import GROUP
from tests.support.load import Load
from tests.support.ports import unused_port, unused_ports

pytestmark = [pytest.mark.friends("flagger"), pytest.mark.timeout(600)]

HOST = "shop.test"
PATIENCE = 120
CANARIES = ("flagger.app/v1beta1", "canaries")
ROUTES = (f"{GROUP}/v1", "httproutes")
DEPLOYMENTS = ("apps/v1", "deployments")
WEIGHTS = [(100, 0), (70, 30), (40, 60)]


def deployment(version: str) -> dict[str, Any]:
    made = template("shop", version)
    spec = {"replicas": 2, "selector": {"matchLabels": made["metadata"]["labels"]}, "template": made}
    return {"apiVersion": DEPLOYMENTS[0], "kind": "Deployment", "metadata": {"name": "shop"}, "spec": spec}


def canary(space: str) -> dict[str, Any]:
    """The Canary of the page."""
    spec = {
        "provider": "gatewayapi:v1",
        "targetRef": {"apiVersion": DEPLOYMENTS[0], "kind": "Deployment", "name": "shop"},
        "service": {
            "port": 80,
            "targetPort": 8080,
            "hosts": [HOST],
            "gatewayRefs": [{"name": "web", "namespace": space}],
        },
        "analysis": {"interval": "3s", "threshold": 5, "maxWeight": 60, "stepWeight": 30},
    }
    return {"apiVersion": CANARIES[0], "kind": "Canary", "metadata": {"name": "shop"}, "spec": spec}


def test_a_canary_is_promoted_by_weights_of_its_route_and_no_request_fails(
    api: ApiServer, gateway: ClusterGateway, starts: Starts
) -> None:
    space = Namespace(api, gateway.namespace)
    own, port = unused_ports(2)
    flagger = starts(
        "flagger",
        [
            *("flagger", f"--kubeconfig={api.kubeconfig}", f"--namespace={space.name}", f"--port={own}"),
            *("--mesh-provider=gatewayapi:v1", f"--metrics-server=http://127.0.0.1:{unused_port()}"),
            "--control-loop-interval=1s",
        ],
    )
    made = {"apiVersion": ROUTES[0], "kind": "GatewayClass", "metadata": {"name": "flagged"}}
    spec: dict[str, Any] = {"controllerName": "getambassador.io/dragoman"}
    api.ask("POST", f"/apis/{ROUTES[0]}/gatewayclasses", {**made, "spec": spec})
    spec = {"gatewayClassName": "flagged", "listeners": [{"name": "http", "port": port, "protocol": "HTTP"}]}
    space.make("gateways", {"apiVersion": ROUTES[0], "kind": "Gateway", "metadata": {"name": "web"}, "spec": spec})
    space.make("deployments", deployment("one"))
    space.make("canaries", canary(space.name))

    def phase() -> Any:
        return space.get(*CANARIES, "shop").get("status", {}).get("phase")

    def said() -> str:
        flagger.check()
        answered = answers(port, HOST, 5)
        told = (space.get(*CANARIES, "shop").get("status"), space.get(*ROUTES, "shop"))
        return f"answers: {answered}; Canary and route: {told}"

    def weights() -> tuple[int, int]:
        first, second = space.get(*ROUTES, "shop")["spec"]["rules"][0]["backendRefs"]
        return first["weight"], second["weight"]

    wait_until(lambda: phase() == "Initialized", PATIENCE, what=said)
    wait_until(lambda: answers(port, HOST, 20) == {"one": 20}, PATIENCE, what=said)
    recorded = Canary("shop", HOST, [{"name": "web", "namespace": space.name}]).weighted(100, 0)
    assert undefaulted(space.get(*ROUTES, "shop")["spec"]) == undefaulted(recorded["spec"])

    with Load(port, host=HOST, rate=20) as load:
        space.patch(*DEPLOYMENTS, "shop", {"spec": {"template": template("shop", "two")}})
        for each in WEIGHTS[1:]:
            wait_until(lambda each=each: weights() == each, PATIENCE, what=said)
            wait_until(lambda: "two" in answers(port, HOST, 20), what=said)
        wait_until(lambda: phase() == "Succeeded" and weights() == (100, 0), PATIENCE, what=said)
        wait_until(lambda: answers(port, HOST, 20) == {"two": 20}, PATIENCE, what=said)
    assert load.failures == []
    assert load.requests > 100
