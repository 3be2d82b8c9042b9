"""Access logs, log services and traces: each is asked of a real Envoy, and seen by whoever is told."""

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.certificates import authority
from tests.support.collectors import LogSink, OtlpSink
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import an_object, endpoint_slice, host, mapping, service
from tests.support.part import ROOT
from tests.support.ports import unused_port
from tests.support.upstream import HttpUpstream, TcpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

NAME = "observed.test"
MODULE = "getambassador.io/Module/default/ambassador"


@pytest.fixture(autouse=True)
def served(gateway: Gateway, red: HttpUpstream) -> Iterator[None]:
    with gateway.applied("observed", host(NAME, NAME) + mapping(NAME, NAME, red.service, "/seen/", rewrite="")):
        gateway.wait_served(NAME, "/seen/")
        yield


def module(**config: Any) -> str:
    return an_object("Module", "ambassador", {"config": config})


def told(gateway: Gateway, key: str) -> dict[str, str]:
    problems = gateway.diag()["objects"].get(key, {}).get("problems", [])
    return {each["path"]: each["message"] for each in problems}


def logged(gateway: Gateway, path: Path, sought: str = "/seen/once") -> str:
    """The line of a request that is asked for until there is one."""

    def line() -> str | None:
        gateway.request(NAME, "/seen/once")
        lines = path.read_text().splitlines() if path.exists() else []
        return next((each for each in lines if sought in each), None)

    return wait_until(line, what=f"a line in {path}")


# Access logs


def test_a_line_for_each_request_in_emissarys_format(gateway: Gateway, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    with gateway.applied("log", module(envoy_log_type="text", envoy_log_path=str(log))):
        line = logged(gateway, log)
    pattern = r'ACCESS \[\S+Z\] "GET /seen/once HTTP/1.1" 200 - 0 \d+ \d+ \d+ "[\d.]+" "[^"]*" "[-0-9a-f]+" '
    assert re.fullmatch(pattern + rf'"{NAME}" "127.0.0.1:\d+"', line), line


def test_a_line_is_json_with_emissarys_keys(gateway: Gateway, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    with gateway.applied("log", module(envoy_log_type="json", envoy_log_path=str(log))):
        line = json.loads(logged(gateway, log))
    assert line["path"] == "/seen/once"
    assert line["response_code"] == 200
    assert line["upstream_cluster"].startswith("ip/127_0_0_1")
    assert line["requested_server_name"] is None


@pytest.mark.parametrize("kind", ["json", "typed_json", None])
def test_a_format_of_ones_own_as_json(gateway: Gateway, tmp_path: Path, kind: str | None) -> None:
    log = tmp_path / "access.log"
    own = {"what": {"path": "%REQ(:PATH)%"}, "code": "%RESPONSE_CODE%", "said": "code %RESPONSE_CODE%", "fixed": 7}
    with gateway.applied("log", module(envoy_log_type=kind, envoy_log_path=str(log), envoy_log_format=own)):
        line = json.loads(logged(gateway, log))
    assert line == {"what": {"path": "/seen/once"}, "code": 200, "said": "code 200", "fixed": 7}


def test_a_format_of_ones_own_as_text_on_the_gateways_output(gateway: Gateway) -> None:
    own = "LINE %REQ(:PATH)% %DYNAMIC_METADATA(a:b)% 100%%"
    with gateway.applied("log", module(envoy_log_format=own)):
        wait_until(
            lambda: gateway.request(NAME, "/seen/out") and "LINE /seen/out - 100%\n" in f"{gateway.log()}\n",
            what="the line",
        )


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ({"envoy_log_format": "%NOTHING%"}, "envoy_log_format"),
        ({"envoy_log_format": {"a": ["%REQ(x)%", "%REQ%"]}, "envoy_log_type": "json"}, "envoy_log_format.a[1]"),
        ({"envoy_log_format": "%ENVIRONMENT(HOME)%"}, "envoy_log_format"),
        ({"envoy_log_format": 5}, "envoy_log_format"),
        ({"envoy_log_type": "xml"}, "envoy_log_type"),
        ({"envoy_log_type": "text", "envoy_log_format": {"a": "b"}}, "envoy_log_format"),
        ({"envoy_log_type": "json", "envoy_log_format": "%REQ(:PATH)%"}, "envoy_log_format"),
        ({"envoy_log_path": "/nowhere/at/all"}, "envoy_log_path"),
        ({"envoy_log_path": "/"}, "envoy_log_path"),
        ({"envoy_log_path": "relative"}, "envoy_log_path"),
    ],
)
def test_what_is_wrong_with_a_log_is_told_and_the_rest_of_the_module_holds(
    gateway: Gateway, config: dict[str, Any], path: str
) -> None:
    with gateway.applied("log", module(server_name=path, **config)):
        wait_until(lambda: gateway.request(NAME, "/seen/").headers["server"] == path, what="the good setting")
        wait_until(lambda: f"spec.config.{path}" in told(gateway, MODULE), what=f"a word on {path}")


# Log services


def test_log_services_are_sent_an_entry_for_each_request(gateway: Gateway, red: HttpUpstream) -> None:
    red.response_headers["x-response"] = "answered"
    headers = [
        {"header_name": "X-Request", "during_response": False, "during_trailer": False},
        {"header_name": "x-response", "during_request": False},
        {"header_name": "x-none"},
    ]
    with LogSink() as plain, LogSink() as curious:
        texts = an_object("LogService", "plain", {"service": plain.service, "driver": "http"})
        spec = {
            "service": f"http://{curious.service}",
            "driver": "http",
            "protocol_version": "v3",
            "grpc": True,
            "driver_config": {"additional_log_headers": headers},
            "flush_interval_time": 1,
            "flush_interval_byte_size": 0,
        }
        with gateway.applied("logs", texts + an_object("LogService", "curious", spec)):

            def entry(sink: LogSink) -> dict[str, Any] | None:
                gateway.request(NAME, "/seen/", headers={"x-request": "asked"})
                return next(iter(sink.entries("http")), None)

            for sink, name in ((plain, "plain"), (curious, "curious")):
                found = wait_until(lambda sink=sink: entry(sink), what=f"an entry of {name}")  # type: ignore[misc]
                assert found["request"]["path"] == "/seen/"
                assert found["request"]["authority"] == NAME
                assert found["response"]["response_code"] == 200
                assert sink.names() == {name}
            shown = curious.entries("http")[0]
            assert shown["request"]["request_headers"] == {"x-request": "asked"}
            assert shown["response"]["response_headers"] == {"x-response": "answered"}
            assert "request_headers" not in plain.entries("http")[0]["request"]


def test_a_log_service_is_spoken_to_by_tls(gateway: Gateway) -> None:
    with LogSink(authority().sign("logs.test")) as sink:
        texts = an_object("LogService", "secure", {"service": f"https://{sink.service}"})
        with gateway.applied("logs", texts):
            wait_until(lambda: gateway.request(NAME, "/seen/") and sink.entries("http"), what="an entry by TLS")


def test_objects_of_version_2_are_served_as_they_were_meant(gateway: Gateway) -> None:
    with LogSink() as sink, HttpUpstream("zipkin") as collector:
        tracing = {"service": collector.service, "driver": "zipkin", "tag_headers": ["x-old"]}
        texts = an_object("TracingService", "old", tracing)
        texts += an_object("LogService", "old", {"service": sink.service, "driver": "http", "v3ProtocolVersion": "v3"})
        with gateway.applied("old", texts.replace("v3alpha1", "v2")):

            def span() -> dict[str, Any] | None:
                gateway.request(NAME, "/seen/", headers={"x-old": "that"})
                return span_of(collector.bodies, "x-old")

            assert wait_until(span, what="a span")["tags"]["x-old"] == "that"
            wait_until(lambda: sink.names() == {"old"}, what="entries")


def test_a_log_service_of_tcp_is_told_of_connections(gateway: Gateway) -> None:
    port = unused_port()
    with LogSink() as sink, TcpUpstream("tcp") as upstream:
        texts = an_object("LogService", "connections", {"service": sink.service, "driver": "tcp"})
        texts += an_object("TCPMapping", "observed", {"port": port, "service": upstream.service})
        with gateway.applied("logs", texts):
            wait_until(lambda: talked(port) and of_port(sink, port), what="an entry of a connection")


def talked(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"hello\n")
            return connection.recv(100) == b"tcp: hello\n"
    except OSError:
        return False


def of_port(sink: LogSink, port: int) -> list[dict[str, Any]]:
    return [
        entry
        for entry in sink.entries("tcp")
        if entry["common_properties"]["downstream_local_address"]["socket_address"]["port_value"] == port
    ]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"protocol_version": "v2"}, "spec.protocol_version"),
        ({"driver": "udp"}, "spec.driver"),
        ({"flush_interval_time": 0}, "spec.flush_interval_time"),
        ({"flush_interval_byte_size": -1}, "spec.flush_interval_byte_size"),
        ({"driver_config": {"additional_log_headers": [{"header_name": ""}]}}, None),
        ({"service": ""}, "spec.service"),
        ({"grpc": False}, "spec.grpc"),
        (
            {"driver": "tcp", "driver_config": {"additional_log_headers": [{"header_name": "x"}]}},
            "spec.driver_config.additional_log_headers",
        ),
    ],
)
def test_what_is_wrong_with_a_log_service_is_told_and_nothing_else_is_touched(
    gateway: Gateway, fields: dict[str, Any], path: str | None
) -> None:
    key = "getambassador.io/LogService/default/wrong"
    with LogSink() as good:
        texts = an_object("LogService", "wrong", {"service": "127.0.0.1:9", **fields})
        with gateway.applied("logs", texts + an_object("LogService", "good", {"service": good.service})):
            wait_until(lambda: gateway.request(NAME, "/seen/") and good.entries("http"), what="the good one's entries")
            found = told(gateway, key)
            wanted = path or "spec.driver_config.additional_log_headers[0].header_name"
            assert wanted in found, found


# Traces


def span_of(bodies: list[bytes], name: str) -> dict[str, Any] | None:
    """A server's span that Zipkin's collector was sent, with this tag."""
    spans = [span for body in list(bodies) for span in json.loads(body)]
    return next((span for span in spans if span.get("kind") == "SERVER" and name in span["tags"]), None)


def test_zipkin_is_told_of_requests_with_tags(gateway: Gateway, red: HttpUpstream) -> None:
    tags = [
        {"tag": "fixed", "literal": {"value": "text"}},
        {"tag": "asked", "request_header": {"name": "x-asked", "default_value": "nothing"}},
        {"tag": "home", "environment": {"name": "DRAGOMAN_NOT_SET", "default_value": "usual"}},
        {"tag": "folder", "environment": {"name": "DRAGOMAN_CONFIG_DIR"}},
        {"tag": "nothing"},
    ]
    with HttpUpstream("zipkin") as collector:
        spec = {
            "service": f"http://{collector.service}",
            "driver": "zipkin",
            "custom_tags": tags,
            "tag_headers": ["x-old"],
            "sampling": {"client": 100, "random": 100, "overall": 100},
            "config": {"collector_hostname": "collector.test", "service_name": "unread", "colector": "x"},
        }
        with gateway.applied("tracing", an_object("TracingService", "zipkin", spec)):

            def span() -> dict[str, Any] | None:
                gateway.request(NAME, "/seen/", headers={"x-asked": "this", "x-old": "that"})
                return span_of(collector.bodies, "fixed")

            found = wait_until(span, what="a span")
            problems = told(gateway, "getambassador.io/TracingService/default/zipkin")
        shown = {name: found["tags"].get(name) for name in ("fixed", "asked", "x-old", "home", "folder", "nothing")}
        assert shown == {
            "fixed": "text",
            "asked": "this",
            "x-old": "that",
            "home": "usual",
            "folder": str(gateway.folder),
            "nothing": None,
        }
        assert found["tags"]["http.status_code"] == "200"
        assert len(found["traceId"]) == 32
        (seen,) = {(each["path"], each["host"], each["method"]) for each in collector.seen}
        assert seen == ("/api/v2/spans", "collector.test", "POST")
        assert any("x-b3-traceid" in each["headers"] for each in red.seen)
        assert set(problems) == {"spec.config.service_name", "spec.config.colector", "spec.custom_tags[4]"}


def test_zipkins_format_is_also_protobuf_at_a_path_of_ones_own(gateway: Gateway) -> None:
    with HttpUpstream("zipkin") as collector:
        config = {
            "collector_endpoint": "/own/path",
            "collector_endpoint_version": "HTTP_PROTO",
            "trace_id_128bit": False,
            "shared_span_context": False,
        }
        spec = {"service": collector.service, "driver": "zipkin", "config": config}
        with gateway.applied("tracing", an_object("TracingService", "zipkin", spec)):
            wait_until(lambda: gateway.request(NAME, "/seen/") and collector.bodies, what="spans")
        assert collector.seen[0]["path"] == "/own/path"
        assert collector.seen[0]["headers"]["content-type"] == "application/x-protobuf"
        assert b"http.status_code" in collector.bodies[0]


@pytest.mark.parametrize("driver", ["zipkin", "datadog"])
def test_a_collector_is_a_service_of_kubernetes(gateway: Gateway, driver: str) -> None:
    """Envoy refuses a tracer whose cluster it has not yet: this one has to wait for its endpoints first."""
    with HttpUpstream("collector") as collector:
        texts = an_object("TracingService", "tracing", {"service": "collector:9000", "driver": driver})
        texts += service("collector", {"http": 9000})
        texts += endpoint_slice("collector-1", "collector", {"http": collector.port}, {"addresses": ["127.0.0.1"]})
        with gateway.applied("tracing", texts):
            wait_until(lambda: gateway.request(NAME, "/seen/") and collector.seen, what="traces")
            assert not told(gateway, "getambassador.io/TracingService/default/tracing")


def test_datadogs_agent_is_told_of_requests(gateway: Gateway) -> None:
    with HttpUpstream("agent") as agent:
        config = {"service_name": "the-edge", "collector_hostname": "agent.test"}
        spec = {"service": agent.service, "driver": "datadog", "config": config}
        with gateway.applied("tracing", an_object("TracingService", "datadog", spec)):

            def traces() -> list[bytes]:
                gateway.request(NAME, "/seen/")
                told_ = zip(list(agent.seen), list(agent.bodies), strict=False)
                return [body for each, body in told_ if each["path"].startswith("/v0.") and b"the-edge" in body]

            assert b"http.status_code" in wait_until(traces, what="traces")[0]


def test_otlp_is_sent_by_grpc(gateway: Gateway) -> None:
    with OtlpSink() as collector:
        tags = [{"tag": "fixed", "literal": {"value": "a-text"}}]
        spec = {"service": collector.service, "driver": "opentelemetry", "custom_tags": tags}
        with gateway.applied("tracing", an_object("TracingService", "otlp", spec)):
            wait_until(lambda: gateway.request(NAME, "/seen/") and collector.messages, what="spans")
        assert b"ambassador" in collector.messages[0]
        assert b"a-text" in b"".join(collector.messages)


def test_otlp_is_sent_by_http_where_a_path_is_said(gateway: Gateway) -> None:
    with HttpUpstream("collector") as collector:
        config = {"collector_endpoint": "/v1/traces", "service_name": "the-edge"}
        spec = {"service": collector.service, "driver": "opentelemetry", "config": config}
        with gateway.applied("tracing", an_object("TracingService", "otlp", spec)):
            wait_until(lambda: gateway.request(NAME, "/seen/") and collector.bodies, what="spans")
        assert collector.seen[0]["path"] == "/v1/traces"
        assert collector.seen[0]["host"] == collector.service
        assert b"the-edge" in collector.bodies[0]


def test_a_request_is_not_traced_where_none_is_sampled(gateway: Gateway, red: HttpUpstream) -> None:
    with HttpUpstream("zipkin") as collector:
        spec: dict[str, Any] = {"service": collector.service, "driver": "zipkin", "sampling": {"overall": 0}}

        def is_unsampled() -> bool:
            gateway.request(NAME, "/seen/")
            return bool(red.seen[-1]["headers"].get("x-b3-sampled") == "0")

        with gateway.applied("tracing", an_object("TracingService", "zipkin", spec)):
            wait_until(is_unsampled, what="a request that is not sampled")
        assert not collector.seen


@pytest.mark.parametrize("address", ["127.0.0.1:9", "collector.invalid:9411"], ids=["refused", "unresolved"])
@pytest.mark.parametrize("driver", ["zipkin", "datadog", "opentelemetry"])
def test_a_collector_that_is_not_there_harms_no_request(gateway: Gateway, address: str, driver: str) -> None:
    key = "getambassador.io/TracingService/default/lost"
    with gateway.applied("tracing", an_object("TracingService", "lost", {"service": address, "driver": driver})):
        wait_until(lambda: key in gateway.diag()["objects"], what="the object")
        with gateway.applied("tracing-module", module(server_name=f"{driver}-after")):
            wait_until(lambda: gateway.request(NAME, "/seen/").headers["server"] == f"{driver}-after", what="a change")
        assert gateway.request(NAME, "/seen/").status_code == 200
        assert not told(gateway, key)


def test_of_two_tracing_services_one_is_used_and_the_other_told(gateway: Gateway) -> None:
    with HttpUpstream("zipkin") as collector:
        texts = an_object("TracingService", "a", {"service": collector.service, "driver": "zipkin"})
        texts += an_object("TracingService", "b", {"service": "127.0.0.1:9", "driver": "datadog"})
        with gateway.applied("tracing", texts):
            wait_until(lambda: gateway.request(NAME, "/seen/") and collector.seen, what="spans")
            (said,) = told(gateway, "getambassador.io/TracingService/default/b").values()
            assert "TracingService/default/a" in said
            assert not told(gateway, "getambassador.io/TracingService/default/a")


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"driver": "lightstep"}, "spec.driver"),
        ({"driver": "carrier pigeon"}, "spec.driver"),
        ({"config": {"collector_endpoint_version": "HTTP_JSON_V1"}}, "spec.config.collector_endpoint_version"),
        ({"config": {"collector_endpoint": "api/v2"}}, "spec.config.collector_endpoint"),
        ({"config": {"trace_id_128bit": "yes"}}, "spec.config.trace_id_128bit"),
        ({"sampling": {"random": 101}}, "spec.sampling.random"),
        ({"config": {"access_token_file": "/x"}}, "spec.config.access_token_file"),
        ({"config": {"nobody_knows": 1}}, "spec.config.nobody_knows"),
    ],
)
def test_what_is_wrong_with_a_tracing_service_is_told(gateway: Gateway, fields: dict[str, Any], path: str) -> None:
    key = "getambassador.io/TracingService/default/wrong"
    texts = an_object("TracingService", "wrong", {"service": "127.0.0.1:9", "driver": "zipkin", **fields})
    with gateway.applied("tracing", texts):
        wait_until(lambda: path in told(gateway, key), what=f"a word on {path}")
        assert gateway.request(NAME, "/seen/").status_code == 200


def test_the_example_logs_and_traces_what_it_serves() -> None:
    text = (ROOT / "examples/logs-and-traces/gateway.yaml").read_text()
    example = Gateway(listeners=False)
    with OtlpSink() as collector:
        text = text.replace("8080", str(example.http_port)).replace("127.0.0.1:4317", collector.service)
        example.apply("gateway", text)
        with example:
            example.wait_served("any.test", "/hello/", status=302)
            line = wait_until(
                lambda: re.search(r'\{[^\n]*"request":"GET /hello/"[^\n]*\}', example.log()), what="a line"
            )
            assert json.loads(line[0])["code"] == 302
            wait_until(lambda: example.request("any.test", "/hello/") and collector.messages, what="traces")
            assert b"quickstart" in collector.messages[0]
            assert {key for key, each in example.diag()["objects"].items() if each.get("problems")} == set()
