"""Any object goes to another version and back unchanged; edited in between, the edit stays and the rest comes back."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import orjson
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conversion import ANNOTATION, CURRENT, OLDER, VERSIONS, convert, versions_of
from conversion.kinds import PARTS

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(-1e6, 1e6) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
TEXT = st.sampled_from(["", "a", "b,c", "a, b", "x.test", "*", "*.test", "default", "--apiVersion-v3alpha1-only--a"])
HEADER = st.sampled_from(["x-a", "x-b", ":authority", "X-A"])
TEXTS = st.lists(TEXT, max_size=3)
ADDED = (
    TEXT
    | st.none()
    | st.booleans()
    | st.integers(0, 9)
    | st.fixed_dictionaries(
        {},
        optional={
            "value": TEXT,
            "append": st.booleans() | st.none(),
            "v2Representation": st.sampled_from(["string", "null", "odd", ""]),
        },
    )
)
SPECIFIER = (
    st.sampled_from(["remote_address", "source_cluster", "destination_cluster", "mine", ""])
    | st.fixed_dictionaries({"generic_key": TEXT}, optional={"v3Key": TEXT, "more": TEXT})
    | st.dictionaries(
        TEXT, st.fixed_dictionaries({"header": TEXT}, optional={"omit_if_not_present": st.booleans()}), max_size=2
    )
    | st.fixed_dictionaries(
        {"remote_address": st.fixed_dictionaries({"key": st.sampled_from(["remote_address", "x"])})}
    )
    | st.fixed_dictionaries(
        {"generic_key": st.fixed_dictionaries({"value": TEXT}, optional={"key": TEXT, "v2Shorthand": st.booleans()})}
    )
    | st.fixed_dictionaries(
        {"request_headers": st.fixed_dictionaries({}, optional={"key": TEXT, "header_name": TEXT, "else": TEXT})}
    )
)
TAG = JSON | st.fixed_dictionaries({"tag": TEXT, "request_header": st.fixed_dictionaries({"name": TEXT})})
EXPLICIT = st.fixed_dictionaries(
    {},
    optional={
        "tls": st.sampled_from(["", "null", "string", "bool:true", "bool:false", "odd"]),
        "serviceScheme": st.sampled_from(["", "http://", "https://", "HTTP://"]) | st.none(),
    },
)
SERVICE = st.sampled_from(["quote", "http://quote", "https://quote:8443", "HTTPS://quote", "", "HTTP://q"])
BOOLEAN = st.booleans() | st.none()
ODD: Mapping[str, st.SearchStrategy[Any]] = {
    "ambassador_id": TEXT | TEXTS,
    "ambassadorId": TEXT | TEXTS,
    "host": TEXT | st.just("_skip_mapping_with_empty_host_"),
    "hostname": TEXT,
    "host_regex": BOOLEAN,
    "host_redirect": BOOLEAN,
    "tls": st.booleans() | st.none() | TEXT,
    "service": SERVICE,
    "auth_service": SERVICE,
    "v2ExplicitTLS": EXPLICIT,
    "headers": st.dictionaries(HEADER, st.booleans() | TEXT | st.none(), max_size=3),
    "regex_headers": st.dictionaries(HEADER, TEXT | st.just(".*"), max_size=3),
    "v2BoolHeaders": st.lists(HEADER, max_size=3),
    "query_parameters": st.dictionaries(HEADER, st.booleans() | TEXT, max_size=3),
    "regex_query_parameters": st.dictionaries(HEADER, st.just(".*"), max_size=2),
    "v2BoolQueryParameters": st.lists(HEADER, max_size=2),
    "add_request_headers": st.dictionaries(HEADER, ADDED, max_size=3),
    "add_response_headers": st.dictionaries(HEADER, ADDED, max_size=3),
    "remove_request_headers": TEXT | TEXTS,
    "remove_response_headers": TEXT | TEXTS,
    "cors": st.fixed_dictionaries(
        {},
        optional={
            "origins": TEXT | TEXTS,
            "methods": TEXT | TEXTS,
            "headers": TEXT | TEXTS,
            "exposed_headers": TEXT,
            "v2CommaSeparatedOrigins": BOOLEAN,
            "max_age": TEXT,
        },
    ),
    "labels": st.dictionaries(
        TEXT, st.lists(st.dictionaries(TEXT, st.lists(SPECIFIER, max_size=3), max_size=2)), max_size=2
    ),
    "load_balancer": st.fixed_dictionaries({"policy": TEXT}, optional={"cookie": JSON, "source_ip": BOOLEAN}),
    "stats_name": TEXT,
    "v3StatsName": TEXT,
    "circuit_breakers": JSON,
    "v3CircuitBreakers": JSON,
    "health_checks": JSON,
    "v3health_checks": JSON,
    "grpc": BOOLEAN,
    "v3GRPC": BOOLEAN,
    "protocol_version": TEXT,
    "v3ProtocolVersion": TEXT,
    "crl_secret": TEXT,
    "v3CRLSecret": TEXT,
    "selector": JSON,
    "mappingSelector": JSON,
    "tag_headers": TEXTS | TEXT,
    "custom_tags": st.lists(TAG, max_size=3),
    "v3CustomTags": st.lists(TAG, max_size=3),
    "config": st.fixed_dictionaries(
        {}, optional={"propagation_modes": TEXTS, "v3PropagationModes": TEXTS, "more": JSON}
    ),
}


@cache
def specs(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """Specs of a kind: its fields in odd spellings, sometimes nonsense, and fields that nobody knows."""
    names = sorted({name for part in PARTS[kind] for name in (*part.fields, *part.reads)} | {"prefix"})
    fields = {name: st.one_of(ODD.get(name, JSON), ODD.get(name, JSON), JSON) for name in names}
    return st.tuples(
        st.fixed_dictionaries({}, optional=fields), st.dictionaries(st.text(max_size=5), JSON, max_size=2)
    ).map(lambda both: {**both[1], **both[0]})


@st.composite
def objects(draw: st.DrawFn, versions: tuple[str, ...] = VERSIONS) -> dict[str, Any]:
    """Objects of any kind in any of these versions."""
    kind = draw(st.sampled_from(sorted(PARTS)))
    version = draw(st.sampled_from([version for version in versions_of(kind) if version in versions]))
    metadata = {"name": "a", "namespace": "b"} | draw(
        st.fixed_dictionaries(
            {}, optional={"annotations": st.none() | st.dictionaries(TEXT, TEXT, max_size=2), "labels": JSON}
        )
    )
    found: dict[str, Any] = {"apiVersion": f"getambassador.io/{version}", "kind": kind, "metadata": metadata}
    if draw(st.integers(0, 9)):
        found["spec"] = draw(st.one_of(specs(kind), specs(kind), specs(kind), JSON))
    return found | draw(REST)


REST = st.fixed_dictionaries({}, optional={"status": JSON, "more": JSON})


def text(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def others(document: dict[str, Any]) -> list[str]:
    return [version for version in versions_of(document["kind"]) if not document["apiVersion"].endswith(f"/{version}")]


def version_of(document: dict[str, Any]) -> str:
    return str(document["apiVersion"]).rpartition("/")[2]


@given(objects())
@settings(max_examples=150, deadline=None)
def test_there_and_back_is_the_same_object(document: dict[str, Any]) -> None:
    before = text(document)
    for version in others(document):
        there = convert(document, version)
        assert version_of(there) == version
        assert text(document) == before, "the object that was given is left alone"
        assert text(convert(there, version_of(document))) == before


@given(objects())
@settings(max_examples=60, deadline=None)
def test_once_there_every_further_round_is_the_same_too(document: dict[str, Any]) -> None:
    """What a server stores in one version and gives to readers of all of them settles at once."""
    for version in others(document):
        there = convert(document, version)
        for another in versions_of(document["kind"]):
            assert text(convert(convert(there, another), version)) == text(there)


@given(objects(OLDER), st.data())
@settings(max_examples=60, deadline=None)
def test_the_older_versions_are_the_same_but_for_their_name(document: dict[str, Any], data: st.DataObject) -> None:
    for version in set(others(document)) & set(OLDER):
        assert convert(document, version) == {**document, "apiVersion": f"getambassador.io/{version}"}
        current = convert(convert(document, version), CURRENT)
        assert current["spec"] == convert(document, CURRENT)["spec"] if "spec" in document else True
        assert text(convert(current, version_of(document))) == text(document)


@given(objects(), st.data())
@settings(max_examples=100, deadline=None)
def test_an_edit_in_the_other_version_counts_and_leaves_the_rest_as_it_was(
    document: dict[str, Any], data: st.DataObject
) -> None:
    """One part edited there; back here, all other parts are as they were written, and the edit survives a round."""
    if not isinstance(document.get("spec"), dict) or not others(document):
        return
    version = data.draw(st.sampled_from(others(document)))
    part = data.draw(st.sampled_from(PARTS[document["kind"]]))
    field = data.draw(st.sampled_from(part.fields))
    there = convert(document, version)
    edited = {**there, "spec": {**there["spec"], field: data.draw(ODD.get(field, JSON))}}
    back = convert(edited, version_of(document))
    touched = {name for one in PARTS[document["kind"]] if one is part or field in one.reads for name in one.fields}
    assert {k: v for k, v in back["spec"].items() if k not in touched} == {
        k: v for k, v in document["spec"].items() if k not in touched
    }
    assert {k: v for k, v in convert(back, version)["spec"].items() if k in touched} == {
        k: v for k, v in edited["spec"].items() if k in touched
    }


@given(objects(), JSON | st.text() | st.sampled_from(['{"v2":{"host":{"host":"evil"}}}', "[", '{"v3alpha1":3}']))
@settings(max_examples=60, deadline=None)
def test_a_forged_memory_changes_nothing_that_is_said(document: dict[str, Any], memory: Any) -> None:
    """Whatever the annotation holds, the spec is converted as if it were not there, unless it fits."""
    forged = {**document, "metadata": {**document["metadata"], "annotations": {ANNOTATION: memory}}}
    for version in others(document):
        back = convert(convert(forged, version), version_of(document))
        assert text(back.get("spec")) == text(document.get("spec"))


@given(st.integers(1, 900), st.sampled_from(["labels", "tls", "unknown", "headers"]))
@example(900, "labels")
@settings(max_examples=50, deadline=None)
def test_depth_ends_nobody(depth: int, field: str) -> None:
    value: Any = "x"
    for _ in range(depth):
        value = {"a": value} if depth % 2 else [value]
    for version in OLDER:
        document = {
            "apiVersion": f"getambassador.io/{version}",
            "kind": "Mapping",
            "metadata": {"name": "deep"},
            "spec": {field: value, "add_request_headers": {"x": value}},
        }
        back = convert(convert(document, CURRENT), version)
        assert back["spec"].keys() == document["spec"].keys()  # type: ignore[attr-defined]
        assert back["spec"]["add_request_headers"]["x"] is not None
