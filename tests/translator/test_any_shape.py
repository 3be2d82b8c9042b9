"""Any JSON in any place of any object: no failure of ours, no harm to anyone else, and a problem that names a field."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.shapes import Document, Path, bystanders, family, key_of, misshapen, put
from translator.decode import MOST
from translator.options import Options
from translator.publishing import record_of_status
from translator.statuses import Status
from translator.subjects import Edition
from translator.translation import Translation

KINDS = sorted(family())
LARGEST_STATUS = 64 << 10
"""Bytes of a status as it is published, the largest that there may be."""


class World:
    """A family, bystanders, and what becomes of them when one object changes."""

    def __init__(self) -> None:
        self.translation = Translation(Options(knative=True, in_cluster=True), {})
        self.bystanders = [key_of(document) for document in bystanders()]
        everyone = [*family().values(), *bystanders()]
        self.now = 0.0
        self.statuses: dict[str, Status | None] = {}
        self.change({key_of(document): orjson.dumps(document) for document in everyone})

    def change(self, objects: dict[str, bytes | None]) -> None:
        """Change objects; whatever they are, nothing of ours fails."""
        self.now += 1
        publication = self.translation.objects_changed(self.now, objects, dict.fromkeys(objects, Edition("u", 1)))
        assert publication.failures == []
        assert self.translation.take_failures() == {}
        self.statuses |= publication.statuses
        for key, status in publication.statuses.items():
            if status is not None:
                assert len(record_of_status(key, status).body) < LARGEST_STATUS
                assert len(status.problems) <= MOST

    def check(self, document: Document, key: str) -> Status | None:
        """Put a document in the place of an object: nobody else feels it, and whatever is told has a field."""
        before = self.translation.pipeline.object(key)
        self.change({key: orjson.dumps(document)})
        for other in self.bystanders:
            assert self.statuses[other] is not None
            assert self.statuses[other].problems == (), other
        assert any("elsewhere/by" in name for name in self.translation.resources() if name.startswith("listener/"))
        status = self.statuses[key]
        for told in status.problems if status else ():
            assert told.path, told
            assert told.message
        self.change({key: before})
        return status


WORLD = World()


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=150)
def test_anything_anywhere_stops_one_object_at_most(kind: str, data: st.DataObject) -> None:
    document, _ = data.draw(misshapen(kind))
    WORLD.check(document, key_of(family()[kind]))


@pytest.mark.parametrize(
    ("kind", "path", "value", "told"),
    [
        ("Secret", ("data",), "text", {"data": "must be a mapping, not a string"}),
        ("Secret", ("data", "tls.key"), ["hidden"], {'data["tls.key"]': "must be a string, not a list"}),
        ("Secret", ("stringData",), {"ca.crt": 5}, {'stringData["ca.crt"]': "must be a string, not an integer"}),
        ("EndpointSlice", ("ports",), 5, {"ports": "must be a list, not an integer: 5"}),
        ("EndpointSlice", ("ports", 0), None, {"ports[0]": "must be a mapping, not null"}),
        (
            "EndpointSlice",
            ("endpoints", 1, "addresses"),
            "10.0.0.1",
            {"endpoints[1].addresses": "must be a list, not a string: '10.0.0.1'"},
        ),
        ("EndpointSlice", ("addressType",), "FQDN", {"addressType": "FQDN is not supported: use IPv4 or IPv6"}),
        ("EndpointSlice", ("metadata", "labels"), ["a"], {"metadata.labels": "must be a mapping, not a list"}),
        ("Service", ("spec", "ports", 1), None, {"spec.ports[1]": "must be a mapping, not null"}),
        ("Service", ("spec",), ["a"], {"spec": "must be a mapping, not a list"}),
        ("Host", ("spec",), ["a"], {"spec": "must be a mapping, not a list"}),
        ("Host", ("metadata", "labels", "app"), 5, {"metadata.labels.app": "must be a string, not an integer: 5"}),
        ("Mapping", ("metadata", "annotations"), "x", {"metadata.annotations": "must be a mapping, not a string: 'x'"}),
        ("Mapping", ("metadata", "generation"), "3", {"metadata.generation": "must be an integer, not a string: '3'"}),
        (
            "Mapping of v2",
            ("metadata", "annotations"),
            5,
            {"metadata.annotations": "must be a mapping, not an integer: 5"},
        ),
        ("TCPMapping", ("metadata",), 5, {"metadata": "must be a mapping, not an integer: 5"}),
        ("TLSContext", ("spec", "hosts"), 5, {"spec.hosts": "must be a list, not an integer: 5"}),
        ("Module", ("spec", "config"), [], {"spec.config": "must be a mapping, not a list"}),
        ("Listener", ("spec", "hostBinding"), [1], {"spec.hostBinding": "must be a mapping, not a list"}),
        (
            "Mapping",
            ("spec", "timeout_ms"),
            2**64 - 1,
            {"spec.timeout_ms": "must be between 0 and 9223372035999, not 18446744073709551615"},
        ),
    ],
)
def test_what_is_wrong_is_named(kind: str, path: Path, value: object, told: dict[str, str]) -> None:
    status = WORLD.check(put(family()[kind], path, value), key_of(family()[kind]))
    assert status is not None
    assert {each.path: each.message for each in status.problems if each.stops} == told


# Whose it is


IDS = [
    (5, "default", "spec.ambassador_id", "must be a string or a list, not an integer: 5"),
    ([5], "default", "spec.ambassador_id[0]", "must be a string, not an integer: 5"),
    ({"other": True}, "default", "spec.ambassador_id", "must be a string or a list, not a mapping"),
    (["other", 5], "other", "spec.ambassador_id[1]", "must be a string, not an integer: 5"),
]


@pytest.mark.parametrize("kind", ["Host", "Mapping of v2"])
@pytest.mark.parametrize(("ids", "owner", "path", "message"), IDS)
def test_an_object_whose_gateway_cannot_be_read_is_told_by_one(
    kind: str, ids: object, owner: str, path: str, message: str
) -> None:
    document = put(family()[kind], ("spec", "ambassador_id"), ids)
    key = key_of(document)
    for gateway in ("default", "other", "third"):
        translation = Translation(Options(ambassador_id=gateway), {})
        publication = translation.objects_changed(0, {key: orjson.dumps(document)}, {key: Edition("u", 1)})
        status = publication.statuses[key]
        assert status is not None
        stopping = [(told.path, told.message) for told in status.problems if told.stops]
        assert stopping == ([(path, message)] if gateway == owner else [])
        assert ("status" in orjson.loads(record_of_status(key, status).body)) is (gateway == owner)


@pytest.mark.parametrize("spec", [None, ["a"], 5])
def test_so_is_one_whose_spec_cannot_be_read(spec: object) -> None:
    document = put(family()["Host"], ("spec",), spec)
    key = key_of(document)
    for gateway in ("default", "other"):
        translation = Translation(Options(ambassador_id=gateway), {})
        publication = translation.objects_changed(0, {key: orjson.dumps(document)}, {key: Edition("u", 1)})
        status = publication.statuses[key]
        assert status is not None
        assert ("status" in orjson.loads(record_of_status(key, status).body)) is (gateway == "default")
