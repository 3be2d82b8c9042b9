"""Any JSON in any place of an object of the API server: that object is kept or told, and all others as ever."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import END, asked, line

from tests.support.shapes import Document, Path, family, key_of, misshapen, put
from translator.options import Options
from translator.translation import Translation
from watcher.kinds import KINDS, Kind, Target
from watcher.outage import Server
from watcher.reflector import Phase, Reflector
from watcher.watch_events import Changed, Gone, Listed, Unreadable, WatchEvent

SERVED = {kind.name: kind for kind in KINDS}
WORDS = sorted(word for word in family() if word in SERVED)  # the API server converts; it has slices for Endpoints


def message(said: str, document: object) -> bytes:
    return orjson.dumps({"type": said, "object": document})


def reflector_of(kind: Kind, version: int = 0) -> Reflector:
    """A reflector whose stream is open; of a version, when it has seen everything."""
    reflector = Reflector(Target(kind), Server(lambda: 0.5), lambda: 0.5)
    asked(reflector)
    reflector.opened(0)
    if version:
        reflector.heard(0, [line("BOOKMARK", version, **END)])
    return reflector


def versioned(document: Any, version: int) -> Any:
    """A document with a version, where it has a place for one."""
    if isinstance(document, dict) and isinstance(document.get("metadata"), dict):
        metadata = {"resourceVersion": str(version), **document["metadata"]}
        return {**document, "metadata": metadata}
    return document


def check(kind: Kind, document: object) -> list[WatchEvent]:
    """What is learned of a document: in a list, in a first stream, and while it is watched."""
    good = {"metadata": {"name": "good", "namespace": "a"}}
    listing = Reflector(Target(kind), Server(lambda: 0.5), lambda: 0.5)
    listing._streams, listing.phase = False, Phase.LIST
    asked(listing)
    page = {"metadata": {"resourceVersion": "10"}, "items": [document, good]}
    (listed,) = listing.listed(0, orjson.dumps(page))
    beginning = reflector_of(kind)
    lines = [
        message("ADDED", versioned(document, 5)),
        message("ADDED", versioned(good, 6)),
        line("BOOKMARK", 10, **END),
    ]
    (streamed,) = beginning.heard(0, lines)
    for found in (listed, streamed):
        assert isinstance(found, Listed)
        assert kind.key("a", "good") in found.objects
        assert len(found.objects) + len(found.problems) == 2
    watching = reflector_of(kind, 10)
    happened = watching.heard(
        1,
        [
            message("ADDED", versioned(document, 11)),
            message("DELETED", versioned(document, 12)),
            message("ADDED", versioned(good, 13)),
        ],
    )
    assert not watching.over
    assert isinstance(happened[0], Changed | Unreadable)
    assert isinstance(happened[1], Gone)
    assert isinstance(happened[2], Changed)
    return happened


@pytest.mark.parametrize("word", WORDS)
@given(data=st.data())
@settings(max_examples=100)
def test_anything_anywhere_hurts_no_other(word: str, data: st.DataObject) -> None:
    document, _ = data.draw(misshapen(word))
    check_and_translate(SERVED[word], document)


def check_and_translate(kind: Kind, document: object) -> dict[str, str]:
    """What is told of the document, by the watcher or else by the translator: by field, or by "" of the watcher."""
    happened = check(kind, document)[0]
    if isinstance(happened, Unreadable):
        assert "metadata" in happened.message or "nested" in happened.message
        return {"": happened.message}
    assert isinstance(happened, Changed)
    translation = Translation(Options(), {})
    publication = translation.objects_changed(0, {happened.seen.key: happened.seen.record.body})
    assert publication.failures == []
    status = publication.statuses[happened.seen.key]
    return {told.path: told.message for told in status.problems if told.stops} if status else {}


@pytest.mark.parametrize(
    ("word", "path", "value", "told"),
    [
        ("Secret", ("data",), "hidden", {"data": "must be a mapping, not a string"}),
        ("Secret", ("data", "tls.crt"), ["hidden"], {'data["tls.crt"]': "must be a string, not a list"}),
        ("EndpointSlice", ("ports",), 5, {"ports": "must be a list, not an integer: 5"}),
        ("EndpointSlice", ("endpoints",), "a", {"endpoints": "must be a list, not a string: 'a'"}),
        ("EndpointSlice", ("endpoints", 0), 5, {"endpoints[0]": "must be a mapping, not an integer: 5"}),
        ("Service", ("spec",), ["a"], {"spec": "must be a mapping, not a list"}),
        ("Service", ("spec", "ports", 0), None, {"spec.ports[0]": "must be a mapping, not null"}),
        ("Host", ("metadata", "annotations"), ["a"], {"metadata.annotations": "must be a mapping, not a list"}),
        ("Host", ("metadata", "generation"), "3", {"metadata.generation": "must be an integer, not a string: '3'"}),
        ("Host", ("metadata", "uid"), [1], {"metadata.uid": "must be a string, not a list"}),
        ("Mapping", ("metadata", "labels"), 5, {"metadata.labels": "must be a mapping, not an integer: 5"}),
        (
            "Mapping",
            ("metadata", "name"),
            5,
            {"": "one of the mappings cannot be named: metadata.name is the number 5, not text: write it in quotes"},
        ),
        (
            "Mapping",
            ("metadata", "namespace"),
            ["a"],
            {"": "one of the mappings cannot be named: metadata.namespace is a list, not text"},
        ),
        ("Mapping", ("metadata",), 5, {"": "one of the mappings has no name: metadata is the number 5, not a mapping"}),
    ],
)
def test_what_is_wrong_is_named(word: str, path: Path, value: object, told: dict[str, str]) -> None:
    assert check_and_translate(SERVED[word], put(family()[word], path, value)) == told


@pytest.mark.parametrize("document", [None, 5, "text", [], {}, {"metadata": None}])
def test_what_is_no_object_is_told_too(document: object) -> None:
    happened = check(SERVED["Mapping"], document)[0]
    assert isinstance(happened, Unreadable)
    assert happened.message.startswith("one of the mappings ")


def test_what_an_object_is_called_is_what_it_was() -> None:
    document: Document = family()["Mapping"]
    happened = check(SERVED["Mapping"], document)[0]
    assert isinstance(happened, Changed)
    assert happened.seen.key == key_of(document)
    assert happened.seen.record.notes == {"generation": 3, "uid": "uid-of-a"}
