"""What an annotation said goes on while a document of it cannot be read; what was never read is shut."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from snapshot import Record
from tests.watcher.test_watcher_annotations import SERVICE, service
from watcher.annotations import LARGEST
from watcher.limits import Limits
from watcher.parsing import parse
from watcher.sources import ObjectChanged, Source, SourceListed
from watcher.state import State

FILE = Source(0, "a.json")
AUTH = "apiVersion: getambassador.io/v3alpha1\nkind: AuthService\nname: auth\nauth_service: auth.team\n"
HOST = "apiVersion: getambassador.io/v3alpha1\nkind: Host\nname: sec\nhostname: sec.test\n"
QUOTE = "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nname: quote\nprefix: /quote/\nservice: quote\n"
KEYS = {name: f"getambassador.io/{kind}/team/{name}" for name, kind in (("auth", "AuthService"), ("sec", "Host"))}
KEYS["quote"] = "getambassador.io/Mapping/team/quote"
BROKEN = ["x: [", 'x: "y', "\tx: 1", "kind: Twice", "x: &a {b: *c}"]


def record(annotation: object) -> Record:
    text = orjson.dumps(service(annotation))
    return parse("a.json", text, "default", {}, Limits()).objects[SERVICE]


class Told:
    """A source that says one carrier after another, and what is published of it."""

    def __init__(self) -> None:
        self.state = State()

    def say(self, annotation: object, *, at_once: bool = False) -> Mapping[str, Record | None]:
        said = record(annotation)
        event = ObjectChanged(FILE, SERVICE, said) if at_once else SourceListed(FILE, {SERVICE: said})
        return self.state.step([event]).records

    def items(self, annotation: object, *, at_once: bool = False) -> dict[str, dict[str, Any]]:
        """What is carried then, by keys."""
        published = self.say(annotation, at_once=at_once)[SERVICE]
        assert published is not None
        carried = orjson.loads(published.body).get("carried", [])
        return {item["key"]: item for item in carried if "key" in item}


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("broken", BROKEN)
def test_what_was_read_once_goes_on(broken: str, at_once: bool) -> None:
    told = Told()
    whole = told.items(f"{AUTH}---\n{HOST}---\n{QUOTE}")
    assert set(whole) == set(KEYS.values())
    left = told.items("---\n".join((AUTH + broken + "\n", HOST + broken + "\n", QUOTE)), at_once=at_once)
    assert {key: item["object"] for key, item in left.items()} == {key: item["object"] for key, item in whole.items()}
    assert {key for key, item in left.items() if "stays" in item} == {KEYS["auth"], KEYS["sec"]}
    assert told.say("---\n".join((AUTH + broken + "\n", HOST + broken + "\n", QUOTE))) == {}, "the same is no change"
    assert set(told.items(QUOTE)) == {KEYS["quote"]}, "until all of it can be read"


@pytest.mark.parametrize("broken", BROKEN)
def test_what_was_never_read_stands_for_its_names_and_guards(broken: str) -> None:
    left = Told().items("---\n".join((AUTH + broken + "\n", HOST + broken + "\n", QUOTE)))
    assert set(left) == set(KEYS.values())
    assert left[KEYS["sec"]]["object"]["spec"] == {"hostname": "sec.test"}
    assert left[KEYS["auth"]]["object"]["standsIn"] == "annotation"
    assert "standsIn" not in left[KEYS["quote"]]["object"]


def test_a_document_that_has_lost_its_name_does_not_shut_what_stays() -> None:
    told = Told()
    told.items(HOST)
    assert set(told.items(HOST.replace("name: sec\n", ""))) == {KEYS["sec"]}
    (key,) = Told().items(HOST.replace("name: sec\n", ""))
    assert "/unnamed-" in key


@pytest.mark.parametrize("annotation", ["x" * (257 << 10), {"a": 1}, "apiVersion: other.io/v1\nkind: X\nname: x\n"])
def test_so_it_does_when_nothing_of_the_annotation_can_be_read(annotation: object) -> None:
    told = Told()
    told.items(HOST)
    assert set(told.items(annotation)) == {KEYS["sec"]}


def test_it_ends_with_the_annotation() -> None:
    told = Told()
    told.items(HOST)
    told.items("x: [")
    bare = service("")
    del bare["metadata"]["annotations"]
    found = parse("a.json", orjson.dumps(bare), "default", {}, Limits()).objects
    published = told.state.step([SourceListed(FILE, found)]).records[SERVICE]
    assert published is not None
    assert "carried" not in orjson.loads(published.body)


def test_what_stays_is_bounded() -> None:
    told = Told()
    for number in range(30):
        told.say(f"{QUOTE.replace('quote', f'q{number}')}x: {'y' * 60_000}\n---\nx: [\n")
    published = told.state.step([]).records or told.say("x: [")
    (kept,) = [each for each in published.values() if each is not None]
    assert len(kept.body) < 2 * LARGEST


def test_secrets_of_what_stays_are_still_referred_to() -> None:
    told = Told()
    told.say(HOST)
    events = [
        ObjectChanged(FILE, SERVICE, record(f"{HOST}---\n{AUTH}")),
        ObjectChanged(FILE, SERVICE, record("x: [")),
        SourceListed(FILE, {SERVICE: record("x: [")}),
    ]
    seen = list(told.state.completed(events))
    assert isinstance(seen[1], ObjectChanged)
    assert KEYS["auth"] in seen[1].record.body.decode(), "by what came just before"
    assert isinstance(seen[2], SourceListed)
    assert KEYS["sec"] in seen[2].objects[SERVICE].body.decode()
