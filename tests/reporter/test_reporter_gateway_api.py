"""The reporter and the watcher on a real API server with Gateway API's CRDs, and other controllers beside them."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from crds.files import FOLDER
from reporter.__main__ import BEHIND
from reporter.gateway_merging import CONTROLLER
from reporter.services import SERVES, SERVES_GATEWAY
from tests.reporter.running_reporter import Cluster, path_of
from tests.reporter.shared_statuses import EARLIER, SPECS, THEIRS, Gateways, condition, entry, listeners, well
from tests.reporter.told import Versions
from tests.reporter.words import service_said
from tests.support.apiserver import ApiServer
from tests.support.envoy import short_folder, wait_until
from tests.support.gateway_crds import GROUP, install

pytestmark = pytest.mark.kubernetes


@pytest.fixture(scope="module")
def api(own_apiserver: ApiServer, gateway_api_release: Path) -> ApiServer:
    install(own_apiserver)
    own_apiserver.apply(FOLDER / "crds.yaml")
    made = {"apiVersion": f"{GROUP}/v1", "kind": "GatewayClass", "metadata": {"name": "ours"}}
    own_apiserver.ask("POST", f"/apis/{GROUP}/v1/gatewayclasses", {**made, "spec": {"controllerName": CONTROLLER}})
    return own_apiserver


@pytest.fixture
def gateways(api: ApiServer) -> Iterator[Gateways]:
    folder = short_folder()
    made = Gateways(api, folder)
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(folder, ignore_errors=True)


def test_each_kind_has_its_status_and_it_is_written_once(gateways: Gateways) -> None:
    keys = {kind: gateways.create(kind) for kind in SPECS}
    keys["GatewayClass"] = f"{GROUP}/GatewayClass//ours"
    for kind, key in keys.items():
        gateways.say(key, well(kind))
    with gateways.reporter(AES_LOG_LEVEL="debug") as reporter:
        for kind, key in keys.items():
            gateways.becomes(key, well(kind))
        ours = os.getpriority(os.PRIO_PROCESS, 0)
        assert os.getpriority(os.PRIO_PROCESS, reporter.pid) == min(ours + BEHIND, 19), "it gives way to the others"
        before = {key: gateways.get(key) for key in keys.values()}
        gateway = keys["Gateway"]
        assert {each["type"] for each in before[gateway]["status"]["conditions"]} == {"Accepted", "Programmed"}
        assert all(each["lastTransitionTime"] > EARLIER for each in before[gateway]["status"]["conditions"])
        gateways.say(gateway, well("Gateway") | {"attachedListenerSets": 2})
        gateways.becomes(gateway, {"attachedListenerSets": 2})
        assert before == {key: gateways.get(key) for key in keys.values()} | {gateway: before[gateway]}
    with gateways.reporter() as reporter:
        other = gateways.create("HTTPRoute", "witness")
        gateways.say(other, well("HTTPRoute"))
        gateways.becomes(other, well("HTTPRoute"))
        assert before == {key: gateways.get(key) for key in keys.values()} | {gateway: before[gateway]}
    assert "warning" not in reporter.log(), "a new leadership finds nothing to write"
    events = gateways.api.get(f"/api/v1/namespaces/{gateways.namespace}/events")["items"]
    assert events == []


def test_what_other_controllers_say_stays_through_every_change_of_ours(gateways: Gateways) -> None:
    route, policy, gateway = (gateways.create(kind) for kind in ("HTTPRoute", "BackendTLSPolicy", "Gateway"))
    timed = {**condition("Accepted", "False", "Theirs"), "lastTransitionTime": EARLIER, "observedGeneration": 1}
    odd = {**timed, "type": "example.com/Odd"}
    gateways.edit(route, {"status": {"parents": [entry("parentRef", "x", timed, controller=THEIRS)]}}, "/status")
    gateways.edit(policy, {"status": {"ancestors": [entry("ancestorRef", "x", odd, controller=THEIRS)]}}, "/status")
    place = {"conditions": [odd], "listeners": [{**listeners("http", odd)[0], "attachedRoutes": 0}]}
    gateways.edit(gateway, {"status": place}, "/status")
    foreign = {key: gateways.get(key)["status"] for key in (route, policy, gateway)}

    def untouched() -> bool:
        now = {key: gateways.get(key)["status"] for key in (route, policy, gateway)}
        return (
            now[route]["parents"][0] == foreign[route]["parents"][0]
            and now[policy]["ancestors"][0] == foreign[policy]["ancestors"][0]
            and odd in now[gateway]["conditions"]
            and odd in now[gateway]["listeners"][0]["conditions"]
        )

    with gateways.reporter():
        for key in (route, policy, gateway):
            wanted = well(key.split("/")[1])
            gateways.say(key, wanted)
            gateways.becomes(key, wanted)
        assert untouched()
        since = gateways.get(route)["status"]["parents"][1]["conditions"][0]["lastTransitionTime"]

        gateways.edit(route, {"spec": {"hostnames": ["a.test"]}})
        gateways.edit(policy, {"spec": {"validation": {"hostname": "y.test"}}})
        gateways.edit(gateway, {"spec": {"listeners": [*SPECS["Gateway"]["listeners"], _another()]}})
        both = {"parents": [*well("HTTPRoute")["parents"], entry("parentRef", "h", condition("Accepted", "False"))]}
        changed = {route: both, policy: well("BackendTLSPolicy"), gateway: _with_another()}
        for key, wanted in changed.items():
            gateways.say(key, wanted)
            gateways.becomes(key, wanted)
        assert untouched()
        parents = gateways.get(route)["status"]["parents"]
        assert parents[1]["conditions"][0]["lastTransitionTime"] == since, "its status is the same"

        gateways.say(route, {"parents": []})
        gateways.say(policy, {"ancestors": []})
        wait_until(lambda: gateways.get(route)["status"] == foreign[route], 90, what="the route without ours")
        wait_until(lambda: gateways.get(policy)["status"] == foreign[policy], 90, what="the policy without ours")


def _another() -> dict[str, Any]:
    return {"name": "second", "port": 81, "protocol": "HTTP"}


def _with_another() -> dict[str, Any]:
    wanted = well("Gateway")
    return {**wanted, "listeners": [*wanted["listeners"], *listeners("second", condition("Accepted"))]}


def test_a_status_that_another_controller_has_just_changed_is_read_again(gateways: Gateways) -> None:
    """The watcher stands still, so that what the reporter knows of the object is old when it writes."""
    route = gateways.create("HTTPRoute")
    wait_until(lambda: gateways.watcher.snapshot.reader("live").get(route) is not None, 90, what="the route is seen")
    gateways.watcher.kill()
    timed = {**condition("Accepted"), "lastTransitionTime": EARLIER}
    gateways.edit(route, {"status": {"parents": [entry("parentRef", "x", timed, controller=THEIRS)]}}, "/status")
    foreign = gateways.get(route)["status"]["parents"][0]
    gateways.say(route, well("HTTPRoute"))
    with gateways.reporter():
        gateways.becomes(route, well("HTTPRoute"))
    parents = gateways.get(route)["status"]["parents"]
    assert parents[0] == foreign
    assert len(parents) == 2


def test_of_an_object_that_nobody_wants_from_us_any_more_our_entries_go_and_no_other(gateways: Gateways) -> None:
    ours, others, theirs = (gateways.create("HTTPRoute", name) for name in ("ours", "others", "theirs"))
    gateway = gateways.create("Gateway")
    timed = {**condition("Accepted"), "lastTransitionTime": EARLIER}
    for key in (others, theirs):
        gateways.edit(key, {"status": {"parents": [entry("parentRef", "x", timed, controller=THEIRS)]}}, "/status")
    foreign = gateways.get(theirs)
    with gateways.reporter():
        for key in (ours, others):
            gateways.say(key, well("HTTPRoute"))
            gateways.becomes(key, well("HTTPRoute"))
        gateways.say(gateway, well("Gateway"))
        gateways.becomes(gateway, well("Gateway"))
    before = gateways.get(gateway)
    for key in (ours, others, theirs, gateway):
        gateways.say(key, None)
    with gateways.reporter():
        wait_until(lambda: gateways.get(ours)["status"] == {"parents": []}, 90, what="nothing is left")
        wait_until(lambda: gateways.get(others)["status"] == foreign["status"], 90, what="theirs is left")
    assert gateways.get(theirs) == foreign
    assert gateways.get(gateway) == before, "whoever is told to serve it now will say what it is"


def test_a_gateway_has_its_whole_status_in_one_write(gateways: Gateways) -> None:
    key = gateways.create("Gateway")
    wait_until(lambda: gateways.watcher.snapshot.reader("live").get(key) is not None, 90, what="the Gateway is seen")
    versions = Versions(cast("Cluster", gateways), key)
    gateways.say(key, well("Gateway"))
    with gateways.reporter():
        gateways.becomes(key, well("Gateway"))
    versions.close()
    assert len(versions.seen) == 1


def wanted(name: str, *targets: int) -> dict[str, Any]:
    """What the translator says of a Gateway with addresses of its own."""
    ports = [{"protocol": "TCP", "port": 80 + place, "target": target} for place, target in enumerate(targets)]
    service = service_said(name, **{"class": "ours"}, labels={"team": "a"}, ports=ports)
    return well("Gateway") | {"service": service}


def services(gateways: Gateways) -> dict[str, list[int]]:
    """The Services with the addresses, and where their ports lead to."""
    path = f"/api/v1/namespaces/{gateways.namespace}/services?labelSelector={SERVES}={SERVES_GATEWAY}"
    found = gateways.api.get(path)["items"]
    return {each["metadata"]["name"]: [port["targetPort"] for port in each["spec"]["ports"]] for each in found}


def test_gateways_have_services_as_long_as_they_are_there(gateways: Gateways) -> None:
    def become(expected: dict[str, list[int]]) -> None:
        wait_until(lambda: services(gateways) == expected, 90, what=f"{expected}, not {services(gateways)}")

    first, second, third = (gateways.create("Gateway", name) for name in ("a", "b", "c"))
    with gateways.reporter():
        gateways.say(first, wanted("gateway-a", 0))
        become({"gateway-a": [20000]})
        gateways.say(second, wanted("gateway-b", 0, 0))
        become({"gateway-a": [20000], "gateway-b": [20001, 20002]})
        gateways.say(third, wanted("gateway-c", 0))
        become({"gateway-a": [20000], "gateway-b": [20001, 20002], "gateway-c": [20003]})
        path = f"/api/v1/namespaces/{gateways.namespace}/services"
        made = gateways.api.get(f"{path}/gateway-a")
        assert (made["spec"]["type"], made["spec"]["selector"]) == ("LoadBalancer", {"app": "us"})
        assert made["metadata"]["labels"] == {"team": "a", "getambassador.io/serves": "gateway"}
        # Somebody deletes it, and the translator sees that there is none.
        gateways.api.ask("DELETE", f"{path}/gateway-a")
        gateways.say(first, wanted("gateway-a", 20000) | {"attachedListenerSets": 3})
        gateways.say(first, wanted("gateway-a", 0) | {"attachedListenerSets": 4})
        become({"gateway-a": [20000], "gateway-b": [20001, 20002], "gateway-c": [20003]})
    # Another leader knows what is whose; one Gateway went meanwhile, one has its class' addresses now.
    gateways.api.ask("DELETE", path_of(second))
    gateways.forget(second)
    gateways.say(third, well("Gateway"))
    with gateways.reporter():
        become({"gateway-a": [20000]})
        gateways.say(third, wanted("gateway-c", 0))
        become({"gateway-a": [20000], "gateway-c": [20001]})
        gateways.forget(first)  # the translator has said nothing yet: the Gateway is there
        gateways.say(third, wanted("gateway-c", 20001, 0))
        become({"gateway-a": [20000], "gateway-c": [20001, 20002]})
        gateways.api.ask("DELETE", path_of(third))
        gateways.forget(third)
        become({"gateway-a": [20000]})
