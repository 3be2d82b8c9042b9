"""The generated modules: fresh, and the same bytes as envoy-data-plane and protobuf's C give."""

import dataclasses
import datetime as dt
import importlib
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from envoyapi import canonical, generate, schema, wire
from envoyapi.schema import Field, Kind
from envoyapi.vocabulary import VOCABULARY

Pair = tuple[Any, Any]  # the same value for our constructor and for the library's

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
FLOATS = st.floats(allow_nan=False).filter(lambda number: number != 0 or math.copysign(1, number) > 0)
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "bool": st.booleans(),
    "bytes": st.binary(max_size=200),
    "double": FLOATS,
    "float": st.floats(width=32, allow_nan=False).filter(lambda number: number != 0 or math.copysign(1, number) > 0),
    "int32": st.integers(-(1 << 31), (1 << 31) - 1),
    "int64": st.integers(-(1 << 63), (1 << 63) - 1),
    "string": TEXT,
    "uint32": st.integers(0, (1 << 32) - 1),
    "uint64": st.integers(0, (1 << 64) - 1),
}
WRAPPED = {
    "google.protobuf.BoolValue": "bool",
    "google.protobuf.BytesValue": "bytes",
    "google.protobuf.DoubleValue": "double",
    "google.protobuf.FloatValue": "float",
    "google.protobuf.Int32Value": "int32",
    "google.protobuf.Int64Value": "int64",
    "google.protobuf.StringValue": "string",
    "google.protobuf.UInt32Value": "uint32",
    "google.protobuf.UInt64Value": "uint64",
}
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 53), 1 << 53) | FLOATS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=1),
    max_leaves=5,
)


def our_class(full_name: str) -> Any:
    module = importlib.import_module(f"envoyapi.{generate.module_of(full_name)}")
    return getattr(module, schema.message(full_name).class_name)


@st.composite
def message_pairs(draw: st.DrawFn, full_name: str, depth: int = 0) -> Pair:
    """A message with some of its fields, made by us and by the library."""
    fields = generate.available(schema.message(full_name), generate.wanted())
    wanted = draw(st.lists(st.sampled_from(fields), unique=True, max_size=8 if depth == 0 else 2)) if fields else []
    chosen = {field.oneof or field.name: field for field in wanted}.values()
    return made_of(
        full_name,
        {
            field: draw(field_pairs(field, depth))
            for field in chosen
            if depth < 3 or field.kind.proto != "message" or not inner(field.kind)
        },
    )


def lone_field_pairs(full_name: str, field: Field) -> st.SearchStrategy[Pair]:
    """The message with nothing but that field."""
    return field_pairs(field, 1).map(lambda pair: made_of(full_name, {field: pair}))


def made_of(full_name: str, pairs: dict[Field, Pair]) -> Pair:
    ours = our_class(full_name)(**{generate.argument_of(field): pair[0] for field, pair in pairs.items()})
    return ours, library_message(full_name, {field.number: pair[1] for field, pair in pairs.items()})


def library_message(full_name: str, values: dict[int, Any]) -> Any:
    """The library's message, past its constructor, which validates all of Envoy's types for a second or more."""
    cls = schema.library_class(full_name)
    made = object.__new__(cls)
    for field in dataclasses.fields(cls):
        factory = field.default_factory
        default = field.default if factory is dataclasses.MISSING else factory()
        setattr(made, field.name, values.get(field.metadata["betterproto"].number, default))
    made._unknown_fields = b""
    return made


def inner(kind: Kind) -> bool:
    return not kind.full_name.startswith("google.protobuf.")


@st.composite
def field_pairs(draw: st.DrawFn, field: Field, depth: int) -> Pair:
    one = value_pairs(field.kind, depth)
    if field.label == "map":
        pairs = draw(st.dictionaries(TEXT, one, max_size=1))  # protobuf's C sorts more backwards
        return {key: pair[0] for key, pair in pairs.items()}, {key: pair[1] for key, pair in pairs.items()}
    if field.label == "repeated":
        several = draw(st.lists(one, max_size=3))
        return [pair[0] for pair in several], [pair[1] for pair in several]
    return draw(one)


def value_pairs(kind: Kind, depth: int) -> st.SearchStrategy[Pair]:
    if kind.proto == "enum":
        module = importlib.import_module(f"envoyapi.{generate.module_of(kind.full_name)}")
        members = list(getattr(module, schema.enum(kind.full_name).class_name))
        return st.sampled_from(members).map(lambda member: (member, int(member)))
    if kind.full_name in WELL_KNOWN:
        return WELL_KNOWN[kind.full_name]
    if kind.proto == "message":
        return message_pairs(kind.full_name, depth + 1)
    return SCALARS[kind.proto].map(twice)


def duration_pair(microseconds: int) -> Pair:
    """Not negative: the library writes those as protobuf forbids, with seconds and nanoseconds of two signs."""
    seconds, rest = divmod(microseconds, 1_000_000)
    return wire.Duration(seconds=seconds, nanos=rest * 1000), dt.timedelta(microseconds=microseconds)


def any_pair(type_url: str, value: bytes) -> Pair:
    their_any = schema.library_class("google.protobuf.Any")
    return wire.Any(type_url=type_url, value=value), their_any(type_url=type_url, value=value)


def library_pair(ours: wire.Message) -> Pair:
    """With what the library reads of it; `wire.struct` has tests of its own."""
    return ours, schema.library_class(ours.FULL_NAME).parse(bytes(ours))


def twice(value: Any) -> Pair:
    return value, value


WELL_KNOWN: dict[str, st.SearchStrategy[Pair]] = {
    **{full_name: SCALARS[proto].map(twice) for full_name, proto in WRAPPED.items()},
    "google.protobuf.Any": st.builds(any_pair, TEXT, st.binary(max_size=300)),
    "google.protobuf.Duration": st.integers(0, 10**15).map(duration_pair),
    "google.protobuf.Empty": st.builds(lambda: library_pair(wire.Empty())),
    "google.protobuf.Struct": st.dictionaries(TEXT, JSONS, max_size=1).map(
        lambda json: library_pair(wire.struct(json))
    ),
    "google.protobuf.Value": JSONS.map(lambda json: library_pair(wire.value(json))),
}


@pytest.fixture(autouse=True)
def _unvalidated(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library checks a message's types anew for each of its parts before it writes it; that is not asked here."""
    monkeypatch.setattr("betterproto2.Message._validate", lambda message: None)


def same_cases(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )


def assert_same(full_name: str, pair: Pair) -> None:
    """Ours are what protobuf's C writes, fields in order, after reading what the library wrote."""
    ours, theirs = pair
    library = bytes(theirs)
    assert len(ours) == len(library)
    assert ours == canonical.parse(full_name, library).SerializeToString(deterministic=True)


@pytest.mark.parametrize("full_name", sorted(generate.wanted()))
def test_a_message_is_the_librarys(full_name: str) -> None:
    @same_cases(8)
    @given(message_pairs(full_name))
    def check(pair: Pair) -> None:
        assert_same(full_name, pair)

    check()


@pytest.mark.parametrize("full_name", sorted(generate.wanted()))
def test_each_field_is_the_librarys(full_name: str) -> None:
    """No field is left to chance; the first of the cases is the empty value."""
    fields = generate.available(schema.message(full_name), generate.wanted())
    for start in range(0, len(fields), 8):

        @same_cases(3)
        @given(st.tuples(*(lone_field_pairs(full_name, field) for field in fields[start : start + 8])))
        def check(pairs: tuple[Pair, ...]) -> None:
            for pair in pairs:
                assert_same(full_name, pair)

        check()


def test_modules_are_fresh() -> None:
    """`python -m envoyapi.generate` has been run since the vocabulary, the generator or the library changed."""
    on_disk = {path.name: path.read_text() for path in generate.generated()}
    assert on_disk == generate.modules()


def test_vocabulary_is_sorted() -> None:
    assert list(VOCABULARY) == sorted(set(VOCABULARY))


def test_arguments_have_envoys_names() -> None:
    """No field of the vocabulary needs another word in Python."""
    names = generate.wanted()
    fields = [field for name in names for field in generate.available(schema.message(name), names)]
    assert [field.name for field in fields if generate.argument_of(field) != field.name] == []


def test_two_of_one_oneof_are_refused() -> None:
    route_match = our_class("envoy.config.route.v3.RouteMatch")
    with pytest.raises(ValueError, match="RouteMatch takes only one path_specifier"):
        route_match(prefix="/", path="/a")


def test_numbers_out_of_range_are_refused() -> None:
    socket_address = our_class("envoy.config.core.v3.SocketAddress")
    with pytest.raises(ValueError, match="-1 is not between 0 and 4294967295"):
        socket_address(address="::1", port_value=-1)
