"""The primitives: numbers, durations, JSON as Struct, Any; and that a message is a value like any other."""

import copy
import pickle
import struct
from typing import Any

import pytest
from google.protobuf import duration_pb2, struct_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from envoyapi import wire
from envoyapi.config_cluster_v3 import ClusterLbPolicy
from envoyapi.config_core_v3 import Metadata
from envoyapi.config_route_v3 import Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost

SAME = settings(derandomize=True, database=None, deadline=None)  # the same cases each time
JSONS: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 53), 1 << 53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("number", "encoded"),
    [
        (0, "00"),
        (127, "7f"),
        (128, "8001"),
        (300, "ac02"),
        (-1, "ff" * 9 + "01"),
        ((1 << 64) - 1, "ff" * 9 + "01"),
    ],
)
def test_varint(number: int, encoded: str) -> None:
    assert wire.varint(number).hex() == encoded


@pytest.mark.parametrize("number", [1 << 64, -(1 << 63) - 1])
def test_varint_of_more_than_64_bits(number: int) -> None:
    with pytest.raises(ValueError, match="does not fit 64 bits"):
        wire.varint(number)


@pytest.mark.parametrize(
    ("numbers", "refused"),
    [
        (wire.UINT32, [-1, 1 << 32]),
        (wire.UINT64, [-1, 1 << 64]),
        (wire.INT32, [-(1 << 31) - 1, 1 << 31]),
        (wire.INT64, [-(1 << 63) - 1, 1 << 63]),
        (wire.WRAPPED_UINT32, [-1, 1 << 32]),
    ],
)
def test_numbers_outside_their_type_are_refused(numbers: wire.Numbers, refused: list[int]) -> None:
    for number in refused:
        with pytest.raises(ValueError, match=f"{number} is not between"):
            numbers[number]


def test_members_of_enums_are_numbers() -> None:
    """Looked up before the plain number was, and after; a range would count up to them."""
    big = wire.Numbers(range(-(1 << 31), 1 << 31), wire.varint)
    assert [big[ClusterLbPolicy.MAGLEV], big[int(ClusterLbPolicy.MAGLEV)]] == [b"\x05", b"\x05"]


@SAME
@given(st.integers(-(10**17), 10**17))
def test_duration_ms_is_protobufs(milliseconds: int) -> None:
    theirs = duration_pb2.Duration()
    theirs.FromMilliseconds(milliseconds)
    assert wire.duration_ms(milliseconds) == theirs.SerializeToString()


@pytest.mark.parametrize(
    ("seconds", "parts"),
    [
        (0, (0, 0)),
        (0.25, (0, 250_000_000)),
        (-1.5, (-1, -500_000_000)),
        (0.1, (0, 100_000_000)),
        (1e-9, (0, 1)),
        (3, (3, 0)),
    ],
)
def test_duration_s(seconds: float, parts: tuple[int, int]) -> None:
    assert wire.duration_s(seconds) == wire.Duration(seconds=parts[0], nanos=parts[1])


@pytest.mark.parametrize("seconds", [float("inf"), float("nan")])
def test_a_duration_is_finite(seconds: float) -> None:
    with pytest.raises(ValueError, match="is not a length of time"):
        wire.duration_s(seconds)


@SAME
@given(st.dictionaries(st.text(), JSONS))
def test_struct_is_protobufs(members: dict[str, Any]) -> None:
    theirs = struct_pb2.Struct()
    theirs.update(members)
    assert struct_pb2.Struct.FromString(wire.struct(members)) == theirs


def test_struct_does_not_depend_on_order() -> None:
    one = wire.struct({"b": {"x": 1, "a": 2}, "a": [True, None]})
    assert one == wire.struct({"a": [True, None], "b": {"a": 2, "x": 1}})


def test_struct_takes_json_only() -> None:
    with pytest.raises(TypeError, match=r"b'x' is not JSON"):
        wire.struct({"a": [b"x"]})


def test_maps_do_not_depend_on_order() -> None:
    one = {"b": wire.struct({}), "a": wire.struct({"x": 1})}
    other = dict(reversed(one.items()))
    assert Metadata(filter_metadata=one) == Metadata(filter_metadata=other)


def test_any_of() -> None:
    wrapped = wire.any_of(RouteMatch(prefix="/"))
    assert wrapped == wire.Any(type_url="type.googleapis.com/envoy.config.route.v3.RouteMatch", value=b"\n\x01/")
    assert wire.type_url(RouteMatch) == "type.googleapis.com/envoy.config.route.v3.RouteMatch"
    assert wire.any_of(RouteMatch()) == wire.Any(type_url=wire.type_url(RouteMatch))


def test_absent_and_empty() -> None:
    """None is absent; what has presence is told even when empty; what has none is not."""
    assert RouteMatch() == b""
    assert RouteMatch(prefix="") == b"\n\x00"
    assert RouteMatch(case_sensitive=False) == b'"\x00'
    assert Route(name="", match=RouteMatch()) == b"\n\x00"
    assert VirtualHost(name="", domains=[], routes=iter(())) == b""


def test_a_parent_is_joined_from_its_children() -> None:
    """A field may be appended to an encoded message; repeated fields go on where they were."""
    routes = [Route(match=RouteMatch(prefix=f"/{n}"), route=RouteAction(cluster="c")) for n in range(3)]
    head = VirtualHost(name="a", domains=("*",))
    joined = VirtualHost.of(head + b"".join([b"\x1a" + wire.sized(route) for route in routes]))
    assert joined == VirtualHost(name="a", domains=("*",), routes=routes)


def test_messages_are_values() -> None:
    message = RouteConfiguration(name="a", virtual_hosts=[VirtualHost(name="b")])
    for again in (copy.copy(message), copy.deepcopy(message), pickle.loads(pickle.dumps(message))):
        assert again == message
        assert type(again) is RouteConfiguration
    assert len({message, RouteConfiguration.of(bytes(message))}) == 1


def test_floats_are_little_endian() -> None:
    assert wire.wrapped_float64(1.5) == b"\x09\x09" + struct.pack("<d", 1.5)
    assert wire.wrapped_float64(0.0) == b"\x00"
