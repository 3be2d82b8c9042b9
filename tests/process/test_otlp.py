"""OpenTelemetry's variables: what they say of where traces go, and that none of them keeps a gateway from starting."""

from pathlib import Path

import pytest

from process.otlp import Otlp, Telemetry
from process.settings import Settings


def said(**variables: str) -> Telemetry:
    return Telemetry.of({f"OTEL_{name}": value for name, value in variables.items()})


def otlp(**variables: str) -> Otlp:
    found = said(**{"EXPORTER_OTLP_ENDPOINT": "http://collector:4317", **variables})
    assert found.problems == ()
    assert found.otlp is not None
    return found.otlp


def test_nothing_is_sent_unless_it_is_said_where_to() -> None:
    assert said() == Telemetry()
    assert said(SERVICE_NAME="gateway", TRACES_SAMPLER="always_on").otlp is None
    for more in ({"SDK_DISABLED": "true"}, {"TRACES_EXPORTER": "none"}):
        assert said(EXPORTER_OTLP_ENDPOINT="http://c:4317", **more) == Telemetry()
    assert Settings.from_environment({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}).telemetry == Telemetry()


@pytest.mark.parametrize(
    ("endpoint", "target", "has_tls"),
    [
        ("http://collector:4317", "collector:4317", False),
        ("https://collector:443/", "collector:443", True),
        ("http://collector", "collector:4317", False),
        ("collector:4317", "collector:4317", True),
        ("http://[::1]:4317", "[::1]:4317", False),
    ],
)
def test_over_grpc_the_scheme_says_whether_there_is_tls(endpoint: str, target: str, has_tls: bool) -> None:
    assert otlp(EXPORTER_OTLP_ENDPOINT=endpoint) == Otlp(target, has_tls=has_tls)


def test_without_a_scheme_insecure_says_it() -> None:
    assert otlp(EXPORTER_OTLP_ENDPOINT="collector:4317", EXPORTER_OTLP_INSECURE="True") == Otlp("collector:4317")
    assert otlp(EXPORTER_OTLP_ENDPOINT="https://c:1", EXPORTER_OTLP_INSECURE="true").has_tls


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
def test_over_http_the_path_of_traces_is_added_to_the_endpoint_of_all_alone(protocol: str) -> None:
    for endpoint in ("http://c:4318", "http://c:4318/"):
        found = otlp(EXPORTER_OTLP_PROTOCOL=protocol, EXPORTER_OTLP_ENDPOINT=endpoint)
        assert (found.target, found.protocol) == ("http://c:4318/v1/traces", protocol)
    below = otlp(EXPORTER_OTLP_PROTOCOL=protocol, EXPORTER_OTLP_ENDPOINT="https://c/otlp")
    assert (below.target, below.has_tls) == ("https://c/otlp/v1/traces", True)
    own = otlp(EXPORTER_OTLP_PROTOCOL=protocol, EXPORTER_OTLP_TRACES_ENDPOINT="http://t:1/mine")
    assert own.target == "http://t:1/mine"


def test_what_is_said_of_traces_counts_more_than_what_is_said_of_all() -> None:
    found = otlp(
        EXPORTER_OTLP_TRACES_ENDPOINT="http://traces:1",
        EXPORTER_OTLP_HEADERS="authorization=Basic%20abc,X-Tenant=a",
        EXPORTER_OTLP_TRACES_HEADERS=" Api-Key = k%3D1 ",
        EXPORTER_OTLP_TIMEOUT="1500",
        EXPORTER_OTLP_COMPRESSION="gzip",
        EXPORTER_OTLP_TRACES_COMPRESSION="none",
        EXPORTER_OTLP_CERTIFICATE="/ca.pem",
        EXPORTER_OTLP_CLIENT_CERTIFICATE="/own.pem",
        EXPORTER_OTLP_CLIENT_KEY="/own.key",
    )
    wanted = Otlp("traces:1", headers=(("api-key", "k=1"),), timeout=1.5, certificate=Path("/ca.pem"))
    assert found.headers == wanted.headers
    assert found == Otlp(
        "traces:1",
        headers=wanted.headers,
        timeout=1.5,
        certificate=wanted.certificate,
        client=(Path("/own.pem"), Path("/own.key")),
    )
    assert "k=1" not in repr(found)


def test_the_sampler_says_which_share_is_sent() -> None:
    assert otlp(TRACES_SAMPLER="always_off").ratio == 0
    assert otlp(TRACES_SAMPLER="parentbased_always_on").ratio == 1
    assert otlp(TRACES_SAMPLER="traceidratio").ratio == 1
    assert otlp(TRACES_SAMPLER="parentbased_traceidratio", TRACES_SAMPLER_ARG="0.25").ratio == 0.25


def test_the_service_has_a_name_and_attributes() -> None:
    assert said().resource == {"service.name": "dragoman"}
    found = said(RESOURCE_ATTRIBUTES="service.name=a,deployment.environment=caf%C3%A9", SERVICE_NAME="edge")
    assert found.resource == {"service.name": "edge", "deployment.environment": "caf\u00e9"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EXPORTER_OTLP_PROTOCOL", "thrift"),
        ("EXPORTER_OTLP_TIMEOUT", "10s"),
        ("EXPORTER_OTLP_HEADERS", "authorization"),
        ("EXPORTER_OTLP_HEADERS", "authorization=a%0Ab"),
        ("EXPORTER_OTLP_COMPRESSION", "zstd"),
        ("EXPORTER_OTLP_TRACES_ENDPOINT", "grpc://collector:4317"),
        ("EXPORTER_OTLP_TRACES_ENDPOINT", "http://collector:port"),
        ("EXPORTER_OTLP_TRACES_ENDPOINT", "http://"),
        ("EXPORTER_OTLP_TRACES_ENDPOINT", "http://user:secret@collector:4317"),
        ("TRACES_SAMPLER", "jaeger_remote"),
        ("TRACES_EXPORTER", "zipkin"),
        ("SDK_DISABLED", "yes"),
        ("RESOURCE_ATTRIBUTES", "=x"),
    ],
)
def test_a_value_that_cannot_be_is_told_and_counts_as_absent(name: str, value: str) -> None:
    found = said(EXPORTER_OTLP_ENDPOINT="http://collector:4317", **{name: value})
    assert found.otlp == Otlp("collector:4317")
    (problem,) = found.problems
    assert problem.startswith(f"OTEL_{name}: ")
    assert "secret" not in problem
    assert Settings.from_environment({f"OTEL_{name}": value}) is not None


def test_a_share_that_is_none_is_told() -> None:
    found = said(EXPORTER_OTLP_ENDPOINT="http://c:1", TRACES_SAMPLER="traceidratio", TRACES_SAMPLER_ARG="25%")
    assert found.otlp is not None
    assert found.otlp.ratio == 1
    assert len(found.problems) == 1
