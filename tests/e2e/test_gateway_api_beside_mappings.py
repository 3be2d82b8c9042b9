"""A hostname that Mappings and HTTPRoutes have together, asked of a real Envoy, with one look-up and with two."""

import contextlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support import plain
from tests.support.authorization import ALLOWED, GrpcAuthorization, HttpAuthorization
from tests.support.certificates import authority, trusting
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.gateway_api import api_gateway, backing, gateway_class, https, listener, route, rule, to
from tests.support.objects import an_object, host, mapping, tls_secret
from tests.support.ports import unused_port
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

OPEN, SHUT = "open.shared.test", "shut.shared.test"
PAIR = authority().sign("*.shared.test")
NEW = {"path": {"type": "PathPrefix", "value": "/tie"}, "headers": [{"name": "x-new", "value": "yes"}]}


@pytest.fixture(scope="module", params=["one look-up", "an index"])
def shared(request: pytest.FixtureRequest, red: HttpUpstream, blue: HttpUpstream) -> Iterator[Gateway]:
    """A gateway with what `objects` says."""
    with contextlib.ExitStack() as stack:
        if request.param == "an index":
            made = stack.enter_context(Gateway(environ={"DRAGOMAN_INDEX_FROM": "1"}))
        else:
            made = request.getfixturevalue("gateway")
        stack.enter_context(made.applied("shared", objects(made, red, blue)))
        wait_until(lambda: who(made, OPEN, "/api/new/x") == "blue", what=lambda: f"the route served\n{made.log()}")
        yield made


def objects(gateway: Gateway, red: HttpUpstream, blue: HttpUpstream) -> str:
    """Mappings lead to red, HTTPRoutes to blue. `web` has both ways to OPEN; to SHUT, which redirects, that by TLS."""
    texts = tls_secret("cert", PAIR.certificate, PAIR.key) + backing("blue", blue.port)
    texts += host("open", OPEN, tlsSecret={"name": "cert"})
    texts += host("shut", SHUT, insecure="Redirect", tlsSecret={"name": "cert"})
    for path in ("/", "/api/", "/api/old/", "/tie"):
        name = path.strip("/").replace("/", "-") or "all"
        texts += mapping(f"open-{name}", OPEN, red.service, path) + mapping(f"shut-{name}", SHUT, red.service, path)
    texts += mapping("kept", OPEN, red.service, "/exact", prefix_exact=True)
    texts += mapping("first", OPEN, red.service, "/first/", precedence=1)
    texts += mapping("last", OPEN, red.service, "/last/long/", precedence=-1)
    texts += gateway_class() + api_gateway(
        "web",
        listener("open", gateway.http_port, hostname=OPEN),
        https("open-tls", gateway.https_port, OPEN, "cert"),
        https("shut-tls", gateway.https_port, SHUT, "cert"),
    )
    rules = [rule(path, to("blue")) for path in ("/api", "/api/new", "/first/long", "/last", "/tie")]
    rules += [rule(path, to("blue"), kind="Exact") for path in ("/api/old/one", "/exact")]
    texts += route("moved", [{"name": "web", "sectionName": "open"}], *rules, rule("", to("blue"), matches=[NEW]))
    for name in ("open-tls", "shut-tls"):
        texts += route(f"moved-{name}", [{"name": "web", "sectionName": name}], rule("/secret", to("blue")))
    return texts


def who(gateway: Gateway, hostname: str, path: str, **more: Any) -> str:
    """Who answers: the name of an upstream, else the status."""
    try:
        answer = gateway.request(hostname, path, **more)
    except httpx.TransportError as error:
        return str(error)
    return str(answer.json()["upstream"]) if answer.status_code == 200 else str(answer.status_code)


def test_the_most_specific_rule_answers_whoever_wrote_it(shared: Gateway) -> None:
    expected = {
        "/": "red",
        "/apis": "red",
        "/api": "blue",
        "/api/x": "red",
        "/api/new": "blue",
        "/api/new/x": "blue",
        "/api/newer": "red",
        "/api/old/x": "red",
        "/api/old/one": "blue",
        "/api/old/one/x": "red",
        "/first/long/x": "red",
        "/last/long/x": "blue",
        "/tie": "red",
        "/exact": "red",
    }
    assert {path: who(shared, OPEN, path) for path in expected} == expected
    assert who(shared, OPEN, "/tie", headers={"x-new": "yes"}) == "blue"


def test_a_mapping_that_yields_and_one_that_is_gone_hand_over_and_take_back(shared: Gateway, red: HttpUpstream) -> None:
    other = mapping("open-there", OPEN, red.service, "/there") + route(
        "there", [{"name": "web", "sectionName": "open"}], rule("/there", to("blue"))
    )
    with shared.applied("there", other):
        wait_until(lambda: who(shared, OPEN, "/there") == "red", what="the Mapping served")
        shared.apply("there", other.replace('"prefix": "/there"', '"precedence": -1, "prefix": "/there"'))
        wait_until(lambda: who(shared, OPEN, "/there") == "blue", what="the route in its place")
        shared.apply("there", other)
        wait_until(lambda: who(shared, OPEN, "/there") == "red", what="the Mapping again")


def test_a_route_comes_to_the_listener_alone_that_it_names(shared: Gateway) -> None:
    context = trusting(authority())
    wait_until(lambda: who(shared, OPEN, "/secret", tls=True, context=context) == "blue", what="the route by TLS")
    assert who(shared, OPEN, "/secret") == "red"
    assert who(shared, OPEN, "/api/new", tls=True, context=context) == "red"
    assert [who(shared, SHUT, path, tls=True, context=context) for path in ("/secret", "/x")] == ["blue", "red"]
    assert who(shared, SHUT, "/secret") == "301", "what the Host has shut in clear text stays so"
    assert who(shared, OPEN, "/secret", tls=True, sni=SHUT, context=context) == "421"


def test_nobody_comes_to_a_hostname_of_another_namespace(shared: Gateway, blue: HttpUpstream) -> None:
    """Nor to one that is wider, or has no Host, or whose Host is stopped: the port is the Listener's."""
    wanting = ["some.test", OPEN, "nobody.test", "broken.test"]
    texts = host("broken", "broken.test", tlsSecret={"name": "none"})
    texts += route("thief", [{"name": "thief"}], rule("/stolen", to("blue")), hostnames=wanting, namespace="thieves")
    texts += api_gateway(
        "thief",
        *(listener(f"l{number}", shared.http_port, hostname=name) for number, name in enumerate(wanting)),
        listener("wide", shared.http_port, hostname="*.shared.test"),
        listener("every", shared.http_port),
        namespace="thieves",
    )
    with shared.applied("thief", texts):
        key = "gateway.networking.k8s.io/Gateway/thieves/thief"
        told = wait_until(lambda: shared.diag()["objects"].get(key, {}).get("problems"), what="the Gateway told")
        assert {problem["path"] for problem in told} >= {f"spec.listeners[{number}]" for number in range(6)}
        assert "no Host of thieves serves open.shared.test there in clear text" in str(told)
        assert [who(shared, name, "/stolen") for name in wanting] == ["404", "red", "404", "404"]
        assert who(shared, "x.shared.test", "/stolen") == "404"


def test_what_guards_the_host_guards_the_routes_and_no_others(
    shared: Gateway, red: HttpUpstream, blue: HttpUpstream
) -> None:
    port = unused_port()
    with HttpAuthorization("auth") as service:
        guard = an_object("AuthService", "auth", {"auth_service": service.service, "timeout_ms": 10_000})
        guard += mapping("bypass", OPEN, red.service, "/bypass/", bypass_auth=True)
        guard += mapping("told", OPEN, red.service, "/told/", auth_context_extensions={"team": "red"})
        guard += route("free", [{"name": "web", "sectionName": "open"}], rule("/free", to("blue")))
        guard += route_policy("free", "free", external_auth=False)
        guard += api_gateway("apart", listener("apart", port)) + route("apart", "apart", rule("/", to("blue")))
        with shared.applied("guard", guard):
            wait_until(lambda: who(shared, OPEN, "/") == "401", what="the AuthService in force")
            assert who(shared, OPEN, "/api/new") == "401"
            assert who(shared, OPEN, "/api/new", headers={"authorization": ALLOWED}) == "blue"
            assert [who(shared, OPEN, path) for path in ("/bypass/", "/free")] == ["red", "blue"]
            apart = wait_until(lambda: _answer(port), what="the other port open")
            assert apart == 200, "routes with a hostname of their own are not asked about"
        wait_until(lambda: who(shared, OPEN, "/") == "red", what="nobody asked any more")


def test_whom_the_module_keeps_out_no_policy_lets_in(shared: Gateway) -> None:
    texts = route("limited", [{"name": "web", "sectionName": "open"}], rule("/limited", to("blue")))
    texts += route_policy("limited", "limited", ip_deny=[{"remote": "192.0.2.0/24"}])
    with shared.applied("limited", texts):
        wait_until(lambda: who(shared, OPEN, "/limited") == "blue", what="the route served")
        with shared.applied(
            "module", an_object("Module", "ambassador", {"config": {"ip_deny": [{"peer": "127.0.0.0/8"}]}})
        ):
            wait_until(lambda: who(shared, OPEN, "/") == "403", what="the Module in force")
            assert who(shared, OPEN, "/limited") == "403"
        wait_until(lambda: who(shared, OPEN, "/limited") == "blue", what="everybody let in again")


def route_policy(name: str, target: str, **said: Any) -> str:
    return an_object("RoutePolicy", name, {"targetRefs": [{"kind": "HTTPRoute", "name": target}], **said})


def _answer(port: int) -> int | None:
    try:
        return plain.get(f"http://127.0.0.1:{port}/", timeout=10).status_code
    except httpx.TransportError:
        return None


def external(protocol: str, service: str, **said: Any) -> dict[str, Any]:
    """The filter ExternalAuth."""
    more = {"forwardBody": said.pop("body")} if "body" in said else {}
    content = {"protocol": protocol, "backendRef": {"name": service, "port": 80}, protocol.lower(): said, **more}
    return {"type": "ExternalAuth", "externalAuth": content}


def test_a_route_may_ask_a_service_of_its_own(shared: Gateway, blue: HttpUpstream) -> None:
    with HttpAuthorization("own") as by_http, GrpcAuthorization() as by_grpc:
        texts = backing("by-http", by_http.port) + backing("by-grpc", by_grpc.port)
        texts += backing("dead", unused_port())
        limits = {"allowedHeaders": ["X-Asked"], "allowedResponseHeaders": ["X-User"]}
        rules = {
            "/e/all": external("HTTP", "by-http"),
            "/e/some": external("HTTP", "by-http", path="/check", body={"maxSize": 8}, **limits),
            "/e/grpc": external("GRPC", "by-grpc", body={"maxSize": 8}),
            "/e/few": external("GRPC", "by-grpc", allowedHeaders=["Authorization"]),
            "/e/none": external("HTTP", "missing"),
            "/e/dead": external("HTTP", "dead"),
        }
        parents = [{"name": "web", "sectionName": "open"}]
        made = [rule(path, to("blue"), filters=[each]) for path, each in rules.items()]
        texts += route("asking", parents, *made, rule("/e/free", to("blue")))
        with shared.applied("asking", texts):
            wait_until(lambda: who(shared, OPEN, "/e/free") == "blue", what="the rules served")
            allowed = {"authorization": ALLOWED}
            for path, service in (("/e/all", by_http), ("/e/some", by_http), ("/e/grpc", by_grpc), ("/e/few", by_grpc)):
                assert who(shared, OPEN, path) == ("401" if service is by_http else "403"), path
                service.seen.clear()
                assert who(shared, OPEN, path, headers={**allowed, "x-asked": "1", "x-private": "2"}) == "blue", path
                assert len(service.seen) == 1, path
            assert [who(shared, OPEN, f"/e/{name}", headers=allowed) for name in ("none", "dead")] == ["500", "403"]
            _told_to_services(shared, by_http, by_grpc)
            _told_by_services(shared, blue)


def _told_to_services(shared: Gateway, by_http: HttpAuthorization, by_grpc: GrpcAuthorization) -> None:
    """Which headers a service gets, and bodies that are not too large."""
    sent = {"authorization": ALLOWED, "x-asked": "1", "x-private": "2"}
    found = {}
    for path, service in (("/e/all", by_http), ("/e/some", by_http), ("/e/grpc", by_grpc), ("/e/few", by_grpc)):
        service.seen.clear()
        assert who(shared, OPEN, f"{path}?q=1", method="POST", content=b"12345678", headers=sent) == "blue"
        found[path] = service.seen[0]
    for path, asked, url in (("/e/all", None, "/e/all?q=1"), ("/e/some", "1", "/check/e/some?q=1")):
        question = found[path]
        assert (question["path"], question["host"], question["method"]) == (url, OPEN, "POST")
        headers = question["headers"]
        assert (headers["authorization"], headers.get("x-asked"), headers.get("x-private")) == (ALLOWED, asked, None)
        assert "x-dragoman-scope" not in headers
    assert [found[path].get("body") for path in ("/e/all", "/e/some")] == ["", "12345678"]
    whole, few = (found[path].request.http for path in ("/e/grpc", "/e/few"))
    assert (whole.headers["x-private"], whole.body) == ("2", "12345678")
    assert (few.headers.get("authorization"), few.headers.get("x-private"), few.body) == (ALLOWED, None, "")
    assert "x-dragoman-scope" not in whole.headers
    for path in ("/e/some", "/e/grpc"):
        assert who(shared, OPEN, path, method="POST", content=b"123456789", headers=sent) == "413", path
    assert who(shared, OPEN, "/e/all", method="POST", content=b"x" * 100_000, headers=sent) == "blue"


def _told_by_services(shared: Gateway, blue: HttpUpstream) -> None:
    """Which headers of its answer go on, to the service behind and to who is refused."""
    for path, secret in (("/e/all", "of the service"), ("/e/some", None)):
        blue.seen.clear()
        sent = {"authorization": ALLOWED, "content-type": "text/mine", "x-user": "eve"}
        assert who(shared, OPEN, path, method="POST", content=b"mine", headers=sent) == "blue"
        headers = blue.seen[0]["headers"]
        assert (headers["x-user"], headers.get("x-secret"), headers["content-type"]) == ("ann", secret, "text/mine")
        assert (blue.seen[0]["body"], blue.seen[0]["host"]) == ("mine", OPEN)
        refused = shared.request(OPEN, path)
        assert (refused.status_code, refused.text, refused.headers["x-secret"]) == (
            401,
            "who are you?",
            "of the service",
        )
