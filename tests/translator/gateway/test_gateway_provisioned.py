"""Gateways with pods of their own: judged here, and served there alone."""

from typing import Any

import orjson

from tests.translator.gateway.gateway_world import CONTROLLER, GatewayWorld, key_of, to

OURS = "ambassador"
HTTP = {"name": "http", "port": 80, "protocol": "HTTP"}
WEB, OTHER = key_of("Gateway", "web"), key_of("Gateway", "other")


def world(word: str = "provisioned", **options: Any) -> GatewayWorld:
    """Two Gateways of a class that want the same port and hostname, with a route each."""
    made = GatewayWorld(in_cluster=True, namespace=OURS, **options)
    made.put("GatewayClass", "ours", {"controllerName": CONTROLLER}, labels={"getambassador.io/addresses": word})
    for name in ("web", "other"):
        made.gateway(name, HTTP)
        made.route(name, {"backendRefs": [to()]}, parentRefs=[{"name": name}])
    made.service("red")
    return made


def provide(made: GatewayWorld, gateway: str, address: str, *, ready: bool = True) -> str:
    """The Service of a Gateway as it is wanted, and a pod behind it."""
    wanted = made.status(gateway)["service"]
    metadata = {
        "labels": {"getambassador.io/serves": "gateway"},
        "annotations": {"getambassador.io/addresses": "provisioned"},
    }
    ports = [{**each, "targetPort": each["port"]} for each in wanted["ports"]]
    status = {"loadBalancer": {"ingress": [{"ip": address}]}}
    made.document("Service", wanted["name"], OURS, metadata=metadata, spec={"ports": ports}, status=status)
    endpoint(made, wanted["name"], ready=ready)
    return str(wanted["name"])


def endpoint(made: GatewayWorld, service: str, *, ready: bool) -> None:
    document = {
        "kind": "EndpointSlice",
        "metadata": {"name": "one", "namespace": OURS, "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4",
        "ports": [{"name": "tcp-80", "port": 80, "protocol": "TCP"}],
        "endpoints": [{"addresses": ["10.0.0.9"], "conditions": {"ready": ready}}],
    }
    made.change(f"discovery.k8s.io/EndpointSlice/{OURS}/{service}", orjson.dumps(document))


def test_its_service_selects_pods_of_its_own_and_leads_to_the_ports_as_they_are() -> None:
    made = world()
    name = made.status(WEB)["service"]["name"]
    assert made.status(WEB)["service"] == {
        "name": name,
        "class": "ours",
        "labels": {"getambassador.io/serves": "gateway", "gateway.networking.k8s.io/gateway-name": "web"},
        "annotations": {},
        "selector": {"getambassador.io/gateway-pods": name},
        "address": "",
        "ports": [{"protocol": "TCP", "port": 80, "target": 0}],
        "avoid": [],
        "provisioned": True,
    }
    provide(made, WEB, "192.0.2.1")
    assert made.status(WEB)["service"]["ports"] == [{"protocol": "TCP", "port": 80, "target": 80}]


def test_it_is_programmed_while_a_pod_of_its_serves() -> None:
    made = world()
    assert made.conditions(WEB, "http") == {
        "Accepted": "True/Accepted",
        "ResolvedRefs": "True/ResolvedRefs",
        "Programmed": "False/Pending",
    }
    name = provide(made, WEB, "192.0.2.1", ready=False)
    assert made.conditions(WEB, "http")["Programmed"] == "False/Pending"
    endpoint(made, name, ready=True)
    assert made.conditions(WEB) == {"Accepted": "True/Accepted", "Programmed": "True/Programmed"}
    assert made.conditions(WEB, "http")["Programmed"] == "True/Programmed"
    assert made.status(WEB)["addresses"] == [{"type": "IPAddress", "value": "192.0.2.1"}]
    made.change(f"discovery.k8s.io/EndpointSlice/{OURS}/{name}", None)
    assert made.conditions(WEB, "http")["Programmed"] == "False/Pending"
    assert made.status(WEB)["service"]["ports"][0]["target"] == 0  # so that what is gone is made again


def test_our_own_envoy_serves_nothing_of_it_and_tells_its_statuses() -> None:
    made = world()
    provide(made, WEB, "192.0.2.1")
    provide(made, OTHER, "192.0.2.2")
    made.sweep()
    intent = made.pipeline.intent
    assert not intent.listeners.view()
    assert not intent.chains.view()
    assert not [name for name in intent.routes.view() if name.startswith("HTTPRoute/")]
    for gateway, route in ((WEB, "web"), (OTHER, "other")):
        assert made.conditions(gateway, "http")["Programmed"] == "True/Programmed"
        assert made.status(gateway)["listeners"][0]["attachedRoutes"] == 1
        assert made.parent(key_of("HTTPRoute", route)) == {
            "Accepted": "True/Accepted",
            "ResolvedRefs": "True/ResolvedRefs",
        }


def test_its_ports_are_nobodys_at_ours() -> None:
    made = world()
    provide(made, WEB, "192.0.2.1")
    made.gateway_class("shared")
    shared = made.put("Gateway", "late", {"gatewayClassName": "shared", "listeners": [HTTP]})
    assert made.conditions(shared, "http")["Accepted"] == "True/Accepted"
    assert made.conditions(WEB, "http")["Programmed"] == "True/Programmed"
    assert [*made.pipeline.intent.listeners.view()] == ["gateway:80"]
    assert made.pipeline.intent.listeners.view()["gateway:80"].origins == (shared,)


def test_within_one_gateway_and_with_our_own_ports_it_is_as_ever() -> None:
    made = world()
    twice, own = {**HTTP, "name": "twice"}, {"name": "own", "port": 8877, "protocol": "HTTP"}
    made.gateway("web", HTTP, twice, own)
    provide(made, WEB, "192.0.2.1")
    assert made.conditions(WEB, "http")["Accepted"] == "False/HostnameConflict"
    assert made.conditions(WEB, "twice")["Accepted"] == "False/HostnameConflict"
    assert made.conditions(WEB, "own")["Accepted"] == "False/PortUnavailable"
    alone = world(gateway="default/web")
    alone.gateway("web", HTTP, twice, own)
    assert alone.conditions(WEB, "own")["Accepted"] == "False/PortUnavailable"


def test_a_pod_of_its_own_serves_it_and_nothing_else() -> None:
    made = world(gateway="default/web")
    made.put("IngressClass", "x", {"controller": CONTROLLER})
    listener = {
        "apiVersion": "getambassador.io/v3alpha1",
        "kind": "Listener",
        "metadata": {"name": "l", "namespace": "default"},
        "spec": {
            "port": 8080,
            "protocol": "HTTP",
            "securityModel": "XFP",
            "hostBinding": {"namespace": {"from": "ALL"}},
        },
    }
    made.change("getambassador.io/Listener/default/l", orjson.dumps(listener))
    assert len(made.routes("gateway:80/*/*")) == 1
    assert [*made.pipeline.intent.listeners.view()] == ["gateway:80"]
    assert made.pipeline.intent.listeners.view()["gateway:80"].origins == (WEB,)
    (route,) = made.routes("gateway:80/*/*")
    assert route.origins == (key_of("HTTPRoute", "web"),)


def test_who_comes_to_share_addresses_is_served_here() -> None:
    made = world()
    provide(made, WEB, "192.0.2.1")
    made.put("GatewayClass", "ours", {"controllerName": CONTROLLER})
    assert "service" not in made.status(WEB)
    assert [*made.pipeline.intent.listeners.view()] == ["gateway:80"]


def test_what_leads_to_our_envoy_leads_to_no_pods_of_a_gateways_own() -> None:
    made = world(gateway="default/web")
    made.gateway("web", {**HTTP, "port": 20000})
    metadata = {"labels": {"getambassador.io/serves": "gateway"}}
    ports = [{"protocol": "TCP", "port": 80, "targetPort": 20000}]
    made.document("Service", "gateway-0", OURS, metadata=metadata, spec={"ports": ports})
    assert made.conditions(WEB, "http")["Programmed"] == "True/Programmed"


def reclass(made: GatewayWorld, word: str) -> None:
    made.put("GatewayClass", "ours", {"controllerName": CONTROLLER}, labels={"getambassador.io/addresses": word})


def test_who_leaves_its_own_pods_takes_no_port_from_others_while_its_service_leads_there() -> None:
    made = world()
    provide(made, WEB, "192.0.2.1")
    made.gateway_class("shared")
    shared = made.put("Gateway", "zz", {"gatewayClassName": "shared", "listeners": [HTTP]})
    reclass(made, "dedicated")
    assert made.conditions(WEB, "http")["Programmed"] == "False/Pending"
    assert made.conditions(shared, "http")["Programmed"] == "True/Programmed"
    assert made.pipeline.intent.listeners.view()["gateway:80"].origins == (shared,)
    assert made.status(WEB)["service"]["ports"][0]["target"] == 0


def test_pods_of_ours_are_not_those_of_who_is_to_have_its_own() -> None:
    made = world("dedicated")
    name = made.status(WEB)["service"]["name"]
    metadata = {"labels": {"getambassador.io/serves": "gateway"}}
    ports = [{"protocol": "TCP", "port": 80, "targetPort": 20000}]
    made.document("Service", name, OURS, metadata=metadata, spec={"ports": ports})
    endpoint(made, name, ready=True)
    assert made.conditions(WEB, "http")["Programmed"] == "True/Programmed"
    reclass(made, "provisioned")
    assert made.conditions(WEB, "http")["Programmed"] == "False/Pending"
