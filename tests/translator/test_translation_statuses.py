"""From a change to Envoy's word on it: what statuses say meanwhile, and of which version of an object."""

from typing import Any

import orjson
import pytest

from translator.conditions import kubernetes_status
from translator.options import Options
from translator.progress import PATIENCE
from translator.publication import Publication
from translator.publishing import record_of_status
from translator.quarantine import Verdict
from translator.subjects import Edition
from translator.translation import Translation

GROUP = "getambassador.io"
LISTENER = f"{GROUP}/Listener/default/http"


def body(kind: str, name: str, spec: dict[str, Any]) -> bytes:
    metadata = {"name": name, "namespace": "default"}
    return orjson.dumps({"apiVersion": f"{GROUP}/v3alpha1", "kind": kind, "metadata": metadata, "spec": spec})


def mapping(name: str, **fields: Any) -> dict[str, bytes | None]:
    spec = {"hostname": "*", "prefix": f"/{name}/", "service": "10.0.0.1:80", **fields}
    return {f"{GROUP}/Mapping/default/{name}": body("Mapping", name, spec)}


class Gateway:
    """A translation, an Envoy that answers when it is told to, and the statuses as they are known to others."""

    def __init__(self) -> None:
        self.translation = Translation(Options(), {})
        self.now = 0.0
        self.resources: dict[str, str] = {}
        self.unanswered: dict[str, str] = {}
        self.accepted: dict[str, str] = {}
        self.statuses: dict[str, dict[str, Any] | None] = {}
        self.told: list[str] = []
        spec = {
            "port": 8080,
            "protocol": "HTTP",
            "securityModel": "INSECURE",
            "hostBinding": {"namespace": {"from": "ALL"}},
        }
        self.change({LISTENER: body("Listener", "http", spec)})

    def take(self, publication: Publication) -> None:
        assert publication.failures == []
        for key, row in publication.resources.items():
            if row is None:
                self.unanswered.pop(key, None)
            elif self.accepted.get(key) != row.version:
                self.unanswered[key] = row.version
        for key, status in publication.statuses.items():
            kind = key.split("/")[1]
            self.statuses[key] = kubernetes_status(kind, status) if status else None
            self.told.append(key)

    def change(self, objects: dict[str, bytes | None], generation: int = 1) -> None:
        self.now += 1
        self.told.clear()
        editions = {key: Edition(f"uid-of-{key}", generation) for key in objects}
        self.take(self.translation.objects_changed(self.now, objects, editions))

    def accept(self, *only: str) -> None:
        for key in only or tuple(self.unanswered):
            self.accepted[key] = self.unanswered.pop(key)
            self.take(self.translation.verdicts_changed(self.now, {key: Verdict(self.accepted[key], None)}))

    def refuse(self, key: str, why: str = "no") -> None:
        verdict = Verdict(self.accepted.get(key), self.unanswered.pop(key), why)
        self.take(self.translation.verdicts_changed(self.now, {key: verdict}))

    def route(self) -> str:
        (key,) = (key for key in self.unanswered if key.startswith("route/"))
        return key

    def of(self, key: str) -> dict[str, str]:
        status = self.statuses[key]
        assert status is not None
        return {each["type"]: f"{each['status']} {each['reason']}" for each in status["conditions"]}

    def programmed(self, name: str) -> str:
        return self.of(f"{GROUP}/Mapping/default/{name}")["Programmed"]

    def generation(self, name: str) -> int:
        status = self.statuses[f"{GROUP}/Mapping/default/{name}"]
        assert status is not None
        (generation,) = {each["observedGeneration"] for each in status["conditions"]}
        assert isinstance(generation, int)
        return generation


@pytest.fixture
def gateway() -> Gateway:
    """With a Listener that Envoy has taken."""
    made = Gateway()
    made.accept()
    assert made.of(LISTENER)["Programmed"] == "True Programmed"
    return made


def test_a_mapping_is_programmed_when_envoy_has_taken_all_of_it(gateway: Gateway) -> None:
    gateway.change(mapping("a"))
    assert gateway.programmed("a") == "Unknown Pending"
    cluster = next(key for key in gateway.unanswered if key.startswith("cluster/"))
    gateway.accept(cluster)
    assert gateway.programmed("a") == "Unknown Pending"
    gateway.accept()
    assert gateway.programmed("a") == "True Programmed"


def test_a_change_touches_the_status_of_what_changed_alone(gateway: Gateway) -> None:
    gateway.change(mapping("a") | mapping("b"))
    gateway.accept()
    gateway.change(mapping("a", timeout_ms=1000), 2)
    gateway.accept()
    assert set(gateway.told) == set(mapping("a"))
    assert (gateway.generation("a"), gateway.generation("b")) == (2, 1)


def test_a_change_that_means_nothing_to_envoy_is_programmed_at_once(gateway: Gateway) -> None:
    gateway.change(mapping("a"))
    gateway.accept()
    gateway.change(mapping("a", docs=None), 2)
    assert (gateway.programmed("a"), gateway.generation("a")) == ("True Programmed", 2)


def test_back_to_what_envoy_has_already_is_programmed_at_once(gateway: Gateway) -> None:
    gateway.change(mapping("a"))
    gateway.accept()
    gateway.change(mapping("a", timeout_ms=1000), 2)
    gateway.change(mapping("a"), 3)
    assert (gateway.programmed("a"), gateway.generation("a")) == ("True Programmed", 3)


def test_what_envoy_refuses_says_so_of_the_version_that_was_refused(gateway: Gateway) -> None:
    gateway.change(mapping("a") | mapping("b"))
    gateway.accept()
    gateway.change(mapping("a", timeout_ms=1000), 2)
    gateway.refuse(gateway.route(), "bad timeout")
    assert (gateway.programmed("a"), gateway.generation("a")) == ("False RefusedByEnvoy", 2)
    status = gateway.statuses[f"{GROUP}/Mapping/default/a"]
    assert status is not None
    assert (status["state"], "bad timeout" in status["reason"]) == ("Inactive", True)
    assert gateway.programmed("b") == "True Programmed"
    gateway.change(mapping("a"), 3)
    assert (gateway.programmed("a"), gateway.generation("a")) == ("True Programmed", 3)


def test_two_that_changed_together_are_told_apart(gateway: Gateway) -> None:
    gateway.change(mapping("a") | mapping("b"))
    gateway.refuse(gateway.route(), "one of them is bad")
    assert {gateway.programmed("a"), gateway.programmed("b")} == {"Unknown Pending"}
    while gateway.unanswered:  # Envoy refuses what has /b/ in it
        routes = [key for key in gateway.unanswered if key.startswith("route/")]
        others = [key for key in gateway.unanswered if key not in routes]
        if others:
            gateway.accept(*others)
        for key in routes:
            row = gateway.translation.resources()[key]
            if b"/b/" in row.body:
                gateway.refuse(key, "one of them is bad")
            else:
                gateway.accept(key)
    assert gateway.programmed("a") == "True Programmed"
    assert gateway.programmed("b") == "False RefusedByEnvoy"


def test_who_is_only_near_what_envoy_does_not_answer_stops_waiting(gateway: Gateway) -> None:
    context = {f"{GROUP}/TLSContext/default/t": body("TLSContext", "t", {"hosts": []})}
    gateway.change(mapping("a") | context)
    gateway.accept(*(key for key in gateway.unanswered if not key.startswith("route/")))
    assert gateway.of(f"{GROUP}/TLSContext/default/t")["Programmed"] == "Unknown Pending"
    gateway.take(gateway.translation.time_passed(gateway.now + PATIENCE))
    assert gateway.of(f"{GROUP}/TLSContext/default/t")["Programmed"] == "True Programmed"
    assert gateway.programmed("a") == "Unknown Pending"


def test_an_object_of_another_gateway_has_no_status(gateway: Gateway) -> None:
    gateway.change(mapping("a", ambassador_id=["other"]))
    assert gateway.statuses[f"{GROUP}/Mapping/default/a"] is None
    portal = f"{GROUP}/DevPortal/default/a"
    gateway.change({portal: body("DevPortal", "a", {"ambassador_id": ["other"]})})
    assert gateway.statuses[portal] is None
    gateway.change({portal: body("DevPortal", "a", {})})
    assert gateway.of(portal)["Accepted"] == "False NotServed"


def test_an_object_of_another_gateway_is_said_to_be_one_until_it_is_ours(gateway: Gateway) -> None:
    (key,) = mapping("a")

    def state(**fields: Any) -> str:
        publication = gateway.translation.objects_changed(9.0, mapping("a", **fields))
        status = publication.statuses[key]
        assert status is not None
        return str(orjson.loads(record_of_status(key, status).body)["state"])

    assert state(ambassador_id=["other"], weight="heavy") == "other"
    assert state() == "ok"


def test_an_object_that_was_made_anew_is_another_one_to_who_writes(gateway: Gateway) -> None:
    (key,) = mapping("a")
    publication = gateway.translation.objects_changed(9.0, mapping("a"), {key: Edition("some-uid", 1)})
    status = publication.statuses[key]
    assert status is not None
    assert orjson.loads(record_of_status(key, status).body)["uid"] == "some-uid"
