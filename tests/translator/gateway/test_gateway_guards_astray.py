"""A guard for a rule that is not there closes the rule that it may be meant for, and no other word of it counts."""

from typing import Any

import pytest

from tests.translator.gateway.gateway_world import GatewayWorld, key_of, to
from tests.translator.gateway.test_gateway_own_policies import ANY, DENIED, RED, A, ancestors, begun, say
from translator import ir

CLOSED = ir.DirectResponse(500)
RULES = (("admin", "/admin"), ("shop", "/shop"), ("", "/"))


def three(**more: Any) -> GatewayWorld:
    """A route with three rules, of which one has no name."""
    rules: list[dict[str, Any]] = [
        {"backendRefs": [to()], "matches": [{"path": {"value": path}}], **({"name": name} if name else {})}
        for name, path in RULES
    ]
    return begun(*rules, **more)


def closed(made: GatewayWorld) -> list[str]:
    """The rules that refuse all requests."""
    told = made.problems(key_of("HTTPRoute", "a"))
    found = [name for place, (name, _) in enumerate(RULES) if "500" in told.get(f"spec.rules[{place}]", "")]
    assert len(found) == sum(route.action == CLOSED for route in made.routes(ANY))
    return found


def at(rule: str) -> dict[str, Any]:
    return {**A, "sectionName": rule}


def test_the_rule_that_is_the_most_alike_is_closed() -> None:
    made = three()
    key = say(made, at("admn"), timeout_ms=1, **DENIED)
    assert closed(made) == ["admin"]
    assert ancestors(made, key) == {"HTTPRoute/a/admn": "False/TargetNotFound"}
    assert made.problems(key) == {
        "spec.targetRefs[0].sectionName": "the HTTPRoute default/a has no section of the name admn, "
        "and it may be a guard: the rule admin refuses all requests (500)"
    }
    say(made, at("admin"), timeout_ms=1, **DENIED)
    assert closed(made) == []
    assert not any(isinstance(route.action, ir.Forward) and route.action.timeout_ms for route in made.routes(ANY)[1:])


def test_without_one_that_is_alike_each_rule_is_that_no_policy_speaks_for() -> None:
    made = three()
    key = say(made, at("zzz"), external_auth=True)
    assert closed(made) == ["admin", "shop", ""]
    assert "each rule without a policy refuses all requests" in made.problems(key)["spec.targetRefs[0].sectionName"]
    say(made, at("shop"), name="q", external_auth=False)
    assert closed(made) == ["admin", ""]
    say(made, at("zzz"), timeout_ms=1)
    assert closed(made) == [], "what keeps nobody out is only told"
    assert ancestors(made, key) == {"HTTPRoute/a/zzz": "False/TargetNotFound"}


@pytest.mark.parametrize("override", [False, True])
def test_a_policy_that_is_stopped_closes_by_its_guards_as_well(override: bool) -> None:
    made = three()
    say(made, at("shopp"), ip_allow="everybody", **({"override": True} if override else {}))
    assert closed(made) == ["shop"]
    say(made, at("shop"), name="q", ip_allow=[], ip_deny=[])
    assert closed(made) == (["shop"] if override else []), "an override has the last word, be it a broken one"


def test_the_words_of_the_route_do_not_open_what_is_closed() -> None:
    made = three()
    say(made, A, name="whole", ip_allow=[], ip_deny=[])
    say(made, at("admn"), **DENIED)
    assert closed(made) == ["admin"]


def test_a_rule_that_comes_ends_it_and_one_that_goes_begins_it() -> None:
    made = three()
    say(made, at("later"), **DENIED)
    assert closed(made) == ["admin", "shop", ""]
    made.route("a", {"backendRefs": [to()], "name": "later"})
    assert not any(route.action == CLOSED for route in made.routes(ANY))
    made.route("a", {"backendRefs": [to()]})
    assert all(route.action == CLOSED for route in made.routes(ANY))


def test_a_listener_that_is_not_there_closes_nothing() -> None:
    made = three()
    say(made, {"kind": "Gateway", "name": "web", "sectionName": "none"}, {**RED, "kind": "HTTPRoute"}, **DENIED)
    assert closed(made) == []
