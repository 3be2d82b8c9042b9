"""The way to a collector, by real gRPC and HTTP; and what is kept and counted when it is slow, away or unwilling."""

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast

import grpc
import orjson
import pytest

from diagnostics.following import Following, NotOpenError
from diagnostics.traces import exporting
from diagnostics.traces.exporting import MOST_WAITING, Exporter
from diagnostics.traces.otlp import document
from diagnostics.traces.sending import Answer, Sender, sender_of
from diagnostics.traces.spans import Span, Trace
from process.otlp import Otlp
from tests.support.certificates import authority
from tests.support.collectors import OtlpSink
from tests.support.envoy import until
from tests.support.ports import unused_port
from tests.support.upstream import HttpUpstream

RESOURCE = {"service.name": "dragoman", "service.instance.id": "default/here"}
TOLD = document([Trace("ab" * 16, (Span("cd" * 8, "", "change", 1.0, 2.0),))], RESOURCE)


@contextlib.asynccontextmanager
async def sender(otlp: Otlp) -> AsyncIterator[Sender]:
    made = sender_of(otlp)
    try:
        yield made
    finally:
        await made.close()


@pytest.fixture
def sink() -> Iterator[OtlpSink]:
    with OtlpSink() as sink:
        yield sink


@pytest.mark.parametrize("compressed", [False, True])
async def test_over_grpc_with_headers(sink: OtlpSink, compressed: bool) -> None:
    otlp = Otlp(sink.service, headers=(("authorization", "Basic abc"),), gzip=compressed)
    async with sender(otlp) as each:
        assert await each.send(TOLD) == Answer(True)
    (span,) = sink.spans()
    assert (span.trace_id.hex(), span.name) == ("ab" * 16, "change")
    assert sink.resource() == RESOURCE
    assert sink.metadata[0]["authorization"] == "Basic abc"


async def test_over_grpc_with_tls_the_collector_is_checked(tmp_path: Path) -> None:
    trusted, other = authority("trusted"), authority("other")
    pair = trusted.server("localhost", ["localhost", "127.0.0.1"])
    (tmp_path / "trusted.pem").write_bytes(trusted.pair.certificate)
    (tmp_path / "other.pem").write_bytes(other.pair.certificate)
    with OtlpSink(pair) as sink:
        good = Otlp(sink.service, has_tls=True, certificate=tmp_path / "trusted.pem")
        async with sender(good) as each:
            assert await each.send(TOLD) == Answer(True)
        bad = Otlp(sink.service, has_tls=True, certificate=tmp_path / "other.pem", timeout=2.0)
        async with sender(bad) as each:
            answer = await each.send(TOLD)
        assert (answer.taken, answer.is_final) == (False, False)
        assert len(sink.spans()) == 1


@pytest.mark.parametrize(
    ("code", "is_final"),
    [
        (grpc.StatusCode.UNAVAILABLE, False),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, False),
        (grpc.StatusCode.UNAUTHENTICATED, True),
        (grpc.StatusCode.INVALID_ARGUMENT, True),
    ],
)
async def test_what_a_collector_says_decides_whether_it_is_asked_again(
    sink: OtlpSink, code: grpc.StatusCode, is_final: bool
) -> None:
    sink.refusal = code
    async with sender(Otlp(sink.service)) as each:
        assert await each.send(TOLD) == Answer(False, f"{code.name}: not now", is_final=is_final)


async def test_a_collector_may_take_a_part(sink: OtlpSink) -> None:
    sink.rejected = 1
    async with sender(Otlp(sink.service)) as each:
        assert await each.send(TOLD) == Answer(True, "too long", rejected=1)


@pytest.mark.parametrize("compressed", [False, True])
async def test_over_http_as_json_or_protobuf(compressed: bool) -> None:
    with HttpUpstream("collector") as upstream:
        target = f"http://{upstream.service}/v1/traces"
        headers = (("x-key", "k"),)
        for protocol in ("http/json", "http/protobuf"):
            otlp = Otlp(target, "http/json" if protocol == "http/json" else "http/protobuf", headers=headers)
            otlp = Otlp(target, otlp.protocol, headers=headers, gzip=compressed)
            async with sender(otlp) as each:
                assert (await each.send(TOLD)).taken
        as_json, as_protobuf = upstream.seen
        assert as_json["path"] == as_protobuf["path"] == "/v1/traces"
        assert as_json["headers"]["content-type"] == "application/json"
        assert as_protobuf["headers"]["content-type"] == "application/x-protobuf"
        assert as_json["headers"]["x-key"] == "k"
        body = upstream.bodies[0]
        assert orjson.loads(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body) == TOLD


@pytest.mark.parametrize(("status", "is_final"), [(503, False), (429, False), (400, True), (401, True)])
async def test_over_http_the_status_decides_it(status: int, is_final: bool) -> None:
    with HttpUpstream("collector") as upstream:
        upstream.status = status
        async with sender(Otlp(f"http://{upstream.service}/v1/traces", "http/json")) as each:
            assert await each.send(TOLD) == Answer(False, f"HTTP {status}", is_final=is_final)


async def test_nobody_there_is_an_answer_too() -> None:
    port = unused_port()
    for otlp in (Otlp(f"127.0.0.1:{port}"), Otlp(f"http://127.0.0.1:{port}/v1/traces", "http/json")):
        async with sender(otlp) as each:
            answer = await each.send(TOLD)
        assert (answer.taken, answer.is_final) == (False, False)
        assert answer.reason


class Told:
    """In place of what follows the snapshot: gives these traces, one list a look, then none."""

    def __init__(self, *looks: list[Trace]) -> None:
        self._looks = list(looks)

    async def ask(self, *_: Any) -> list[Trace]:
        if not self._looks:
            raise NotOpenError("no snapshot")
        return self._looks.pop(0)


def traces(count: int) -> list[Trace]:
    return [Trace(f"{number:032x}", (Span(f"{number:016x}", "", "change", 1.0, 2.0),)) for number in range(count)]


@contextlib.asynccontextmanager
async def exporter(otlp: Otlp, looks: list[list[Trace]], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Exporter]:
    monkeypatch.setattr(exporting, "LOOK_EACH", 0.01)
    monkeypatch.setattr(exporting, "FIRST_RETRY", 0.01)
    made = Exporter(otlp, RESOURCE, cast("Following", Told(*looks)))
    running = asyncio.create_task(made.run())
    try:
        yield made
        assert not running.done()
    finally:
        running.cancel()
        await asyncio.wait([running])


async def test_what_waits_is_bounded_and_the_rest_is_counted_and_what_waited_is_sent_when_the_collector_is_there(
    sink: OtlpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink.refusal = grpc.StatusCode.UNAVAILABLE
    async with exporter(Otlp(sink.service), [traces(MOST_WAITING + 7), traces(1)], monkeypatch) as each:
        await until(lambda: each.spans == {"sent": 0, "dropped": 8} and sink.asked > 2, what="dropped, and asked again")
        sink.refusal = None
        await until(lambda: each.spans["sent"] == MOST_WAITING, what="all sent")
        assert each.spans["dropped"] == 8
    assert [span.trace_id for span in sink.spans()] == [bytes.fromhex(trace.trace_id) for trace in traces(MOST_WAITING)]


async def test_what_a_collector_does_not_want_is_dropped_and_the_next_is_sent(
    sink: OtlpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink.refusal = grpc.StatusCode.INVALID_ARGUMENT
    later: list[list[Trace]] = [traces(2)]
    async with exporter(Otlp(sink.service), later, monkeypatch) as each:
        await until(lambda: each.spans["dropped"] == 2, what="dropped")
        sink.refusal = None
    sink.rejected = 1
    async with exporter(Otlp(sink.service), [traces(3)], monkeypatch) as each:
        await until(lambda: each.spans == {"sent": 2, "dropped": 1}, what="two of three")


async def test_a_certificate_that_cannot_be_read_ends_the_sending_and_nothing_else(tmp_path: Path) -> None:
    missing = Otlp("127.0.0.1:1", has_tls=True, certificate=tmp_path / "none.pem")
    made = Exporter(missing, RESOURCE, cast("Following", Told()))
    await made.run()
    assert made.spans == {"sent": 0, "dropped": 0}
