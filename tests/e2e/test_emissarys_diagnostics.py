"""The keys of Emissary's diagnostics: people's scripts find in them what is really served."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import an_object, host, mapping
from tests.support.ports import unused_port
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

NAME = "keys.test"
KEYS = {
    "system",
    "envoy_status",
    "errors",
    "notices",
    "groups",
    "route_info",
    "cluster_info",
    "cluster_stats",
    "ambassador_services",
    "ambassador_resolvers",
    "ambassador_elements",
    "envoy_elements",
    "tlscontexts",
    "source_map",
}
MAPPING = "getambassador.io/Mapping/default"


@pytest.fixture
def served(gateway: Gateway, red: HttpUpstream, blue: HttpUpstream) -> Iterator[Gateway]:
    texts = (
        host(NAME, NAME)
        + mapping("keys-a", NAME, red.service, "/a/", weight=70, headers={"x-key": "hunter2"}, stats_name="keys_red")
        + mapping("keys-b", NAME, blue.service, "/a/", headers={"x-key": "hunter2"})
        + mapping("keys-s", NAME, blue.service, "/a/", headers={"x-key": "hunter2"}, shadow=True)
        + mapping("keys-wrong", NAME, red.service, "/a b")
        + mapping("keys-foreign", NAME, red.service, "/a/", ambassador_id=["another"])
        + an_object("TLSContext", "keys-context", {"hosts": ["context.test"], "alpn_protocols": "h2"})
        + an_object("TCPMapping", "keys-tcp", {"port": unused_port(), "service": red.service})
    )
    with gateway.applied(NAME, texts):
        gateway.wait_served(NAME, "/a/", headers={"x-key": "hunter2"})
        yield gateway


def part(gateway: Gateway, key: str) -> Any:
    """One key, as `filter=` gives it."""
    response = gateway.diagnostics(f"/ambassador/v0/diag/?json=true&filter={key}")
    assert response.status_code == 200, response.text
    return json.loads(response.content)


def group_of(found: dict[str, Any], key: str) -> dict[str, Any]:
    (group,) = [each for each in found.values() if any(member["key"] == key for member in each["mappings"])]
    return dict(group)


def test_all_keys_are_there_and_each_by_itself(served: Gateway) -> None:
    moving = {"system", "envoy_status", "cluster_stats"}
    """These have times and counts in them."""

    def different() -> list[str]:
        whole = served.diag()
        return [key for key in KEYS - moving if part(served, key) != whole[key]]

    wait_until(lambda: different() == [], what="what the tests before left gone")
    found = served.diag()
    assert found.keys() >= KEYS
    assert found["system"]["version"]
    assert found["system"]["ambassador_id"] == "default"
    assert found["envoy_status"]["alive"] is True
    assert found["envoy_status"]["ready"] is True
    assert found["envoy_status"]["since_update"] >= 0


def test_no_value_that_requests_must_bring_is_told(served: Gateway) -> None:
    assert "hunter2" not in served.diagnostics("/ambassador/v0/diag/?json=true").text


def test_what_is_for_another_gateway_is_said_to_be(served: Gateway) -> None:
    told = part(served, "objects")
    assert (told[f"{MAPPING}/keys-foreign"]["state"], told[f"{MAPPING}/keys-a"]["state"]) == ("other", "ok")
    assert f"{MAPPING}/keys-foreign" not in part(served, "ambassador_elements")


def test_errors_are_pairs_of_an_object_and_a_message(served: Gateway) -> None:
    pairs = [(key, said) for key, said in part(served, "errors") if "keys-" in key]
    assert [key for key, _ in pairs] == [f"{MAPPING}/keys-wrong"]
    assert pairs[0][1].startswith("spec.prefix: ")


def test_a_group_has_its_mappings_with_their_weights_and_clusters(served: Gateway, red: HttpUpstream) -> None:
    group = group_of(part(served, "groups"), f"{MAPPING}/keys-a")
    assert group["kind"] == "IRHTTPMappingGroup"
    assert (group["host"], group["prefix"]) == (NAME, "/a/")
    assert group["headers"] == [{"name": "x-key", "regex": False}]
    members = {member["name"]: member for member in group["mappings"]}
    assert members.keys() == {"keys-a", "keys-b", "keys-s"}
    assert members["keys-a"]["weight"] == 70
    assert members["keys-a"]["_source"] == f"{NAME}.yaml#2"
    assert members["keys-s"]["shadow"] is True
    info = part(served, "cluster_info")
    for member in members.values():
        (cluster,) = member["clusters"]
        port = int(member["service"].rpartition(":")[2])
        assert info[cluster]["targets"] == [{"ip": "127.0.0.1", "port": port}]
    tcp = group_of(part(served, "groups"), "getambassador.io/TCPMapping/default/keys-tcp")
    assert (tcp["kind"], tcp["mappings"][0]["service"]) == ("IRTCPMappingGroup", red.service)


def test_a_route_says_where_it_leads(served: Gateway, red: HttpUpstream, blue: HttpUpstream) -> None:
    (route,) = [each for each in part(served, "route_info") if each["host"] == NAME]
    assert (route["key"], route["prefix"], route["rewrite"]) == (f"{NAME}/a/", "/a/", "/")
    assert [each["service"] for each in route["clusters"]] == [red.service, blue.service, blue.service]
    assert route["_group_id"] in part(served, "groups")


def test_what_envoy_counted_is_told(served: Gateway) -> None:
    group = group_of(part(served, "groups"), f"{MAPPING}/keys-a")
    (cluster,) = next(member["clusters"] for member in group["mappings"] if member["name"] == "keys-a")

    def counted() -> bool:
        served.request(NAME, "/a/", headers={"x-key": "hunter2"})
        stats = part(served, "cluster_stats")[cluster]
        assert (stats["valid"], stats["health"], stats["total_members"]) == (True, "healthy", 1)
        assert stats["upstream_ok"] + stats["upstream_bad"] == stats["upstream_total"]
        return bool(stats["upstream_ok"] >= 1)

    wait_until(counted, what="a request that went to red")


def test_objects_are_told_with_what_became_of_them(served: Gateway) -> None:
    elements = part(served, "ambassador_elements")
    assert f"{MAPPING}/keys-foreign" not in elements
    wrong = elements[f"{MAPPING}/keys-wrong"]
    assert (wrong["kind"], wrong["location"], wrong["state"]) == ("Mapping", f"{NAME}.yaml#5", "stopped")
    assert wrong["errors"][0].startswith("spec.prefix: ")
    assert part(served, "source_map")[f"{NAME}.yaml#5"] == {f"{MAPPING}/keys-wrong": True}
    given = part(served, "envoy_elements")
    assert given[f"{MAPPING}/keys-a"]["route"] == ["default/keys-a"]
    assert given["getambassador.io/Listener/default/http"]["listener"] == ["default/http"]
    (context,) = [each for each in part(served, "tlscontexts") if each["name"] == "keys-context"]
    assert (context["hosts"], context["secret_info"]) == (["context.test"], {})


def test_what_the_gateway_itself_asks_is_told(served: Gateway) -> None:
    auth = an_object("AuthService", "keys-auth", {"auth_service": "127.0.0.1:1", "failure_mode_allow": True})
    with served.applied("keys-auth", auth):
        (told,) = wait_until(lambda: part(served, "ambassador_services"), what="the service")
        assert (told["type"], told["name"], told["service"]) == ("AuthService", "keys-auth", "127.0.0.1:1")
    wait_until(lambda: part(served, "ambassador_services") == [], what="no service any more")
    assert part(served, "ambassador_resolvers") == []
    assert part(served, "notices") == []
