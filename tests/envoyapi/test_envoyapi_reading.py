"""What Envoy says is read as it was written, and bytes that are not a request are told as such."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envoyapi import canonical, reading
from envoyapi.config_core_v3 import Node
from envoyapi.google_rpc import Status
from envoyapi.reading import DecodeError
from envoyapi.service_discovery_v3 import DeltaDiscoveryRequest

SAME = settings(derandomize=True, database=None, deadline=None)  # the same cases each time
TEXT = st.text(st.characters(codec="utf-8"))
REQUESTS = st.builds(
    reading.DeltaDiscoveryRequest,
    node_id=TEXT,
    type_url=TEXT,
    subscribe=st.lists(TEXT).map(tuple),
    unsubscribe=st.lists(TEXT).map(tuple),
    initial_resource_versions=st.dictionaries(TEXT, TEXT),
    response_nonce=TEXT,
    error=st.none() | st.tuples(st.integers(0, 16), TEXT),
)


def written(request: reading.DeltaDiscoveryRequest) -> DeltaDiscoveryRequest:
    """The request as Envoy sends it, with things in it that we do not read."""
    node = Node(id=request.node_id, cluster="c", user_agent_name="envoy", user_agent_version="1.40.0")
    return DeltaDiscoveryRequest(
        node=node,
        type_url=request.type_url,
        resource_names_subscribe=list(request.subscribe),
        resource_names_unsubscribe=list(request.unsubscribe),
        initial_resource_versions=request.initial_resource_versions,
        response_nonce=request.response_nonce,
        error_detail=Status(code=request.error[0], message=request.error[1]) if request.error else None,
    )


@SAME
@given(REQUESTS)
def test_a_request_is_read_as_it_was_written(request: reading.DeltaDiscoveryRequest) -> None:
    assert reading.delta_discovery_request(written(request)) == request


def test_a_request_that_protobuf_wrote() -> None:
    data = canonical.from_json(
        DeltaDiscoveryRequest.FULL_NAME,
        {
            "node": {"id": "dragoman", "metadata": {"a": {"b": 1}}, "locality": {"zone": "z"}},
            "type_url": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
            "resource_names_subscribe": ["*", "a"],
            "initial_resource_versions": {"a": "1", "b": ""},
            "response_nonce": "7",
            "error_detail": {"code": 13, "message": "no", "details": []},
        },
    )
    assert reading.delta_discovery_request(data) == reading.DeltaDiscoveryRequest(
        node_id="dragoman",
        type_url="type.googleapis.com/envoy.config.cluster.v3.Cluster",
        subscribe=("*", "a"),
        unsubscribe=(),
        initial_resource_versions={"a": "1", "b": ""},
        response_nonce="7",
        error=(13, "no"),
    )


def test_a_refusal_may_be_empty() -> None:
    """An error_detail refuses, whatever is in it."""
    assert reading.delta_discovery_request(b"\x3a\x00").error == (0, "")


def test_all_kinds_of_fields() -> None:
    data = b"\x08\x96\x01" + b"\x11" + bytes(range(8)) + b"\x1a\x02hi" + b"\x25" + bytes(4) + b"\x82\x01\x00"
    assert list(reading.fields(data)) == [(1, 150), (2, bytes(range(8))), (3, b"hi"), (4, bytes(4)), (16, b"")]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"\x12\x05ab", "field 2 wants 5 bytes at byte 2 of 4"),
        (b"\x12", "a number has no end before byte 1"),
        (b"\x80", "a number has no end before byte 1"),
        (b"\x00\x00", "field number 0 before byte 1"),
        (b"\x13", "field 2 has the unknown wire type 3 before byte 1"),
        (b"\x15ab", "field 2 wants 4 bytes at byte 1 of 3"),
        (b"\x48" + b"\xff" * 9 + b"\x02", "a number is longer than 64 bits before byte 11"),
        (b"\x48" + b"\x80" * 11 + b"\x00", "a number is longer than 64 bits before byte 13"),
        (b"\x10\x01", "type_url is a number, not a string"),
        (b"\x0a\x02\x0a\x05", "field 1 wants 5 bytes at byte 2 of 2"),
        (b"\x08\x01", "node is a number, not a message"),
        (b"\x12\x01\xff", "type_url is not UTF-8 at its byte 0: invalid start byte"),
        (b"\x3a\x03\x0a\x01a", "error_detail.code is not a number"),
    ],
)
def test_what_is_wrong_is_told(data: bytes, told: str) -> None:
    with pytest.raises(DecodeError) as raised:
        reading.delta_discovery_request(data)
    assert str(raised.value) == told


@SAME
@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(DecodeError):
        reading.delta_discovery_request(data)


@SAME
@given(REQUESTS, st.data())
def test_a_request_cut_short_is_a_part_of_it_or_refused(
    request: reading.DeltaDiscoveryRequest, data: st.DataObject
) -> None:
    whole = written(request)
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    try:
        read = reading.delta_discovery_request(cut)
    except DecodeError:
        return
    assert read.subscribe == request.subscribe[: len(read.subscribe)]
    assert read.unsubscribe == request.unsubscribe[: len(read.unsubscribe)]
    assert read.initial_resource_versions.items() <= request.initial_resource_versions.items()
