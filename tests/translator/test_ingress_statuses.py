"""What the statuses of Ingresses are to say: which Service is ours, what follows when it changes, and of Knative's."""

from typing import Any

import orjson
import pytest

from translator.gateway.dedicated import SERVES, SERVES_GATEWAY
from translator.ir import ObjectKey
from translator.kubernetes.own_services import CLUSTER_LOCAL, LABEL, PUBLIC, VISIBILITY
from translator.options import Options
from translator.publication import Publication
from translator.publishing import record_of_status
from translator.quarantine import Verdict
from translator.subjects import Edition
from translator.translation import Translation
from watcher.kinds import WAYS_IN

INGRESS = "networking.k8s.io/Ingress/team/web"
KNATIVE = "networking.internal.knative.dev/Ingress/team/hello"
SERVICE = "core/Service/gateway/own"
OURS = {"app.kubernetes.io/component": "ambassador-service"}
LOCAL = {"networking.knative.dev/visibility": "cluster-local"}
IP = {"ip": "192.0.2.1"}
CLASS = {"kubernetes.io/ingress.class": "ambassador"}


class World:
    """A translation in a cluster, and the statuses that it publishes."""

    def __init__(self, pod_labels: dict[str, str] | None = None) -> None:
        options = Options(namespace="gateway", pod_labels=pod_labels, in_cluster=True, knative=True)
        self.translation = Translation(options, {})
        self.now = 0.0
        self.said: dict[ObjectKey, dict[str, Any]] = {}
        self.put(LISTENER, LISTENER_BODY)

    def put(self, key: ObjectKey, body: dict[str, Any] | None) -> None:
        self.now += 1
        made = None if body is None else orjson.dumps(body)
        edition = {key: Edition(f"uid of {key}", int(self.now))}
        self._take(self.translation.objects_changed(self.now, {key: made}, edition))

    def accept(self) -> None:
        """Envoy accepts all that there is."""
        resources = self.translation.resources()
        self._take(
            self.translation.verdicts_changed(
                self.now, {key: Verdict(row.version, None) for key, row in resources.items()}
            )
        )

    def _take(self, publication: Publication) -> None:
        assert publication.failures == []
        for key, status in publication.statuses.items():
            self.said[key] = {} if status is None else orjson.loads(record_of_status(key, status).body)

    def status(self, key: ObjectKey) -> Any:
        return self.said[key].get("status")

    def conditions(self) -> dict[str, tuple[str, str]]:
        return {
            each["type"]: (each["status"], each.get("reason", "")) for each in self.status(KNATIVE).get("conditions")
        }


LISTENER = "getambassador.io/Listener/gateway/http"
LISTENER_BODY = {
    "apiVersion": "getambassador.io/v3alpha1",
    "kind": "Listener",
    "metadata": {"name": "http", "namespace": "gateway"},
    "spec": {"port": 8080, "protocol": "HTTP", "securityModel": "XFP", "hostBinding": {"namespace": {"from": "ALL"}}},
}


def service(*addresses: dict[str, Any], labels: dict[str, str] = OURS, selector: Any = None) -> dict[str, Any]:
    spec = {"ports": [{"port": 80}], **({"selector": selector} if selector else {})}
    return {"metadata": {"labels": labels}, "spec": spec, "status": {"loadBalancer": {"ingress": list(addresses)}}}


def ingress(annotations: dict[str, str] = CLASS, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "web", "namespace": "team", "annotations": annotations}, "spec": spec}


def knative(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": "hello", "namespace": "team"}, "spec": {"rules": list(rules)}}


def rule(host: str = "hello.test", visibility: str = "ExternalIP", **more: Any) -> dict[str, Any]:
    split = {"serviceName": "10.0.0.1", **more}
    return {"hosts": [host], "visibility": visibility, "http": {"paths": [{"splits": [split]}]}}


def test_an_ingress_says_what_our_service_says_and_follows_it() -> None:
    world = World()
    world.put(INGRESS, ingress())
    assert world.status(INGRESS) is None
    assert world.said[INGRESS]["problems"][0]["path"] == "status.loadBalancer"
    port = {"port": 80, "protocol": "TCP"}
    world.put(SERVICE, service({**IP, "ipMode": "VIP", "ports": [port]}, {"hostname": "lb.example.com"}))
    assert world.said[INGRESS]["problems"] == []
    addresses = [{**IP, "ports": [port]}, {"hostname": "lb.example.com"}]
    assert world.status(INGRESS) == {"loadBalancer": {"ingress": addresses}}
    assert (world.said[INGRESS]["uid"], world.said[INGRESS]["generation"]) == (f"uid of {INGRESS}", 2)
    world.put(SERVICE, service({"ip": "192.0.2.2"}))
    assert world.status(INGRESS) == {"loadBalancer": {"ingress": [{"ip": "192.0.2.2"}]}}
    world.put(SERVICE, service())
    assert world.status(INGRESS) == {}
    world.put(SERVICE, None)
    assert "status" in world.said[INGRESS]
    assert world.status(INGRESS) is None, "it stays as it is"


def test_of_an_ingress_of_another_class_nothing_is_said() -> None:
    world = World()
    world.put(SERVICE, service(IP))
    world.put(INGRESS, ingress({"kubernetes.io/ingress.class": "nginx"}))
    assert world.said[INGRESS].keys() == {"state", "problems"}
    world.put(INGRESS, ingress())
    assert world.status(INGRESS) == {"loadBalancer": {"ingress": [IP]}}
    world.put(INGRESS, ingress({}))
    assert world.status(INGRESS) is None


@pytest.mark.parametrize(
    ("labels", "selector", "pod_labels", "key", "ours"),
    [
        (OURS, {"app": "a"}, {"app": "a", "hash": "1"}, SERVICE, True),
        (OURS, {"app": "a"}, {"app": "b"}, SERVICE, False),
        (OURS, {"app": "a", "more": "x"}, {"app": "a"}, SERVICE, False),
        (OURS, {"app": "a"}, None, SERVICE, True),
        (OURS, None, {"app": "a"}, SERVICE, True),
        (OURS, {"app": "a"}, {"app": "a"}, "core/Service/elsewhere/own", False),
        ({"app.kubernetes.io/component": "other"}, {"app": "a"}, {"app": "a"}, SERVICE, False),
        ({"note": "ambassador-service"}, {"app": "a"}, {"app": "a"}, SERVICE, False),
        (LOCAL, {"app": "a"}, {"app": "a"}, SERVICE, False),
    ],
)
def test_which_service_is_ours(
    labels: dict[str, str], selector: Any, pod_labels: dict[str, str] | None, key: str, ours: bool
) -> None:
    world = World(pod_labels)
    world.put(INGRESS, ingress())
    world.put(key, service(IP, labels=labels, selector=selector))
    assert (world.status(INGRESS) is not None) == ours


def test_of_several_the_first_by_name_counts() -> None:
    world = World()
    world.put(INGRESS, ingress())
    world.put("core/Service/gateway/b", service(IP))
    world.put("core/Service/gateway/a", service({"ip": "192.0.2.9"}))
    assert world.status(INGRESS) == {"loadBalancer": {"ingress": [{"ip": "192.0.2.9"}]}}


def test_the_watcher_keeps_what_is_read_here_of_a_service() -> None:
    assert WAYS_IN == {LABEL: PUBLIC, VISIBILITY: CLUSTER_LOCAL, SERVES: SERVES_GATEWAY}


@pytest.mark.parametrize(
    ("selector", "pod_labels", "ours"),
    [
        ({"app": "a"}, {"app": "a", "hash": "1"}, True),
        ({"app": "b"}, {"app": "a"}, False),
        (None, {"app": "a"}, False),
        ({"app": "a"}, None, False),
    ],
)
def test_a_service_of_the_cluster_alone_is_known_to_select_us(
    selector: Any, pod_labels: dict[str, str] | None, ours: bool
) -> None:
    """Knative's own Services may have the label."""
    world = World(pod_labels)
    world.put(SERVICE, service(selector={"app": "a"}))
    world.put("core/Service/gateway/inside", service(labels=LOCAL, selector=selector))
    world.put(KNATIVE, knative(rule()))
    (way,) = world.status(KNATIVE)["privateLoadBalancer"]["ingress"]
    assert way["domainInternal"].startswith("inside." if ours else "own.")


def test_knative_is_told_when_envoy_has_accepted_what_is_served() -> None:
    world = World({"app": "a"})
    world.put(SERVICE, service())
    world.put(KNATIVE, knative(rule()))
    assert world.conditions()["Ready"] == ("Unknown", "Pending")
    world.accept()
    assert world.conditions() == dict.fromkeys(("LoadBalancerReady", "NetworkConfigured", "Ready"), ("True", ""))
    way = {"ingress": [{"domainInternal": "own.gateway.svc.cluster.local"}]}
    status = world.status(KNATIVE)
    assert (status["loadBalancer"], status["privateLoadBalancer"], status["observedGeneration"]) == (way, way, 3)
    world.put("core/Service/gateway/inside", service(labels=LOCAL, selector={"app": "a"}))
    world.accept()
    inside = {"ingress": [{"domainInternal": "inside.gateway.svc.cluster.local"}]}
    status = world.status(KNATIVE)
    assert (status["loadBalancer"], status["privateLoadBalancer"]) == (way, inside)


def test_without_a_service_of_ours_knative_waits() -> None:
    world = World()
    world.put(KNATIVE, knative(rule()))
    world.accept()
    assert world.conditions()["Ready"] == world.conditions()["LoadBalancerReady"] == ("False", "NoService")
    assert world.conditions()["NetworkConfigured"] == ("True", "")
    assert "loadBalancer" not in world.status(KNATIVE)


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ((rule(percent=101),), "Invalid"),
        ((rule(servicePort="nowhere"),), "BackendNotFound"),
        ((rule(visibility="ClusterLocal"),), "NotAttached"),
    ],
)
def test_what_is_not_served_is_not_ready(rules: tuple[dict[str, Any], ...], reason: str) -> None:
    world = World()
    world.put(SERVICE, service())
    world.put(KNATIVE, knative(*rules))
    world.accept()
    assert world.conditions()["NetworkConfigured"] == world.conditions()["Ready"] == ("False", reason)


def test_what_is_for_the_cluster_alone_keeps_nothing_else_from_being_ready() -> None:
    world = World()
    world.put(SERVICE, service())
    world.put(KNATIVE, knative(rule(), rule("hello.team", "ClusterLocal")))
    world.accept()
    (configured,) = [each for each in world.status(KNATIVE)["conditions"] if each["type"] == "NetworkConfigured"]
    assert configured["status"] == "True"
    assert "no Host chooses the label networking.knative.dev/visibility: cluster-local" in configured["message"]
