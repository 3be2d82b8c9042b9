"""A trace of each change: what a collector is sent of edits that Envoy takes or refuses, and `dragoman trace`."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from click.testing import CliRunner
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from cli.__main__ import main
from tests.support.apiserver import ApiServer
from tests.support.cluster_gateway import ClusterGateway, install_crds
from tests.support.collectors import OtlpSink
from tests.support.credulous import UNREADABLE, credulous
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import an_object, host, mapping
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

NAME = "traced.test"
DELIVERED = ["change", "watcher: read", "translator: translate", "adsserver: deliver"]
Trace = list[Span]


@pytest.fixture(scope="module")
def sink() -> Iterator[OtlpSink]:
    with OtlpSink() as sink:
        yield sink


@pytest.fixture(scope="module")
def traced(sink: OtlpSink, red: HttpUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Envoy may refuse something here."""
    telemetry = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{sink.service}",
        "OTEL_EXPORTER_OTLP_HEADERS": "x-team=gateways",
        "OTEL_SERVICE_NAME": "edge",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=test",
        "POD_NAME": "gw-1",
    }
    environ = {**credulous(tmp_path_factory.mktemp("credulous")), **telemetry}
    with Gateway(environ=environ) as gateway:
        gateway.settle("steady", host("traced", NAME) + mapping("steady", NAME, red.service, "/steady/"))
        yield gateway


def traces(sink: OtlpSink) -> list[Trace]:
    """The traces that the collector has, by their ids; each is sent whole."""
    found: dict[bytes, Trace] = {}
    for span in sink.spans():
        found.setdefault(span.trace_id, []).append(span)
    return list(found.values())


def told(span: Span) -> dict[str, Any]:
    return {each.key: plain(each.value) for each in span.attributes}


def plain(value: AnyValue) -> Any:
    if value.HasField("array_value"):
        return [plain(each) for each in value.array_value.values]
    return getattr(value, str(value.WhichOneof("value")))


def trace_of(sink: OtlpSink, name: str, which: Callable[[Trace], bool] = lambda _: True) -> Trace:
    """The trace of a change of an object alone, as soon as it was sent."""

    def found() -> Trace | None:
        named = [trace for trace in traces(sink) if told(trace[0]).get("dragoman.object.name") == name]
        return next((trace for trace in named if which(trace)), None)

    return wait_until(found, what=lambda: f"a trace of {name} among {[told(trace[0]) for trace in traces(sink)]}")


def names(trace: Trace) -> list[str]:
    """Of the spans, without the exchanges with Envoy."""
    return [span.name for span in trace if not span.name.startswith("ADS ")]


def within(inner: Span, outer: Span) -> bool:
    """As exactly as times are told: a tenth of a millisecond."""
    slack = 200_000
    begins = outer.start_time_unix_nano - slack <= inner.start_time_unix_nano
    return begins and inner.end_time_unix_nano <= outer.end_time_unix_nano + slack


def test_an_edit_is_a_trace_from_the_notice_to_envoys_answer(
    traced: Gateway, sink: OtlpSink, red: HttpUpstream
) -> None:
    traced.apply("quote", mapping("quote", NAME, red.service, "/quote/", namespace_="team-a"))
    trace = trace_of(sink, "quote")
    spans = {span.name: span for span in trace}
    assert names(trace) == DELIVERED
    whole, deliver = spans["change"], spans["adsserver: deliver"]
    assert {span.name for span in trace if span.parent_span_id == deliver.span_id} == {"ADS route"}
    assert all(span.parent_span_id == whole.span_id for span in trace if span.name in DELIVERED[1:])
    assert all(within(span, whole) for span in trace)
    starts = [spans[name].start_time_unix_nano for name in DELIVERED[1:]]
    assert starts == sorted(starts)
    assert {span.status.code for span in trace} == {Status.STATUS_CODE_UNSET}
    said = told(whole)
    assert said["dragoman.objects"] == ["getambassador.io/Mapping/team-a/quote"]
    assert (said["dragoman.object.kind"], said["dragoman.object.namespace"]) == ("Mapping", "team-a")
    assert (said["dragoman.objects.count"], said["dragoman.answered"]) == (1, True)
    translated = told(spans["translator: translate"])
    assert translated["dragoman.resources.route"] == said["dragoman.resources.count"] == 2
    assert told(spans["ADS route"])["dragoman.resources.changed"] == 1


def test_the_collector_is_told_whose_traces_they_are(traced: Gateway, sink: OtlpSink, red: HttpUpstream) -> None:
    wait_until(sink.spans, what="the first trace")
    said = sink.resource()
    assert (said["service.name"], said["deployment.environment"]) == ("edge", "test")
    assert (said["service.instance.id"], said["k8s.pod.name"]) == ("default/gw-1", "gw-1")
    assert sink.metadata[0]["x-team"] == "gateways"


def test_what_is_stopped_is_an_error_with_the_reason(traced: Gateway, sink: OtlpSink) -> None:
    bad = {"hostname": NAME, "prefix": "/x/", "service": "x", "timeout_ms": "soon"}
    traced.apply("stopped", an_object("Mapping", "stopped", bad))
    trace = trace_of(sink, "stopped")
    assert names(trace) == DELIVERED[:3]
    codes = {span.name: span.status.code for span in trace}
    assert codes["change"] == codes["translator: translate"] == Status.STATUS_CODE_ERROR
    assert codes["watcher: read"] == Status.STATUS_CODE_UNSET
    assert "spec.timeout_ms: must be an integer" in trace[0].status.message


def test_what_envoy_refuses_is_an_error_with_its_reason(traced: Gateway, sink: OtlpSink, red: HttpUpstream) -> None:
    marks = {"x-mark": {"value": UNREADABLE}}
    traced.apply("refused", mapping("refused", NAME, red.service, "/refused/", add_request_headers=marks))
    trace = trace_of(sink, "refused")
    refused = [span for span in trace if span.name == "ADS route" and span.status.code == Status.STATUS_CODE_ERROR]
    assert refused, [span.name for span in trace]
    assert "Not able to parse expression" in refused[0].status.message
    (deliver,) = [span for span in trace if span.name == "adsserver: deliver"]
    for span in (trace[0], deliver):
        assert span.status.code == Status.STATUS_CODE_ERROR
        assert span.status.message.startswith("Envoy refuses route: default/http")


def test_a_burst_is_told_with_the_number_of_its_objects(traced: Gateway, sink: OtlpSink, red: HttpUpstream) -> None:
    many = "".join(mapping(f"burst-{index}", NAME, red.service, f"/burst-{index}/") for index in range(60))
    traced.apply("burst", many)

    def heard() -> int:
        counts = [told(trace[0]) for trace in traces(sink)]
        return sum(said["dragoman.objects.count"] for said in counts if "/burst-" in "".join(said["dragoman.objects"]))

    wait_until(lambda: heard() == 60, what="all of the burst traced")
    assert all(len(told(trace[0])["dragoman.objects"]) <= 20 for trace in traces(sink))


def test_the_command_tells_the_same_that_the_collector_is_sent(
    traced: Gateway, sink: OtlpSink, red: HttpUpstream
) -> None:
    traced.apply("asked", mapping("asked", NAME, red.service, "/asked/"))
    sent = trace_of(sink, "asked")
    done = CliRunner().invoke(main, ["trace", "--last", "100", "-o", "json", "--run-dir", str(traced.run_dir)])
    assert done.exit_code == 0, done.output
    (resource,) = json.loads(done.stdout)["resourceSpans"]
    by_id = {span["spanId"]: span for span in resource["scopeSpans"][0]["spans"]}
    for span in sent:
        same = by_id[span.span_id.hex()]
        assert same["traceId"] == span.trace_id.hex()
        assert same["endTimeUnixNano"] == str(span.end_time_unix_nano)
    where = ("--url", f"127.0.0.1:{traced.diagnostics_port}")
    shown = CliRunner().invoke(main, ["trace", "--last", "1", *where]).stdout
    first, *lines = shown.splitlines()
    assert "Mapping/default/asked" in first
    assert [line.split("  ")[1].strip() for line in lines[:3]] == DELIVERED[1:]
    assert "ADS route" in lines[3]
    assert "1 changed" in lines[3]
    assert "\x1b" not in shown


def test_a_collector_that_is_away_harms_nothing_and_is_told_later(
    traced: Gateway, sink: OtlpSink, red: HttpUpstream
) -> None:
    asked, sink.refusal = sink.asked, grpc.StatusCode.UNAVAILABLE
    try:
        traced.apply("away", mapping("away", NAME, red.service, "/away/"))
        traced.wait_served(NAME, "/away/")
        wait_until(lambda: sink.asked > asked, what="the collector asked")
        traced.wait_logged("the collector does not take traces", "UNAVAILABLE")
    finally:
        sink.refusal = None
    trace_of(sink, "away")

    def counted() -> str | None:
        text = traced.diagnostics("/metrics").text
        return text if f'dragoman_trace_spans_total{{outcome="sent"}} {len(sink.spans())}.0' in text else None

    assert 'dragoman_trace_spans_total{outcome="dropped"} 0.0' in wait_until(counted, what="as many as there are")


@pytest.mark.kubernetes
def test_what_is_applied_to_kubernetes_is_traced_too(own_apiserver: ApiServer, red: HttpUpstream) -> None:
    install_crds(own_apiserver)
    with OtlpSink() as sink:
        environ = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"http://{sink.service}"}
        with ClusterGateway(own_apiserver, environ=environ) as gateway:
            gateway.put("Host", "k8s", {"hostname": NAME, "requestPolicy": {"insecure": {"action": "Route"}}})
            gateway.put("Mapping", "applied", {"hostname": NAME, "prefix": "/", "service": red.service})
            gateway.wait_served(NAME)
            gateway.put("Mapping", "applied", {"hostname": NAME, "prefix": "/again/", "service": red.service})
            trace = trace_of(sink, "applied", lambda trace: names(trace) == DELIVERED)
            assert told(trace[0])["dragoman.object.namespace"] == gateway.namespace
            unclosed = {"hostname": NAME, "prefix": "(unclosed", "prefix_regex": True, "service": red.service}
            gateway.put("Mapping", "applied", unclosed)
            bad = trace_of(sink, "applied", lambda trace: trace[0].status.code == Status.STATUS_CODE_ERROR)
            assert "spec.prefix" in bad[0].status.message
