"""GRPCRoutes, asked of a real Envoy."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import grpc
import pytest

from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.gateway_api import api_gateway, backing, gateway_class, listener, route, rule, to
from tests.support.upstream import GrpcUpstream, HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

HOST = "calls.test"
SAY = "/test.Echo/Say"


@pytest.fixture(scope="module")
def served() -> Iterator[Gateway]:
    with GrpcUpstream("one") as one, GrpcUpstream("two") as two:
        made = Gateway(listeners=False)
        made.apply("web", gateway_class() + api_gateway("web", listener("http", made.http_port)))
        made.apply("services", backing("one", one.port) + backing("two", two.port, app_protocol="kubernetes.io/h2c"))
        with made:
            yield made


def calls(*rules: Mapping[str, Any], host: str = HOST) -> str:
    return route("calls", "web", *rules, hostnames=[host], kind="GRPCRoute")


def method(service: str | None = None, name: str | None = None, **more: Any) -> dict[str, Any]:
    named = {**({"service": service} if service else {}), **({"method": name} if name else {}), **more}
    return {"method": named}


def call(served: Gateway, path: str = SAY, host: str = HOST, metadata: Mapping[str, str] | None = None) -> str:
    """Who answers, or the status."""
    options = [("grpc.default_authority", host)]
    with grpc.insecure_channel(f"127.0.0.1:{served.http_port}", options=options) as channel:
        try:
            answer: bytes = channel.unary_unary(path)(b"x", timeout=10, metadata=tuple((metadata or {}).items()))
        except grpc.RpcError as error:
            return str(error.code().name)
    return answer.decode().partition(":")[0]


def wait_called(served: Gateway, wanted: str, path: str = SAY, host: str = HOST, **more: Any) -> None:
    wait_until(lambda: call(served, path, host, **more) == wanted, what=f"{wanted} for {host}{path}")


def test_methods_choose_the_service(served: Gateway) -> None:
    rules = (
        {"backendRefs": [to("one")], "matches": [method("test.Echo", "Say")]},
        {"backendRefs": [to("two")], "matches": [method("test.Other")]},
        {"backendRefs": [to("two")], "matches": [method("grpc\\\\..*", "Che.k", type="RegularExpression")]},
        {"backendRefs": [to("one")], "matches": [method(None, "Alone")]},
    )
    with served.applied("calls", calls(*rules)):
        wait_called(served, "one")
        assert call(served, "/test.Echo/Other") == "UNIMPLEMENTED"
        assert call(served, "/test.Other/Any") == "UNIMPLEMENTED", "by the service itself"
        assert call(served, "/nowhere.At/All") == "UNIMPLEMENTED"
        answer = served.request(HOST, SAY, method="POST")
        assert answer.status_code == 404, "what is no call is for no GRPCRoute"


def test_metadata_and_ranks(served: Gateway) -> None:
    def asked(**headers: str) -> list[dict[str, Any]]:
        return [{"headers": [{"name": name, "value": value} for name, value in headers.items()]}]

    rules = (
        {"backendRefs": [to("one")], "matches": asked(version="one")},
        {"backendRefs": [to("two")], "matches": asked(version="one", color="red") + asked(color="blue")},
    )
    with served.applied("calls", calls(*rules, host="metadata.test")):
        wait_called(served, "one", host="metadata.test", metadata={"version": "one"})
        assert call(served, host="metadata.test", metadata={"version": "one", "color": "red"}) == "two"
        assert call(served, host="metadata.test", metadata={"color": "blue"}) == "two"
        assert call(served, host="metadata.test", metadata={"color": "red"}) == "UNIMPLEMENTED"


def test_weights_and_broken_shares(served: Gateway) -> None:
    rules = (
        {"backendRefs": [to("one", 3), to("two", 1)], "matches": [method("test.Echo")]},
        {"backendRefs": [to("missing")], "matches": [method("broken.Service")]},
    )
    with served.applied("calls", calls(*rules, host="weights.test")):
        wait_called(served, "one", host="weights.test")
        found = Counter(call(served, host="weights.test") for _ in range(100))
        assert set(found) == {"one", "two"}
        assert 55 <= found["one"] <= 93
        assert call(served, host="weights.test", path="/broken.Service/Any") == "UNAVAILABLE"


def test_filters_and_what_calls_may_not_have(served: Gateway) -> None:
    edits = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "x", "value": "1"}]}}
    rewrite = {"type": "URLRewrite", "urlRewrite": {"hostname": "x.test"}}
    rules = (
        {"backendRefs": [to("one")], "matches": [method("test.Echo")], "filters": [edits]},
        {"backendRefs": [to("one")], "matches": [method("test.No")], "filters": [rewrite]},
    )
    with served.applied("calls", calls(*rules, host="filters.test")):
        wait_called(served, "one", host="filters.test")
        assert call(served, host="filters.test", path="/test.No/Say") == "UNAVAILABLE"


def test_calls_and_requests_share_a_host(served: Gateway, red: HttpUpstream) -> None:
    texts = calls({"backendRefs": [to("two")]}, host="both.test") + backing("red", red.port)
    texts += route("requests", "web", rule("/", to("red")), hostnames=["both.test"])
    with served.applied("both", texts):
        wait_called(served, "two", host="both.test")
        assert served.wait_served("both.test").json()["upstream"] == "red"
