"""Default Gateways: routes that attach without naming anybody, and what both sides are told."""

from typing import Any

import pytest

from tests.translator.gateway.gateway_world import LISTENER, GatewayWorld, key_of, to, world

ANY = "gateway:8000/*/*"
GATEWAY = key_of("Gateway", "web")
ROUTE = key_of("HTTPRoute", "a")
GOOD = {"Accepted": "True/Accepted", "ResolvedRefs": "True/ResolvedRefs"}
BACKEND = {"backendRefs": [to()]}


def begun(scope: str | None = "All", **route: Any) -> GatewayWorld:
    made = world()
    made.gateway("web", **({"defaultScope": scope} if scope else {}))
    made.put("HTTPRoute", "a", {"useDefaultGateways": "All", "rules": [BACKEND], **route})
    return made


def parents(made: GatewayWorld) -> list[Any]:
    return [each["parentRef"] for each in made.status(ROUTE)["parents"]]


def test_a_route_attaches_to_the_gateways_that_take_routes_without_being_named() -> None:
    made = begun()
    made.gateway("other", {"name": "http", "port": 8001, "protocol": "HTTP"}, defaultScope="All")
    made.gateway("apart", {"name": "http", "port": 8002, "protocol": "HTTP"})
    assert [each.name for each in made.routes(ANY)] == ["HTTPRoute/default/a@*/0-0"]
    assert [each["name"] for each in parents(made)] == ["other", "web"]
    assert parents(made)[1] == {
        "group": "gateway.networking.k8s.io",
        "kind": "Gateway",
        "namespace": "default",
        "name": "web",
    }
    assert made.parent(ROUTE) == GOOD
    assert made.conditions(GATEWAY)["DefaultGateway"] == "True/DefaultGateway"
    assert "DefaultGateway" not in made.conditions(key_of("Gateway", "apart"))
    made.gateway("web")
    assert made.routes(ANY) == []
    assert [each["name"] for each in parents(made)] == ["other"]
    assert "DefaultGateway" not in made.conditions(GATEWAY)


@pytest.mark.parametrize(
    ("scope", "route"),
    [("None", {}), (None, {}), ("All", {"useDefaultGateways": "None"}), ("All", {"useDefaultGateways": None})],
)
def test_both_sides_must_say_so(scope: str | None, route: dict[str, Any]) -> None:
    made = begun(scope, **route)
    assert made.routes(ANY) == []
    assert made.status(ROUTE)["parents"] == []


def test_the_usual_rules_hold() -> None:
    made = begun()
    made.service("red", namespace="other")
    far = made.put("HTTPRoute", "far", {"useDefaultGateways": "All", "rules": [BACKEND]}, "other")
    assert made.parent(far)["Accepted"] == "False/NotAllowedByListeners"
    assert list(made.problems(far)) == ["spec.useDefaultGateways"]
    made.gateway("web", {**LISTENER, "allowedRoutes": {"namespaces": {"from": "All"}}}, defaultScope="All")
    assert made.parent(far) == GOOD
    calls = made.put("GRPCRoute", "calls", {"useDefaultGateways": "All", "rules": [BACKEND]})
    assert made.parent(calls) == GOOD


def test_a_gateway_that_is_named_as_well_is_one_parent() -> None:
    made = begun(parentRefs=[{"name": "web"}])
    assert len(parents(made)) == 1
    assert len(made.routes(ANY)) == 1
    made.gateway("web", LISTENER, {"name": "more", "port": 8001, "protocol": "HTTP"}, defaultScope="All")
    made.put(
        "HTTPRoute",
        "a",
        {"useDefaultGateways": "All", "parentRefs": [{"name": "web", "sectionName": "http"}], "rules": [BACKEND]},
    )
    assert [each.get("sectionName") for each in parents(made)] == ["http", None]
    assert len(made.routes(ANY)) == len(made.routes("gateway:8001/*/*")) == 1


def test_a_route_that_cannot_be_read_is_told_so_at_its_default_gateways() -> None:
    made = begun(rules=["?"])
    assert made.parent(ROUTE)["Accepted"] == "False/UnsupportedValue"
    assert made.conditions(GATEWAY)["Accepted"] == "True/Accepted"
