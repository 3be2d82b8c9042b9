"""Argo Rollouts itself moves the weights of Mappings, and real requests follow: docs/friends/argo-rollouts.md."""

from typing import Any

import pytest

from tests.friends.conftest import Starts
from tests.friends.workloads import Namespace, answers, service, template
from tests.support.apiserver import ApiServer
from tests.support.cluster_gateway import ClusterGateway
from tests.support.envoy import wait_until
from tests.support.friends import canary_mapping
from tests.support.load import Load
from tests.support.ports import unused_ports

pytestmark = [pytest.mark.friends("rollouts"), pytest.mark.timeout(600)]

HOST = "shop.test"
ROLLOUTS = ("argoproj.io/v1alpha1", "rollouts")
MAPPINGS = ("getambassador.io/v3alpha1", "mappings")
ASKED = 300
PATIENCE = 120


def rollout(version: str) -> dict[str, Any]:
    """The Rollout of the page."""
    canary = {
        "stableService": "shop-stable",
        "canaryService": "shop-canary",
        "trafficRouting": {"ambassador": {"mappings": ["shop"]}},
        "steps": [{"setWeight": 20}, {"pause": {}}, {"setWeight": 60}, {"pause": {}}],
    }
    return {
        "apiVersion": ROLLOUTS[0],
        "kind": "Rollout",
        "metadata": {"name": "shop"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "shop"}},
            "template": template("shop", version),
            "strategy": {"canary": canary},
        },
    }


def test_a_rollout_moves_requests_to_its_canary_step_by_step_and_none_fails(
    api: ApiServer, gateway: ClusterGateway, starts: Starts
) -> None:
    space = Namespace(api, gateway.namespace)
    metrics, health = unused_ports(2)
    controller = starts(
        "rollouts",
        [
            *("rollouts-controller", f"--kubeconfig={api.kubeconfig}", "--leader-elect=false"),
            *("--ambassador-api-version=getambassador.io/v3alpha1", f"--namespace={space.name}"),
            *(f"--metricsPort={metrics}", f"--healthzPort={health}"),
        ],
    )
    for name in ("shop-stable", "shop-canary"):
        space.make("services", service(name, {"app": "shop"}))
    space.make("rollouts", rollout("one"))
    gateway.put("Host", "shop", {"hostname": HOST, "requestPolicy": {"insecure": {"action": "Route"}}})
    gateway.put("Mapping", "shop", {"hostname": HOST, "prefix": "/", "service": "shop-stable:80"})

    def said() -> str:
        controller.check()
        return f"the Rollout: {space.get(*ROLLOUTS, 'shop').get('status')}"

    def weighs(weight: int) -> bool:
        found = space.get(*MAPPINGS, "shop-canary")
        return found != {} and found["spec"]["weight"] == weight

    def is_at(step: int) -> bool:
        status = space.get(*ROLLOUTS, "shop").get("status", {})
        return bool(status.get("pauseConditions")) and status.get("currentStepIndex") == step

    wait_until(lambda: space.get(*ROLLOUTS, "shop").get("status", {}).get("phase") == "Healthy", PATIENCE, what=said)
    wait_until(lambda: answers(gateway.http_port, HOST, 20) == {"one": 20}, PATIENCE, what=said)
    with Load(gateway.http_port, host=HOST, rate=20) as load:
        space.patch(*ROLLOUTS, "shop", {"spec": {"template": template("shop", "two")}})
        wait_until(lambda: weighs(20) and is_at(1), PATIENCE, what=said)
        base, made = space.get(*MAPPINGS, "shop"), space.get(*MAPPINGS, "shop-canary")
        recorded = canary_mapping(base, "shop-stable", "shop-canary", 20)
        assert made["spec"] == recorded["spec"]
        assert not {"labels", "annotations", "ownerReferences"} & made["metadata"].keys()

        wait_until(lambda: "two" in answers(gateway.http_port, HOST, 50), what=said)
        assert 20 < answers(gateway.http_port, HOST, ASKED)["two"] < 110  # 60 of 300, and five deviations beside it
        space.patch(*ROLLOUTS, "shop/status", {"status": {"pauseConditions": None}})
        wait_until(lambda: weighs(60) and is_at(3), PATIENCE, what=said)
        wait_until(lambda: 130 < answers(gateway.http_port, HOST, ASKED)["two"] < 230, what=said)
        space.patch(*ROLLOUTS, "shop/status", {"status": {"pauseConditions": None}})
        wait_until(lambda: space.get(*MAPPINGS, "shop-canary") == {}, PATIENCE, what=said)
        wait_until(lambda: answers(gateway.http_port, HOST, 20) == {"two": 20}, PATIENCE, what=said)
        wait_until(lambda: _pods(space) == {"two": 2}, PATIENCE, what=said)
        assert answers(gateway.http_port, HOST, ASKED) == {"two": ASKED}
    assert load.failures == []
    assert load.requests > ASKED


def _pods(space: Namespace) -> dict[str, int]:
    """How many pods of each version there are."""
    found: dict[str, int] = {}
    for pod in space.api.get(space.path("v1", "pods"))["items"]:
        version = pod["spec"]["containers"][0]["env"][0]["value"]
        found[version] = found.get(version, 0) + 1
    return found
