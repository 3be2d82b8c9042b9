"""BackendPolicies and RoutePolicies: what they say, whose word counts, and what their statuses say."""

from typing import Any

import orjson
import pytest

from tests.translator.gateway.gateway_world import LISTENER, GatewayWorld, key_of, said, to, world
from tests.translator.gateway.test_gateway_refusals import ROUTES, WORLD, GatewayEnvoy
from translator import ir
from translator.features.hash_policy import HashPolicy
from translator.features.idle_timeout import IdleTimeout
from translator.features.priority import HighPriority
from translator.features.retry_policy import RetryPolicy
from translator.features.upstream.circuit_breakers import CircuitBreakers, Thresholds
from translator.features.upstream.connections import Connections
from translator.features.upstream.health_checks import GrpcCheck, HealthChecks, HttpCheck
from translator.features.upstream.keepalive import Keepalive
from translator.features.upstream.load_balancing import LoadBalancing
from translator.filters.address_rules import AddressRange, AddressRules
from translator.filters.compression import Compress
from translator.filters.cors import CrossOrigin
from translator.filters.external_auth import Ask

ANY = "gateway:8000/*/*"
ACCEPTED = {"Accepted": "True/Accepted"}
WEB = {"kind": "Gateway", "name": "web"}
A = {"kind": "HTTPRoute", "name": "a"}
RED = {"name": "red"}
DENIED = {"ip_deny": [{"peer": "192.0.2.1"}]}


def begun(*rules: dict[str, Any], **more: Any) -> GatewayWorld:
    made = world(*more.pop("listeners", ()))
    made.put("Service", "red", {"ports": [{"port": 80, "name": "main"}]})
    made.route("a", *(rules or ({"backendRefs": [to()], "name": "r"},)), **more)
    return made


def say(made: GatewayWorld, *targets: dict[str, Any], name: str = "p", namespace: str = "default", **more: Any) -> str:
    """A RoutePolicy."""
    created = {"creationTimestamp": more.pop("created")} if "created" in more else {}
    return made.put("RoutePolicy", name, {"targetRefs": list(targets), **more}, namespace, **created)


def reach(
    made: GatewayWorld, *targets: dict[str, Any], name: str = "b", namespace: str = "default", **more: Any
) -> str:
    """A BackendPolicy."""
    return made.put("BackendPolicy", name, {"targetRefs": list(targets or (RED,)), **more}, namespace)


def forward(made: GatewayWorld, host: str = ANY) -> ir.Forward:
    (route,) = made.routes(host)
    assert isinstance(route.action, ir.Forward)
    return route.action


def backend(made: GatewayWorld) -> ir.Backend:
    (share,) = forward(made).backends
    assert share.backend is not None
    return share.backend


def filters(made: GatewayWorld, host: str = ANY) -> tuple[Any, ...]:
    (route,) = made.routes(host)
    return route.filters


def ancestors(made: GatewayWorld, key: str) -> dict[str, str]:
    """What a status says of each target."""
    found = {}
    for each in made.status(key)["ancestors"]:
        ref = each["ancestorRef"]
        assert each["controllerName"] == "getambassador.io/dragoman"
        assert ref["namespace"] == key.split("/")[2]
        found["/".join([ref["kind"], ref["name"], *([ref["sectionName"]] if "sectionName" in ref else [])])] = said(
            each["conditions"]
        )["Accepted"]
    return found


def test_all_that_a_route_policy_says_is_in_the_ir() -> None:
    made = begun()
    made.change(
        "getambassador.io/AuthService/default/auth",
        orjson.dumps(
            {
                "apiVersion": "getambassador.io/v3alpha1",
                "kind": "AuthService",
                "metadata": {"name": "auth", "namespace": "default"},
                "spec": {"auth_service": "192.0.2.1", "proto": "grpc", "protocol_version": "v3"},
            }
        ),
    )
    key = say(
        made,
        A,
        timeout_ms=5,
        idle_timeout_ms=6,
        retry_policy={"retry_on": "5xx", "num_retries": 2, "per_try_timeout": "1s"},
        priority="high",
        cors={"origins": []},
        ip_allow=[{"remote": "192.0.2.0/24"}],
        ip_deny=[{"peer": "192.0.2.1"}],
        external_auth=True,
        auth_context_extensions={"a": "b"},
        compress=True,
    )
    found = forward(made)
    assert found.timeout_ms == 5
    assert set(found.features) >= {IdleTimeout(6), HighPriority(), RetryPolicy(("5xx",), 2, 1000)}
    allowed, denied = AddressRange("remote", "192.0.2.0", 24), AddressRange("peer", "192.0.2.1", 32)
    assert filters(made) == (CrossOrigin(()), AddressRules((allowed,), (denied,)), Ask({"a": "b"}), Compress())
    assert ancestors(made, key) == {"HTTPRoute/a": "True/Accepted"}
    assert made.problems(key) == {}
    made.delete(key)
    assert filters(made) == ()
    assert forward(made).timeout_ms is None


def test_all_that_a_backend_policy_says_is_in_the_ir() -> None:
    made = begun()
    key = reach(
        made,
        connect_timeout_ms=5,
        circuit_breakers=[{"max_requests": 1}],
        keepalive={"idle_time": 7},
        cluster_idle_timeout_ms=8,
        cluster_max_connection_lifetime_ms=9,
        load_balancer={"policy": "ring_hash", "source_ip": True},
        health_checks=[
            {"health_check": {"grpc": {"upstream_name": "red"}}},
            {"health_check": {"http": {"path": "/well"}}},
        ],
    )
    found = backend(made)
    assert found.connect_timeout_ms == 5
    assert found.features == (
        CircuitBreakers((Thresholds("default", requests=1),)),
        Connections(8, 9),
        HealthChecks(HttpCheck("/well"), 3000, 5000, 2, 1),
        Keepalive(7, None, None),
        LoadBalancing("ring_hash"),
    )
    assert HashPolicy("source_ip") in forward(made).features
    assert ancestors(made, key) == {"Service/red": "True/Accepted"}
    assert made.problems(key) == {}
    made.route("a", {"backendRefs": [to()]}, kind="GRPCRoute")
    made.delete(key_of("HTTPRoute", "a"))
    checks = [each for each in backend(made).features if isinstance(each, HealthChecks)]
    assert isinstance(checks[0].check, GrpcCheck), "gRPC is asked where HTTP/2 is spoken"


def test_of_what_is_passed_on_only_what_is_of_connections_counts() -> None:
    made = begun(listeners=({"name": "t", "port": 9000, "protocol": "TCP"},))
    made.route("t", {"backendRefs": [to()]}, kind="TCPRoute")
    tight = [{"max_connections": 1}]
    reach(made, connect_timeout_ms=5, circuit_breakers=tight, load_balancer={"policy": "maglev", "source_ip": True})
    body = made.chain("gateway:9000/*:tcp/TCPRoute/default/t").body
    assert isinstance(body, ir.TcpChain)
    (share,) = body.backends
    assert share.backend is not None
    assert share.backend.connect_timeout_ms == 5
    assert [type(each) for each in share.backend.features] == [CircuitBreakers]


def test_the_more_specific_word_wins_field_by_field() -> None:
    made = begun(hostnames=["x.test"], listeners=(LISTENER, {**LISTENER, "name": "two", "port": 8001}))
    say(made, WEB, name="gateway", timeout_ms=1, idle_timeout_ms=1, priority="high", **DENIED)
    say(made, {**WEB, "sectionName": "two"}, name="listener", timeout_ms=2, idle_timeout_ms=2)
    one, two = "gateway:8000/*/x.test", "gateway:8001/*/x.test"
    assert (forward(made, one).timeout_ms, forward(made, two).timeout_ms) == (1, 2)
    say(made, A, name="route", timeout_ms=3, priority="default")
    say(made, {**A, "sectionName": "r"}, name="rule", timeout_ms=4)
    for host, idle in ((one, 1), (two, 2)):
        found = forward(made, host)
        assert found.timeout_ms == 4
        assert IdleTimeout(idle) in found.features
        assert HighPriority() not in found.features
        assert [type(each) for each in filters(made, host)] == [AddressRules]
    (route,) = made.routes(two)
    named = [each.rsplit("/", 1)[1] for each in route.origins]
    assert named == ["a", "rule", "route", "listener", "gateway"]


def test_what_a_route_says_itself_comes_before_all() -> None:
    made = begun({"backendRefs": [to()], "timeouts": {"request": "9s", "backendRequest": "2s"}})
    say(made, A, timeout_ms=1, retry_policy={"retry_on": "5xx"})
    found = forward(made)
    assert found.timeout_ms == 9000
    assert RetryPolicy(("5xx",), None, 2000) in found.features
    made.route("a", {"backendRefs": [to()], "timeouts": {"backendRequest": "30s"}})
    say(made, A, retry_policy={"retry_on": "5xx", "per_try_timeout": "2s"})
    found = forward(made)
    assert (found.timeout_ms, RetryPolicy(("5xx",), None, 30_000) in found.features) == (0, True)
    made.route("a", {"backendRefs": [to()], "retry": {"attempts": 0}})
    assert not [each for each in forward(made).features if isinstance(each, RetryPolicy)]


def test_a_listener_set_is_between_its_listeners_and_its_gateway() -> None:
    made = world()
    made.gateway("web", allowedListeners={"namespaces": {"from": "All"}})
    made.put(
        "ListenerSet",
        "s",
        {"parentRef": {"name": "web", "namespace": "default"}, "listeners": [{**LISTENER, "port": 8001}]},
        "other",
    )
    made.service("red", namespace="other")
    made.route("a", {"backendRefs": [to()]}, namespace="other", parentRefs=[{"kind": "ListenerSet", "name": "s"}])
    host = "gateway:8001/*/*"
    say(made, WEB, timeout_ms=1)
    assert forward(made, host).timeout_ms == 1, "a Gateway's is for routes of all namespaces that come in there"
    of_set = {"kind": "ListenerSet", "name": "s"}
    key = say(made, of_set, namespace="other", timeout_ms=2)
    assert forward(made, host).timeout_ms == 2
    say(made, {**of_set, "sectionName": "http"}, name="q", namespace="other", timeout_ms=3)
    assert forward(made, host).timeout_ms == 3
    assert ancestors(made, key) == {"ListenerSet/s": "True/Accepted"}


def test_of_two_for_one_target_the_older_counts_whatever_is_wrong_with_it() -> None:
    made = begun()
    older = say(made, A, name="z", created="2020-01-01T00:00:00Z", timeout_ms=1)
    younger = say(made, A, WEB, name="a", created="2021-01-01T00:00:00Z", timeout_ms=2, idle_timeout_ms=2)
    assert forward(made).timeout_ms == 1
    assert ancestors(made, younger) == {"HTTPRoute/a": "False/Conflicted", "Gateway/web": "True/Accepted"}
    assert ancestors(made, older) == {"HTTPRoute/a": "True/Accepted"}
    say(made, A, name="z", created="2020-01-01T00:00:00Z", timeout_ms="wrong", **DENIED)
    (route,) = made.routes(ANY)
    assert route.action == ir.DirectResponse(500)
    assert ancestors(made, older) == {"HTTPRoute/a": "False/Invalid"}
    made.delete(older)
    assert forward(made).timeout_ms == 2
    assert ancestors(made, younger)["HTTPRoute/a"] == "True/Accepted"


def test_what_is_not_there_is_told() -> None:
    made = begun()
    missing = [
        {"kind": "Gateway", "name": "none"},
        {"kind": "HTTPRoute", "name": "none"},
        {**WEB, "sectionName": "none"},
        {**A, "sectionName": "none"},
    ]
    key = say(made, *missing, timeout_ms=1)
    assert set(ancestors(made, key).values()) == {"False/TargetNotFound"}
    assert len(made.problems(key)) == 4
    other = reach(made, {"name": "none"}, {**RED, "sectionName": "none"})
    assert ancestors(made, other) == {
        "Service/none": "False/TargetNotFound",
        "Service/red/none": "False/TargetNotFound",
    }
    made.service("none")
    assert ancestors(made, other)["Service/none"] == "True/Accepted"


def test_another_namespaces_policy_says_nothing() -> None:
    made = begun()
    key = say(made, A, WEB, namespace="evil", timeout_ms=1, **DENIED)
    other = reach(made, namespace="evil", connect_timeout_ms=1)
    assert (forward(made).timeout_ms, filters(made)) == (None, ())
    assert backend(made).connect_timeout_ms == 3000
    assert set(ancestors(made, key).values()) == {"False/TargetNotFound"}
    assert ancestors(made, other) == {"Service/red": "False/TargetNotFound"}


def test_a_policy_for_another_gateway_is_not_seen() -> None:
    made = begun()
    key = say(made, A, timeout_ms=1, ambassador_id=["else"])
    assert forward(made).timeout_ms is None
    assert made.status(key) == {}
    say(made, A, timeout_ms=1, ambassador_id=["default"])
    assert forward(made).timeout_ms == 1
    assert made.problems(key) == {}


@pytest.mark.parametrize(
    "more",
    [
        {"ip_allow": "everybody"},
        {"ip_allow": [{"peer": "192.0.2.0/24"}, {"peer": "here"}]},
        {"ip_deny": [{"peer": "here"}]},
        {"external_auth": "yes"},
        {"external_auth": True},
        {"auth_context_extensions": {"a": "b"}},
        {**DENIED, "timeout_ms": "soon"},
        {**DENIED, "ambassador_id": 5},
        {**DENIED, "targetRefs": [{**A, "sectionName": "Not A Name"}]},
        {**DENIED, "targetRefs": A},
        {**DENIED, "targetRefs": [A, {"kind": "Odd", "name": "x"}]},
    ],
)
def test_what_should_guard_and_cannot_be_used_closes_the_route(more: dict[str, Any]) -> None:
    made = begun()
    key = say(made, A, **more)
    (route,) = made.routes(ANY)
    assert route.action == ir.DirectResponse(500)
    assert made.problems(key_of("HTTPRoute", "a"))["spec.rules[0]"].startswith("is answered 500")
    assert ancestors(made, key)["HTTPRoute/a"] == "False/Invalid"
    assert made.problems(key)
    say(made, {**A, "sectionName": "r"}, name="q", ip_deny=[], ip_allow=[], external_auth=False)
    assert isinstance(forward(made), ir.Forward), "a more specific word stands in its place"


def test_calls_are_refused_in_their_own_way() -> None:
    made = begun()
    made.delete(key_of("HTTPRoute", "a"))
    made.route("a", {"backendRefs": [to()]}, kind="GRPCRoute")
    say(made, {"kind": "GRPCRoute", "name": "a"}, **DENIED, timeout_ms="soon")
    (route,) = made.routes(ANY)
    assert route.action == ir.DirectResponse(503)


def test_what_guards_nothing_is_only_told() -> None:
    made = begun()
    key = say(made, A, timeout_ms="soon")
    other = reach(made, connect_timeout_ms="soon")
    assert isinstance(forward(made), ir.Forward)
    assert ancestors(made, key) == {"HTTPRoute/a": "False/Invalid"}
    assert ancestors(made, other) == {"Service/red": "False/Invalid"}


def test_a_policy_that_cannot_be_judged_by_a_bug_of_ours_refuses_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("translator.gateway.route_policies._addresses", lambda _: 1 // 0)
    made = begun()
    say(made, A, timeout_ms=1)
    with pytest.raises(AssertionError):
        made.sweep()
    (route,) = made.routes(ANY)
    assert route.action == ir.DirectResponse(500)


def test_a_policy_that_envoy_refuses_is_held_back_alone_and_its_route_is_closed() -> None:
    def refuses(name: str, body: bytes) -> str | None:
        return "boom" if name.startswith("route/") and b"192.0.2.1" in body else None

    envoy = GatewayEnvoy(refuses)
    envoy.translation.stream_changed(0.0, connected=True)
    route = {"parentRefs": [{"name": "web"}], "rules": [{"backendRefs": [to()]}]}
    envoy.put(0.0, *WORLD, (key_of("HTTPRoute", "a"), route))
    envoy.answer(0.1)
    key = key_of("RoutePolicy", "p")
    envoy.put(1.0, (key, {"targetRefs": [A], **DENIED}))
    envoy.answer(1.1)
    assert set(envoy.holds) == {key}
    (ancestor,) = envoy.said[key]["ancestors"]
    assert said(ancestor["conditions"])["Accepted"] == "False/Invalid"
    assert b"k8s/default/red" not in envoy.translation.resources()[ROUTES].body


def test_costs_do_not_grow_with_other_objects() -> None:
    few, many = (counted(others) for others in (20, 200))
    assert many == few


def counted(others: int) -> list[int]:
    """How many rules run where a route changes, its policy, and that of its Service, beside so many others."""
    made = begun()
    say(made, WEB, name="all", idle_timeout_ms=5)
    for number in range(others):
        made.service(f"s{number}")
        made.route(f"r{number}", {"backendRefs": [to(f"s{number}")]}, hostnames=[f"h{number}.test"])
        say(made, {"kind": "HTTPRoute", "name": f"r{number}"}, name=f"r{number}", timeout_ms=5)
        reach(made, {"name": f"s{number}"}, name=f"s{number}", connect_timeout_ms=5)
    made.sweep()
    found = []
    for change in (
        lambda: made.route("r7", {"backendRefs": [to("s7", weight=2)]}, hostnames=["h7.test"]),
        lambda: say(made, {"kind": "HTTPRoute", "name": "r7"}, name="r7", timeout_ms=6),
        lambda: reach(made, {"name": "s7"}, name="s7", connect_timeout_ms=6),
    ):
        change()
        made.steps = 0
        made.sweep()
        found.append(made.steps)
    return found
