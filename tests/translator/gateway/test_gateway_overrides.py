"""Overrides of RoutePolicies, fields that nobody knows, and the marks and lines of logs."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
import yaml

from tests.support.objects import an_object
from tests.translator.gateway.gateway_world import LISTENER, GatewayWorld, key_of, said, to, world
from tests.translator.gateway.test_gateway_own_policies import (
    ANY,
    DENIED,
    WEB,
    A,
    ancestors,
    begun,
    filters,
    forward,
    reach,
    say,
)
from translator import ir
from translator.features.http.access_log import FileLog
from translator.features.retry_policy import RetryPolicy
from translator.filters.address_rules import AddressRange, AddressRules
from translator.filters.buffering import AsItComes, WholeBodies
from translator.filters.cors import CrossOrigin
from translator.filters.error_bodies import ErrorBodies, ErrorBody
from translator.filters.log_marks import LogMark
from translator.ir import marks

CHAIN = "gateway:8000/cleartext"
LAST = {"override": True}
BAD = AddressRange("peer", "192.0.2.1", 32)
RULE = {**A, "sectionName": "r"}


def programmed(made: GatewayWorld, key: str) -> tuple[str, str] | None:
    """What a status says at its first target beside Accepted."""
    found = made.status(key)["ancestors"][0]["conditions"]
    return next(((said([each])["Programmed"], each["message"]) for each in found if each["type"] == "Programmed"), None)


def lines(made: GatewayWorld, chain: str = CHAIN) -> list[FileLog]:
    body = made.chain(chain).body
    assert isinstance(body, ir.HttpChain)
    return [each for each in body.options.features if isinstance(each, FileLog)]


def test_an_override_comes_before_the_route_and_all_policies_for_less() -> None:
    own = {"timeouts": {"request": "9s"}, "retry": {"attempts": 0}}
    own["filters"] = [{"type": "CORS", "cors": {"allowOrigins": ["https://own.test"]}}]  # type: ignore[assignment]
    made = begun({"backendRefs": [to()], "name": "r", **own})
    say(made, A, name="route", timeout_ms=1, idle_timeout_ms=7)
    retry = {"retry_on": "5xx", "num_retries": 3}
    key = say(made, WEB, name="edge", **LAST, timeout_ms=2, retry_policy=retry, cors={"origins": []}, compress=True)
    found = forward(made)
    assert found.timeout_ms == 2
    assert RetryPolicy(("5xx",), 3) in found.features
    assert CrossOrigin(()) in filters(made)
    told = made.problems(key_of("HTTPRoute", "a"))
    assert told == {
        "spec.rules[0].timeouts.request": "has no effect: the last word has the RoutePolicy default/edge",
        "spec.rules[0].retry": "has no effect: the last word has the RoutePolicy default/edge",
        "spec.rules[0].filters": "CORS has no effect: the last word has the RoutePolicy default/edge",
    }
    made.delete(key)
    assert forward(made).timeout_ms == 9000
    assert made.problems(key_of("HTTPRoute", "a")) == {}


def test_of_overrides_the_more_general_counts() -> None:
    made = begun(listeners=(LISTENER, {**LISTENER, "name": "two", "port": 8001}))
    say(made, RULE, name="rule", **LAST, timeout_ms=1, idle_timeout_ms=1)
    say(made, A, name="route", **LAST, timeout_ms=2)
    assert forward(made).timeout_ms == 2
    key = say(made, {**WEB, "sectionName": "two"}, name="listener", **LAST, timeout_ms=3)
    assert (forward(made).timeout_ms, forward(made, "gateway:8001/*/*").timeout_ms) == (2, 3)
    say(made, WEB, name="gateway", **LAST, timeout_ms=4)
    assert (forward(made).timeout_ms, forward(made, "gateway:8001/*/*").timeout_ms) == (4, 4)
    assert programmed(made, key) == (
        "False/Overridden",
        "timeout_ms: the last word has the RoutePolicy default/gateway",
    )


def test_rules_about_addresses_hold_together() -> None:
    made = begun()
    say(made, RULE, name="rule", ip_allow=[{"peer": "10.0.0.0/8"}])
    say(made, A, name="route", **LAST, ip_deny=[{"peer": "10.1.0.0/16"}])
    key = say(made, WEB, name="edge", **LAST, **DENIED)
    (rules,) = filters(made)
    team = AddressRules(None, (AddressRange("peer", "10.1.0.0", 16),))
    own = AddressRules((AddressRange("peer", "10.0.0.0", 8),))
    assert rules == AddressRules(None, (BAD,), AddressRules(team.allowed, team.denied, own))
    say(made, WEB, name="edge", **LAST, ip_deny=[], ip_allow=[])
    assert filters(made) == (), "only who says that everybody gets in opens"
    assert programmed(made, key_of("RoutePolicy", "rule")) == (
        "False/Overridden",
        "ip_allow and ip_deny: the last word has the RoutePolicy default/edge",
    )
    made.delete(key)
    assert isinstance(filters(made)[0], AddressRules)


@pytest.mark.parametrize(
    "broken",
    [
        {"override": True, "ip_deny": "x"},
        {"override": "yes", **DENIED},
        {"overide": True, **DENIED},
        {"override": True, "external_auth": True},
        {"override": True, "jwt": {}},
    ],
)
def test_a_broken_override_closes_whatever_others_say(broken: dict[str, Any]) -> None:
    made = begun()
    say(made, RULE, name="rule", ip_deny=[], ip_allow=[], external_auth=False)
    key = say(made, WEB, name="edge", **broken)
    (route,) = made.routes(ANY)
    assert route.action == ir.DirectResponse(500)
    assert ancestors(made, key) == {"Gateway/web": "False/Invalid"}


def test_a_broken_guard_for_less_stays_closed_under_an_override() -> None:
    made = begun()
    say(made, A, ip_deny="x")
    say(made, WEB, name="edge", **LAST, **DENIED)
    (route,) = made.routes(ANY)
    assert route.action == ir.DirectResponse(500)


def test_a_target_may_have_an_override_and_a_policy_that_is_none() -> None:
    made = begun()
    last = say(made, WEB, name="last", **LAST, timeout_ms=1)
    default = say(made, WEB, name="default", timeout_ms=2, idle_timeout_ms=2)
    assert forward(made).timeout_ms == 1
    assert ancestors(made, last) == ancestors(made, default) == {"Gateway/web": "True/Accepted"}
    assert programmed(made, last) is None
    assert programmed(made, default) == (
        "True/PartiallyProgrammed",
        "timeout_ms: the last word has the RoutePolicy default/last",
    )
    younger = say(made, WEB, name="z", **LAST, timeout_ms=3)
    assert ancestors(made, younger) == {"Gateway/web": "False/Conflicted"}
    assert forward(made).timeout_ms == 1


def test_who_is_overridden_at_one_gateway_alone_is_so_in_part() -> None:
    made = begun(parentRefs=[{"name": "web"}, {"name": "other"}])
    made.gateway("other", {**LISTENER, "port": 8001})
    key = say(made, A, timeout_ms=1)
    say(made, WEB, name="edge", **LAST, timeout_ms=2)
    assert programmed(made, key) == (
        "True/PartiallyProgrammed",
        "timeout_ms: the last word has the RoutePolicy default/edge",
    )
    assert (forward(made).timeout_ms, forward(made, "gateway:8001/*/*").timeout_ms) == (2, 1)


def test_of_a_listener_set_its_gateway_has_the_last_word() -> None:
    made = world()
    made.gateway("web", allowedListeners={"namespaces": {"from": "All"}})
    parent = {"name": "web", "namespace": "default"}
    made.put("ListenerSet", "s", {"parentRef": parent, "listeners": [{**LISTENER, "port": 8001}]}, "other")
    made.service("red", namespace="other")
    made.route("a", {"backendRefs": [to()]}, namespace="other", parentRefs=[{"kind": "ListenerSet", "name": "s"}])
    key = say(made, {"kind": "ListenerSet", "name": "s"}, namespace="other", **LAST, timeout_ms=2)
    say(made, WEB, name="edge", **LAST, timeout_ms=1)
    assert forward(made, "gateway:8001/*/*").timeout_ms == 1
    assert programmed(made, key) == ("False/Overridden", "timeout_ms: the last word has the RoutePolicy default/edge")


# Fields that nobody knows


@pytest.mark.parametrize(
    "more",
    [
        {"externalAuth": True},
        {"ip_alow": [{"peer": "192.0.2.0/24"}]},
        {"jwt": {"issuer": "x"}},
        {"auth_context_extension": {"a": "b"}},
        {**DENIED, "timeoutms": 5},
        {**{f"field{number}": 1 for number in range(100)}, "timeoutms": 5},
        {**DENIED, "targetRefs": [{**A, "sectionname": "other"}]},
        {**DENIED, "targetRefs": [{**A, "namespace": "elsewhere"}]},
        {**DENIED, "targetRefs": [{**A, "kind": "HttpRoute"}]},
        {**DENIED, "targetRefs": [A, A]},
    ],
)
def test_what_may_be_a_guard_closes(more: dict[str, Any]) -> None:
    made = begun()
    key = say(made, A, **more)
    (route,) = made.routes(ANY)
    assert route.action == ir.DirectResponse(500)
    assert ancestors(made, key)["HTTPRoute/a"] == "False/Invalid"


@pytest.mark.parametrize("more", [{"timeoutms": 5}, {"retrypolicy": {"retry_on": "5xx"}}, {"jwt": None}])
def test_what_is_no_guard_is_only_told(more: dict[str, Any]) -> None:
    made = begun()
    key = say(made, A, timeout_ms=6, **more)
    is_nothing = None in more.values()
    assert forward(made).timeout_ms == (6 if is_nothing else None), "of a policy that is stopped nothing is in force"
    assert ancestors(made, key)["HTTPRoute/a"] == ("True/Accepted" if is_nothing else "False/Invalid")


def test_a_backend_policy_with_such_a_field_says_nothing_and_is_told() -> None:
    made = begun()
    key = reach(made, connect_timeout_ms=5, circut_breakers=[])
    assert ancestors(made, key) == {"Service/red": "False/Invalid"}
    assert made.problems(key) == {"spec.circut_breakers": "unknown field; did you mean 'circuit_breakers'?"}


# Logs, bodies and errors


def test_a_line_of_its_own_is_in_the_chain_as_long_as_a_route_wants_it() -> None:
    made = begun()
    assert lines(made) == []
    key = say(made, A, access_log={"envoy_log_format": "own"})
    (line,) = lines(made)
    assert (line.path, line.format) == ("/dev/fd/1", "own\n")
    assert filters(made) == (LogMark(line.mark, line, key),)
    assert key in made.chain(CHAIN).origins, "whose it is, where Envoy refuses the listener"
    say(made, RULE, name="q", access_log={"enabled": False})
    assert filters(made) == (LogMark(marks.SILENT),)
    assert lines(made) == [], "no route wants it any more"


def test_who_wants_the_same_line_shares_a_log() -> None:
    made = begun()
    made.route("b", {"backendRefs": [to()]}, hostnames=["b.test"])
    say(made, A, name="a", access_log={"envoy_log_type": "json"})
    say(made, {"kind": "HTTPRoute", "name": "b"}, name="b", access_log={"envoy_log_type": "json"})
    assert len(lines(made)) == 1
    say(made, WEB, name="c", access_log={"envoy_log_type": "text"})
    assert len(lines(made)) == 1, "routes that say it themselves do not want the Gateway's"


def test_where_the_module_has_a_log_its_line_is_the_usual_one() -> None:
    made = begun()
    config = {"envoy_log_path": "/dev/null", "envoy_log_type": "json"}
    module = an_object("Module", "ambassador", {"config": config})
    made.change("getambassador.io/Module/default/ambassador", orjson.dumps(next(yaml.safe_load_all(module))))
    say(made, A, access_log={})
    assert filters(made) == (LogMark(marks.USUAL),)
    assert [each.mark for each in lines(made)] == [marks.USUAL]
    say(made, A, access_log={"envoy_log_format": "own"})
    assert [(each.mark == marks.USUAL, each.path) for each in lines(made)] == [
        (True, "/dev/null"),
        (False, "/dev/null"),
    ]


def test_what_is_wrong_with_a_line_is_told() -> None:
    made = begun()
    key = say(made, A, access_log={"envoy_log_format": "%NOTHING%"})
    assert "spec.access_log.envoy_log_format" in made.problems(key)
    assert ancestors(made, key)["HTTPRoute/a"] == "False/Invalid"
    say(made, A, access_log={"envoy_log_type": "json", "envoy_log_format": "text"})
    assert "the usual format is used" in made.problems(key)["spec.access_log.envoy_log_format"]
    assert isinstance(lines(made)[0].format, dict)


def test_bodies_and_errors_are_said_to_their_filters() -> None:
    made = begun()
    body = {"on_status_code": 503, "body": {"text_format": "later"}}
    odd = {"on_status_code": 200, "body": {"text_format": "x"}}
    file = {"on_status_code": 404, "body": {"text_format_source": {"filename": "/none"}}}
    key = say(made, A, buffer={"max_request_bytes": 5}, error_response_overrides=[body, odd, file])
    upgrading, plain = made.routes(ANY)
    errors = ErrorBodies((ErrorBody(503, "text/plain", "later"),))
    assert plain.filters == (WholeBodies(5), errors)
    assert upgrading.filters == (WholeBodies(5), errors, AsItComes())
    assert [each.name for each in upgrading.match.headers] == ["connection", "upgrade"]
    assert ancestors(made, key)["HTTPRoute/a"] == "True/Accepted"
    assert len(made.problems(key)) == 2, "the entry for 200, and the file that is not there"
    say(made, RULE, name="q", buffer={"max_request_bytes": 0}, error_response_overrides=[])
    assert filters(made) == (AsItComes(), ErrorBodies())


def test_costs_do_not_grow_with_other_objects() -> None:
    few, many = (counted(others) for others in (20, 200))
    assert many == few


def counted(others: int) -> list[int]:
    """How many rules run where a log of a route comes and goes, and where it says otherwise."""
    made = begun()
    for number in range(others):
        made.route(f"r{number}", {"backendRefs": [to()]}, hostnames=[f"h{number}.test"])
        target = {"kind": "HTTPRoute", "name": f"r{number}"}
        say(made, target, name=f"r{number}", access_log={"envoy_log_format": "all"}, timeout_ms=5)
    made.sweep()
    target = {"kind": "HTTPRoute", "name": "r7"}
    changes: tuple[Callable[[], Any], ...] = (
        lambda: say(made, target, name="r7", access_log={"enabled": False}),
        lambda: say(made, target, name="r7", access_log={"envoy_log_format": "all"}, **LAST),
    )
    found = []
    for change in changes:
        change()
        made.steps = 0
        made.sweep()
        found.append(made.steps)
    return found
