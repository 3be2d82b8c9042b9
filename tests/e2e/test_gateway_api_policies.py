"""BackendPolicies and RoutePolicies, asked of a real Envoy: each feature, whose word counts, and what fails closed."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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

HOST = "policies.test"
GROUP = "getambassador.io"
WEB = {"kind": "Gateway", "name": "web"}
ROUTE = {"kind": "HTTPRoute", "name": "route"}
NOBODY = [{"peer": "192.0.2.0/24"}]
EVERYBODY = [{"peer": "0.0.0.0/0"}]


def policy(kind: str, name: str, *targets: dict[str, str], namespace: str = "default", **said: Any) -> str:
    created = {"creationTimestamp": said.pop("created")} if "created" in said else {}
    spec = {"targetRefs": list(targets), **said}
    return document(kind, name, spec, namespace, api=f"{GROUP}/v3alpha1", **created)


def for_route(name: str, *targets: dict[str, str], **said: Any) -> str:
    return policy("RoutePolicy", name, *targets, **said)


def for_service(name: str, service: str, section: str = "", **said: Any) -> str:
    target = {"name": service, **({"sectionName": section} if section else {})}
    return policy("BackendPolicy", name, target, **said)


@dataclass(frozen=True)
class World:
    """A gateway with two listeners at one port, and the services that it may ask."""

    gateway: Gateway
    limiter: RateLimiter
    authorization: HttpAuthorization

    def status(self, path: str = "/", host: str = HOST, **more: Any) -> int:
        return self.gateway.request(host, path, **more).status_code

    def told(self, kind: str, name: str, namespace: str = "default", group: str = GROUP) -> dict[str, str]:
        found = self.gateway.diag()["objects"][f"{group}/{kind}/{namespace}/{name}"]["problems"]
        return {each["path"]: each["message"] for each in found}


@pytest.fixture(scope="module")
def world(red: HttpUpstream, blue: HttpUpstream) -> Iterator[World]:
    with ExitStack() as stack:
        limiter = stack.enter_context(RateLimiter())
        authorization = stack.enter_context(HttpAuthorization("authorization"))
        made = Gateway(listeners=False)
        listeners = (
            listener("all", made.http_port),
            listener("one", made.http_port, hostname="one.policies.test"),
        )
        made.apply("web", gateway_class() + api_gateway("web", *listeners))
        made.apply("services", backing("red", red.port, port_name="main") + backing("both", red.port, blue.port))
        asked = {"auth_service": authorization.service, "timeout_ms": 10_000, "allowed_request_headers": []}
        counted = {"service": limiter.service, "protocol_version": "v3", "timeout_ms": 10_000}
        made.apply("asked", an_object("AuthService", "auth", asked))
        made.apply("counted", an_object("RateLimitService", "limits", counted))
        yield World(stack.enter_context(made), limiter, authorization)


@contextmanager
def served(world: World, *policies: str, rules: tuple[dict[str, Any], ...] = (), **more: Any) -> Iterator[None]:
    """Policies, and a route that is served as they say: they are in one file, and come at once."""
    moved = {"type": "RequestRedirect", "requestRedirect": {"statusCode": 302, "path": IS}}
    is_there = rule("/is", filters=[moved])
    made = route("route", "web", *(rules or (rule("/", to("red"), name="all"),)), hostnames=[HOST, "one.policies.test"])
    told = route("told", "web", is_there, hostnames=["is.test"])
    with world.gateway.applied("policies", "".join(policies) + made + told):
        world.gateway.wait_served("is.test", "/is", **more)
        yield
    world.gateway.wait_served("is.test", "/is", status=404)


IS = {"type": "ReplaceFullPath", "replaceFullPath": "/"}
FOUND: dict[str, Any] = {"status": 302}


def test_a_request_is_sent_again_and_has_its_time(world: World, red: HttpUpstream) -> None:
    retry = {"retry_on": "5xx", "num_retries": 2}
    said = for_route("patient", ROUTE, retry_policy=retry, timeout_ms=500)
    own = rule("/own", to("red"), retry={"attempts": 0}, timeouts={"request": "20s"})
    with served(world, said, rules=(rule("/", to("red")), own), **FOUND):
        red.failures = 2
        assert (world.status(), len(red.seen)) == (200, 3)
        red.failures = 1
        assert world.status("/own") == 503, "a rule's own word is the more specific one"
        red.delay = 1.0
        assert world.status() == 504
        assert world.status("/own") == 200


def test_silence_ends_a_request(world: World, red: HttpUpstream) -> None:
    red.delay = 2.0
    with served(world, for_route("impatient", ROUTE, timeout_ms=0, idle_timeout_ms=300), **FOUND):
        assert world.status() == 504


def test_pages_of_other_sites_may_ask(world: World, red: HttpUpstream) -> None:
    there = {"origin": "https://page.test"}
    said = for_route("sharing", WEB, cors={"origins": ["https://page.test"], "methods": ["PUT"]})
    put = [{"method": "PUT", "path": {"type": "PathPrefix", "value": "/put"}}]
    rules = (rule("/", to("red")), {**rule("/put", to("red")), "matches": put})
    with served(world, said, rules=rules, **FOUND):
        answer = world.gateway.request(HOST, headers=there)
        assert answer.headers["access-control-allow-origin"] == "https://page.test"
        asked = {**there, "access-control-request-method": "PUT"}
        answer = world.gateway.request(HOST, "/put", method="OPTIONS", headers=asked)
        assert answer.headers["access-control-allow-methods"] == "PUT"
        assert "access-control-allow-origin" not in world.gateway.request(HOST, headers={"origin": "http://x"}).headers


def test_answers_are_compressed_for_who_can_read_it(world: World) -> None:
    whole = for_route("small", ROUTE, compress=True)
    plain = for_route("plain", {**ROUTE, "sectionName": "plain"}, compress=False)
    rules = (rule("/", to("red"), name="all"), rule("/plain", to("red"), name="plain"))
    with served(world, whole, plain, rules=rules, **FOUND):
        readable = {"accept-encoding": "gzip"}
        answer = world.gateway.request(HOST, headers=readable)
        assert (answer.headers["content-encoding"], answer.json()["upstream"]) == ("gzip", "red")
        assert "content-encoding" not in world.gateway.request(HOST, "/plain", headers=readable).headers
        assert "content-encoding" not in world.gateway.request(HOST, headers={"accept-encoding": "identity"}).headers


def test_who_gets_in_by_the_address_and_whose_word_counts(world: World) -> None:
    one = {**WEB, "sectionName": "one"}
    own = rule("/own", to("red"), name="own")
    rules = (rule("/", to("red"), name="all"), own)
    gate = for_route("gate", WEB, ip_allow=NOBODY)
    listening = for_route("listening", one, ip_allow=EVERYBODY)
    with served(world, gate, listening, rules=rules, status=403):
        assert world.status() == 403, "the word of the Gateway"
        assert world.status(host="one.policies.test") == 200, "that of its listener comes before"
    whole = for_route("whole", ROUTE, ip_deny=EVERYBODY)
    single = for_route("single", {**ROUTE, "sectionName": "own"}, ip_deny=NOBODY)
    with served(world, listening, whole, single, rules=rules, **FOUND):
        assert world.status(host="one.policies.test") == 403, "that of a route before that of a listener"
        assert world.status("/own", "one.policies.test") == 200, "that of a rule before that of its route"
        assert world.status("/own") == 200


def test_the_older_of_two_policies_counts_and_the_younger_is_told(world: World) -> None:
    older = for_route("z", ROUTE, ip_allow=EVERYBODY, created="2020-01-01T00:00:00Z")
    younger = for_route("a", ROUTE, ip_deny=EVERYBODY, created="2021-01-01T00:00:00Z")
    with served(world, older, younger, **FOUND):
        assert world.status() == 200
        said = "the HTTPRoute default/route belongs to the RoutePolicy default/z, which comes first"
        assert world.told("RoutePolicy", "a") == {"spec.targetRefs[0]": said}
        assert world.told("RoutePolicy", "z") == {}


def test_a_policy_is_about_its_own_namespace_alone(world: World, red: HttpUpstream) -> None:
    far = for_route("far", ROUTE, WEB, ip_deny=EVERYBODY, namespace="other")
    slow = policy("BackendPolicy", "slow", {"name": "red"}, namespace="other", circuit_breakers=[{"max_requests": 0}])
    with served(world, far, slow, **FOUND):
        assert world.status() == 200
        said = world.told("RoutePolicy", "far", "other")
        assert said["spec.targetRefs[0]"] == "the HTTPRoute other/route does not exist"
        assert said["spec.targetRefs[1]"] == "the Gateway other/web is no Gateway of this controller"
        assert world.told("BackendPolicy", "slow", "other") == {
            "spec.targetRefs[0]": "the Service other/red does not exist"
        }


def test_what_should_guard_and_cannot_be_used_refuses(world: World) -> None:
    rules = (rule("/", to("red"), name="all"), rule("/own", to("red"), name="own"))
    single = for_route("single", {**ROUTE, "sectionName": "own"}, ip_allow=EVERYBODY)
    for broken in ({"ip_deny": [{"peer": "here"}]}, {"ip_allow": EVERYBODY, "timeout_ms": "soon"}):
        with served(world, for_route("broken", ROUTE, **broken), single, rules=rules, **FOUND):
            assert world.status() == 500
            assert world.status("/own") == 200, "a more specific word stands in its place"
            told = world.told("HTTPRoute", "route", group="gateway.networking.k8s.io")
            wanted = "is answered 500, since a RoutePolicy that should guard it cannot be used: see default/broken"
            assert told == {"spec.rules[0]": wanted}
    with served(world, for_route("told", ROUTE, timeout_ms="soon"), rules=rules, **FOUND):
        assert world.status() == 200, "what guards nothing is only told"
        assert "spec.timeout_ms" in world.told("RoutePolicy", "told")


def test_the_authorization_is_asked(world: World, red: HttpUpstream) -> None:
    free = for_route("free", {**ROUTE, "sectionName": "free"}, external_auth=False)
    rules = (rule("/", to("red"), name="all"), rule("/free", to("red"), name="free"))
    with served(world, for_route("asking", ROUTE, external_auth=True), free, rules=rules, **FOUND):
        assert world.status() == 401
        assert red.seen == []
        assert world.status(headers={"authorization": ALLOWED}) == 200
        assert red.seen[-1]["headers"]["authorization"] == ALLOWED
        asked = len(world.authorization.seen)
        assert world.status("/free") == 200
        assert len(world.authorization.seen) == asked


def test_without_an_authorization_that_could_be_asked_nobody_gets_in(world: World) -> None:
    with served(world, for_route("asking", ROUTE, external_auth=True), **FOUND):
        broken = an_object("AuthService", "auth", {"auth_service": "x", "proto": "odd"})
        world.gateway.wait_served(HOST, status=401)
        with world.gateway.applied("also", broken.replace('"auth"', '"also"')):
            world.gateway.wait_served(HOST, status=500)
            assert "spec.external_auth" in world.told("RoutePolicy", "asking")
        world.gateway.wait_served(HOST, status=401)


def test_requests_are_counted_by_labels(world: World) -> None:
    labels = {"ambassador": [{"by_user": [{"request_headers": {"key": "user", "header_name": "x-user"}}]}]}
    never = for_route("never", {**ROUTE, "sectionName": "never"}, labels={"ambassador": []})
    rules = (rule("/", to("red"), name="all"), rule("/never", to("red"), name="never"))
    world.limiter.full = {(("user", "ann"),)}
    with served(world, for_route("counting", WEB, labels=labels), never, rules=rules, **FOUND):
        assert world.status(headers={"x-user": "ann"}) == 429
        assert world.status(headers={"x-user": "bob"}) == 200
        assert world.status("/never", headers={"x-user": "ann"}) == 200


def test_breakers_count_for_a_service_wherever_it_is_asked_and_high_priority_has_its_own(
    world: World, red: HttpUpstream
) -> None:
    tight = for_service("tight", "red", circuit_breakers=[{"max_requests": 1}, {"priority": "high", "max_requests": 2}])
    high = for_route("high", {**ROUTE, "sectionName": "high"}, priority="high")
    rules = (rule("/", to("red"), name="all"), rule("/high", to("red"), name="high"))
    with served(world, tight, high, rules=rules, **FOUND):
        red.delay = 1.5
        statuses: list[int] = []
        waiting = [
            threading.Thread(target=lambda path=path: statuses.append(world.status(path, timeout=30)))
            for path in ("/", "/high")
        ]
        for each in waiting:
            each.start()
        wait_until(lambda: len(red.seen) == 2, what="requests that go on")
        refused = world.gateway.request(HOST)
        assert (refused.status_code, refused.headers.get("x-envoy-overloaded")) == (503, "true")
        for each in waiting:
            each.join()
        assert statuses == [200, 200]


def test_who_is_alike_stays_at_one_endpoint(world: World) -> None:
    said = for_service("alike", "both", load_balancer={"policy": "ring_hash", "header": "x-user"})
    with served(world, said, rules=(rule("/", to("both")),), **FOUND):

        def who(user: str) -> str:
            return str(world.gateway.request(HOST, headers={"x-user": user}).json()["upstream"])

        found = {user: {who(user) for _ in range(4)} for user in map(str, range(16))}
        assert {len(each) for each in found.values()} == {1}
        assert set.union(*found.values()) == {"red", "blue"}


def test_an_endpoint_that_is_not_well_gets_no_requests(world: World, red: HttpUpstream, blue: HttpUpstream) -> None:
    asked = {
        "interval": "100ms",
        "timeout": "1s",
        "unhealthy_threshold": 1,
        "health_check": {"http": {"path": "/well"}},
    }
    with served(world, for_service("checked", "both", health_checks=[asked]), rules=(rule("/", to("both")),), **FOUND):
        wait_until(lambda: {each["path"] for each in red.seen} >= {"/well"}, what="a question")
        red.status = 500

        def who() -> set[str]:
            answers = [world.gateway.request(HOST) for _ in range(8)]
            return {str(each.json()["upstream"]) for each in answers}

        wait_until(lambda: who() == {"blue"}, what="the other endpoint alone")


def test_an_endpoint_that_answers_badly_is_left_out(world: World, red: HttpUpstream) -> None:
    outliers = {"consecutive_5xx": 2, "interval": "100ms", "base_ejection_time": "60s", "max_ejection_percent": 50}
    red.status = 500
    said = for_service("watched", "both", outlier_detection=outliers, connect_timeout_ms=500)
    with served(world, said, rules=(rule("/", to("both")),), **FOUND):
        wait_until(lambda: [world.status() for _ in range(8)] == [200] * 8, what="only good answers")


def test_a_port_has_a_word_of_its_own_and_a_policy_ends_with_its_object(world: World, red: HttpUpstream) -> None:
    whole = for_service("whole", "red", circuit_breakers=[{"max_requests": 0}])
    port = for_service("port", "red", "main", circuit_breakers=[{"max_requests": 5}])
    with served(world, **FOUND):
        with world.gateway.applied("whole", whole):
            world.gateway.wait_served(HOST, status=503)
            with world.gateway.applied("port", port):
                world.gateway.wait_served(HOST)
            world.gateway.wait_served(HOST, status=503)
        world.gateway.wait_served(HOST)
