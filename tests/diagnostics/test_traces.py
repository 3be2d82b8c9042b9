"""Traces of changes, put together from logs that a test writes: what belongs together, and what spans say. Pure."""

from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from diagnostics.traces.assembling import MOST_PENDING, Assembly, Change, Logs
from diagnostics.traces.otlp import document, encoded
from diagnostics.traces.spans import MOST_EXCHANGES, MOST_READS, Trace, trace_of
from snapshot import JSON, Commit

KEY = "getambassador.io/Mapping/default/m"


def heard(sequence: int, since: float | None, *keys: str) -> Commit:
    return Commit(sequence, keys or (KEY,), since, 100.0 + sequence, {})


def followed(sequence: int, first: int, last: int, *keys: str, **notes: JSON) -> Commit:
    told: dict[str, JSON] = {"objects": [first, last], "taken": 100.5 + last, **notes}
    return Commit(sequence, keys or ("route/r",), None, 101.0 + last, told)


def acks(sequence: int, *served: list[JSON], exchanges: tuple[list[JSON], ...] = ()) -> Commit:
    notes: dict[str, JSON] = {"served": list(served), "exchanges": list(exchanges)}
    return Commit(sequence, ("served",), None, 200.0, {name: told for name, told in notes.items() if told})


def served(at: float, delivered: float, first: int, last: int) -> list[JSON]:
    return [99.0, at, delivered, first, last]


def told(*logs: Logs) -> list[Change]:
    assembly = Assembly()
    found = []
    for each in logs:
        assembly.add(each)
        found += assembly.take()
    return found


def test_a_change_has_what_it_began_with_and_what_followed_from_it() -> None:
    objects = (heard(4, 99.0), heard(5, 99.5, "a/b/c/d"), heard(6, 99.7))
    exchange: list[JSON] = ["route", 107.5, 0.25, 1, 0]
    early: list[JSON] = ["cluster", 106.0, 1.6, 1, 0]
    late: list[JSON] = ["route", 109.0, 0.25, 1, 0]
    logs = Logs(
        acks=(acks(1, exchanges=(early,)), acks(2, served(108.0, 107.4, 3, 3), exchanges=(exchange, late))),
        resources=(followed(3, 4, 5, "route/r", "route/s", "cluster/c"),),
        objects=objects,
    )
    (change,) = told(logs)
    assert [each.sequence for each in change.heard] == [4, 5]
    assert (change.began, change.taken, change.translated) == (99.0, 105.5, 106.0)
    assert (change.resources, change.types) == (3, {"route": 2, "cluster": 1})
    assert (change.delivered, change.served) == (107.4, 108.0)
    assert [(each.kind, each.sent, each.answered) for each in change.exchanges] == [("route", 107.5, 107.75)]


def test_it_is_told_when_envoy_has_answered_however_the_commits_come() -> None:
    first = Logs(objects=(heard(1, 99.0),), resources=(followed(1, 1, 1),))
    second = Logs(statuses=(followed(7, 1, 1, KEY),))
    third = Logs(acks=(acks(1, served(104.0, 103.0, 1, 1)),))
    assembly = Assembly()
    for each in (first, second):
        assembly.add(each)
        assert assembly.take() == []
    assert [change.resources for change in assembly.pending] == [1]
    assembly.add(third)
    assert [change.served for change in assembly.take()] == [104.0]
    assert assembly.pending == []
    assert told(first, third, second) == told(first, third), "what comes behind its end begins nothing"


def test_what_is_nothing_for_envoy_ends_with_its_statuses() -> None:
    stopped: dict[str, JSON] = {"count": 2, "object": KEY, "reason": "spec.prefix: must be a text"}
    logs = Logs(objects=(heard(1, 99.0),), statuses=(followed(1, 1, 1, KEY, stopped=stopped),))
    (change,) = told(logs)
    assert (change.resources, change.served) == (None, None)
    trace = trace_of(change, "here")
    assert [span.name for span in trace.spans] == ["change", "watcher: read", "translator: translate"]
    reason = f"{KEY}: spec.prefix: must be a text, and 1 more are stopped"
    assert [span.error for span in trace.spans] == [reason, None, reason]


def test_what_was_taken_together_is_answered_together_and_what_was_lost_is_told_as_it_is() -> None:
    objects = tuple(heard(number, 99.0) for number in range(1, 5))
    resources = tuple(followed(number, number, number) for number in range(1, 5))
    answered = told(Logs((acks(1, served(110.0, 109.0, 2, 3)),), (), resources, objects))
    assert [(change.resources, change.served) for change in answered] == [(1, None), (2, 110.0), (3, 110.0)]
    whole, *_ = trace_of(answered[0], "here").spans
    assert whole.attributes["dragoman.answered"] is False


def test_of_what_nobody_knows_when_it_began_nothing_is_told() -> None:
    compared = Logs(objects=(heard(1, None),), resources=(followed(1, 1, 1),))
    forgotten = Logs(resources=(followed(2, 5, 5), Commit(3, ("route/r",), None, 1.0, {})))
    assert told(compared, forgotten, Logs(acks=(acks(1, served(9.0, 8.0, 1, 3)),))) == []


def test_without_an_envoy_the_oldest_are_told_as_they_are() -> None:
    numbers = range(1, MOST_PENDING + 3)
    found = told(
        Logs(
            objects=tuple(heard(number, 99.0) for number in numbers),
            resources=tuple(followed(number, number, number) for number in numbers),
        )
    )
    assert [(change.resources, change.served) for change in found] == [(1, None), (2, None)]


def test_what_is_no_log_of_ours_is_passed_over() -> None:
    odd: list[JSON] = ["x", 1]
    notes: dict[str, JSON] = {"served": [[1, 2], "x", odd], "exchanges": [odd, 7]}
    logs = Logs(
        acks=(Commit(1, (), None, 1.0, notes), Commit(2, (), None, 1.0, {"served": "x", "exchanges": {}})),
        resources=(Commit(1, (), None, 1.0, {"objects": "all"}),),
        statuses=(Commit(1, (), None, 1.0, {"objects": [1, 1], "stopped": []}),),
        objects=(heard(1, 99.0),),
    )
    assert [change.stopped for change in told(logs)] == [None]


def a_change(**more: Any) -> Trace:
    exchanges: tuple[list[JSON], ...] = (["route", 107.5, 0.25, 3, 1], ["route", 107.6, 0.1, 1, 0, "r: no"])
    logs = Logs(
        acks=(acks(1, served(108.0, 107.4, 3, 3), exchanges=exchanges),),
        resources=(followed(3, 1, 1, "route/r", "cluster/c"),),
        objects=(heard(1, 99.0),),
    )
    (change,) = told(logs)
    return trace_of(change, more.get("instance", "here"))


def test_the_spans_say_who_did_what_and_when_and_what_envoy_refused() -> None:
    spans = {span.name: span for span in a_change().spans}
    whole, deliver, ads = spans["change"], spans["adsserver: deliver"], spans["ADS route"]
    assert (whole.start, whole.end, whole.parent_id) == (99.0, 108.0, "")
    assert whole.error == deliver.error == "Envoy refuses route: r: no"
    assert {span.parent_id for name, span in spans.items() if name.startswith(("w", "t", "a"))} == {whole.span_id}
    assert (ads.parent_id, ads.error, ads.is_client) == (deliver.span_id, "r: no", True)
    assert whole.attributes["dragoman.object.kind"] == "Mapping"
    assert whole.attributes["dragoman.object.namespace"] == "default"
    assert whole.attributes["dragoman.object.name"] == "m"
    translated = spans["translator: translate"].attributes
    assert translated == {
        "dragoman.resources.cluster": 1,
        "dragoman.resources.route": 1,
        "dragoman.snapshot.resources": 3,
    }


def test_a_trace_is_the_same_whoever_asks_and_another_in_another_gateway() -> None:
    assert a_change() == a_change()
    assert a_change().trace_id != a_change(instance="there").trace_id
    ids = [span.span_id for span in a_change().spans]
    assert len(set(ids)) == len(ids)


def test_a_burst_has_no_more_spans_than_fit_and_says_how_many_there_are() -> None:
    exchanges = tuple(["route", 107.5, 0.25, 1, 0] for _ in range(MOST_EXCHANGES + 4))
    keys = [[f"g/K/n/{number}-{name}" for name in range(30)] for number in range(MOST_READS + 2)]
    objects = tuple(heard(number, 99.0, *named) for number, named in enumerate(keys, 1))
    logs = Logs(
        acks=(acks(1, served(208.0, 107.4, 1, 1), exchanges=tuple(map(list, exchanges))),),
        resources=(followed(1, 1, len(objects)),),
        objects=objects,
    )
    (change,) = told(logs)
    whole, *below = trace_of(change, "here").spans
    assert len(below) == MOST_READS + MOST_EXCHANGES + 2
    assert whole.attributes["dragoman.spans.left_out"] == 6
    assert whole.attributes["dragoman.objects.count"] == 30 * len(objects)
    names = whole.attributes["dragoman.objects"]
    assert isinstance(names, tuple)
    assert len(names) == 20


def test_the_same_is_said_in_json_and_in_protobuf() -> None:
    made = document([a_change()], {"service.name": "caf\u00e9"})
    (resource,) = made["resourceSpans"]
    spans = resource["scopeSpans"][0]["spans"]
    read = ExportTraceServiceRequest.FromString(encoded(made)).resource_spans[0]
    assert read.resource.attributes[0].value.string_value == "caf\u00e9"
    for span, message in zip(spans, read.scope_spans[0].spans, strict=True):
        assert (message.trace_id.hex(), message.span_id.hex()) == (span["traceId"], span["spanId"])
        assert message.parent_span_id.hex() == span.get("parentSpanId", "")
        assert str(message.start_time_unix_nano) == span["startTimeUnixNano"]
        assert message.kind == span["kind"]
        assert message.status.code == span["status"].get("code", 0)
        as_json = MessageToDict(message)
        assert as_json.get("attributes", []) == span["attributes"]
        assert as_json["name"] == span["name"]
    assert spans[0]["startTimeUnixNano"] == "99000000000"


@pytest.mark.parametrize("instance", ["", "\u00e9", "x" * 300])
def test_ids_have_the_lengths_that_are_wanted(instance: str) -> None:
    trace = a_change(instance=instance)
    assert len(bytes.fromhex(trace.trace_id)) == 16
    assert all(len(bytes.fromhex(span.span_id)) == 8 for span in trace.spans)
