"""Gateways with addresses of their own: what their Services are to be, and what comes in by them."""

from typing import Any

import orjson
import pytest

from tests.translator.gateway.gateway_world import CONTROLLER, GatewayWorld, key_of, to

DEDICATED = {"getambassador.io/addresses": "dedicated"}
OURS = "ambassador"
LISTENER = {"name": "http", "port": 80, "protocol": "HTTP"}
WEB, OTHER = key_of("Gateway", "web"), key_of("Gateway", "other")


def apart(*listeners: dict[str, Any], **more: Any) -> GatewayWorld:
    """Two Gateways that want the same port and hostname, and a Service that leads to us."""
    made = GatewayWorld(in_cluster=True, namespace=OURS)
    made.put("GatewayClass", "ours", {"controllerName": CONTROLLER}, labels=DEDICATED)
    labels = {"app.kubernetes.io/component": "ambassador-service"}
    fields = {"spec": {"ports": [{"port": 80}], "selector": {"app": "us"}}}
    made.document("Service", "own", OURS, metadata={"labels": labels}, **fields)
    made.gateway("web", *(listeners or (LISTENER,)), **more)
    made.gateway("other", LISTENER)
    return made


def provide(made: GatewayWorld, gateway: str, address: str, *targets: int, **labels: str) -> None:
    """Make the Service as the status of a Gateway wants it."""
    wanted = made.status(gateway)["service"]
    ports = [
        {"protocol": each["protocol"], "port": each["port"], "targetPort": target}
        for each, target in zip(wanted["ports"], targets, strict=True)
    ]
    made.document(
        "Service",
        wanted["name"],
        OURS,
        metadata={"labels": {"getambassador.io/serves": "gateway", **labels}},
        spec={"ports": ports, "selector": wanted["selector"]},
        status={"loadBalancer": {"ingress": [{"ip": address}]}},
    )


def test_what_the_service_of_a_gateway_is_to_be() -> None:
    made = apart(LISTENER, {"name": "other", "port": 8080, "protocol": "HTTP"})
    service = made.status(WEB)["service"]
    assert service == {
        "name": service["name"],
        "class": "ours",
        "labels": {"getambassador.io/serves": "gateway", "gateway.networking.k8s.io/gateway-name": "web"},
        "annotations": {},
        "selector": {"app": "us"},
        "address": "",
        "ports": [{"protocol": "TCP", "port": 80, "target": 0}, {"protocol": "TCP", "port": 8080, "target": 0}],
        "avoid": [],
        "provisioned": False,
    }
    assert service["name"] != made.status(OTHER)["service"]["name"]
    assert made.conditions(WEB, "http")["Programmed"] == "False/Pending"
    assert made.status(WEB)["addresses"] == []


def test_what_is_passed_on_comes_in_by_ports_of_its_own_by_tcp_and_by_udp() -> None:
    listeners = [{"name": name.lower(), "port": 53, "protocol": name} for name in ("TCP", "UDP")]
    through = {"name": "tls", "port": 443, "protocol": "TLS", "tls": {"mode": "Passthrough"}}
    made = apart(*listeners, through)
    provide(made, WEB, "192.0.2.1", 20000, 20001, 20000)
    assert made.conditions(WEB) == {"Accepted": "True/Accepted", "Programmed": "True/Programmed"}
    opened = [*made.pipeline.intent.listeners.view()]
    assert sorted(opened) == ["gateway:20000", "gateway:20000:udp", "gateway:20001"]


def test_two_gateways_have_the_same_port_and_hostname_each_by_its_own_address() -> None:
    made = apart()
    made.service("red")
    route = made.route("one", {"backendRefs": [to()]})
    provide(made, WEB, "192.0.2.1", 20000)
    provide(made, OTHER, "192.0.2.2", 20001)
    for key, address, port in ((WEB, "192.0.2.1", 20000), (OTHER, "192.0.2.2", 20001)):
        assert made.conditions(key) == {"Accepted": "True/Accepted", "Programmed": "True/Programmed"}
        assert made.status(key)["addresses"] == [{"type": "IPAddress", "value": address}]
        assert made.status(key)["service"]["ports"][0]["target"] == port
    assert sorted(made.pipeline.intent.listeners.view()) == ["gateway:20000", "gateway:20001"]
    assert made.parent(route)["Accepted"] == "True/Accepted"
    assert len(made.routes("gateway:20000/*/*")) == 1
    assert made.routes("gateway:20001/*/*") == []


def share(made: GatewayWorld, *listeners: dict[str, Any]) -> str:
    """A Gateway that shares its addresses, and comes before those that have their own."""
    made.gateway_class("shared")
    return made.put("Gateway", "a", {"gatewayClassName": "shared", "listeners": list(listeners)})


@pytest.mark.parametrize("hostname", [{}, {"hostname": "bank.test"}])
def test_who_comes_by_an_address_of_a_gateways_own_is_served_by_that_gateway_alone(hostname: dict[str, str]) -> None:
    made = apart()
    provide(made, WEB, "192.0.2.1", 20000)
    shared = share(made, {"name": "grab", "port": 20000, "protocol": "HTTP", **hostname})
    assert made.conditions(shared, "grab")["Accepted"] == "False/PortUnavailable"
    assert made.conditions(WEB, "http")["Programmed"] == "True/Programmed"
    assert made.pipeline.intent.listeners.view()["gateway:20000"].origins == (WEB,)


def test_of_two_services_that_lead_to_one_port_one_counts() -> None:
    made = apart()
    provide(made, WEB, "192.0.2.1", 20000)
    provide(made, OTHER, "192.0.2.2", 20000)
    found = {made.conditions(key, "http")["Accepted"]: made.status(key)["service"] for key in (WEB, OTHER)}
    assert found["True/Accepted"]["ports"][0]["target"] == 20000
    assert found["True/Accepted"]["avoid"] == []
    assert found["False/PortUnavailable"]["ports"][0]["target"] == 0
    assert found["False/PortUnavailable"]["avoid"] == [20000]


def test_ports_that_others_have_are_not_to_be_given_and_are_left_to_them() -> None:
    made = apart()
    shared = share(made, {"name": "mine", "port": 20003, "protocol": "HTTP"}, {**LISTENER, "name": "low"})
    listener = {
        "port": 20001,
        "protocol": "HTTP",
        "securityModel": "XFP",
        "hostBinding": {"namespace": {"from": "ALL"}},
    }
    body = {
        "metadata": {"name": "l", "namespace": "default"},
        "apiVersion": "getambassador.io/v3alpha1",
        "spec": listener,
    }
    made.change("getambassador.io/Listener/default/l", orjson.dumps({**body, "kind": "Listener"}))
    assert made.status(WEB)["service"]["avoid"] == [20001, 20003]
    provide(made, WEB, "192.0.2.1", 20001)  # which a Listener has, so that another is to be found
    assert made.conditions(WEB, "http")["Accepted"] == "False/PortUnavailable"
    assert made.status(WEB)["service"]["ports"][0]["target"] == 0
    assert made.status(WEB)["service"]["avoid"] == [20001, 20003]
    made.delete(shared)
    assert made.status(WEB)["service"]["avoid"] == [20001]
    provide(made, WEB, "192.0.2.1", 20002)
    assert made.status(WEB)["service"]["avoid"] == []  # there is nothing to be found


def test_the_service_of_a_gateway_that_cannot_be_read_stays_as_it_is() -> None:
    made = apart(infrastructure={"annotations": {"lb.test/kind": "internal"}})
    provide(made, WEB, "192.0.2.1", 20000)
    made.gateway("web", {**LISTENER, "protocol": "TLS"}, infrastructure={"annotations": {"lb.test/kind": "internal"}})
    assert made.conditions(WEB)["Accepted"] == "False/Invalid"
    assert made.status(WEB)["service"]["selector"] == {}  # and so nothing is made of it


def test_a_redirect_speaks_of_the_port_that_clients_use() -> None:
    made = apart({"name": "http", "port": 8080, "protocol": "HTTP"})
    made.route("one", {"filters": [{"type": "RequestRedirect", "requestRedirect": {"hostname": "b.test"}}]})
    provide(made, WEB, "192.0.2.1", 20000)
    (route, *_) = made.routes("gateway:20000/*/*")
    assert getattr(route.action, "port", None) == 8080


def test_a_port_whose_service_is_gone_is_closed() -> None:
    made = apart()
    provide(made, WEB, "192.0.2.1", 20000)
    made.sweep()
    assert "gateway:20000" in made.pipeline.intent.listeners.view()
    made.delete(f"core/Service/{OURS}/{made.status(WEB)['service']['name']}")
    assert made.conditions(WEB, "http")["Programmed"] == "False/Pending"
    assert made.status(WEB)["service"]["ports"][0]["target"] == 0
    assert "gateway:20000" not in made.pipeline.intent.listeners.view()


def test_listeners_of_sets_are_ports_of_their_gateways_service() -> None:
    made = apart(allowedListeners={"namespaces": {"from": "Same"}})
    entry = {"name": "more", "port": 8081, "protocol": "HTTP"}
    made.put("ListenerSet", "set", {"parentRef": {"name": "web"}, "listeners": [entry]})
    assert [each["port"] for each in made.status(WEB)["service"]["ports"]] == [80, 8081]


def test_what_a_gateway_says_of_its_service_is_none_of_what_we_read() -> None:
    infrastructure = {
        "labels": {
            "team": "a",
            "app.kubernetes.io/component": "ambassador-service",
            "getambassador.io/x": "y",
            "gateway.networking.k8s.io/gateway-name": "other",
        },
        "annotations": {"lb.test/kind": "internal", "getambassador.io/config": "kind: Mapping"},
    }
    service = apart(infrastructure=infrastructure).status(WEB)["service"]
    assert service["labels"].keys() - {"team"} == {
        "getambassador.io/serves",
        "gateway.networking.k8s.io/gateway-name",
    }
    assert service["labels"]["gateway.networking.k8s.io/gateway-name"] == "web"
    assert service["annotations"] == {"lb.test/kind": "internal"}


def test_an_address_that_is_asked_for_is_asked_of_the_load_balancer() -> None:
    made = apart(addresses=[{"value": "192.0.2.7"}])
    assert made.status(WEB)["service"]["address"] == "192.0.2.7"
    assert made.conditions(WEB, "http")["Programmed"] == "False/Pending"
    provide(made, WEB, "192.0.2.1", 20000)
    assert made.conditions(WEB)["Programmed"] == "False/AddressNotUsable"
    provide(made, WEB, "192.0.2.7", 20000)
    assert made.conditions(WEB)["Programmed"] == "True/Programmed"


def test_a_service_of_anybody_else_is_no_way_in() -> None:
    made = apart()
    provide(made, WEB, "192.0.2.1", 20000, **{"getambassador.io/serves": "other"})
    assert made.conditions(WEB, "http")["Programmed"] == "False/Pending"


def test_a_service_of_another_dragoman_in_our_namespace_leads_to_another_envoy() -> None:
    made = apart()
    provide(made, WEB, "192.0.2.1", 20000)
    metadata = {
        "labels": {"getambassador.io/serves": "gateway"},
        "annotations": {"getambassador.io/ambassador-id": "other"},
    }
    ports = [{"protocol": "TCP", "port": 80, "targetPort": 20000}]
    made.document("Service", "gateway-0", OURS, metadata=metadata, spec={"ports": ports})
    assert made.conditions(WEB, "http")["Programmed"] == "True/Programmed"


def test_a_long_name_has_a_service_too() -> None:
    made = apart()
    name = "x" * 253
    key = made.gateway(name, LISTENER)
    service = made.status(key)["service"]
    assert len(service["name"]) <= 63
    assert "gateway.networking.k8s.io/gateway-name" not in service["labels"]


@pytest.mark.parametrize("said", ["", "Dedicated", "own"])
def test_another_word_on_a_class_is_refused(said: str) -> None:
    made = GatewayWorld(in_cluster=True)
    key = made.put("GatewayClass", "ours", {"controllerName": CONTROLLER}, labels={"getambassador.io/addresses": said})
    assert made.conditions(key)["Accepted"] == "False/InvalidParameters"
    assert 'metadata.labels["getambassador.io/addresses"]' in made.problems(key)


def test_a_folder_has_no_services() -> None:
    made = GatewayWorld()
    made.put("GatewayClass", "ours", {"controllerName": CONTROLLER}, labels=DEDICATED)
    made.gateway()
    assert "service" not in made.status(WEB)
    assert made.conditions(WEB, "http")["Programmed"] == "True/Programmed"


def test_a_wrong_word_on_a_class_takes_no_service_away_and_makes_none() -> None:
    made = apart()
    before = made.status(WEB)["service"]
    assert before["selector"]
    provide(made, WEB, "192.0.2.1", 20000)
    there = made.status(WEB)["service"]
    made.put("GatewayClass", "ours", {"controllerName": CONTROLLER}, labels={"getambassador.io/addresses": "own"})
    assert made.conditions(WEB)["Accepted"] == "False/Invalid"
    after = made.status(WEB)["service"]
    assert (after["name"], after["ports"], after["selector"]) == (there["name"], there["ports"], {})
    made.gateway("new", LISTENER)
    assert "service" not in made.status(key_of("Gateway", "new"))
