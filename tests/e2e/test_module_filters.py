"""What the Module says to HTTP filters, asked of a real Envoy: scripts, gzip, buffer, addresses and gRPC's forms."""

import gzip
import re
import socket
from collections.abc import Iterator
from typing import Any

import grpc
import httpx
import pytest
from websockets.sync.client import connect

from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.kept import KeptAlive
from tests.support.load import Load
from tests.support.objects import an_object, host, mapping
from tests.support.upstream import GrpcUpstream, HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

NAME = "module.test"
GRPC_NAME = "grpc.module.test"
MODULE = "getambassador.io/Module/default/ambassador"
FRAME = b"\0\0\0\0\x05hello"
ANSWER = b"\0\0\0\0\x0bgrpc: hello"
SCRIPT = """
function envoy_on_request(handle)
  handle:headers():replace("x-lua", "1")
end
function envoy_on_response(handle)
  handle:headers():add("x-lua-answer", handle:headers():get(":status"))
end
"""


@pytest.fixture(autouse=True)
def served(gateway: Gateway, red: HttpUpstream) -> Iterator[None]:
    with gateway.applied("module-served", host("module", NAME) + mapping("module", NAME, red.service)):
        gateway.wait_served(NAME)
        yield
    gateway.wait_served(NAME, status=404)


@pytest.fixture
def calls(gateway: Gateway) -> Iterator[GrpcUpstream]:
    with GrpcUpstream("grpc") as upstream:
        text = host("module-grpc", GRPC_NAME) + mapping(
            "module-grpc", GRPC_NAME, upstream.service, "/test.Echo/", rewrite="", grpc=True
        )
        with gateway.applied("module-grpc", text):
            wait_until(lambda: said(gateway) == b"grpc: hello", what="the service by gRPC")
            yield upstream


def said(gateway: Gateway) -> bytes | None:
    options = [("grpc.default_authority", GRPC_NAME)]
    with grpc.insecure_channel(f"127.0.0.1:{gateway.http_port}", options) as channel:
        try:
            answer: bytes = channel.unary_unary("/test.Echo/Say")(b"hello", timeout=10)
        except grpc.RpcError:
            return None
    return answer


def module(**config: Any) -> str:
    return an_object("Module", "ambassador", {"config": config})


def ask(gateway: Gateway, **headers: str) -> httpx.Response:
    return gateway.request(NAME, headers={name.replace("_", "-"): value for name, value in headers.items()})


def post(gateway: Gateway, kind: str) -> httpx.Response:
    headers = {"content-type": kind, "te": "trailers"}
    return gateway.request(GRPC_NAME, "/test.Echo/Say", method="POST", headers=headers, content=FRAME)


def told(gateway: Gateway) -> list[str]:
    return [problem["path"] for problem in gateway.diag()["objects"][MODULE]["problems"]]


def gone(gateway: Gateway, name: str) -> None:
    wait_until(lambda: name not in ask(gateway, accept_encoding="gzip").headers, what="no filter any more")


def test_a_script_sees_requests_and_answers(gateway: Gateway, red: HttpUpstream) -> None:
    with gateway.applied("module", module(lua_scripts=SCRIPT)):
        wait_until(lambda: ask(gateway).headers.get("x-lua-answer") == "200", what="the script in force")
        assert red.seen[-1]["headers"]["x-lua"] == "1"
        gateway.apply("module", module(lua_scripts=SCRIPT.replace('"1"', '"2"')))
        wait_until(lambda: ask(gateway) and red.seen[-1]["headers"]["x-lua"] == "2", what="the changed script")
    gone(gateway, "x-lua-answer")
    assert "x-lua" not in red.seen[-1]["headers"]


@pytest.mark.parametrize(("script", "said"), [("x =", "unexpected symbol"), ('error("at once")', "at once")])
def test_pill_a_script_that_envoy_refuses_harms_nobody(
    gateway: Gateway, red: HttpUpstream, script: str, said: str
) -> None:
    with gateway.applied("module", module(lua_scripts=SCRIPT)):
        wait_until(lambda: "x-lua-answer" in ask(gateway).headers, what="a good script in force")
        with gateway.applied("module-new", mapping("module-new", NAME, red.service, "/new/")):
            gateway.apply("module", module(lua_scripts=script, server_name="odd"))
            wait_until(
                lambda: any(said in problem["message"] for problem in gateway.diag()["objects"][MODULE]["problems"]),
                what=lambda: f"the script told; the log ends {gateway.log()[-3000:]}",
            )
            gateway.wait_served(NAME, "/new/")
            assert ask(gateway).headers["x-lua-answer"] == "200"  # by the last good one
            gateway.apply("module", module(lua_scripts=SCRIPT.replace("answer", "mended")))
            wait_until(lambda: "x-lua-mended" in ask(gateway).headers, what="the mended script")
    gone(gateway, "x-lua-mended")


def test_pill_a_script_that_was_wrong_from_the_start_harms_nobody(red: HttpUpstream) -> None:
    gateway = Gateway()
    gateway.apply("module", module(lua_scripts="x ="))
    gateway.apply("served", host("module", NAME) + mapping("module", NAME, red.service))
    with gateway:
        gateway.wait_served(NAME)
        assert ["unexpected symbol" in one["message"] for one in gateway.diag()["objects"][MODULE]["problems"]] == [
            True
        ]


def test_item_43_answers_are_compressed_and_requests_never(gateway: Gateway, red: HttpUpstream) -> None:
    with gateway.applied(
        "module", module(gzip={"min_content_length": 10, "compression_level": "BEST", "compression_strategy": "RLE"})
    ):
        wait_until(lambda: ask(gateway, accept_encoding="gzip").headers.get("content-encoding") == "gzip", what="gzip")
        assert "content-encoding" not in ask(gateway, accept_encoding="identity").headers
        body = gzip.compress(b"a" * 1000)
        answer = gateway.request(
            NAME, method="POST", headers={"content-encoding": "gzip", "accept-encoding": "gzip"}, content=body
        )
        assert answer.json()["headers"]["content-length"] == str(len(body))
        assert red.seen[-1]["headers"]["accept-encoding"] == "gzip"
        red.response_headers["etag"] = '"abc"'
        assert ask(gateway, accept_encoding="gzip").headers["content-encoding"] == "gzip"
        changed = {"disable_on_etag_header": True, "remove_accept_encoding_header": True}
        gateway.apply("module", module(gzip=changed))
        wait_until(lambda: ask(gateway, accept_encoding="gzip").headers.get("etag") == '"abc"', what="etags kept")
        assert "accept-encoding" not in red.seen[-1]["headers"]
        red.response_headers.clear()
        gateway.apply("module", module(gzip={"content_type": ["text/x-own"]}))
        wait_until(
            lambda: "content-encoding" not in ask(gateway, accept_encoding="gzip").headers, what="other types alone"
        )
        gateway.apply("module", module(gzip={}))
        wait_until(
            lambda: ask(gateway, accept_encoding="gzip").headers.get("content-encoding") == "gzip", what="the defaults"
        )
    gone(gateway, "content-encoding")


@pytest.mark.parametrize(
    "wrong",
    [
        {"gzip": {"memory_level": 10}},
        {"gzip": {"window_bits": 8}},
        {"gzip": {"compression_level": "9"}},
        {"gzip": {"min_content_length": -1}},
        {"buffer": {"max_request_bytes": 0}},
        {"buffer": {}},
        {"grpc_stats": {"services": [{"name": "a", "method_names": []}]}},
    ],
    ids=str,
)
def test_pill_a_number_out_of_range_is_left_out_alone(gateway: Gateway, wrong: dict[str, Any]) -> None:
    ((field, _),) = wrong.items()
    with gateway.applied("module", module(**wrong, server_name="other")):
        wait_until(lambda: ask(gateway).headers["server"] == "other", what="the rest of the Module")
        assert [path.startswith(f"spec.config.{field}.") for path in told(gateway)] == [True]
    wait_until(lambda: ask(gateway).headers["server"] == "envoy", what="no Module")


def test_a_body_that_is_too_large_is_refused(gateway: Gateway, red: HttpUpstream) -> None:
    with gateway.applied("module", module(buffer={"max_request_bytes": 10, "max_request_time": 5})):

        def status(size: int) -> int:
            return gateway.request(NAME, method="POST", content=b"a" * size).status_code

        wait_until(lambda: status(11) == 413, what="the buffer")
        assert status(10) == 200
        assert red.seen[-1]["body"] == "a" * 10
        assert told(gateway) == ["spec.config.buffer.max_request_time"]
    wait_until(lambda: status(11) == 200, what="no buffer")


@pytest.mark.parametrize(
    ("rules", "forwarded", "status"),
    [
        ({"ip_allow": [{"peer": "127.0.0.1"}]}, "", 200),
        ({"ip_allow": [{"peer": "127.0.0.0/8"}]}, "", 200),
        ({"ip_allow": [{"peer": "127.1.2.3/8"}]}, "", 200),
        ({"ip_allow": [{"peer": "192.0.2.0/24"}]}, "192.0.2.1", 403),
        ({"ip_allow": [{"peer": "192.0.2.0/24"}, {"remote": "127.0.0.1/32"}]}, "", 200),
        ({"ip_allow": [{"peer": "nonsense"}]}, "", 403),
        ({"ip_allow": [{"peer": "nonsense"}, {"peer": "127.0.0.1"}]}, "", 200),
        ({"ip_allow": "127.0.0.1"}, "", 403),
        ({"ip_allow": [{"peer": "2001:db8::/32"}]}, "", 403),
        ({"ip_deny": [{"peer": "127.0.0.1"}]}, "", 403),
        ({"ip_deny": [{"remote": "192.0.2.0/24"}]}, "192.0.2.1", 200),  # nobody trusts what the client says
        ({"ip_deny": [{"peer": "192.0.2.1"}, {"peer": 5}, {"peer": "127.0.0.1"}]}, "", 403),
        ({"ip_allow": [{"peer": "127.0.0.0/8"}], "ip_deny": [{"peer": "127.0.0.1"}]}, "", 403),
        ({"ip_allow": [{"peer": "127.0.0.0/8"}], "ip_deny": [{"peer": "127.0.0.2"}]}, "", 200),
    ],
    ids=str,
)
def test_who_gets_in(gateway: Gateway, rules: dict[str, Any], forwarded: str, status: int) -> None:
    with gateway.applied("module", module(**rules, server_name="ruled")):
        wait_until(lambda: ask(gateway).headers["server"] == "ruled", what="the Module")
        wait_until(lambda: ask(gateway, x_forwarded_for=forwarded).status_code == status, what=f"a {status}")
    gateway.wait_served(NAME)
    wait_until(lambda: ask(gateway).headers["server"] == "envoy", what="no Module")


def test_a_websocket_gets_through_the_buffer(gateway: Gateway, red: HttpUpstream, blue: HttpUpstream) -> None:
    name = "chat.module.test"
    texts = "".join(
        mapping(f"chat-{upstream.name}", name, upstream.service, allow_upgrade=["websocket"], **more)
        for upstream, more in ((red, {"weight": 50}), (blue, {}))
    )

    def talk() -> str:
        with (
            socket.create_connection(("127.0.0.1", gateway.http_port)) as connection,
            connect(f"ws://{name}/", sock=connection, open_timeout=10) as websocket,
        ):
            websocket.send("hello")
            return str(websocket.recv(timeout=10))

    def status(**headers: str) -> int:
        return gateway.request(name, method="POST", content=b"x" * 11, headers=headers).status_code

    with gateway.applied("chat", host("chat", name) + texts):
        gateway.wait_served(name)
        with gateway.applied("module", module(buffer={"max_request_bytes": 10})):
            wait_until(lambda: status() == 413, what="the buffer")
            assert {talk() for _ in range(40)} == {"red: hello", "blue: hello"}
            assert status(upgrade="websocket") == 413
            assert status(upgrade="h2c", connection="upgrade") in {403, 413}


def test_remote_is_the_client_that_a_trusted_proxy_tells(gateway: Gateway) -> None:
    with gateway.applied("module", module(use_remote_address=False, ip_allow=[{"remote": "192.0.2.0/24"}])):
        wait_until(lambda: ask(gateway, x_forwarded_for="192.0.2.1").status_code == 200, what="the client let in")
        wait_until(lambda: ask(gateway, x_forwarded_for="198.51.100.1").status_code == 403, what="others kept out")
    gateway.wait_served(NAME)


def test_grpc_web(gateway: Gateway, calls: GrpcUpstream) -> None:
    kind = "application/grpc-web+proto"
    assert b"grpc-status" not in post(gateway, kind).content  # what browsers cannot see: it is in trailers
    with gateway.applied("module", module(enable_grpc_web=True)):
        wait_until(lambda: b"grpc-status" in post(gateway, kind).content, what="gRPC-Web")
        answer = post(gateway, kind)
        assert answer.headers["content-type"] == kind
        trailers = answer.content.removeprefix(ANSWER)
        assert trailers[:1] == b"\x80"
        assert b"grpc-status:0" in trailers
        assert said(gateway) == b"grpc: hello"
        gateway.apply("module", module(enable_grpc_web=False))
        wait_until(lambda: b"grpc-status" not in post(gateway, kind).content, what="false is false")


def test_grpc_by_http_1_1(gateway: Gateway, calls: GrpcUpstream) -> None:
    with gateway.applied("module", module(enable_grpc_http11_bridge=True)):
        wait_until(lambda: post(gateway, "application/grpc").headers.get("grpc-status") == "0", what="the bridge")
        assert post(gateway, "application/grpc").content == ANSWER
        gateway.apply("module", module(enable_grpc_http11_bridge=False))
        wait_until(lambda: "grpc-status" not in post(gateway, "application/grpc").headers, what="false is false")


def counted(gateway: Gateway, calls: GrpcUpstream, name: str) -> bool:
    said(gateway)
    lines = gateway.diagnostics("/metrics").text.splitlines()
    return any(str(calls.port) in line and re.search(name, line) for line in lines)


def test_item_43_calls_are_counted(gateway: Gateway, calls: GrpcUpstream) -> None:
    with gateway.applied("module", module(grpc_stats={})):
        wait_until(lambda: counted(gateway, calls, r"grpc.*success.* [1-9]"), what="calls counted together")
        assert not counted(gateway, calls, r"grpc.*Say.*success")
        gateway.apply("module", module(grpc_stats={"all_methods": True, "upstream_stats": True}))
        wait_until(lambda: counted(gateway, calls, r"grpc.*Say.*success.* [1-9]"), what="each method counted")
        wait_until(lambda: counted(gateway, calls, r"grpc.*upstream_rq_time"), what="durations")


def test_a_filter_that_comes_changes_and_goes_costs_no_connection_and_no_request(gateway: Gateway) -> None:
    config = {"lua_scripts": SCRIPT, "gzip": {}, "buffer": {"max_request_bytes": 100}, "enable_grpc_web": True}
    config |= {"grpc_stats": {}, "ip_allow": [{"peer": "127.0.0.1"}], "enable_grpc_http11_bridge": True}
    with KeptAlive(gateway.http_port, host=NAME) as kept, Load(gateway.http_port, host=NAME) as load:
        for level in ("BEST", "SPEED"):
            with gateway.applied("module", module(**config)):
                wait_until(lambda: "x-lua-answer" in ask(gateway).headers, what="the filters in force")
                changed = {
                    **config,
                    "gzip": {"compression_level": level},
                    "lua_scripts": SCRIPT.replace("answer", level),
                }
                gateway.apply("module", module(**changed))
                wait_until(lambda level=level: f"x-lua-{level}".lower() in ask(gateway).headers, what="the changed one")
            gone(gateway, f"x-lua-{level}".lower())
        assert kept.ask()
        assert kept.ask()
        wait_until(lambda: load.requests > 100, what="enough requests")
    assert load.failures == []
    assert load.reconnects == 0
