"""Which listeners a route attaches to, and what it is told where it does not."""

from typing import Any

import pytest

from tests.translator.gateway.gateway_world import to, world

ALL = {"namespaces": {"from": "All"}}


def listener(name: str = "http", port: int = 8000, **more: Any) -> dict[str, Any]:
    return {"name": name, "port": port, "protocol": "HTTP", **more}


@pytest.mark.parametrize(
    ("ref", "reason"),
    [
        ({}, "True/Accepted"),
        ({"sectionName": "http"}, "True/Accepted"),
        ({"port": 8000}, "True/Accepted"),
        ({"sectionName": "http", "port": 8000}, "True/Accepted"),
        ({"sectionName": "http", "port": 8001}, "False/NoMatchingParent"),
        ({"sectionName": "none"}, "False/NoMatchingParent"),
        ({"port": 9}, "False/NoMatchingParent"),
    ],
)
def test_sections_and_ports(ref: dict[str, Any], reason: str) -> None:
    made = world(listener(), listener("other", 8001))
    route = made.route("a", parentRefs=[{"name": "web", **ref}])
    assert made.parent(route) == {"Accepted": reason, "ResolvedRefs": "True/ResolvedRefs"}


def test_namespaces() -> None:
    chosen = {"namespaces": {"from": "Selector", "selector": {"matchLabels": {"team": "web"}}}}
    made = world(
        listener("same"), listener("all", 8001, allowedRoutes=ALL), listener("some", 8002, allowedRoutes=chosen)
    )
    parents = [{"name": "web", "namespace": "default", "sectionName": name} for name in ("same", "all", "some")]
    route = made.route("a", parentRefs=parents, namespace="other")
    refused, accepted = "False/NotAllowedByListeners", "True/Accepted"
    assert [made.parent(route, number)["Accepted"] for number in range(3)] == [refused, accepted, refused]
    made.put("Namespace", "other", {}, labels={"team": "web"})
    assert [made.parent(route, number)["Accepted"] for number in range(3)] == [refused, accepted, accepted]


def test_kinds() -> None:
    made = world(listener(allowedRoutes={"kinds": [{"kind": "GRPCRoute"}]}))
    route, calls = made.route("a"), made.route("a", kind="GRPCRoute")
    assert made.parent(route)["Accepted"] == "False/NotAllowedByListeners"
    assert made.parent(calls)["Accepted"] == "True/Accepted"


def test_hostnames() -> None:
    made = world(listener(hostname="*.example.com"))
    route = made.route("a", hostnames=["example.org"])
    assert made.parent(route)["Accepted"] == "False/NoMatchingListenerHostname"
    assert made.problems(route) == {"spec.parentRefs[0]": "the listener http takes none of the hostnames example.org"}


def test_others_are_not_told_of() -> None:
    made = world()
    made.gateway_class("theirs", "example.com/other")
    made.gateway("theirs", gatewayClassName="theirs")
    parents = [
        {"name": "theirs"},
        {"name": "missing"},
        {"name": "web"},
        {"name": "web", "kind": "Service", "group": ""},
    ]
    route = made.route("a", parentRefs=parents)
    (only,) = made.status(route)["parents"]
    assert only["parentRef"] == {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "web"}
    assert only["controllerName"] == "getambassador.io/dragoman"


def test_routes_are_counted_where_they_are_accepted() -> None:
    made = world(listener(hostname="a.test"), listener("twin", 8000, hostname="a.test"), listener("free", 8001))
    made.route("a")
    made.route("b", hostnames=["b.test"])
    made.route("c", {"filters": [{"type": "Unknown"}]})
    found = made.status("gateway.networking.k8s.io/Gateway/default/web")["listeners"]
    assert {each["name"]: each["attachedRoutes"] for each in found} == {"http": 1, "twin": 1, "free": 2}


def test_a_route_whose_parents_are_not_ours_any_more_says_so() -> None:
    made = world()
    route = made.route("a")
    assert len(made.status(route)["parents"]) == 1
    made.delete("gateway.networking.k8s.io/Gateway/default/web")
    assert made.status(route) == {"parents": []}


@pytest.mark.parametrize("wrong", [{"name": 5}, {"name": "web", "port": "80"}, "web"])
@pytest.mark.parametrize("kind", ["HTTPRoute", "TLSRoute"])
def test_a_parent_that_cannot_be_read_takes_no_names_from_the_others(kind: str, wrong: Any) -> None:
    passed = {"name": "tls", "port": 8443, "protocol": "TLS", "tls": {"mode": "Passthrough"}}
    made = world({"name": "http", "port": 8000, "protocol": "HTTP"}, passed)
    made.route("wide", {"backendRefs": [to()]}, kind=kind, hostnames=["*.test"])
    key = made.route("a", {"backendRefs": [to()]}, kind=kind, hostnames=["a.test"], parentRefs=[{"name": "web"}, wrong])
    assert made.parent(key)["Accepted"] == "False/UnsupportedValue"
    if kind == "HTTPRoute":
        assert "gateway:8000/*/a.test" in [host.name for host in getattr(made.chain(CLEAR).body, "virtual_hosts", ())]
        assert made.routes("gateway:8000/*/a.test") == []
    else:
        assert getattr(made.chain("gateway:8443/*:tls/TLSRoute/default/a").body, "backends", None) == ()


CLEAR = "gateway:8000/cleartext"
