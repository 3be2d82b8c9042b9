"""What is kept of the objects, and what of it counts as a change."""

import random

import pytest
from model_apiserver import document
from worlds import HOST, MAPPING, SERVICE, SLICE, filled, without_problems, world

from watcher.kinds import SECRET
from watcher.outage import pause


def test_bookkeeping_and_statuses_change_nothing_but_the_live_record() -> None:
    run = world(model=filled(1))
    run.run(2)
    publications, live = run.publications, dict(run.live)
    model = run.model
    model.version += 1
    before = model.objects["mappings"]["m0"]
    metadata = {**before["metadata"], "resourceVersion": str(model.version), "managedFields": [{"manager": "other"}]}
    changed = {**before, "metadata": metadata, "status": {"state": "Running"}}
    model.log.append((model.version, "mappings", {"type": "MODIFIED", "object": changed}))
    run.run(1)
    assert run.publications == publications
    key = MAPPING.key("a", "m0")
    assert run.live[key] != live[key]
    assert run.live[key].body == b'{"state":"Running"}'
    assert run.live[key].notes["resourceVersion"] == str(model.version)


def test_a_watcher_that_is_started_anew_publishes_nothing_when_nothing_changed() -> None:
    run = world(MAPPING, HOST, SECRET, model=filled())
    run.model.put(HOST, "h", 1)
    run.model.put(SECRET, "n1", 1)
    run.run(5)
    again = world(MAPPING, HOST, SECRET, model=run.model, remembered=without_problems(run))
    again.run(5)
    assert again.published == run.published, "which is written as a whole, and compared"
    assert again.live == run.live


def test_pauses_grow_to_half_a_minute_and_differ() -> None:
    chance = random.Random(1).random
    assert 0.8 <= pause(1, chance) <= 1.6
    assert 3.2 <= pause(3, chance) <= 6.4
    assert pause(50, chance) == 30
    assert len({pause(2, chance) for _ in range(10)}) == 10


def test_of_a_service_that_may_lead_to_us_its_pods_and_its_address_are_kept() -> None:
    address = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}
    spec = {"selector": {"app": "a"}, "ports": [{"port": 80}]}
    for labels, kept in (({"app.kubernetes.io/component": "ambassador-service"}, True), ({"app": "a"}, False)):
        run = world(SERVICE)
        made = {**document(SERVICE, "s", 1, 5, "u"), "spec": spec, "status": {**address, "conditions": []}}
        made["metadata"]["labels"] = labels
        run.model.objects.setdefault("services", {})["s"] = made
        run.run(2)
        body = run.objects[SERVICE.key("a", "s")]
        assert body["spec"] == (spec if kept else {"ports": [{"port": 80}]})
        assert body.get("status") == (address if kept else None)


def test_an_endpoint_slice_is_its_addresses() -> None:
    run = world(SLICE)
    made = {
        **document(SLICE, "s", 1, 5, "u"),
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": 80}],
        "endpoints": [
            {"addresses": ["1.2.3.4"], "conditions": {"ready": True}, "targetRef": {"name": "p"}, "nodeName": "n"}
        ],
    }
    made["metadata"]["annotations"] = {"endpoints.kubernetes.io/last-change-trigger-time": "now"}
    run.model.objects = {"endpointslices": {"s": made}}
    run.run(2)
    assert run.objects == {
        "discovery.k8s.io/EndpointSlice/a/s": {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": "s", "namespace": "a"},
            "addressType": "IPv4",
            "ports": [{"name": "http", "port": 80}],
            "endpoints": [{"addresses": ["1.2.3.4"], "conditions": {"ready": True}}],
        }
    }
    assert run.live == {}


def test_an_object_that_cannot_be_kept_is_told_and_disturbs_no_other() -> None:
    run = world(SECRET, HOST)
    run.model.put(SECRET, "n1", 1)
    run.model.put(HOST, "h", 1)
    run.model.objects["secrets"]["bad"] = {"metadata": {"name": 5, "namespace": "a"}, "data": {}}
    run.run(5)
    assert sorted(run.objects) == ["core/Secret/a/n1", HOST.key("a", "h")]
    said = "one of the secrets cannot be named: metadata.name is the number 5, not text: write it in quotes"
    assert run.problems["secrets"] == said


@pytest.mark.parametrize(("data", "kept"), [(5, 0), ("hidden", ""), (["hidden"], []), ({"tls.crt": ["hidden"]}, None)])
def test_an_object_of_a_wrong_shape_is_kept_for_who_tells_it_but_no_secret_in_it(data: object, kept: object) -> None:
    run = world(SECRET, HOST)
    run.model.put(HOST, "h", 1)
    run.model.objects["secrets"] = {"n1": {"metadata": {"name": "n1", "namespace": "a"}, "data": data}}
    run.run(5)
    assert run.objects["core/Secret/a/n1"]["data"] == ({"tls.crt": []} if kept is None else kept)
    assert run.problems == {}
