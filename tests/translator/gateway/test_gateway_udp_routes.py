"""UDPRoutes: ports of UDP have nothing to do with those of TCP, neither a listener's nor a Service's."""

from typing import Any

import orjson
import pytest

from tests.translator.gateway.gateway_world import GatewayWorld, key_of, to, world
from tests.translator.gateway.test_gateway_tls_routes import NEW, OLD
from translator import ir

GATEWAY = key_of("Gateway", "web")


def udp(name: str = "udp", port: int = 5300, **more: Any) -> dict[str, Any]:
    return {"name": name, "port": port, "protocol": "UDP", **more}


def udp_route(made: GatewayWorld, name: str, *backends: dict[str, Any], **more: Any) -> str:
    return made.route(name, {"backendRefs": list(backends) or [to("dns")]}, kind="UDPRoute", **more)


def dns(made: GatewayWorld, name: str = "dns", namespace: str = "default") -> None:
    """A Service with the port 80 of TCP and of UDP."""
    ports = [{"name": "tcp", "port": 80}, {"name": "udp", "port": 80, "protocol": "UDP"}]
    made.put("Service", name, {"ports": ports}, namespace)


def shares(made: GatewayWorld, port: int = 5300) -> dict[str, int]:
    """The Services that have the datagrams of a port, with their weights; `dropped`: nobody."""
    made.sweep()
    chains = made.pipeline.intent.chains.view().values()
    (body,) = (chain.body for chain in chains if chain.listener == f"gateway:{port}:udp")
    assert isinstance(body, ir.UdpChain)
    found: dict[str, int] = {}
    for each in body.backends:
        found[name_of(each.backend)] = each.weight
    return found


def name_of(backend: ir.Backend | None) -> str:
    if backend is None:
        return "dropped"
    assert isinstance(backend.target, ir.ServicePort)
    assert backend.target.by_datagrams
    assert backend.protocol == "udp"
    return backend.target.name


def test_the_oldest_route_has_a_port_and_all_are_counted() -> None:
    made = world(udp())
    dns(made)
    dns(made, "blue")
    assert shares(made) == {}
    late = udp_route(made, "late", created=NEW)
    assert shares(made) == {"dns": 1}
    udp_route(made, "old", to("blue", weight=70), to("dns", weight=30), created=OLD)
    assert shares(made) == {"blue": 70, "dns": 30}
    assert made.parent(late) == {"Accepted": "True/Accepted", "ResolvedRefs": "True/ResolvedRefs"}
    (listener,) = made.status(GATEWAY)["listeners"]
    assert listener["attachedRoutes"] == 2
    assert listener["supportedKinds"] == [{"group": "gateway.networking.k8s.io", "kind": "UDPRoute"}]


def test_one_number_is_a_port_of_tcp_and_one_of_udp() -> None:
    made = world(udp("a", 443), {"name": "b", "port": 443, "protocol": "TCP"})
    for name in "ab":
        assert made.conditions(GATEWAY, name)["Programmed"] == "True/Programmed"
    found = made.pipeline.intent.listeners.view()
    assert {name: (each.port, each.by_datagrams) for name, each in found.items()} == {
        "gateway:443": (443, False),
        "gateway:443:udp": (443, True),
    }
    made.gateway("web", udp("a"), udp("b"))
    for name in "ab":
        assert made.conditions(GATEWAY, name)["Conflicted"] == "True/ProtocolConflict"


@pytest.mark.parametrize("protocol", ["HTTP/3", "HTTPS"])
def test_a_port_of_http3_is_not_available_and_one_of_https_is(protocol: str) -> None:
    made = world(udp(port=8443), {"name": "tcp", "port": 8443, "protocol": "TCP"})
    stack = ["TLS", "HTTP", "UDP"] if protocol == "HTTP/3" else ["TLS", "HTTP", "TCP"]
    bound = {"namespace": {"from": "ALL"}}
    spec = {"port": 8443, "protocolStack": stack, "securityModel": "XFP", "hostBinding": bound}
    metadata = {"name": "theirs", "namespace": "default"}
    body = {"apiVersion": "getambassador.io/v3alpha1", "kind": "Listener", "metadata": metadata, "spec": spec}
    made.change("getambassador.io/Listener/default/theirs", orjson.dumps(body))
    refused, served = ("udp", "tcp") if protocol == "HTTP/3" else ("tcp", "udp")
    assert made.conditions(GATEWAY, refused)["Accepted"] == "False/PortUnavailable"
    assert made.conditions(GATEWAY, served)["Accepted"] == "True/Accepted"


def test_a_service_is_asked_at_its_port_of_udp() -> None:
    made = world(udp())
    key = udp_route(made, "r", to("red"))
    assert made.problems(key) == {
        "spec.rules[0].backendRefs[0]": "the Service default/red has no port 80 of UDP",
    }
    assert made.parent(key)["ResolvedRefs"] == "False/BackendNotFound"
    assert shares(made) == {"dropped": 1}
    dns(made)
    udp_route(made, "r", to("red"), to("dns", weight=2))
    assert shares(made) == {"dropped": 1, "dns": 2}
    slice_ = {"metadata": {"labels": {"kubernetes.io/service-name": "dns"}}, "addressType": "IPv4"}
    ports = [{"name": "tcp", "port": 1}, {"name": "udp", "port": 2, "protocol": "UDP"}]
    fields = {**slice_, "ports": ports, "endpoints": [{"addresses": ["10.0.0.1"]}]}
    made.change("discovery.k8s.io/EndpointSlice/default/dns", orjson.dumps(fields))
    made.sweep()
    endpoints = made.pipeline.resources()["endpoint/k8s/default/dns/80/udp"].body
    assert bytes([0x18, 2]) in bytes(endpoints), "the port of UDP, 2"


def test_a_strangers_route_needs_leave_and_its_service_a_grant() -> None:
    made = world(udp(allowedRoutes={"namespaces": {"from": "All"}}), udp("closed", 5301))
    dns(made)
    dns(made, "own", "other")
    parents = [{"name": "web", "namespace": "default"}]
    key = udp_route(made, "r", to("dns", namespace="default"), namespace="other", parentRefs=parents)
    assert made.parent(key) == {"Accepted": "True/Accepted", "ResolvedRefs": "False/RefNotPermitted"}
    assert (shares(made), shares(made, 5301)) == ({"dropped": 1}, {})
    source = [{"group": "gateway.networking.k8s.io", "kind": "UDPRoute", "namespace": "other"}]
    grant = made.put("ReferenceGrant", "g", {"from": source, "to": [{"group": "", "kind": "Service"}]})
    assert shares(made) == {"dns": 1}
    made.delete(grant)
    assert shares(made) == {"dropped": 1}
    only = [{"name": "web", "namespace": "default", "sectionName": "closed"}]
    key = udp_route(made, "r", to("own"), namespace="other", parentRefs=only)
    assert made.parent(key)["Accepted"] == "False/NotAllowedByListeners"
    tls = {"name": "tls", "port": 8443, "protocol": "TLS", "tls": {"mode": "Passthrough"}}
    made.gateway("web", tls)
    assert made.parent(udp_route(made, "r"))["Accepted"] == "False/NotAllowedByListeners"
