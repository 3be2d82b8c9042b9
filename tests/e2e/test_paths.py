"""No service sees a path with dot segments, whatever a request and a rewrite make together; all else passes on."""

import json
import re
import socket
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import grpc
import pytest
import re2
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import an_object, host, mapping
from tests.support.raw import RawConnection
from tests.support.upstream import GrpcUpstream, HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]


def leads_out(path: str) -> bool:
    """Whether somebody who decodes a path, once or more often, and knows parameters of segments, sees a dot segment."""
    path = path.split("?", 1)[0]
    for _ in range(4):
        segments = [re.split(r";|%3b", each, flags=re.IGNORECASE)[0] for each in re.split(r"[/\\]", path)]
        if {".", ".."} & set(segments):
            return True
        path = unquote(path, encoding="latin-1")
    return False


@dataclass(frozen=True)
class Case:
    """A Mapping, what a request to it begins with, and what it makes of the path."""

    prefix: str
    spec: dict[str, Any] = field(default_factory=dict)
    start: str = ""

    def begins(self) -> str:
        return self.start or self.prefix

    def becomes(self, path: str) -> str:
        path, mark, query = path.partition("?")
        return self._becomes(path) + mark + query

    def _becomes(self, path: str) -> str:
        if "regex_rewrite" in self.spec:
            rule = self.spec["regex_rewrite"]
            return str(re2.sub(rule["pattern"], rule["substitution"], path))
        rewrite = self.spec.get("rewrite", "/")
        if not rewrite:
            return path
        if self.spec.get("prefix_exact") or self.spec.get("prefix_regex"):
            return str(rewrite)
        rest = path[len(self.prefix) :]
        joined = rewrite.endswith("/") and not self.prefix.endswith("/")
        return str(rewrite) + (rest.removeprefix("/") if joined else rest)


def regex(pattern: str, substitution: str) -> dict[str, Any]:
    return {"regex_rewrite": {"pattern": pattern, "substitution": substitution}}


CASES = [
    *(
        Case(prefix, {"rewrite": rewrite} if rewrite is not None else {})
        for prefix in ("/img", "/img/", "/", "/img.", "/img..", "/a/b", "/a.b", "/img;x", "/%", "/" + "long" * 80)
        for rewrite in (None, "/", "/static/", "/static", "/static/x", "/x.", "", "/x?y=", "/a%2f")
    ),
    Case("/Img", {"case_sensitive": False, "rewrite": "/static/"}, start="/iMG"),
    Case("/img", {"prefix_exact": True, "rewrite": "/static/"}),
    Case("/i[a-z]*.*", {"prefix_regex": True, "rewrite": ""}, start="/img"),
    Case("/i[a-z]*.*", {"prefix_regex": True}, start="/img"),
    Case("/i.*", {"prefix_regex": True, **regex("^/img", "/static/")}, start="/img"),
    Case("/", regex("^/img", "/static/"), start="/img"),
    Case("/", regex("^/img/?(.*)$", r"/static/\1"), start="/img"),
    Case("/", regex("[a-z]+", ""), start="/img"),
    Case("/", regex("-", "/"), start="/img-"),
    Case("/", regex("x", "."), start="/img/"),
    Case("/", regex("_", r"\\"), start="/img_"),
    Case("/", regex("q", ""), start="/img/%q2"),
    Case("/v1/", regex("/v([0-9]+)/", r"/version/\1/"), start="/v1/"),
]  # fmt: skip

TAILS = (
    "", "/", "/secret", "../secret", "./secret", "..", ".", "..?a=/../b", ".?", "..;/secret", "..;a=1/secret", ".;x",
    "%2e%2e/secret", "%2E./secret", "%252e%252e/secret", ".%25252e/x", "..%252fsecret", "..%255csecret", "..\\secret",
    "..%3b/x", "%2e%2e%3bx/y", ".png", "..png", "...", ".../x", "..foo/x", ".;", "-..-x", "/x./y", "/x../y", "/.x/..y",
    "/...", "/a;b/c", "/a.b.c/d", "?x=/../y", "/x?y=..", "/%2e%2e;x/y", "/%2e;/y", "/%2e%2e%3b/y", "/%252e%252e/y",
    "/%252e%252e%252fy", "/..%3bx/y", "/xx/y", "/x/y", "/e%71/x", "e%2e/x", "_.._x", ".a..b./x", "/a%20b", "/%C3%A9.",
    "../%C3%A9", "../%ff", "/%2e%2e;%e9/x",
)  # fmt: skip


def served(gateway: Gateway, name: str, cases: list[Case], service: str) -> Any:
    """The cases behind one Host, each by a hostname of its own; what else is asked for leads to nobody."""
    texts = [
        mapping(f"{name}-{index}", f"c{index}.{name}.test", service, case.prefix, **case.spec)
        for index, case in enumerate(cases)
    ]
    return gateway.applied(name, host(name, f"*.{name}.test") + "".join(texts))


@pytest.mark.parametrize(("name", "cases"), [("few", CASES[::2]), ("many", CASES)])
def test_no_service_sees_a_dot_segment_and_what_has_none_passes(
    gateway: Gateway, red: HttpUpstream, name: str, cases: list[Case]
) -> None:
    assert (len(cases) > 100) == (name == "many"), "beyond a hundred routes, a virtual host is a tree, not a list"
    passed = refused = 0
    with served(gateway, name, cases, red.service), RawConnection(gateway.http_port) as connection:
        last = f"c{len(cases) - 1}.{name}.test"
        wait_until(lambda: connection.ask(last, cases[-1].begins()).status == 200, what="the last of them served")
        for index, case in enumerate(cases):
            for tail in TAILS:
                path = case.begins() + tail
                answer = connection.ask(f"c{index}.{name}.test", path)
                arrived = json.loads(answer.body)["path"] if answer.status == 200 else None
                assert arrived is None or not leads_out(arrived), (case, path)
                # What Envoy makes of a path before it is routed is Envoy's: here it is only unescaped.
                plain = re.sub("%2e", ".", path, flags=re.IGNORECASE).replace("\\", "/").replace("%71", "q")
                if leads_out(plain) or "//" in plain or "%" in case.begins():
                    refused += arrived is None
                elif leads_out(case.becomes(plain)):
                    assert arrived is None, (case, path)
                    refused += 1
                elif not case.spec.get("prefix_exact") or plain.split("?")[0] == case.prefix:
                    assert arrived == case.becomes(plain), (case, path)
                    passed += 1
    assert passed > 20 * len(cases)
    assert refused > 5 * len(cases)


def test_a_redirect_of_a_prefix_leads_to_what_it_says(gateway: Gateway) -> None:
    name = "dots-redirect.test"
    text = mapping("dots-redirect", name, "elsewhere.test", "/img", host_redirect=True, prefix_redirect="/static/")
    with gateway.applied(name, host(name, name) + text), RawConnection(gateway.http_port) as connection:
        wait_until(lambda: connection.ask(name, "/img/x").status == 301)
        assert connection.ask(name, "/img.png").header("location") == "http://elsewhere.test/static/.png"
        for path in ("/img../x", "/img.", "/img%2e%2e;/x", "/img.?a"):
            assert connection.ask(name, path).status == 404


def test_it_holds_where_the_module_leaves_slashes_alone(red: HttpUpstream) -> None:
    name = "dots-kept.test"
    module = an_object(
        "Module", "ambassador", {"config": {"merge_slashes": False, "reject_requests_with_escaped_slashes": False}}
    )
    texts = mapping("dots-kept", name, red.service, "/img", rewrite="/static/") + mapping("all", name, red.service)
    with Gateway() as gateway, RawConnection(gateway.http_port) as connection:
        gateway.apply("all", host(name, name) + module + texts)
        gateway.wait_served(name)
        for path, arrives in (
            ("/img//x", "/static//x"),
            ("/img/a%2fb", "/static/a%2fb"),
            ("/img..%2fx", "/img..%2fx"),  # as the Mapping for / says: /img does not match it
            ("/img//../x", "/static/x"),
        ):
            assert json.loads(connection.ask(name, path).body)["path"] == arrives
        for path in ("/img/..%2fx", "/a%2f..%2fx", "/a%5c..%5cx", "/img%2f%2e%2e", "/a/%2e%2e;x", "/a%252f..%252fb"):
            assert connection.ask(name, path).status == 400, path


def test_it_holds_for_http2_and_websockets(gateway: Gateway, red: HttpUpstream) -> None:
    name = "dots-upgrade.test"
    rewriting = {"pattern": "^/re", "substitution": "/static/"}
    texts = mapping("ws", name, red.service, "/img", rewrite="/static/", allow_upgrade=["websocket"])
    texts += mapping("re", name, red.service, "/re", regex_rewrite=rewriting, allow_upgrade=["websocket"])
    with gateway.applied(name, host(name, name) + texts):
        gateway.wait_served(name, "/re/x")

        def websocket(path: str) -> str:
            with (
                socket.create_connection(("127.0.0.1", gateway.http_port)) as connection,
                connect(f"ws://{name}{path}", sock=connection) as websocket,
            ):
                websocket.send("hello")
                return str(websocket.recv(timeout=10))

        for path, status in (("/img", 404), ("/re", 403)):
            assert websocket(f"{path}.x") == "red: hello"
            assert gateway.request(name, f"{path}.x", http2=True).json()["path"].endswith("/.x")
            red.seen.clear()
            assert gateway.request(name, f"{path}../x", http2=True).status_code == status
            with pytest.raises(InvalidStatus) as refused:
                websocket(f"{path}../x")
            assert refused.value.response.status_code == status
            assert not red.seen


def test_a_backend_of_http2_is_looked_at_too(gateway: Gateway) -> None:
    name = "dots-grpc.test"
    rewriting = {"pattern": "^/api", "substitution": "/test.Echo/"}
    with GrpcUpstream("green") as upstream:
        text = mapping("dots-grpc", name, upstream.service, "/api", regex_rewrite=rewriting, grpc=True)
        with gateway.applied(name, host(name, name) + text):
            wait_until(lambda: gateway.request(name, "/api", http2=True).status_code != 404)
            options = [("grpc.default_authority", name)]
            with grpc.insecure_channel(f"127.0.0.1:{gateway.http_port}", options=options) as channel:
                assert channel.unary_unary("/apiSay")(b"hello", timeout=10) == b"green: hello"
                with pytest.raises(grpc.RpcError) as refused:
                    channel.unary_unary("/api../Say")(b"hello", timeout=10)
            assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED
