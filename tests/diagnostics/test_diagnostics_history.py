"""What changed, from the past and the logs of a real snapshot, as the parts write them."""

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson
import pytest

from diagnostics import history
from diagnostics.ui import changes
from diagnostics.view import View
from snapshot import Record, Snapshot
from tests.diagnostics.page_worlds import html, problem, shown, status
from watcher.keeping import keeps

MAPPING = "getambassador.io/Mapping/default/"
SECRET = "core/Secret/default/s"


class World:
    """A snapshot that is written as the watcher and the translator write it."""

    def __init__(self, snapshot: Snapshot, path: Path) -> None:
        self.snapshot, self.path = snapshot, path
        self.objects = snapshot.writer("objects", keeps=keeps)
        self.holds = snapshot.writer("holds", keeps=lambda _: "notes")
        self.acks = snapshot.writer("acks")
        self.statuses = snapshot.writer("statuses")

    def view(self) -> View:
        view = View(self.snapshot, self.path)
        view.catch_up()
        return view

    def told(self) -> list[dict[str, Any]]:
        return [dict(each) for each in history.history(self.view())]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Snapshot.open(tmp_path / "snapshot") as snapshot:
        made = World(snapshot, tmp_path / "snapshot")
        made.objects.commit({"dragoman/File//first.yaml": Record("1", b"{}")})
        yield made


def mapping(service: str, source: str = "a.yaml") -> Record:
    body = orjson.dumps({"spec": {"service": service, "headers": {"x-key": f"private-{service}"}}})
    return Record(service, body, {"source": source})


def test_each_change_is_told_with_what_was_different_the_newest_first(world: World) -> None:
    world.objects.commit({f"{MAPPING}a": mapping("one")}, since=100.0)
    world.objects.commit({f"{MAPPING}a": mapping("two")}, since=101.0)
    world.objects.commit({f"{MAPPING}a": None}, since=102.0)
    world.acks.commit({"served": Record("1", b"")}, notes={"served": [[100.0, 100.25], [101.0, 101.5]]})
    told = world.told()
    assert [(each["what"], each["at"], each["served_after_s"], each["source"]) for each in told] == [
        ("removed", 102.0, None, "a.yaml"),
        ("changed", 101.0, 0.5, "a.yaml"),
        ("made", 100.0, 0.25, "a.yaml"),
    ]
    assert told[1]["diff"].splitlines()[2:4] == ["-  service: one", "+  service: two"]
    assert all(each["diff"] and "private" not in each["diff"] for each in told)
    assert {line[0] for line in told[2]["diff"].splitlines()} == {"@", "+"}
    assert {line[0] for line in told[0]["diff"].splitlines()} == {"@", "-"}


def test_of_secrets_and_files_only_that_they_changed_is_told(world: World) -> None:
    world.objects.commit({SECRET: Record("1", b'{"data": "private"}'), "dragoman/File//b.yaml": Record("1", b"{}")})
    world.objects.commit({SECRET: Record("2", b'{"data": "private too"}')})
    told = world.told()
    assert [(each["key"], each["what"], each["diff"], each["note"]) for each in told] == [
        (SECRET, "changed", None, "what is in it is not shown"),
        ("dragoman/File//b.yaml", "made", None, None),
        (SECRET, "made", None, "what is in it is not shown"),
    ]


def test_what_comes_and_goes_with_pods_is_no_change_of_anybodys(world: World) -> None:
    world.objects.commit({"discovery.k8s.io/EndpointSlice/default/s": Record("1", b"{}")})
    assert world.told() == []


def test_the_version_that_envoy_refused_is_told_with_its_words_also_when_it_is_mended(world: World) -> None:
    bad = mapping("bad")
    refused = blake2b(bad.body, digest_size=16).hexdigest()
    world.objects.commit({f"{MAPPING}a": mapping("one")}, since=100.0)
    world.objects.commit({f"{MAPPING}a": bad}, since=101.0)
    world.holds.commit({f"{MAPPING}a": Record("1", b"{}", {"refused": refused, "message": "bad regex", "kept": True})})
    assert [each["refused"] for each in world.told()] == ["bad regex", None]
    world.objects.commit({f"{MAPPING}a": mapping("two")}, since=102.0)
    world.holds.commit({f"{MAPPING}a": None})
    assert [each["refused"] for each in world.told()] == [None, "bad regex", None]


def test_what_envoy_says_of_an_object_that_is_not_held_back_is_told_of_its_last_version(world: World) -> None:
    for service in ("one", "two"):
        world.objects.commit({f"{MAPPING}a": mapping(service)})
    said = {**problem("cannot bind"), "from": "envoy"}
    world.statuses.commit({f"{MAPPING}a": status("stopped", said)})
    assert [each["refused"] for each in world.told()] == ["cannot bind", None]


def test_a_difference_is_never_told_between_versions_that_did_not_follow_each_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.objects.commit({f"{MAPPING}{name}": mapping("one") for name in "ab"})
    monkeypatch.setattr("snapshot.past.PAST_OF_A_COMMIT", 1)
    world.objects.commit({f"{MAPPING}{name}": mapping("two") for name in "ab"})
    monkeypatch.undo()
    world.objects.commit({f"{MAPPING}b": mapping("three")})
    found = {(each["key"][-1], each["what"]): each for each in world.told()}
    assert found.keys() == {("a", "made"), ("b", "made"), ("a", "changed"), ("b", "changed")}
    assert found["b", "made"]["diff"] is None
    assert "not known any more" in found["b", "made"]["note"]
    assert "+  service: three" in found["b", "changed"]["diff"]


def test_the_page_shows_the_last_hour_and_more_where_it_is_asked(world: World) -> None:
    world.objects.commit({f"{MAPPING}a": mapping("one")}, since=1000.0)
    world.objects.commit({f"{MAPPING}a": mapping("two"), f"{MAPPING}b": mapping("one")}, since=9000.0)
    world.statuses.commit({f"{MAPPING}b": status("stopped", problem("is wrong"))})
    view, now = world.view(), {"now": 9000.0 + changes.HOUR}
    assert [(row["name"], row["state"]) for row in shown(view, "changes", now)["rows"]] == [
        ("b", "stopped"),
        ("a", None),
    ]
    assert shown(view, "changes", now)["before"] == 1
    assert len(shown(view, "changes", now, since="all")["rows"]) == 3
    assert [row["name"] for row in shown(view, "changes", now, find="/A")["rows"]] == ["a"]
    assert shown(view, "changes", now, kind="Host")["rows"] == []
    assert shown(view, "changes", now, namespace="other")["rows"] == []
    assert shown(view, "changes", {"now": 9001.0 + changes.HOUR})["rows"] == []
    text = html(view, "changes", now)
    assert all(said in text for said in ("-  service: one", "+  service: two", "is wrong", "1 before that"))
    assert "private" not in text
    assert [row["what"] for row in shown(view, "object", key=f"{MAPPING}a")["changes"]] == ["changed", "made"]


def test_a_file_is_told_as_unreadable_and_as_read_again(world: World) -> None:
    world.objects.commit({"dragoman/File//b.yaml": Record("1", b"{}")}, since=10.0)
    world.objects.commit({"dragoman/File//b.yaml": None}, since=20.0)
    rows = shown(world.view(), "changes", {"now": 20.0})["rows"]
    assert [(row["name"], row["what"]) for row in rows] == [("b.yaml", "can be read"), ("b.yaml", "cannot be read")]
