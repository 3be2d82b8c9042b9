"""TCPRoutes: a port has one route, and what comes in at a port that has none is closed."""

from typing import Any

import orjson
import pytest

from tests.translator.gateway.gateway_world import GatewayWorld, key_of, to, world
from tests.translator.gateway.test_gateway_tls_routes import NEW, OLD, whose
from translator import ir
from translator.gateway.held import what_is_left
from translator.options import OwnPort

GATEWAY = key_of("Gateway", "web")


def tcp(name: str = "tcp", port: int = 9000, **more: Any) -> dict[str, Any]:
    return {"name": name, "port": port, "protocol": "TCP", **more}


def tcp_route(made: GatewayWorld, name: str, *backends: dict[str, Any], **more: Any) -> str:
    return made.route(name, {"backendRefs": list(backends) or [to()]}, kind="TCPRoute", **more)


def test_a_port_belongs_to_the_oldest_route_and_all_are_counted() -> None:
    made = world(tcp())
    assert whose(made, 9000) == {"*": "closed"}
    made.service("blue")
    late = tcp_route(made, "late", created=NEW)
    assert whose(made, 9000) == {"*": "red"}
    tcp_route(made, "early", to("blue", weight=70), to(weight=30), to("blue", weight=0), created=OLD)
    assert whose(made, 9000) == {"*": "blue*70 red*30"}
    assert made.parent(late) == {"Accepted": "True/Accepted", "ResolvedRefs": "True/ResolvedRefs"}
    (listener,) = made.status(GATEWAY)["listeners"]
    assert listener["attachedRoutes"] == 2
    assert listener["supportedKinds"] == [{"group": "gateway.networking.k8s.io", "kind": "TCPRoute"}]


@pytest.mark.parametrize("wrong", ["unread", "held"])
def test_a_route_that_is_stopped_keeps_its_port_and_connections_are_closed(wrong: str) -> None:
    made = world(tcp())
    tcp_route(made, "late", created=NEW)
    old = tcp_route(made, "old", *([{"name": "red"}] if wrong == "unread" else []), created=OLD)
    if wrong == "held":
        made.sweep()
        made.change(old, what_is_left(old, made.pipeline.object(old) or b""))
    assert whose(made, 9000) == {"*": "closed"}
    made.delete(old)
    assert whose(made, 9000) == {"*": "red"}


def test_ports_sections_and_both() -> None:
    made = world(tcp("a", 9001), tcp("b", 9002), tcp("c", 9003))
    for ref, ports in (
        ({}, {9001, 9002, 9003}),
        ({"port": 9002}, {9002}),
        ({"sectionName": "a"}, {9001}),
        ({"sectionName": "c", "port": 9003}, {9003}),
    ):
        key = tcp_route(made, "r", parentRefs=[{"name": "web", **ref}])
        assert {port for port in (9001, 9002, 9003) if whose(made, port) == {"*": "red"}} == ports
        assert made.parent(key)["Accepted"] == "True/Accepted"
    key = tcp_route(made, "r", parentRefs=[{"name": "web", "sectionName": "a", "port": 9002}])
    assert made.parent(key)["Accepted"] == "False/NoMatchingParent"
    made.gateway("web", {"name": "http", "port": 9001, "protocol": "HTTP"})
    key = tcp_route(made, "r")
    assert made.parent(key)["Accepted"] == "False/NotAllowedByListeners"


def test_nobody_shares_a_port_of_tcp() -> None:
    made = world(tcp("a"), tcp("b"), tcp("c", 9001), {"name": "d", "port": 9001, "protocol": "HTTP"}, tcp("e", 9002))
    for name in "abcd":
        assert made.conditions(GATEWAY, name)["Conflicted"] == "True/ProtocolConflict"
    assert made.conditions(GATEWAY, "e")["Accepted"] == "True/Accepted"
    made.gateway("web", tcp("e", 9002), created=OLD)
    late = made.gateway("late", tcp("x", 9002), created=NEW)
    assert made.conditions(late, "x")["Conflicted"] == "True/ProtocolConflict"
    assert "TCP cannot share the port with TCP" in made.problems(late)["spec.listeners[0]"]


def test_ports_that_others_have_are_told() -> None:
    own = OwnPort("127.0.0.1", 8877, "diagnostics", closed=True)
    made = world(tcp("own", 8877), tcp("theirs", 9000), own_ports=(own,), bind_address="127.0.0.1")
    body = {"kind": "Listener", "metadata": {"name": "l", "namespace": "default"}}
    spec = {"port": 9000, "protocol": "TCP", "securityModel": "XFP", "hostBinding": {"namespace": {"from": "ALL"}}}
    made.change("getambassador.io/Listener/default/l", _json({**body, "spec": spec}))
    made.service("db", 5432)
    made.change("getambassador.io/TCPMapping/default/t", _json(tcp_mapping(9000)))
    for name in ("own", "theirs"):
        assert made.conditions(GATEWAY, name)["Accepted"] == "False/PortUnavailable"
    assert "Listener default/l" in made.problems(GATEWAY)["spec.listeners[1]"]


@pytest.mark.parametrize("more", [{}, {"address": "127.0.0.1"}, {"address": "::"}, {"host": "db.test"}])
def test_a_port_of_a_gateway_is_taken_by_no_tcp_mapping(more: dict[str, str]) -> None:
    made = world(tcp("db", 9000))
    made.service("red")
    route = tcp_route(made, "r")
    key = "getambassador.io/TCPMapping/evil/t"
    made.change(key, _json(tcp_mapping(9000, namespace="evil", **more)))
    assert whose(made, 9000) == {"*": "red"}, route
    said = "9000 is the port of Gateway default/web: only where a Listener has it can TCPMappings be there"
    assert made.problems(key)["spec.port"] == said
    made.change(key, _json(tcp_mapping(9000, namespace="evil", address="::1")))
    assert made.conditions(GATEWAY, "db")["Accepted"] == "True/Accepted", "another family is another port"


def tcp_mapping(port: int, namespace: str = "default", **more: str) -> dict[str, Any]:
    spec = {"port": port, "service": "db.default:5432", **more}
    return {"kind": "TCPMapping", "metadata": {"name": "t", "namespace": namespace}, "spec": spec}


def _json(body: dict[str, Any]) -> bytes:
    return orjson.dumps({"apiVersion": "getambassador.io/v3alpha1", **body})


def test_a_strangers_route_needs_leave_of_the_listener_and_its_service_a_grant() -> None:
    made = world(tcp(), tcp("open", 9001, allowedRoutes={"namespaces": {"from": "All"}}))
    made.service("red", namespace="other")
    parents = [{"name": "web", "namespace": "default"}]
    key = tcp_route(made, "r", namespace="other", parentRefs=parents)
    assert made.parent(key)["Accepted"] == "True/Accepted"
    assert (whose(made, 9000), whose(made, 9001)) == ({"*": "closed"}, {"*": "red"})
    tcp_route(made, "r", to(namespace="default"), namespace="other", parentRefs=parents)
    assert made.parent(key) == {"Accepted": "True/Accepted", "ResolvedRefs": "False/RefNotPermitted"}
    assert whose(made, 9001) == {"*": "closed"}
    source = [{"group": "gateway.networking.k8s.io", "kind": "TLSRoute", "namespace": "other"}]
    made.put("ReferenceGrant", "g", {"from": source, "to": [{"group": "", "kind": "Service"}]})
    assert whose(made, 9001) == {"*": "closed"}, "a grant to TLSRoutes is none to TCPRoutes"
    source[0]["kind"] = "TCPRoute"
    made.put("ReferenceGrant", "g", {"from": source, "to": [{"group": "", "kind": "Service", "name": "red"}]})
    assert whose(made, 9001) == {"*": "red"}


@pytest.mark.parametrize("kind", ["TCPRoute", "TLSRoute"])
def test_nobody_passes_connections_on_to_our_own_diagnostics(kind: str) -> None:
    through = {"name": "tls", "port": 8443, "protocol": "TLS", "tls": {"mode": "Passthrough"}}
    made = world(tcp(), through, own_addresses=frozenset({"10.0.0.9"}))
    labels = {"kubernetes.io/service-name": "red"}
    body = {"metadata": {"name": "s", "namespace": "default", "labels": labels}, "addressType": "IPv4"}
    slices = {**body, "ports": [{"name": "", "port": 8877}], "endpoints": [{"addresses": ["10.0.0.9"]}]}
    made.change("discovery.k8s.io/EndpointSlice/default/s", orjson.dumps(slices))
    named: dict[str, Any] = {"hostnames": ["a.test"]} if kind == "TLSRoute" else {}
    key = made.route("r", {"backendRefs": [to()]}, kind=kind, **named)
    assert made.parent(key)["ResolvedRefs"] == "False/RefNotPermitted"
    found = whose(made, 9000) if kind == "TCPRoute" else whose(made)
    assert set(found.values()) == {"closed"}


def test_log_services_are_told_of_connections() -> None:
    made = world(tcp())
    made.service("logs")
    tcp_route(made, "r")
    metadata = {"name": "l", "namespace": "default"}
    spec = {"service": "logs", "driver": "tcp", "driver_config": {}, "grpc": True}
    body = {"kind": "LogService", "metadata": metadata, "spec": spec}
    made.change("getambassador.io/LogService/default/l", _json(body))
    chain = made.chain("gateway:9000/*:tcp/TCPRoute/default/r").body
    assert isinstance(chain, ir.TcpChain)
    assert [log.kind for log in chain.logs] == ["tcp"]
