"""Argo Rollouts itself moves the weights of Mappings, and real requests follow: docs/friends/argo-rollouts.md."""

from typing import Any

import pytest

from tests.friends.conftest import OLDER, Starts
from tests.friends.workloads import Namespace, answers, service, template
from tests.support.apiserver import ApiServer
from tests.support.child import Child
from tests.support.cluster_gateway import ClusterGateway
from tests.support.envoy import wait_until
from tests.support.friends import canary_mapping
from tests.support.load import Load
from tests.support.ports import unused_ports

pytestmark = [pytest.mark.friends("rollouts"), pytest.mark.timeout(600)]

ROLLOUTS = ("argoproj.io/v1alpha1", "rollouts")
V3 = "getambassador.io/v3alpha1"
AT = "spec.strategy.canary.trafficRouting.ambassador"
SPEAKS_V3 = (f"--ambassador-api-version={V3}",)
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


class Shop:
    """A Rollout whose first version is served, with the controller beside it."""

    def __init__(self, api: ApiServer, gateway: ClusterGateway, starts: Starts, flags: tuple[str, ...]) -> None:
        """`flags`: more of the controller's."""
        self.space, self.gateway = Namespace(api, gateway.namespace), gateway
        self.host = f"{self.space.name}.test"  # the gateway serves what other tests have left, too
        self.controller = self._control(starts, flags)
        for name in ("shop-stable", "shop-canary"):
            self.space.make("services", service(name, {"app": "shop"}))
        self.space.make("rollouts", rollout("one"))
        gateway.put("Host", "shop", {"hostname": self.host, "requestPolicy": {"insecure": {"action": "Route"}}})

    def _control(self, starts: Starts, flags: tuple[str, ...]) -> Child:
        metrics, health = unused_ports(2)
        own = (f"--kubeconfig={self.space.api.kubeconfig}", f"--namespace={self.space.name}", "--leader-elect=false")
        ports = (f"--metricsPort={metrics}", f"--healthzPort={health}")
        return starts("rollouts", ["rollouts-controller", *own, *ports, *flags])

    def map(self, **more: Any) -> None:
        """The Mapping that a person writes."""
        spec = {"hostname": self.host, "prefix": "/", "service": "shop-stable:80"}
        self.gateway.put("Mapping", "shop", spec | more)

    def open(self) -> None:
        """With a Mapping, until the first version answers."""
        self.map()
        wait_until(lambda: self.status().get("phase") == "Healthy", PATIENCE, what=self.said)
        self.answer_all(one=20)

    def said(self) -> str:
        """What the controller says, for a test that has waited in vain."""
        self.controller.check()
        return f"the Rollout: {self.status()}; its Mapping: {self.mapping('shop-canary')}"

    def status(self) -> Any:
        """What the controller says of the Rollout."""
        return self.space.get(*ROLLOUTS, "shop").get("status", {})

    def mapping(self, name: str, version: str = V3) -> Any:
        """A Mapping; empty where it is not there."""
        return self.space.get(version, "mappings", name)

    def release(self, version: str) -> None:
        """What a person does: another image."""
        self.space.patch(*ROLLOUTS, "shop", {"spec": {"template": template("shop", version)}})

    def go_on(self) -> None:
        """What `kubectl argo rollouts promote` does in a pause."""
        self.space.patch(*ROLLOUTS, "shop/status", {"status": {"pauseConditions": None}})

    def abort(self) -> None:
        """What `kubectl argo rollouts abort` does."""
        self.space.patch(*ROLLOUTS, "shop/status", {"status": {"abort": True}})

    def pauses_at(self, step: int, weight: int) -> None:
        """Until it waits for a person, with this weight."""

        def paused() -> bool:
            status, made = self.status(), self.mapping("shop-canary")
            here = bool(status.get("pauseConditions")) and status.get("currentStepIndex") == step
            return here and made != {} and made["spec"]["weight"] == weight

        wait_until(paused, PATIENCE, what=self.said)

    def ends(self) -> None:
        """Until the Mapping that it made is gone."""
        wait_until(lambda: self.mapping("shop-canary") == {}, PATIENCE, what=self.said)

    def ask(self, count: int) -> dict[str, int]:
        """Which versions answer."""
        return answers(self.gateway.http_port, self.host, count)

    def answer_all(self, **wanted: int) -> None:
        """Until these versions alone answer."""
        wait_until(lambda: self.ask(sum(wanted.values())) == wanted, PATIENCE, what=self.said)

    def pods(self) -> dict[str, int]:
        """How many pods of each version there are."""
        found: dict[str, int] = {}
        for pod in self.space.api.get(self.space.path("v1", "pods"))["items"]:
            version = pod["spec"]["containers"][0]["env"][0]["value"]
            found[version] = found.get(version, 0) + 1
        return found


@pytest.mark.parametrize("api", [OLDER], indirect=True)
def test_a_rollout_speaks_v2_unless_it_is_told_otherwise_and_moves_requests_by_that_too(
    api: ApiServer, gateway: ClusterGateway, starts: Starts
) -> None:
    moves_step_by_step(Shop(api, gateway, starts, ()), "getambassador.io/v2")


def test_a_rollout_moves_requests_to_its_canary_step_by_step_and_none_fails(
    api: ApiServer, gateway: ClusterGateway, starts: Starts
) -> None:
    moves_step_by_step(Shop(api, gateway, starts, SPEAKS_V3), V3)


def moves_step_by_step(shop: Shop, version: str) -> None:
    """Two steps and the end; `version`: that in which it speaks of Mappings."""
    shop.open()
    with Load(shop.gateway.http_port, host=shop.host, rate=20) as load:
        shop.release("two")
        shop.pauses_at(1, 20)
        base, made = shop.mapping("shop", version), shop.mapping("shop-canary", version)
        assert made["spec"] == canary_mapping(base, "shop-stable", "shop-canary", 20)["spec"]
        assert not {"labels", "annotations", "ownerReferences"} & made["metadata"].keys()
        wait_until(lambda: "two" in shop.ask(50), what=shop.said)
        assert 20 < shop.ask(ASKED)["two"] < 110  # 60 of 300, and five deviations beside it

        shop.go_on()
        shop.pauses_at(3, 60)
        wait_until(lambda: 130 < shop.ask(ASKED)["two"] < 230, what=shop.said)
        shop.go_on()
        shop.ends()
        shop.answer_all(two=20)
        wait_until(lambda: shop.pods() == {"two": 2}, PATIENCE, what=shop.said)
        assert shop.ask(ASKED) == {"two": ASKED}
    assert load.failures == []
    assert load.requests > ASKED


def test_a_rollout_that_is_aborted_goes_back_and_no_request_fails(
    api: ApiServer, gateway: ClusterGateway, starts: Starts
) -> None:
    shop = Shop(api, gateway, starts, SPEAKS_V3)
    shop.open()
    with Load(gateway.http_port, host=shop.host, rate=20) as load:
        shop.release("two")
        shop.pauses_at(1, 20)
        wait_until(lambda: "two" in shop.ask(50), what=shop.said)
        shop.abort()
        shop.ends()
        shop.answer_all(one=50)
        wait_until(lambda: shop.pods() == {"one": 2}, PATIENCE, what=shop.said)
        assert shop.ask(ASKED) == {"one": ASKED}
    assert load.failures == []
    assert load.requests > ASKED


@pytest.mark.parametrize(
    ("flags", "mapping", "why"),
    [
        ((), {}, f'{AT}.mappings: Invalid value: "shop": the server could not find the requested resource'),
        (
            SPEAKS_V3,
            {"weight": 30},
            'spec.weight: Invalid value: "shop": Ambassador mapping "shop" can not define weight',
        ),
    ],
    ids=["in v2, which is not installed", "with a weight of its own"],
)
def test_a_rollout_whose_mapping_it_does_not_take_is_degraded_and_says_why(
    api: ApiServer, gateway: ClusterGateway, starts: Starts, flags: tuple[str, ...], mapping: Any, why: str
) -> None:
    shop = Shop(api, gateway, starts, flags)
    shop.map(**mapping)
    message = f'InvalidSpec: The Rollout "shop" is invalid: {why}'
    wait_until(lambda: shop.status().get("message") == message, PATIENCE, what=shop.said)
    assert shop.status()["phase"] == "Degraded"
    assert shop.pods() == {}
