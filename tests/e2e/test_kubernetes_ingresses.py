"""What Ingresses say of where clients come in, on a real API server."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.apiserver import ApiServer
from tests.support.cluster_gateway import ClusterGateway, install_crds
from tests.support.envoy import wait_until
from tests.support.ways_in import OURS, WaysIn

pytestmark = [pytest.mark.envoy, pytest.mark.system, pytest.mark.kubernetes]

CLASS = "kubernetes.io/ingress.class"
POD = {"app": "gateway", "pod-template-hash": "5b8"}
BACKEND = {"defaultBackend": {"service": {"name": "own", "port": {"number": 80}}}}
FIRST, SECOND, FOREIGN = ({"ip": f"192.0.2.{number}"} for number in (1, 2, 99))
_numbers = itertools.count(1)


@pytest.fixture
def clustered(own_apiserver: ApiServer, tmp_path: Path) -> Iterator[ClusterGateway]:
    """A gateway in a namespace of its own, whose pod says its labels."""
    install_crds(own_apiserver)
    labels = tmp_path / "labels"
    labels.write_text("\n".join(f'{name}="{value}"' for name, value in POD.items()))
    with ClusterGateway(own_apiserver, environ={"DRAGOMAN_POD_LABELS": str(labels)}) as gateway:
        yield gateway


@pytest.fixture
def ways(clustered: ClusterGateway) -> WaysIn:
    return WaysIn(clustered.api, clustered.namespace)


def another_status_is_written(gateway: ClusterGateway) -> None:
    """Something that comes after all that there was to be written."""
    name = f"witness-{next(_numbers)}"
    gateway.put("Mapping", name, {"hostname": "some.test", "prefix": f"/{name}/", "service": "127.0.0.1:1"})
    path = gateway.path("Mapping", name)
    wait_until(lambda: gateway.api.get(path).get("status"), 30, what="the status of a witness")


def becomes(ways: WaysIn, name: str, *addresses: dict[str, object]) -> None:
    wait_until(lambda: ways.told(name) == list(addresses), 30, what=lambda: f"{name}: {ways.get(name)}")


def test_an_ingress_says_the_address_of_our_service_and_follows_it(clustered: ClusterGateway, ways: WaysIn) -> None:
    ways.service("a-decoy", OURS, {"app": "other"}, FOREIGN)
    ways.create("early", BACKEND, **{CLASS: "ambassador"})
    another_status_is_written(clustered)
    assert ways.told("early") == []
    ways.service(
        "own", OURS, {"app": "gateway"}, {**FIRST, "ipMode": "VIP", "ports": [{"port": 80, "protocol": "TCP"}]}
    )
    ports = [{"port": 80, "protocol": "TCP"}]
    becomes(ways, "early", {**FIRST, "ports": ports})
    ways.create("late", BACKEND, **{CLASS: "ambassador"})
    becomes(ways, "late", {**FIRST, "ports": ports})
    assert FIRST["ip"] in clustered.api.kubectl("get", "ingress", "late", "-n", clustered.namespace)
    ways.addresses("own", SECOND, {"hostname": "lb.example.com"})
    for name in ("early", "late"):
        becomes(ways, name, SECOND, {"hostname": "lb.example.com"})


def test_what_is_right_is_not_written_again_and_what_is_not_ours_is_not_touched(
    clustered: ClusterGateway, ways: WaysIn
) -> None:
    ways.create("theirs", BACKEND, **{CLASS: "nginx"})
    ways.say("theirs", {"loadBalancer": {"ingress": [FOREIGN]}})
    ways.create("nobodys", BACKEND)
    ways.create("ours", BACKEND, **{CLASS: "ambassador"})
    ways.say("ours", {"loadBalancer": {"ingress": [FOREIGN]}})
    others = {name: ways.version(name) for name in ("theirs", "nobodys")}
    ways.service("own", OURS, {"app": "gateway"}, FIRST)
    becomes(ways, "ours", FIRST)
    written = ways.version("ours")
    killed = clustered.kill("reporter")
    wait_until(lambda: clustered.pid_of("reporter") not in {None, killed}, what="another reporter")
    another_status_is_written(clustered)
    assert ways.version("ours") == written
    ways.addresses("own", SECOND)
    becomes(ways, "ours", SECOND)
    assert {name: ways.version(name) for name in others} == others


def test_without_an_address_ours_is_taken_back_and_anothers_stays(clustered: ClusterGateway, ways: WaysIn) -> None:
    ways.service("own", OURS, {"app": "gateway"}, FIRST)
    ways.create("ours", BACKEND, **{CLASS: "ambassador"})
    becomes(ways, "ours", FIRST)
    ways.addresses("own")
    becomes(ways, "ours")
    ways.say("ours", {"loadBalancer": {"ingress": [FOREIGN]}})
    killed = clustered.kill("reporter")
    wait_until(lambda: clustered.pid_of("reporter") not in {None, killed}, what="another reporter")
    another_status_is_written(clustered)
    another_status_is_written(clustered)
    assert ways.told("ours") == [FOREIGN]
    assert "changed back" not in clustered.log()


def test_an_ingress_that_is_given_away_says_it_no_more(clustered: ClusterGateway, ways: WaysIn) -> None:
    ways.service("own", OURS, {"app": "gateway"}, FIRST)
    ways.create("given", BACKEND, **{CLASS: "ambassador"})
    becomes(ways, "given", FIRST)
    ways.edit("given", metadata={"annotations": {CLASS: "nginx"}})
    becomes(ways, "given")
    ways.edit("given", metadata={"annotations": {CLASS: "ambassador"}})
    becomes(ways, "given", FIRST)


def test_a_service_that_is_made_anew_takes_no_address_away(clustered: ClusterGateway, ways: WaysIn) -> None:
    ways.service("own", OURS, {"app": "gateway"}, FIRST)
    ways.create("kept", BACKEND, **{CLASS: "ambassador"})
    becomes(ways, "kept", FIRST)
    written = ways.version("kept")
    clustered.api.ask("DELETE", f"/api/v1/namespaces/{clustered.namespace}/services/own")
    another_status_is_written(clustered)
    assert ways.version("kept") == written
    ways.service("own", OURS, {"app": "gateway"}, SECOND)
    becomes(ways, "kept", SECOND)


def test_without_a_service_of_ours_the_ingress_says_so(clustered: ClusterGateway, ways: WaysIn) -> None:
    ways.create("lost", BACKEND, **{CLASS: "ambassador"})
    key = f"networking.k8s.io/Ingress/{clustered.namespace}/lost"

    def said() -> bool:
        return "status.loadBalancer" in str(clustered.diag()["objects"].get(key, {}).get("problems"))

    wait_until(said, 30, what="what is missing told")
    wait_until(lambda: "status.loadBalancer" in events_of(clustered, "Warned"), 30, what="an Event of it")
    ways.service("own", OURS, {"app": "gateway"}, FIRST)
    becomes(ways, "lost", FIRST)
    wait_until(lambda: not said(), 30, what="it told no more")
    wait_until(lambda: "Nothing is wrong any more" in events_of(clustered, "Recovered"), 30, what="an Event of that")


def events_of(gateway: ClusterGateway, reason: str) -> str:
    """Our Events of Ingresses for a reason, as kubectl shows them."""
    chosen = f"reportingComponent=dragoman,involvedObject.kind=Ingress,reason={reason}"
    return gateway.api.kubectl("get", "events", "-n", gateway.namespace, "--field-selector", chosen, "-o", "yaml")
