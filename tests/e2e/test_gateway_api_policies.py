"""BackendPolicies and RoutePolicies, asked of a real Envoy: each feature, whose word counts, and what fails closed.

Each case has a hostname, a route and Services of its own, so that all are served from the beginning.
"""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.authorization import ALLOWED, HttpAuthorization
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.gateway_api import api_gateway, backing, document, gateway_class, listener, route, rule, to
from tests.support.limiting import RateLimiter
from tests.support.objects import an_object
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

GROUP = "getambassador.io"
NOBODY = [{"peer": "192.0.2.0/24"}]
EVERYBODY = [{"peer": "0.0.0.0/0"}]
PAGE = "https://page.test"
LABELS = {"ambassador": [{"by_user": [{"request_headers": {"key": "user", "header_name": "x-user"}}]}]}


def policy(kind: str, name: str, *targets: dict[str, str], namespace: str = "default", **said: Any) -> str:
    created = {"creationTimestamp": said.pop("created")} if "created" in said else {}
    spec = {"targetRefs": list(targets), **said}
    return document(kind, name, spec, namespace, api=f"{GROUP}/v3alpha1", **created)


def of_route(name: str, section: str = "", **said: Any) -> str:
    """What is said of the route of a case, or of a rule of it."""
    target = {"kind": "HTTPRoute", "name": name, **({"sectionName": section} if section else {})}
    return policy("RoutePolicy", said.pop("named", f"{name}-{section}" if section else name), target, **said)


def of_service(name: str, section: str = "", **said: Any) -> str:
    target = {"name": name, **({"sectionName": section} if section else {})}
    return policy("BackendPolicy", f"{name}-{section}" if section else name, target, **said)


def case(name: str, *rules: dict[str, Any], service: str = "red", hostnames: tuple[str, ...] = ()) -> str:
    """A route with a hostname of its own; without rules, with one for the whole and one for `/own`."""
    usual = (rule("/", to(service), name="all"), rule("/own", to(service), name="own"))
    return route(name, "web", *(rules or usual), hostnames=hostnames or [f"{name}.test"])


def cases() -> str:
    """All that is served from the beginning."""
    retry = {"retry_on": "5xx", "num_retries": 2}
    own = rule("/own", to("red"), retry={"attempts": 0}, timeouts={"request": "20s"})
    put = {**rule("/", to("red")), "matches": [{"method": "PUT"}]}
    one = {"kind": "Gateway", "name": "second", "sectionName": "one"}
    second = [{"name": "second"}]
    at_second = (rule("/", to("red"), name="all"), rule("/own", to("red"), name="own"))
    moved = rule("/moved", filters=[{"type": "RequestRedirect", "requestRedirect": {"statusCode": 302}}])
    tight = [{"max_requests": 1}, {"priority": "high", "max_requests": 2}]
    return "".join(
        (
            case("patient", rule("/", to("red")), own),
            of_route("patient", retry_policy=retry, timeout_ms=1_500),
            case("silent"),
            of_route("silent", timeout_ms=0, idle_timeout_ms=300),
            case("sharing", put),
            of_route("sharing", cors={"origins": [PAGE], "methods": ["PUT"]}),
            case("small"),
            of_route("small", compress=True) + of_route("small", "own", compress=False),
            route("open", second, *at_second, moved, hostnames=["open.second.test", "one.second.test"]),
            route("shut", second, *at_second, hostnames=["shut.second.test", "one.second.test"])
            .replace('"/"', '"/shut"')
            .replace('"/own"', '"/shut/own"'),
            policy("RoutePolicy", "second", {"kind": "Gateway", "name": "second"}, ip_allow=NOBODY),
            policy("RoutePolicy", "one", one, ip_allow=EVERYBODY),
            of_route("shut", ip_deny=EVERYBODY) + of_route("shut", "own", ip_deny=NOBODY),
            case("older"),
            of_route("older", named="z", ip_allow=EVERYBODY, created="2020-01-01T00:00:00Z"),
            of_route("older", named="a", ip_deny=EVERYBODY, created="2021-01-01T00:00:00Z"),
            case("near", service="near"),
            of_route("near", ip_deny=EVERYBODY, namespace="other"),
            policy("RoutePolicy", "far", {"kind": "Gateway", "name": "web"}, ip_deny=EVERYBODY, namespace="other"),
            policy("BackendPolicy", "far", {"name": "near"}, namespace="other", circuit_breakers=[{"max_requests": 0}]),
            case("typo"),
            of_route("typo", ip_deny=[{"peer": "here"}]) + of_route("typo", "own", ip_allow=EVERYBODY),
            case("beside"),
            of_route("beside", ip_allow=EVERYBODY, timeout_ms="soon") + of_route("beside", "own", ip_allow=EVERYBODY),
            case("astray"),
            of_route("astray", "onw", ip_deny=NOBODY),
            case("told"),
            of_route("told", timeout_ms="soon"),
            case("asking"),
            of_route("asking", external_auth=True) + of_route("asking", "own", external_auth=False),
            case("counting"),
            of_route("counting", labels=LABELS) + of_route("counting", "own", labels={"ambassador": []}),
            case("busy", service="busy"),
            of_service("busy", circuit_breakers=tight) + of_route("busy", "own", priority="high"),
            case("alike", service="alike"),
            of_service("alike", load_balancer={"policy": "ring_hash", "header": "x-user"}),
            case("port", service="port"),
            of_service("port", circuit_breakers=[{"max_requests": 0}]),
        )
    )


@dataclass(frozen=True)
class World:
    """A gateway with all cases, and the services that it may ask."""

    gateway: Gateway
    limiter: RateLimiter
    authorization: HttpAuthorization

    def status(self, name: str, path: str = "/", **more: Any) -> int:
        return self.gateway.request(f"{name}.test", path, **more).status_code

    def told(self, kind: str, name: str, namespace: str = "default", group: str = GROUP) -> dict[str, str]:
        found = self.gateway.diag()["objects"][f"{group}/{kind}/{namespace}/{name}"]["problems"]
        return {each["path"]: each["message"] for each in found}


@pytest.fixture(scope="module")
def world(red: HttpUpstream, blue: HttpUpstream) -> Iterator[World]:
    with ExitStack() as stack:
        limiter = stack.enter_context(RateLimiter())
        authorization = stack.enter_context(HttpAuthorization("authorization"))
        made = Gateway(listeners=False, patience=180)
        port = made.http_port
        wide, one = listener("all", port, hostname="*.second.test"), listener("one", port, hostname="one.second.test")
        gateways = api_gateway("web", listener("all", port)) + api_gateway("second", wide, one)
        made.apply("web", gateway_class() + gateways)
        services = [backing(name, red.port) for name in ("red", "near", "busy")]
        services += [backing(name, red.port, blue.port) for name in ("alike", "well", "good")]
        made.apply("services", "".join(services) + backing("port", red.port, port_name="main"))
        asked = {"auth_service": authorization.service, "timeout_ms": 10_000}
        counted = {"service": limiter.service, "protocol_version": "v3", "timeout_ms": 10_000}
        made.apply("asked", an_object("AuthService", "auth", asked) + an_object("RateLimitService", "limits", counted))
        made.apply("cases", cases())
        with made:
            made.wait_served("told.test")
            yield World(made, limiter, authorization)


def test_a_request_is_sent_again_and_has_its_time(world: World, red: HttpUpstream) -> None:
    red.failures = 2
    assert (world.status("patient"), len(red.seen)) == (200, 3)
    red.failures = 1
    assert world.status("patient", "/own") == 503, "a rule's own word is the more specific one"
    red.delay = 2.0
    assert world.status("patient") == 504
    assert world.status("patient", "/own") == 200


def test_silence_ends_a_request(world: World, red: HttpUpstream) -> None:
    red.delay = 1.0
    assert world.status("silent") == 504


def test_pages_of_other_sites_may_ask(world: World) -> None:
    answer = world.gateway.request("sharing.test", method="PUT", headers={"origin": PAGE})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, PAGE)
    asked = {"origin": PAGE, "access-control-request-method": "PUT"}
    answer = world.gateway.request("sharing.test", method="OPTIONS", headers=asked)
    assert answer.headers["access-control-allow-methods"] == "PUT"
    answer = world.gateway.request("sharing.test", method="PUT", headers={"origin": "https://other.test"})
    assert "access-control-allow-origin" not in answer.headers


def test_answers_are_compressed_for_who_can_read_it(world: World) -> None:
    readable = {"accept-encoding": "gzip"}
    answer = world.gateway.request("small.test", headers=readable)
    assert (answer.headers["content-encoding"], answer.json()["upstream"]) == ("gzip", "red")
    assert "content-encoding" not in world.gateway.request("small.test", "/own", headers=readable).headers
    unreadable = {"accept-encoding": "identity"}
    assert "content-encoding" not in world.gateway.request("small.test", headers=unreadable).headers


def test_who_gets_in_by_the_address_and_whose_word_counts(world: World) -> None:
    assert world.status("open.second") == 403, "the word of the Gateway"
    assert world.status("open.second", "/moved") == 403, "of redirects as well"
    assert world.status("one.second") == 200, "that of its listener comes before"
    assert world.status("one.second", "/shut") == 403, "that of a route before that of a listener"
    assert world.status("one.second", "/shut/own") == 200, "that of a rule before that of its route"


def test_the_older_of_two_policies_counts_and_the_younger_is_told(world: World) -> None:
    assert world.status("older") == 200
    said = "the HTTPRoute default/older belongs to the RoutePolicy default/z, which comes first"
    assert world.told("RoutePolicy", "a") == {"spec.targetRefs[0]": said}
    assert world.told("RoutePolicy", "z") == {}


def test_a_policy_is_about_its_own_namespace_alone(world: World) -> None:
    assert world.status("near") == 200
    where = "spec.targetRefs[0]"
    assert world.told("RoutePolicy", "near", "other") == {where: "the HTTPRoute other/near does not exist"}
    assert world.told("RoutePolicy", "far", "other") == {where: "the Gateway other/web does not exist"}
    assert world.told("BackendPolicy", "far", "other") == {where: "the Service other/near does not exist"}


@pytest.mark.parametrize("name", ["typo", "beside"])
def test_what_should_guard_and_cannot_be_used_refuses(world: World, name: str) -> None:
    assert world.status(name) == 500
    assert world.status(name, "/own") == 200, "a more specific word stands in its place"
    told = world.told("HTTPRoute", name, group="gateway.networking.k8s.io")
    said = f"is answered 500, since a RoutePolicy that should guard it cannot be used: see default/{name}"
    assert told == {"spec.rules[0]": said}


def test_a_guard_for_a_rule_that_is_not_there_closes_the_one_that_is_like_it(world: World) -> None:
    assert world.status("astray", "/own") == 500
    assert world.status("astray") == 200
    said = "the rule own refuses all requests (500)"
    assert world.told("RoutePolicy", "astray-onw")["spec.targetRefs[0].sectionName"].endswith(said)


def test_what_guards_nothing_and_cannot_be_used_is_only_told(world: World) -> None:
    assert world.status("told") == 200
    assert "spec.timeout_ms" in world.told("RoutePolicy", "told")


def test_the_authorization_is_asked(world: World, red: HttpUpstream) -> None:
    assert world.status("asking") == 401
    assert red.seen == []
    assert world.status("asking", headers={"authorization": ALLOWED}) == 200
    assert red.seen[-1]["headers"]["authorization"] == ALLOWED
    asked = len(world.authorization.seen)
    assert world.status("asking", "/own") == 200
    assert world.status("told") == 200
    assert len(world.authorization.seen) == asked


def test_without_an_authorization_that_could_be_asked_nobody_gets_in(world: World) -> None:
    broken = an_object("AuthService", "also", {"auth_service": "x", "proto": "odd"})
    with world.gateway.applied("also", broken):
        world.gateway.wait_served("asking.test", status=500)
        assert "spec.external_auth" in world.told("RoutePolicy", "asking")
    world.gateway.wait_served("asking.test", status=401)


def test_requests_are_counted_by_labels(world: World) -> None:
    world.limiter.full = {(("user", "ann"),)}
    assert world.status("counting", headers={"x-user": "ann"}) == 429
    assert world.status("counting", headers={"x-user": "bob"}) == 200
    assert world.status("counting", "/own", headers={"x-user": "ann"}) == 200


def test_breakers_count_wherever_a_service_is_asked_and_high_priority_has_its_own(
    world: World, red: HttpUpstream
) -> None:
    red.delay = 30  # until these have been counted, however long that takes
    statuses: list[int] = []

    def ask(path: str) -> None:
        statuses.append(world.status("busy", path, timeout=30))

    waiting = [threading.Thread(target=ask, args=[path]) for path in ("/", "/own")]
    for each in waiting:
        each.start()
    wait_until(lambda: len(red.seen) == 2, what="requests that go on")
    refused = world.gateway.request("busy.test")
    assert (refused.status_code, refused.headers.get("x-envoy-overloaded")) == (503, "true")
    red.delay = 0.0
    for each in waiting:
        each.join()
    assert statuses == [200, 200]


def test_who_is_alike_stays_at_one_endpoint(world: World) -> None:
    def who(user: str) -> str:
        return str(world.gateway.request("alike.test", headers={"x-user": user}).json()["upstream"])

    # Where each goes is by chance, with the ports: of so few runs as one in a million all go to one endpoint.
    found = {user: {who(user) for _ in range(3)} for user in map(str, range(20))}
    assert {len(each) for each in found.values()} == {1}
    assert set.union(*found.values()) == {"red", "blue"}


def test_an_endpoint_that_is_not_well_gets_no_requests(world: World, red: HttpUpstream) -> None:
    asked = {
        "interval": "100ms",
        "timeout": "1s",
        "unhealthy_threshold": 1,
        "health_check": {"http": {"path": "/well"}},
    }
    with world.gateway.applied("well", of_service("well", health_checks=[asked]) + case("well", service="well")):
        wait_until(lambda: "/well" in [each["path"] for each in red.seen], what="a question")
        red.status = 500

        def who() -> set[str]:
            answers = [world.gateway.request("well.test") for _ in range(8)]
            return {str(each.json()["upstream"]) for each in answers if each.status_code != 404}

        wait_until(lambda: who() == {"blue"}, what="the other endpoint alone")


def test_an_endpoint_that_answers_badly_is_left_out(world: World, red: HttpUpstream) -> None:
    outliers = {"consecutive_5xx": 2, "interval": "100ms", "base_ejection_time": "60s", "max_ejection_percent": 50}
    red.status = 500
    said = of_service("good", outlier_detection=outliers, connect_timeout_ms=500)
    with world.gateway.applied("good", said + case("good", service="good")):
        wait_until(lambda: [world.status("good") for _ in range(8)] == [200] * 8, what="only good answers")


def test_a_port_has_a_word_of_its_own_and_a_policy_ends_with_its_object(world: World) -> None:
    assert world.status("port") == 503
    with world.gateway.applied("main", of_service("port", "main", circuit_breakers=[{"max_requests": 5}])):
        world.gateway.wait_served("port.test")
    world.gateway.wait_served("port.test", status=503)
