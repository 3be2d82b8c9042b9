"""The page's views without a browser: what they show of a snapshot, of Envoy's answers and the translator's."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from diagnostics.numbers import Served
from diagnostics.parts import Part
from diagnostics.ui.overview import quantiles
from diagnostics.ui.query import Query, paged
from snapshot import Record
from tests.diagnostics.page_worlds import EVIL, MAPPING, NOW, html, problem, shown, status, system, viewing

STREAM = {"stream": Record("s", b"", {"connected": True, "since": NOW - 5, "node": "n"})}


def outside(**changes: Any) -> dict[str, Any]:
    """What the overview is told when all is well."""
    info = {"state": "LIVE", "version": "abc/1.40.0/Clean/RELEASE/BoringSSL", "uptime_current_epoch": "9s"}
    told = {"info": info, "traffic": None, "parts": [], "ending": False, "system": system(), "now": NOW}
    return {**told, **changes}


def many(number: int) -> tuple[dict[str, Record], dict[str, Record]]:
    keys = [f"{MAPPING}team-{place % 3}/m{place}" for place in range(number)]
    return {key: Record("1", b"{}") for key in keys}, {key: status("ok") for key in keys}


def test_objects_come_problems_first_and_a_page_at_a_time(tmp_path: Path) -> None:
    objects, statuses = many(120)
    statuses[f"{MAPPING}team-2/m101"] = status("stopped", problem("is wrong"))
    statuses[f"{MAPPING}team-0/m102"] = status("warned", problem("is odd", stops=False))
    del statuses[f"{MAPPING}team-1/m103"]
    with viewing(tmp_path, objects, statuses) as view:
        first, last = shown(view, "objects"), shown(view, "objects", page="3")
        assert [(row["name"], row["state"]) for row in first["rows"][:4]] == [
            ("m101", "stopped"),
            ("m103", "pending"),
            ("m102", "warned"),
            ("m0", "ok"),
        ]
        assert first["rows"][0]["problem"]["message"] == "is wrong"
        assert (len(first["rows"]), len(last["rows"]), first["page"].pages) == (50, 20, 3)
        assert shown(view, "objects", page="999")["rows"] == last["rows"]
        assert first["states"] == [("stopped", 1), ("pending", 1), ("warned", 1), ("ok", 117)]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ({"find": "M10"}, ["m10"]),
        ({"find": "sharp"}, ["m3"]),
        ({"namespace": "team-1", "state": "stopped"}, []),
        ({"namespace": "team-0", "state": "stopped"}, ["m3"]),
        ({"kind": "Service"}, ["s"]),
        ({"kind": "*", "state": "ok", "find": "core/"}, ["s"]),
        ({"find": "core/"}, []),
        ({"find": "carried"}, ["carried"]),
        ({"kind": "Nothing"}, []),
    ],
)
def test_objects_are_found_by_words_namespace_kind_and_state(
    tmp_path: Path, words: dict[str, str], names: list[str]
) -> None:
    objects, statuses = many(12)
    statuses[f"{MAPPING}team-0/m3"] = status("stopped", problem("is too SHARP"))
    objects["core/Service/default/s"], statuses["core/Service/default/s"] = Record("1", b"{}"), status("ok")
    statuses[f"{MAPPING}default/carried"] = status("ok", carrier="core/Service/default/s")
    statuses[f"{MAPPING}default/gone"] = status("ok", carrier="core/Service/default/gone")
    with viewing(tmp_path, objects, statuses) as view:
        assert [row["name"] for row in shown(view, "objects", **words)["rows"]] == names


def test_an_object_has_its_problems_and_what_is_served_in_its_place(tmp_path: Path) -> None:
    key = f"{MAPPING}default/a"
    objects = {key: Record("1", b"{}", {"source": "a.yaml#2"})}
    judged = {key: status("stopped", problem("is missing"), more=4)}
    holds = {key: Record("1", b'{"kind": "Mapping"}', {"message": "bad regex"})}
    with viewing(tmp_path, objects, judged, holds=holds) as view:
        found = shown(view, "object", key=key)
        assert (found["object"]["source"], found["more"]) == ("a.yaml#2", 4)
        assert found["hold"] == {"message": "bad regex", "has_last_good": True}
        assert "is missing" in html(view, "object", key=key)
        assert "There is no such object" in html(view, "object", key=EVIL)


@pytest.mark.parametrize(
    ("changes", "state", "says"),
    [
        ({}, "ok", "All is well"),
        ({"info": None}, "stopped", "does not answer"),
        ({"info": {"state": "DRAINING"}}, "stopped", "DRAINING"),
        ({"ending": True}, "warned", "comes to its end"),
        ({"parts": [Part("watcher", NOW, "asleep for 9 s", 1)]}, "stopped", "watcher hangs"),
    ],
)
def test_the_overview_begins_with_how_it_is(tmp_path: Path, changes: Mapping[str, Any], state: str, says: str) -> None:
    with viewing(tmp_path, acks=STREAM) as view:
        view._lock.write_text(str(os.getpid()))
        found = shown(view, "", outside(**changes))
        assert found["verdict"]["state"] == state
        assert says in found["verdict"]["text"]


def test_the_overview_names_what_is_wrong(tmp_path: Path) -> None:
    key = f"{MAPPING}default/a"
    acks = {"cluster/x": Record("1", b"", {"refused": "h", "refused_at": NOW, "message": "no such thing"})}
    judged = {key: status("stopped", problem("is missing")), "dragoman/File//f.yaml": status("stopped", problem("tab"))}
    objects = {key: Record("1", b"{}"), "dragoman/File//f.yaml": Record("1", b"{}")}
    parts = [Part("watcher", NOW - 1, None, 0), Part("translator", NOW - 60, None, 2)]
    with viewing(tmp_path, objects, judged, acks=acks) as view:
        told = outside(parts=parts, traffic={"downstream_rq_completed": 12345, "downstream_rq_5xx": 0, "x": 1})
        found = shown(view, "", told)
        assert found["verdict"]["text"] == "Envoy serves what it had, but is not connected: it gets no changes."
        assert [part["state"] for part in found["parts_shown"]] == ["well", "silent"]
        assert [each["message"] for each in found["refused"]] == ["no such thing"]
        text = html(view, "", outside(parts=parts))
        assert all(said in text for said in ("is missing", "f.yaml", "no such thing", "replaced 2 times", "1.40.0"))


def test_how_long_changes_took_is_told_by_classes() -> None:
    served = Served(bounds=(0.1, 1.0), classes=(94, 5, 1), seconds=9.0, last=NOW)
    assert [each["seconds"] for each in quantiles(served)] == [0.1, 1.0, None]
    assert quantiles(Served()) == []


def test_words_of_an_address_are_bounded() -> None:
    query = Query("objects", {"find": "x" * 9999, "page": "9" * 400, "part": "1", "state": "ok"})
    assert len(query.text("find")) == 300
    assert query.number("page") == 100_000
    assert query.number("state", 7) == 7
    assert query.link(find="a b", page=None, state=None) == "objects?find=a+b"
    assert Query("").link() == "./"
    assert (paged(Query("x", {"page": "0"}), 0, 50).page, paged(query, 51, 50).first) == (1, 50)


def test_a_gateway_is_not_seeing_because_hosts_of_another_one_are_well(tmp_path: Path) -> None:
    host, secret = "getambassador.io/Host/default/", "dragoman/Watch//secrets"
    records = {name: Record("1", b"{}") for name in (f"{host}ours", f"{host}theirs", secret)}
    told = {f"{host}ours": status("stopped", problem("has no Secret")), f"{host}theirs": status("other")}
    with viewing(tmp_path / "blind", records, told) as view:
        assert view.progress.is_blind
    told[f"{host}ours"] = status("ok")
    with viewing(tmp_path / "well", records, told) as view:
        assert not view.progress.is_blind
    with viewing(tmp_path / "none", records, {f"{host}theirs": status("other")}) as view:
        assert not view.progress.is_blind
