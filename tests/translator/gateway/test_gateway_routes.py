"""What rules become: their order, their backends, what they wait for; and what statuses say of them."""

from typing import Any

import orjson
import pytest

from tests.translator.gateway.gateway_world import GatewayWorld, key_of, to, world
from translator import ir
from translator.features.retry_policy import RetryPolicy
from translator.filters.cors import CrossOrigin
from translator.filters.sessions import ByCookie, ByHeader
from translator.gateway.conditions import LONGEST
from translator.gateway.filters import redirects_of
from translator.gateway.kinds.filters import RequestRedirect

ANY = "gateway:8000/*/*"


def rule(path: str = "/", **more: Any) -> dict[str, Any]:
    matches = more.pop("matches", [{"path": {"type": more.pop("kind", "PathPrefix"), "value": path}}])
    return {"matches": matches, "backendRefs": [to()], **more}


def names(made: GatewayWorld, host: str = ANY) -> list[str]:
    """The routes of a virtual host in their order, by the places of their rules and matches."""
    return [route.name.partition("/")[2].replace("default/", "").replace("@*/", " ") for route in made.routes(host)]


def test_the_order_of_matches() -> None:
    made = world()
    header, query = {"name": "x", "value": "1"}, {"name": "y", "value": "1"}
    path = {"value": "/a"}
    made.route(
        "a",
        rule("/"),
        rule("/a"),
        rule(matches=[{"path": path, "queryParams": [query]}]),
        rule(matches=[{"path": path, "headers": [header]}]),
        rule(matches=[{"path": path, "headers": [header], "queryParams": [query]}]),
        rule(matches=[{"path": path, "method": "GET"}]),
        rule("/a/longer"),
        rule("/.*", kind="RegularExpression"),
        rule("/b", kind="Exact"),
    )
    assert names(made) == [f"a {place}-0" for place in (8, 7, 6, 5, 4, 3, 2, 1, 0)]


def test_the_older_route_comes_first_then_its_name_then_the_place_in_it() -> None:
    made = world()
    made.route("b", rule(), created="2020-01-01T00:00:00Z")
    made.route("c", rule(), rule(), created="2021-01-01T00:00:00Z")
    made.route("a", rule(), created="2021-01-01T00:00:00Z")
    assert names(made) == ["b 0-0", "a 0-0", "c 0-0", "c 1-0"]


def test_the_hostname_as_it_was_written_comes_before_all() -> None:
    made = world({"name": "http", "port": 8000, "protocol": "HTTP", "hostname": "a.b.test"})
    made.route("wide", rule("/longer/path"), hostnames=["*.test"], created="2019-01-01T00:00:00Z")
    made.route("every", rule("/longest/path/of/all"), created="2018-01-01T00:00:00Z")
    made.route("narrow", rule("/"), hostnames=["*.b.test", "*.test"], created="2021-01-01T00:00:00Z")
    found = [route.name.split("@")[0] for route in made.routes("gateway:8000/a.b.test/a.b.test")]
    assert found == ["HTTPRoute/default/narrow", "HTTPRoute/default/wide", "HTTPRoute/default/every"]


def test_calls_come_before_requests_and_the_longer_service_first() -> None:
    made = world()
    made.route("http", rule("/exact/path", kind="Exact"))
    made.route(
        "calls",
        {"backendRefs": [to()]},
        {"backendRefs": [to()], "matches": [{"method": {"service": "a.B"}}]},
        {"backendRefs": [to()], "matches": [{"method": {"service": "a.B", "method": "C"}}]},
        {"backendRefs": [to()], "matches": [{"method": {"method": "Longer"}}]},
        kind="GRPCRoute",
    )
    assert names(made) == ["calls 2-0", "calls 1-0", "calls 3-0", "calls 0-0", "http 0-0"]


def forward(made: GatewayWorld, **said: Any) -> ir.Forward:
    made.route("a", rule(**said))
    action = made.routes(ANY)[0].action
    assert isinstance(action, ir.Forward)
    return action


@pytest.mark.parametrize(
    ("timeouts", "retry", "wanted"),
    [
        ({}, None, (None, None)),
        ({"request": "1s"}, None, (1000, None)),
        ({"request": "0s"}, None, (0, None)),
        ({"backendRequest": "500ms"}, None, (500, None)),
        ({"backendRequest": "0s"}, None, (0, None)),
        ({"request": "0s", "backendRequest": "500ms"}, None, (500, None)),
        ({"request": "1s", "backendRequest": "500ms"}, None, (500, None)),
        ({"request": "1s"}, {"attempts": 0}, (1000, None)),
        ({"request": "1s", "backendRequest": "500ms"}, {"attempts": 2}, (1000, (2, 500))),
        ({"backendRequest": "500ms"}, {}, (0, (1, 500))),
        ({}, {"attempts": 3}, (None, (3, None))),
    ],
)
def test_timeouts_and_retries(timeouts: dict[str, str], retry: dict[str, Any] | None, wanted: Any) -> None:
    action = forward(world(), timeouts=timeouts, **({"retry": retry} if retry is not None else {}))
    policy = next((each for each in action.features if isinstance(each, RetryPolicy)), None)
    tries = None if policy is None else (policy.retries, policy.per_try_timeout_ms)
    assert (action.timeout_ms, tries) == wanted


def test_codes_that_are_tried_again() -> None:
    policy = next(
        each
        for each in forward(world(), retry={"codes": [503, 500], "backoff": "50ms"}).features
        if isinstance(each, RetryPolicy)
    )
    assert policy.codes == (500, 503)
    assert policy.conditions == ("connect-failure", "refused-stream", "reset-before-request", "retriable-status-codes")
    assert policy.backoff_ms == 50


@pytest.mark.parametrize(
    ("app_protocol", "protocol", "tls"),
    [
        ("", "http1", False),
        ("http", "http1", False),
        ("my.example/own", "http1", False),
        ("kubernetes.io/h2c", "http2", False),
        ("kubernetes.io/ws", "http1", False),
        ("kubernetes.io/wss", "http1", True),
        ("https", "http1", True),
    ],
)
def test_what_a_port_speaks(app_protocol: str, protocol: str, tls: bool) -> None:
    made = world()
    made.service("red", appProtocol=app_protocol)
    backend = forward(made).backends[0].backend
    assert backend is not None
    assert (backend.protocol, backend.tls is not None) == (protocol, tls)


@pytest.mark.parametrize(
    ("ref", "reason"),
    [
        (to(), "True/ResolvedRefs"),
        (to("missing"), "False/BackendNotFound"),
        (to(port=81), "False/BackendNotFound"),
        (to(kind="Odd", group="example.com"), "False/InvalidKind"),
        (to(namespace="other"), "False/RefNotPermitted"),
        (to("alias"), "False/BackendNotFound"),
        (to("odd"), "False/UnsupportedProtocol"),
    ],
)
def test_references_to_backends(ref: dict[str, Any], reason: str) -> None:
    made = world()
    made.put("Service", "alias", {"type": "ExternalName", "externalName": "example.com"})
    made.service("odd", appProtocol="kubernetes.io/odd")
    route = made.route("a", {"backendRefs": [ref]})
    assert made.parent(route) == {"Accepted": "True/Accepted", "ResolvedRefs": reason}
    action = made.routes(ANY)[0].action
    assert isinstance(action, ir.Forward)
    assert (action.backends[0].backend is None) == reason.startswith("False")


def test_a_service_that_leads_to_our_own_diagnostics_is_no_backend_and_gets_no_copies() -> None:
    made = world(own_addresses=frozenset({"10.0.0.9"}))
    labels = {"kubernetes.io/service-name": "red"}
    body = {"metadata": {"name": "s", "namespace": "default", "labels": labels}, "addressType": "IPv4"}
    endpoints = [{"addresses": ["10.0.0.9"]}]
    slices = {"kind": "EndpointSlice", **body, "ports": [{"name": "", "port": 8877}], "endpoints": endpoints}
    made.change("discovery.k8s.io/EndpointSlice/default/s", orjson.dumps(slices))
    mirror = {"type": "RequestMirror", "requestMirror": {"backendRef": to()}}
    made.service("blue")
    key = made.route("a", rule(), rule("/b", backendRefs=[to("blue")], filters=[mirror]))
    assert made.parent(key)["ResolvedRefs"] == "False/RefNotPermitted"
    assert {"spec.rules[0].backendRefs[0]", "spec.rules[1].filters[0].requestMirror.backendRef"} <= {
        *made.problems(key)
    }
    forwards = [route.action for route in made.routes(ANY)]
    assert all(isinstance(each, ir.Forward) and not each.mirrors for each in forwards)
    assert [each.backends[0].backend is None for each in forwards if isinstance(each, ir.Forward)] == [False, True]


def test_a_message_is_no_longer_than_a_status_may_be() -> None:
    made = world()
    refs = [to(f"{'n' * 250}{number}") for number in range(16)]
    key = made.route("a", *[rule(backendRefs=refs) for _ in range(16)])
    [parent] = made.status(key)["parents"]
    message = next(each["message"] for each in parent["conditions"] if each["type"] == "ResolvedRefs")
    assert LONGEST - 32 <= len(message) <= LONGEST
    assert message.startswith("spec.rules[0].backendRefs[0]: the Service default/nnn")


def test_a_method_whose_regular_expression_envoy_would_not_take_is_told() -> None:
    made = world()
    matches = [{"method": {"method": "m" * 1024}}, {"method": {"method": "m"}}]
    key = made.route("a", rule(matches=matches), kind="GRPCRoute")
    assert "too big" in made.problems(key)["spec.rules[0].matches[0].method.method"]
    assert [route.match.path.text for route in made.routes(ANY)] == ["/[^/]+/m"]


def test_no_backends_are_no_mistake() -> None:
    made = world()
    route = made.route("a", {}, {"backendRefs": []}, {"backendRefs": [to(weight=0)]})
    assert made.parent(route)["ResolvedRefs"] == "True/ResolvedRefs"
    assert [each.action for each in made.routes(ANY)] == [ir.DirectResponse(500)] * 3


def test_a_mirror_that_is_missing_is_told_and_the_rest_served() -> None:
    made = world()
    mirror = {"type": "RequestMirror", "requestMirror": {"backendRef": to("missing")}}
    route = made.route("a", rule(filters=[mirror]))
    assert made.parent(route)["ResolvedRefs"] == "False/BackendNotFound"
    assert forward(made, filters=[mirror]).mirrors == ()


def test_a_rule_that_is_not_served_answers_an_error_and_is_told() -> None:
    made = world()
    odd = {"type": "ExtensionRef", "extensionRef": {"group": "x.test", "kind": "Y", "name": "z"}}
    route = made.route("a", rule("/a", filters=[odd]), rule("/b"))
    assert made.parent(route) == {
        "Accepted": "True/Accepted",
        "ResolvedRefs": "True/ResolvedRefs",
        "PartiallyInvalid": "True/UnsupportedValue",
    }
    said = made.status(route)["parents"][0]["conditions"][2]["message"]
    assert said == "Dropped Rule: spec.rules[0].filters[0] ExtensionRef is not served"
    assert made.routes(ANY)[0].action == ir.DirectResponse(500)
    made.route("a", rule("/a", filters=[odd]))
    assert made.parent(route)["Accepted"] == "False/UnsupportedValue"
    assert made.routes(ANY)[0].action == ir.DirectResponse(500), "it still does not go where another rule would send it"


def test_a_backend_whose_filter_is_not_served_is_broken() -> None:
    made = world()
    odd = {"type": "CORS", "cors": {"allowOrigins": ["*"]}}
    made.route("a", {"backendRefs": [to(filters=[odd]), to()]})
    action = made.routes(ANY)[0].action
    assert isinstance(action, ir.Forward)
    assert [each.backend is None for each in action.backends] == [True, False]


def test_a_preflight_for_a_method_is_answered_too() -> None:
    made = world()
    cors = {"type": "CORS", "cors": {"allowOrigins": ["https://*"]}}
    made.route("a", rule(matches=[{"method": "PUT"}], filters=[cors]))
    first, second = made.routes(ANY)
    assert [each.name for each in second.match.headers] == [":method", "access-control-request-method"]
    assert first.filters == second.filters
    (policy,) = first.filters
    assert isinstance(policy, CrossOrigin)
    assert policy.max_age == "5"


def test_of_two_headers_of_one_name_the_first_counts() -> None:
    made = world()
    headers = [{"name": "X", "value": "1"}, {"name": "x", "value": "2"}]
    made.route("a", rule(matches=[{"headers": headers}]))
    assert made.routes(ANY)[0].match.headers == (ir.HeaderMatch("x", ir.TextMatch("exact", "1")),)


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"matches": [{"path": {"value": "no"}}]}, "spec.rules[0].matches[0].path.value"),
        ({"matches": [{"path": {"value": "/a/../b"}}]}, "spec.rules[0].matches[0].path.value"),
        ({"matches": [{"path": {"value": "/a%2Fb"}}]}, "spec.rules[0].matches[0].path.value"),
        ({"timeouts": {"request": "1s", "backendRequest": "2s"}}, "spec.rules[0].timeouts.backendRequest"),
        ({"backendRefs": [{"name": "red"}]}, "spec.rules[0].backendRefs[0].port"),
        ({"filters": [{"type": "CORS"}]}, "spec.rules[0].filters[0].cors"),
        ({"retry": {"attempts": 2**32}}, "spec.rules[0].retry.attempts"),
        (
            {"filters": [{"type": "URLRewrite", "urlRewrite": {"hostname": "*.x.test"}}]},
            "spec.rules[0].filters[0].urlRewrite.hostname",
        ),
        (
            {"backendRefs": [to()], "filters": [{"type": "RequestRedirect", "requestRedirect": {}}]},
            "spec.rules[0].filters",
        ),
    ],
)
def test_what_the_rules_of_the_crd_refuse(spec: dict[str, Any], path: str) -> None:
    made = world()
    route = made.route("a", spec)
    assert list(made.problems(route)) == [path]
    assert made.routes(ANY) == []


def test_unknown_fields_are_nobodys_mistake() -> None:
    made = world()
    route = made.route("a", rule(future=1), useDefaultGateways="All")
    assert made.problems(route) == {}


def test_named_rules() -> None:
    made = world()
    route = made.route("a", rule("/a", name="one"), rule("/b", name="two"))
    assert made.problems(route) == {}
    assert len(made.routes(ANY)) == 2
    route = made.route("a", rule("/a", name="one"), rule("/b", name="one"))
    assert made.problems(route) == {"spec.rules[1].name": "one is the name of rules[0] already"}


def test_a_route_that_would_become_very_many_is_not_served_and_told() -> None:
    listeners = [{"name": f"l{n}", "port": 8000, "protocol": "HTTP", "hostname": f"l{n}.test"} for n in range(64)]
    made = world(*listeners)
    rewriting = [{"type": "URLRewrite", "urlRewrite": {"hostname": "x.test"}}]
    matches = [{"path": {"value": f"/{number}"}} for number in range(8)]
    rules = [rule(matches=matches, backendRefs=[to(filters=rewriting)] * 3) for _ in range(16)]
    key = made.route("a", *rules)
    assert made.parent(key)["Accepted"] == "False/UnsupportedValue"
    assert "would become 24,576 routes for 64 hostnames" in made.problems(key)["spec.rules"]
    assert made.routes("gateway:8000/l0.test/l0.test") == []
    assert made.status(key_of("Gateway", "web"))["listeners"][0]["attachedRoutes"] == 0
    made.route("a", *rules, hostnames=["l0.test"])
    assert made.parent(key)["Accepted"] == "True/Accepted"
    assert len(made.routes("gateway:8000/l0.test/l0.test")) == 384
    made.route("a", *[rule(matches=matches) for _ in range(16)])
    assert made.parent(key)["Accepted"] == "True/Accepted"


def test_a_route_that_cannot_be_read_keeps_its_hostnames_from_wider_ones() -> None:
    made = world()
    made.route("wide", rule(), hostnames=["*.test"])
    made.route("narrow", rule("no"), hostnames=["x.test", "%"])
    body = made.chain("gateway:8000/cleartext").body
    assert isinstance(body, ir.HttpChain)
    assert [host.hostname for host in body.virtual_hosts] == ["*", "*.test", "x.test"]
    assert made.routes("gateway:8000/*/x.test") == []
    [gateway] = made.status(key_of("Gateway", "web"))["listeners"]
    assert gateway["attachedRoutes"] == 1


def test_a_route_that_cannot_be_read_is_told_so_by_its_parents() -> None:
    made = world()
    route = made.route("a", rule("no"))
    assert made.parent(route) == {"Accepted": "False/UnsupportedValue", "ResolvedRefs": "True/ResolvedRefs"}
    said = made.status(route)["parents"][0]["conditions"][0]["message"]
    assert said.startswith("spec.rules[0].matches[0].path.value must begin with /")
    listener = made.status("gateway.networking.k8s.io/Gateway/default/web")["listeners"][0]
    assert listener["attachedRoutes"] == 0


def test_a_gateway_shows_its_certificate_to_services_that_speak_tls() -> None:
    made = world()
    made.certificate("client")
    made.service("red", appProtocol="https")
    made.service("plain")
    made.gateway("web", tls={"backend": {"clientCertificateRef": {"name": "client"}}})
    made.route("a", {"backendRefs": [to(), to("plain")]})
    action = made.routes(ANY)[0].action
    assert isinstance(action, ir.Forward)
    secured, plain = (share.backend for share in action.backends)
    assert secured is not None
    assert secured.tls is not None
    assert secured.tls.certificate == ir.SecretRef("default", "client")
    assert plain is not None
    assert plain.tls is None
    assert made.conditions("gateway.networking.k8s.io/Gateway/default/web")["ResolvedRefs"] == "True/ResolvedRefs"


@pytest.mark.parametrize(
    ("ref", "reason"),
    [
        ({"name": "missing"}, "InvalidClientCertificateRef"),
        ({"name": "client", "kind": "ConfigMap"}, "InvalidClientCertificateRef"),
        ({"name": "client", "namespace": "other"}, "RefNotPermitted"),
    ],
)
def test_a_certificate_for_services_that_cannot_be_used_is_told(ref: dict[str, str], reason: str) -> None:
    made = world()
    made.certificate("client")
    made.gateway("web", tls={"backend": {"clientCertificateRef": ref}})
    said = made.conditions("gateway.networking.k8s.io/Gateway/default/web")
    assert (said["ResolvedRefs"], said["Accepted"]) == (f"False/{reason}", "True/Accepted")


@pytest.mark.parametrize(
    ("said", "listener", "wanted"),
    [
        ({}, ("http", 80), [(None, None, False)]),
        ({}, ("http", 8080), [(None, 8080, False)]),
        ({}, ("https", 443), [(None, None, False)]),
        ({}, ("https", 8443), [(None, 8443, False)]),
        ({"scheme": "https"}, ("http", 8080), [("https", 443, True), ("https", None, False)]),
        ({"scheme": "http"}, ("https", 443), [("http", 80, True), ("http", None, False)]),
        ({"scheme": "https", "hostname": "x.test"}, ("http", 80), [("https", None, False)]),
        ({"scheme": "https", "port": 8443}, ("http", 80), [("https", 8443, False)]),
        ({"port": 80}, ("http", 8080), [(None, 80, True), (None, None, False)]),
        ({"port": 80}, ("https", 443), [(None, 80, False)]),
    ],
)
def test_the_port_of_a_redirect(said: dict[str, Any], listener: tuple[str, int], wanted: list[Any]) -> None:
    """Its scheme, the port that is shown, and whether that is for clients whose Host has a port."""
    found = redirects_of(RequestRedirect(**said), ir.PathMatch("segments", "/"), listener)
    assert [(redirect.scheme, redirect.port, with_port) for redirect, with_port in found] == wanted


@pytest.mark.parametrize(
    ("session", "told"),
    [
        ({"cookie": {"name": "x"}}, ByCookie("x")),
        ({"cookie": {"name": "x", "path": "/a"}}, ByCookie("x", "/a")),
        ({"cookie": {"name": "x", "lifetimeType": "Permanent"}, "absoluteTimeout": "1h"}, ByCookie("x", "/", 3600)),
        ({"cookie": {"name": "x", "lifetimeType": "Permanent"}, "absoluteTimeout": "500ms"}, ByCookie("x", "/", 1)),
        ({"type": "Header", "header": {"name": "x-session"}}, ByHeader("x-session")),
    ],
)
def test_sessions(session: dict[str, Any], told: ByCookie | ByHeader) -> None:
    made = world()
    key = made.route("a", {"backendRefs": [to()], "sessionPersistence": session})
    (route,) = made.routes(ANY)
    assert route.filters == (told,)
    assert made.problems(key) == {}


def test_a_session_without_a_name_has_one_of_its_rule_alone() -> None:
    made = world()
    rule = {"backendRefs": [to()], "sessionPersistence": {"cookie": {}}}
    made.route("a", {"matches": [{"path": {"value": "/a"}}], **rule}, rule)
    names = [told.name for route in made.routes(ANY) for told in route.filters]
    assert len(set(names)) == 2
    assert all(name.startswith("session-") for name in names)


@pytest.mark.parametrize(
    ("session", "others", "path"),
    [
        ({"cookie": {}, "absoluteTimeout": "1h"}, [], "spec.rules[0].sessionPersistence.absoluteTimeout"),
        (
            {"type": "Header", "header": {"name": "x"}, "absoluteTimeout": "1h"},
            [],
            "spec.rules[0].sessionPersistence.absoluteTimeout",
        ),
        ({"cookie": {}}, [to()], "spec.rules[0].sessionPersistence"),
    ],
)
def test_sessions_that_cannot_be_kept(session: dict[str, Any], others: list[dict[str, Any]], path: str) -> None:
    made = world()
    route = made.route("a", {"backendRefs": [to(), *others], "sessionPersistence": session})
    assert list(made.problems(route)) == [path]
    assert [each.action for each in made.routes(ANY)] == [ir.DirectResponse(500)]


@pytest.mark.parametrize(
    "session",
    [{"type": "Header"}, {"type": "Header", "header": {"name": "Host"}}, {"cookie": {}, "header": {"name": "x"}}, {}],
)
def test_sessions_that_nobody_could_mean(session: dict[str, Any]) -> None:
    made = world()
    route = made.route("a", {"backendRefs": [to()], "sessionPersistence": session})
    assert made.parent(route)["Accepted"] == "False/UnsupportedValue"
