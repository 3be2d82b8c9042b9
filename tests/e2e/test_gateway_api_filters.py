"""What HTTPRoutes do with requests, asked of a real Envoy: filters, timeouts, retries, and what Services speak."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from socket import create_connection
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.gateway_api import api_gateway, backing, gateway_class, listener, route, rule, to
from tests.support.h2c import H2cUpstream
from tests.support.ports import unused_ports
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

HOST = "filters.test"


@pytest.fixture(scope="module")
def served(red: HttpUpstream, blue: HttpUpstream) -> Iterator[Gateway]:
    made = Gateway(listeners=False)
    made.apply("class", gateway_class())
    made.apply("web", api_gateway("web", listener("http", made.http_port)))
    made.apply("services", backing("red", red.port) + backing("blue", blue.port))
    with made:
        yield made


@contextmanager
def applied(served: Gateway, *rules: dict[str, Any]) -> Iterator[None]:
    """A route with these rules; when this ends it is gone."""
    with served.applied("route", route("route", "web", *rules, hostnames=[HOST])):
        yield
    served.wait_served(HOST, rules[0]["matches"][0]["path"]["value"], status=404)


def asked(served: Gateway, path: str = "/", **more: Any) -> dict[str, Any]:
    """What reached the upstream."""
    answer = served.wait_served(HOST, path, **more)
    found: dict[str, Any] = answer.json()
    return found


def header(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value}


def modifier(kind: str = "request", **said: Any) -> dict[str, Any]:
    return {"type": f"{kind.title()}HeaderModifier", f"{kind}HeaderModifier": said}


def test_headers_of_requests_and_answers(served: Gateway, red: HttpUpstream) -> None:
    edits = {
        "set": [header("X-Set", "set 100%"), header("X-Both", "first")],
        "add": [header("X-Add", "added"), header("x-both", "second")],
        "remove": ["X-Gone"],
    }
    red.response_headers = {"x-set": "theirs", "x-add": "theirs", "x-gone": "theirs"}
    both = [modifier("request", **edits), modifier("response", **edits)]
    with applied(served, rule("/", to("red"), filters=both)):
        sent = {"x-set": "mine", "x-add": "mine", "x-gone": "mine", "x-other": "mine"}
        answer = served.wait_served(HOST, headers=sent)
        found = red.seen[-1]["names"]
        values = answer.json()["headers"]
        assert (values["x-set"], values["x-other"], "x-gone" in values) == ("set 100%", "mine", False)
        assert [name.lower() for name in found].count("x-add") == 2
        assert [name.lower() for name in found].count("x-both") == 2
        assert answer.headers["x-set"] == "set 100%"
        assert answer.headers.get_list("x-add") == ["theirs", "added"]
        assert "x-gone" not in answer.headers


def test_each_backend_may_have_filters_of_its_own(served: Gateway) -> None:
    red = to("red", 1, filters=[modifier("request", set=[header("backend", "red")])])
    blue = to("blue", 1, filters=[modifier("request", set=[header("backend", "blue")])])
    with applied(served, rule("/", red, blue)):
        seen = {(found["upstream"], found["headers"]["backend"]) for found in (asked(served) for _ in range(40))}
        assert seen == {("red", "red"), ("blue", "blue")}


def rewriting(path: dict[str, str] | None = None, hostname: str | None = None) -> dict[str, Any]:
    said = {**({"path": path} if path else {}), **({"hostname": hostname} if hostname else {})}
    return {"type": "URLRewrite", "urlRewrite": said}


def prefix(text: str) -> dict[str, str]:
    return {"type": "ReplacePrefixMatch", "replacePrefixMatch": text}


def full(text: str) -> dict[str, str]:
    return {"type": "ReplaceFullPath", "replaceFullPath": text}


REWRITTEN = {
    "/foo/bar": "/xyz/bar",
    "/foo": "/xyz",
    "/foo/": "/xyz/",
    "/foo/bar?x=/foo": "/xyz/bar?x=/foo",
    "/slash/bar": "/xyz/bar",
    "/empty/bar": "/bar",
    "/empty/": "/",
    "/empty": "/",
    "/top": "/",
    "/top/": "/",
    "/top/a/b": "/a/b",
    "/full/x?y=1": "/whole?y=1",
    "/backend/x": "/lifted/x",
}


def test_paths_and_hosts_are_rewritten(served: Gateway) -> None:
    rules = (
        rule("/foo", to("red"), filters=[rewriting(prefix("/xyz"))]),
        rule("/slash/", to("red"), filters=[rewriting(prefix("/xyz/"))]),
        rule("/empty", to("red"), filters=[rewriting(prefix(""))]),
        rule("/top", to("red"), filters=[rewriting(prefix("/"))]),
        rule("/full", to("red"), filters=[rewriting(full("/whole"))]),
        rule("/backend", to("red", filters=[rewriting(prefix("/lifted"), "backend.example")])),
        rule("/host", to("red"), filters=[rewriting(hostname="one.example")]),
    )
    with applied(served, *rules):
        assert {path: asked(served, path)["path"] for path in REWRITTEN} == REWRITTEN
        assert asked(served, "/host")["host"] == "one.example"
        assert asked(served, "/backend")["host"] == "backend.example"
        assert asked(served, "/foo")["host"] == HOST


def test_backends_with_different_rewrites_share_the_requests(served: Gateway) -> None:
    split = rule(
        "/split",
        to("red", 1, filters=[rewriting(prefix("/one"))]),
        to("blue", 2, filters=[rewriting(full("/two"))]),
        to("red", 1),
    )
    with applied(served, split):
        found = [(seen["upstream"], seen["path"]) for seen in (asked(served, "/split/x") for _ in range(160))]
        assert set(found) == {("red", "/one/x"), ("blue", "/two"), ("red", "/split/x")}
        assert 50 <= found.count(("blue", "/two")) <= 110


def redirecting(**said: Any) -> dict[str, Any]:
    return {"type": "RequestRedirect", "requestRedirect": said}


def test_clients_are_sent_elsewhere(served: Gateway, red: HttpUpstream) -> None:
    rules = (
        rule("/host", filters=[redirecting(hostname="example.org")]),
        rule("/code", filters=[redirecting(hostname="example.org", statusCode=308)]),
        rule("/see", filters=[redirecting(path=full("/other"), statusCode=303)]),
        rule("/temporary", filters=[redirecting(statusCode=307, port=8083)]),
        rule("/scheme", filters=[redirecting(scheme="https", statusCode=301)]),
        rule("/plain", filters=[redirecting(scheme="http", hostname="example.org")]),
        rule("/both", filters=[redirecting(scheme="https", port=8443)]),
        rule("/usual", filters=[redirecting(scheme="https", port=443, hostname="example.org")]),
        rule("/prefix", filters=[redirecting(path=prefix("/replaced"))]),
        rule("/gone", filters=[redirecting(path=prefix("/"))]),
    )
    port = served.http_port
    with applied(served, *rules):
        served.wait_served(HOST, "/host", status=302)
        found = {path: _location(served.request(HOST, path)) for path in EXPECTED}
        assert found == {path: (code, place.format(port=port)) for path, (code, place) in EXPECTED.items()}
        named = served.request(f"{HOST}:{port}", "/scheme", method="POST")
        assert _location(named) == (301, f"https://{HOST}:443/scheme"), (
            "the port of the client's Host is not that of https"
        )
        assert red.seen == []


EXPECTED = {
    "/host/x?y=1": (302, "http://example.org:{port}/host/x?y=1"),
    "/code": (308, "http://example.org:{port}/code"),
    "/see/x": (303, f"http://{HOST}:{{port}}/other"),
    "/temporary": (307, f"http://{HOST}:8083/temporary"),
    "/scheme/x": (301, f"https://{HOST}/scheme/x"),
    "/plain": (302, "http://example.org/plain"),
    "/both": (302, f"https://{HOST}:8443/both"),
    "/usual": (302, "https://example.org/usual"),
    "/prefix/x": (302, f"http://{HOST}:{{port}}/replaced/x"),
    "/prefix": (302, f"http://{HOST}:{{port}}/replaced"),
    "/gone/x": (302, f"http://{HOST}:{{port}}/x"),
    "/gone": (302, f"http://{HOST}:{{port}}/"),
}


def _location(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.headers.get("location", "")


def mirroring(name: str, **said: Any) -> dict[str, Any]:
    return {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": name, "port": 80}, **said}}


def test_requests_are_copied(served: Gateway, red: HttpUpstream, blue: HttpUpstream) -> None:
    with HttpUpstream("green") as green, served.applied("green", backing("green", green.port)):
        rules = (
            rule("/all", to("red"), filters=[mirroring("blue"), mirroring("green"), mirroring("missing")]),
            rule("/some", to("red"), filters=[mirroring("blue", fraction={"numerator": 1, "denominator": 4})]),
            rule("/percent", to("red"), filters=[mirroring("blue", percent=0)]),
            rule("/backend", to("red", filters=[mirroring("blue")]), to("red")),
        )
        with applied(served, *rules):
            assert asked(served, "/all")["upstream"] == "red"
            wait_until(lambda: blue.seen and green.seen, what="both copies")
            assert (blue.seen[0]["path"], blue.seen[0]["host"]) == ("/all", HOST)
            blue.seen.clear()
            for _ in range(200):
                asked(served, "/some")
            asked(served, "/percent")
            assert wait_until(lambda: len(blue.seen) >= 20, what="some copies")
            assert len(blue.seen) <= 85
            assert not any(seen["path"] == "/percent" for seen in blue.seen)
            blue.seen.clear()
            for _ in range(20):
                asked(served, "/backend")
            assert wait_until(lambda: blue.seen, what="copies of one backend's share")


CORS = {
    "allowOrigins": ["https://www.foo.com", "https://*.bar.com", "http://*"],
    "allowMethods": ["GET", "PUT"],
    "allowHeaders": ["x-one", "x-two"],
    "exposeHeaders": ["x-three"],
    "allowCredentials": True,
    "maxAge": 1728,
}
ALLOW = "access-control-allow-origin"


def test_other_sites(served: Gateway, red: HttpUpstream) -> None:
    cors = {"type": "CORS", "cors": CORS}
    everyone = {"type": "CORS", "cors": {"allowOrigins": ["*"], "allowMethods": ["*"], "allowHeaders": ["*"]}}
    rules = (
        rule("/", to("red"), filters=[cors]),
        rule("/everyone", to("red"), filters=[everyone]),
        rule("/put", to("red"), matches=[{"path": {"value": "/put"}, "method": "PUT"}], filters=[cors]),
    )
    with applied(served, *rules):
        served.wait_served(HOST)
        red.seen.clear()
        for origin in ("https://www.foo.com", "https://a.b.bar.com", "http://anywhere.test"):
            told = preflight(served, "/", origin).headers
            assert told[ALLOW] == origin
            assert told["access-control-allow-methods"] == "GET, PUT"
            assert told["access-control-allow-headers"] == "x-one, x-two"
            assert told["access-control-allow-credentials"] == "true"
            assert told["access-control-max-age"] == "1728"
        assert preflight(served, "/put", "https://www.foo.com").headers[ALLOW] == "https://www.foo.com"
        assert ALLOW not in preflight(served, "/", "https://other.com").headers
        assert red.seen == [], "a preflight is answered by the gateway, whoever asks"
        for stranger in ("https://other.com", "https://bar.com", "https://www.foo.com.evil.test"):
            assert ALLOW not in served.request(HOST, headers={"origin": stranger}).headers
        answer = served.request(HOST, headers={"origin": "https://www.foo.com"})
        assert (answer.headers[ALLOW], answer.headers["access-control-expose-headers"]) == (
            "https://www.foo.com",
            "x-three",
        )
        anyone = served.request(HOST, "/everyone", headers={"origin": "https://x.test"})
        assert anyone.headers[ALLOW] in {"*", "https://x.test"}
        assert "access-control-allow-credentials" not in anyone.headers


def preflight(served: Gateway, path: str, origin: str) -> httpx.Response:
    headers = {"origin": origin, "access-control-request-method": "PUT"}
    return served.request(HOST, path, method="OPTIONS", headers=headers)


def test_how_long_is_waited(served: Gateway, red: HttpUpstream) -> None:
    rules = (
        rule("/request", to("red"), timeouts={"request": "200ms"}),
        rule("/backend", to("red"), timeouts={"backendRequest": "200ms"}),
        rule("/off", to("red"), timeouts={"request": "0s", "backendRequest": "0s"}),
    )
    with applied(served, *rules):
        for path in ("/request", "/backend", "/off"):
            served.wait_served(HOST, path)
        red.delay = 0.8
        answers = {path: served.request(HOST, path).status_code for path in ("/request", "/backend", "/off")}
        red.delay = 0.0  # whoever asks until the route is gone is not answered in the next test
        assert answers == {"/request": 504, "/backend": 504, "/off": 200}


def test_requests_are_sent_again(served: Gateway, red: HttpUpstream) -> None:
    rules = (
        rule("/codes", to("red"), retry={"codes": [503], "attempts": 3, "backoff": "10ms"}),
        rule("/other", to("red"), retry={"codes": [502], "attempts": 3}),
        rule("/never", to("red"), retry={"codes": [503], "attempts": 0}),
        rule("/once", to("red"), retry={"codes": [503]}),
    )
    with applied(served, *rules):
        served.wait_served(HOST, "/codes")
        for path, failures, status, tries in (
            ("/codes", 3, 200, 4),
            ("/codes", 4, 503, 4),
            ("/other", 1, 503, 1),
            ("/never", 1, 503, 1),
            ("/once", 1, 200, 2),
        ):
            red.failures = failures
            red.seen.clear()
            assert served.request(HOST, path).status_code == status, path
            assert len(red.seen) == tries, path


def test_who_does_not_listen_is_passed_over(served: Gateway, red: HttpUpstream) -> None:
    (closed,) = unused_ports(1)
    made = backing("half", red.port, closed)
    with served.applied("half", made), applied(served, rule("/", to("half"), retry={"attempts": 20})):
        served.wait_served(HOST)
        assert {served.request(HOST).status_code for _ in range(30)} == {200}


def test_what_services_speak(served: Gateway, red: HttpUpstream) -> None:
    with H2cUpstream("prior") as prior:
        made = backing("prior", prior.port, app_protocol="kubernetes.io/h2c")
        made += backing("socket", red.port, app_protocol="kubernetes.io/ws")
        made += backing("strange", red.port, app_protocol="kubernetes.io/strange")
        rules = (rule("/h2c", to("prior")), rule("/ws", to("socket")), rule("/strange", to("strange")))
        with served.applied("spoken", made), applied(served, *rules):
            served.wait_served(HOST, "/h2c")
            with (
                create_connection(("127.0.0.1", served.http_port)) as connection,
                connect(f"ws://{HOST}/ws", sock=connection) as socket,
            ):
                socket.send("hello")
                assert socket.recv(timeout=10) == "red: hello"
            assert served.request(HOST, "/strange").status_code == 500


def test_what_is_not_served_is_never_skipped(served: Gateway, red: HttpUpstream) -> None:
    extension = {"type": "ExtensionRef", "extensionRef": {"group": "example.com", "kind": "Secret", "name": "x"}}
    missing = {"protocol": "GRPC", "backendRef": {"name": "x", "port": 1}, "grpc": {}}
    external = {"type": "ExternalAuth", "externalAuth": missing}
    rules = (
        rule("/", to("red")),
        rule("/extension", to("red"), filters=[extension]),
        rule("/auth", to("red"), filters=[external]),
        rule("/session", to("red"), to("blue"), sessionPersistence={"cookie": {}}),
        rule("/(", to("red"), kind="RegularExpression"),
        rule("/host", to("red"), filters=[modifier("request", set=[header("Host", "x")])]),
    )
    with applied(served, *rules):
        served.wait_served(HOST)
        red.seen.clear()
        for path in ("/extension", "/auth", "/session", "/host"):
            assert served.request(HOST, path).status_code == 500, path
        assert red.seen == []
        told = served.diag()["objects"]["gateway.networking.k8s.io/HTTPRoute/default/route"]["problems"]
        assert {each["path"] for each in told} == {
            "spec.rules[1].filters[0]",
            "spec.rules[2].filters[0].externalAuth.backendRef",
            "spec.rules[3].sessionPersistence",
            "spec.rules[4].matches[0].path.value",
            "spec.rules[5].filters[0].requestHeaderModifier.set[0].name",
        }


def test_the_requests_of_a_session_go_to_one_pod_whatever_becomes_of_the_others(
    served: Gateway, red: HttpUpstream, blue: HttpUpstream
) -> None:
    sessions = {"cookie": {"name": "who", "path": "/kept", "lifetimeType": "Permanent"}, "absoluteTimeout": "1h"}
    by_header = {"type": "Header", "header": {"name": "x-session"}}
    rules = (
        rule("/kept", to("both"), sessionPersistence=sessions),
        rule("/header", to("both"), sessionPersistence=by_header),
        rule("/any", to("both")),
    )

    def first(path: str, told: str) -> tuple[str, str]:
        """Who answers a client that is new, and what it is to keep."""
        answer = served.request(HOST, path)
        return answer.json()["upstream"], answer.headers[told]

    def pods(path: str, **headers: str) -> set[str]:
        return {served.request(HOST, path, headers=headers).json()["upstream"] for _ in range(8)}

    with served.applied("both", backing("both", red.port, blue.port)), applied(served, *rules):
        served.wait_served(HOST, "/kept")
        assert pods("/any") == {"red", "blue"}
        kept = dict(first("/kept", "set-cookie") for _ in range(8))
        assert set(kept) == {"red", "blue"}
        assert "Max-Age=3600" in kept["red"]
        assert "Path=/kept" in kept["red"]
        cookies = {pod: given.partition(";")[0] for pod, given in kept.items()}
        assert {pod: pods("/kept", cookie=cookie) for pod, cookie in cookies.items()} == {p: {p} for p in kept}
        shown = dict(first("/header", "x-session") for _ in range(8))
        assert {pod: pods("/header", **{"x-session": told}) for pod, told in shown.items()} == {p: {p} for p in kept}
        with HttpUpstream("green") as green:
            served.apply("both", backing("both", red.port, green.port, blue.port))
            wait_until(lambda: pods("/any") == {"red", "green", "blue"}, what="another pod")
            assert {pod: pods("/kept", cookie=cookie) for pod, cookie in cookies.items()} == {p: {p} for p in kept}
            served.apply("both", backing("both", green.port, blue.port))
            wait_until(lambda: "red" not in pods("/any"), what="a pod that is gone")
            assert pods("/kept", cookie=cookies["blue"]) == {"blue"}
            wait_until(lambda: "red" not in pods("/kept", cookie=cookies["red"]), what="another pod takes over")


def test_a_session_that_a_client_makes_up_leads_to_nobody_elses_pod(
    served: Gateway, red: HttpUpstream, blue: HttpUpstream
) -> None:
    """Envoy's own word for a pod: its address, in base64; in a cookie as the first field of a message."""
    rules = (
        rule("/kept", to("red"), sessionPersistence={"cookie": {"name": "who"}}),
        rule("/header", to("red"), sessionPersistence={"type": "Header", "header": {"name": "x-session"}}),
    )

    def made_up(port: int) -> dict[str, dict[str, str]]:
        address = f"127.0.0.1:{port}".encode()
        message = bytes([10, len(address)]) + address
        by_cookie, by_header = (b64encode(each).decode() for each in (message, address))
        return {"/kept": {"cookie": f'who="{by_cookie}"'}, "/header": {"x-session": by_header}}

    with applied(served, *rules):
        served.wait_served(HOST, "/kept")
        served.wait_served(HOST, "/header")
        for told in ("set-cookie", "x-session"):
            path = "/kept" if told == "set-cookie" else "/header"
            given = served.request(HOST, path).headers[told].partition(";")[0]
            assert given in (*made_up(red.port)[path].values(),), "it is made up as Envoy makes it"
        for path, headers in made_up(blue.port).items():
            answer = served.request(HOST, path, headers=headers)
            assert (answer.status_code, answer.json()["upstream"]) == (200, "red")
