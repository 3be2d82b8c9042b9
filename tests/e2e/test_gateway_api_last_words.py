"""RoutePolicies, asked of a real Envoy: overrides, misspelled guards, access logs, bodies and texts of errors.

Each case has a hostname and a route of its own, so that all are served from the beginning.
"""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from websockets.sync.client import connect

from tests.support.authorization import ALLOWED, HttpAuthorization
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.gateway_api import api_gateway, backing, document, gateway_class, listener, route, rule, to
from tests.support.objects import an_object
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

GROUP = "getambassador.io"
EVERYBODY = [{"peer": "0.0.0.0/0"}]
NOBODY = [{"peer": "192.0.2.0/24"}]


def policy(name: str, *targets: dict[str, str], **said: Any) -> str:
    return document("RoutePolicy", name, {"targetRefs": list(targets), **said}, api=f"{GROUP}/v3alpha1")


def of_route(name: str, section: str = "", **said: Any) -> str:
    """What is said of the route of a case, or of a rule of it."""
    target = {"kind": "HTTPRoute", "name": name, **({"sectionName": section} if section else {})}
    return policy(f"{name}-{section}" if section else name, target, **said)


def case(name: str, parent: str = "web", domain: str = "test", **more: Any) -> str:
    """A route with a hostname of its own, with a rule for the whole and one for `/own`."""
    rules = (rule("/", to("red"), name="all", **more), rule("/own", to("red"), name="own"))
    return route(name, parent, *rules, hostnames=[f"{name}.{domain}"])


def cases() -> str:
    """All that is served from the beginning."""
    owned = {"kind": "Gateway", "name": "owned"}
    texts = [{"on_status_code": 503, "body": {"text_format": "sorry: %RESPONSE_CODE%"}}]
    return "".join(
        (
            policy("owned", owned, override=True, timeout_ms=400, external_auth=True, ip_deny=NOBODY),
            policy("usual", owned, timeout_ms=60_000, idle_timeout_ms=60_000),
            case("hasty", "owned", "owned.test", timeouts={"request": "30s"}),
            of_route("hasty", timeout_ms=30_000, external_auth=False, ip_allow=EVERYBODY),
            of_route("hasty", "own", ip_deny=EVERYBODY),
            case("typo") + of_route("typo", externalAuth=True) + of_route("typo", "own", ip_alow=NOBODY),
            case("slip") + of_route("slip", timeoutms=1),
            case("odd") + of_route("odd", jwt={"issuer": "x"}),
            case("told"),
            of_route("told", access_log={"envoy_log_format": "OWN %REQ(:PATH)% %RESPONSE_CODE%"}),
            of_route("told", "own", access_log={"enabled": False}),
            case("plain"),
            case("usually") + of_route("usually", access_log={}),
            case("moved", filters=[{"type": "RequestRedirect", "requestRedirect": {"statusCode": 302}}]).replace(
                '"backendRefs": [{"name": "red", "port": 80}], "name": "all"', '"name": "all"'
            ),
            of_route("moved", access_log={"envoy_log_type": "json", "envoy_log_format": {"at": "%REQ(:PATH)%"}}),
            case("sorry") + of_route("sorry", error_response_overrides=texts),
            of_route("sorry", "own", error_response_overrides=[]),
            case("whole") + of_route("whole", buffer={"max_request_bytes": 10}),
            of_route("whole", "own", buffer={"max_request_bytes": 0}),
        )
    )


@dataclass(frozen=True)
class World:
    """A gateway with all cases."""

    gateway: Gateway

    def status(self, name: str, path: str = "/", **more: Any) -> int:
        return self.gateway.request(f"{name}.test", path, **more).status_code

    def told(self, kind: str, name: str, group: str = GROUP) -> dict[str, str]:
        found = self.gateway.diag()["objects"][f"{group}/{kind}/default/{name}"]["problems"]
        return {each["path"]: each["message"] for each in found}

    def lines(self, sought: str) -> list[str]:
        """The lines of the gateway's output that have a text in them."""
        return [line for line in self.gateway.log().splitlines() if sought in line]


@pytest.fixture(scope="module")
def world(red: HttpUpstream) -> Iterator[World]:
    with ExitStack() as stack:
        authorization = stack.enter_context(HttpAuthorization("authorization"))
        made = Gateway(listeners=False, patience=180)
        port = made.http_port
        owned = api_gateway("owned", listener("all", port, hostname="*.owned.test"))
        made.apply("web", gateway_class() + api_gateway("web", listener("all", port)) + owned)
        asked = {"auth_service": authorization.service, "timeout_ms": 10_000}
        made.apply("services", backing("red", red.port) + an_object("AuthService", "auth", asked))
        made.apply("cases", cases())
        with made:
            made.wait_served("plain.test")
            yield World(made)


def test_an_override_is_the_last_word(world: World, red: HttpUpstream) -> None:
    assert world.status("hasty.owned") == 401, "the route's policy says that nobody is asked"
    let_in = {"authorization": ALLOWED}
    assert world.status("hasty.owned", headers=let_in) == 200
    red.delay = 1.5
    assert world.status("hasty.owned", headers=let_in) == 504, "a route may not take longer, nor its policy"
    assert world.status("hasty.owned", "/own", headers=let_in) == 403, "rules about addresses for less hold besides"


def test_who_is_overridden_is_told(world: World) -> None:
    said = "the last word has the RoutePolicy default/owned"
    where = "spec.targetRefs[0]"
    assert world.told("RoutePolicy", "hasty") == {where: f"is overridden: external_auth, timeout_ms: {said}"}
    assert world.told("RoutePolicy", "usual") == {where: f"is overridden: timeout_ms: {said}"}
    assert world.told("RoutePolicy", "owned") == {}
    route_told = world.told("HTTPRoute", "hasty", "gateway.networking.k8s.io")
    assert route_told == {"spec.rules[0].timeouts.request": f"has no effect: {said}"}


@pytest.mark.parametrize(("name", "path"), [("typo", "/"), ("typo", "/own"), ("odd", "/")])
def test_a_field_that_may_be_a_guard_closes(world: World, name: str, path: str) -> None:
    assert world.status(name, path) == 500


def test_a_misspelled_field_is_told_and_of_what_is_no_guard_only_told(world: World) -> None:
    assert world.status("slip") == 200
    assert world.told("RoutePolicy", "slip") == {"spec.timeoutms": "unknown field; did you mean 'timeout_ms'?"}
    assert world.told("RoutePolicy", "typo") == {"spec.externalAuth": "unknown field; did you mean 'external_auth'?"}
    assert world.told("RoutePolicy", "odd") == {"spec.jwt": "unknown field"}


def test_a_route_has_lines_of_its_own_and_others_have_none(world: World) -> None:
    assert world.status("plain", "/nobodys") == 200
    assert world.status("told", "/own/nobodys") == 200
    assert world.status("told", "/seen") == 200
    assert world.status("usually", "/emissarys") == 200
    assert world.status("moved", "/away") == 302
    wait_until(lambda: world.lines("OWN /seen 200"), what="the line of its own")
    wait_until(lambda: world.lines("ACCESS [") and world.lines('"GET /emissarys'), what="the usual line")
    wait_until(lambda: json.dumps({"at": "/away"}, separators=(",", ":")) in world.gateway.log(), what="one in JSON")
    assert not [line for line in world.lines("/nobodys") if "GET" in line or "OWN" in line]


def test_beside_the_log_for_all_each_request_has_one_line(world: World) -> None:
    usual = an_object("Module", "ambassador", {"config": {"envoy_log_format": "USUAL %REQ(:AUTHORITY)% %REQ(:PATH)%"}})
    with world.gateway.applied("log", usual):

        def both() -> bool:
            world.status("plain", "/one")
            return bool(world.lines("USUAL plain.test /one"))

        wait_until(both, what="the line for all")
        for name, path in (("told", "/two"), ("told", "/own/two"), ("usually", "/two"), ("plain", "/two")):
            assert world.status(name, path) == 200
        wait_until(lambda: world.lines("USUAL plain.test /two") and world.lines("OWN /two"), what="the lines")
        wait_until(lambda: world.lines("USUAL usually.test /two"), what="the other line for all")
    found = sorted(line for line in world.lines("/two") if line.startswith(("USUAL", "OWN", "ACCESS")))
    assert found == ["OWN /two 200", "USUAL plain.test /two", "USUAL usually.test /two"]


def test_clients_read_what_the_policy_says_of_errors(world: World, red: HttpUpstream) -> None:
    red.status = 503
    answer = world.gateway.request("sorry.test")
    assert (answer.status_code, answer.text) == (503, "sorry: 503")
    assert "sorry" not in world.gateway.request("sorry.test", "/own").text.replace("sorry.test", "")


def test_bodies_are_gathered_up_to_a_size(world: World, red: HttpUpstream) -> None:
    long = {"method": "POST", "content": b"x" * 11}
    assert world.status("whole", **long) == 413
    assert red.seen == []
    assert world.status("whole", "/own", **long) == 200
    assert world.status("whole", method="POST", content=b"x" * 10) == 200
    with (
        socket.create_connection(("127.0.0.1", world.gateway.http_port)) as connection,
        connect("ws://whole.test/", sock=connection, open_timeout=10) as websocket,
    ):
        websocket.send("hello")
        assert websocket.recv(timeout=10) == "red: hello"
