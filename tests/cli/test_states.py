"""The report of `dragoman status`, of what the diagnostics tell: Envoy's word, the order, what is chosen. Pure."""

from typing import Any

import click
import pytest

from cli.diag import Diag
from cli.states import is_bad, lines, report
from cli.status import _reports

MAPPING = "getambassador.io/Mapping"
ENVOY = {"answers": True, "state": "LIVE", "version": "abc/1.40.0/Clean", "connected": True}


def answer(published: str | None, accepted: str | None, refused: str | None = None) -> dict[str, Any]:
    return {"published": published, "accepted": accepted, "refused": refused, "message": ""}


def problem(message: str, by: str = "dragoman") -> dict[str, Any]:
    return {"path": "spec.prefix", "message": message, "stops": True, "from": by}


def an_object(state: str = "ok", *problems: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"kind": "Mapping", "state": state, "problems": list(problems), "source": "a.yaml#1", **more}


def told(**sections: Any) -> dict[str, Any]:
    nothing: dict[str, Any] = {"envoy": ENVOY, "objects": {}, "pending": [], "files": {}, "resources": {}}
    return {**nothing, "notices": [], "envoy_elements": {}, "changes": {}, **sections}


def words(**sections: Any) -> dict[str, str]:
    return {row["name"]: row["envoy"] for row in report(told(**sections))["objects"]}


def test_envoys_word_is_that_about_what_an_object_gave() -> None:
    objects = {f"{MAPPING}/a/{name}": an_object() for name in ("served", "late", "bad")}
    resources = {
        "route/http": answer("2", "2"),
        "cluster/one": answer("1", "1"),
        "cluster/two": answer("2", "1"),
        "cluster/three": answer("2", "1", "2"),
        "cluster/gone": answer(None, "1"),
    }
    clusters = {"served": ["one", "gone"], "late": ["one", "two"], "bad": ["three", "two"]}
    gave = {f"{MAPPING}/a/{name}": {"route": [f"a/{name}"], "cluster": names} for name, names in clusters.items()}
    said = words(objects=objects, resources=resources, envoy_elements=gave)
    assert said == {"served": "accepted", "late": "waiting", "bad": "refused"}


def test_how_long_a_change_took_is_said_of_what_is_served_and_of_who_carries_it() -> None:
    objects = {
        f"{MAPPING}/a/quick": an_object(),
        f"{MAPPING}/a/stopped": an_object("stopped", problem("is wrong")),
        f"{MAPPING}/a/carried": an_object(source="core/Service/a/s"),
        f"{MAPPING}/a/old": an_object(),
    }
    at = "2026-01-01T00:00:00.000Z"
    changes = {
        f"{MAPPING}/a/quick": {"at": at, "served_after_s": 0.018},
        f"{MAPPING}/a/stopped": {"at": at, "served_after_s": 0.5},
        "core/Service/a/s": {"at": at, "served_after_s": 1.26},
    }
    found = report(told(objects=objects, changes=changes))
    rows = {row["name"]: (row["changed_at"], row["served_after_s"]) for row in found["objects"]}
    assert rows == {"quick": (at, 0.018), "stopped": (at, None), "carried": (at, 1.26), "old": (None, None)}
    shown = {line.split()[2]: line.split()[5] for line in map(click.unstyle, lines(found)) if line.startswith("a ")}
    assert shown == {"quick": "18ms", "stopped": "-", "carried": "1.3s", "old": "-"}


def test_what_envoy_has_no_use_for_is_not_waited_for() -> None:
    unused = {**answer("2", "1"), "asked_for": False}
    found = report(told(objects={f"{MAPPING}/a/m": an_object()}, resources={"route/http": unused, "route/x": unused}))
    assert [row["envoy"] for row in found["objects"]] == ["accepted"]
    assert found["resources"] == {"published": 2, "accepted": 0, "waiting": 0, "refused": 0, "unused": 2}
    assert "2 resources: 2 unused" in click.unstyle(next(lines(found)))


def test_while_a_route_is_not_answered_for_no_object_counts_as_accepted() -> None:
    objects = {f"{MAPPING}/a/m": an_object()}
    assert words(objects=objects, resources={"route/http": answer("2", "1")}) == {"m": "waiting"}
    assert words(objects=objects, resources={"route/http": answer("2", "1", "2")}) == {"m": "accepted"}


def test_what_is_not_served_has_no_word_but_envoys_own() -> None:
    objects = {
        f"{MAPPING}/a/stopped": an_object("stopped", problem("is wrong")),
        f"{MAPPING}/a/held": an_object("stopped", problem("is refused", "envoy")),
    }
    assert words(objects=objects, pending=[f"{MAPPING}/a/new"]) == {"stopped": "-", "held": "refused", "new": "-"}


def test_those_with_problems_come_first_and_some_are_chosen() -> None:
    objects = {
        f"{MAPPING}/a/fine": an_object(),
        f"{MAPPING}/b/warned": an_object("warned", problem("is odd"), more=3),
        "getambassador.io/Host/b/stopped": an_object("stopped", problem("is wrong")),
    }
    everything = report(told(objects=objects))
    assert [row["name"] for row in everything["objects"]] == ["stopped", "warned", "fine"]
    assert everything["objects"][1]["problems"] == ["spec.prefix is odd", "and 3 more"]
    assert is_bad(everything)
    chosen = report(told(objects=objects), ["b", "c"], ["mapping"])
    assert [row["name"] for row in chosen["objects"]] == ["warned"]
    assert not is_bad(chosen)
    assert is_bad(report(told(files={"x.yaml": an_object("stopped", problem("is no YAML"))})))


def test_what_is_for_another_gateway_is_said_to_be_and_is_no_problem() -> None:
    objects = {f"{MAPPING}/a/fine": an_object(), f"{MAPPING}/a/theirs": an_object("other")}
    found = report(told(objects=objects))
    assert [(row["name"], row["state"], row["envoy"]) for row in found["objects"]] == [
        ("fine", "ok", "accepted"),
        ("theirs", "other", "-"),
    ]
    assert not is_bad(found)
    text = [click.unstyle(line) for line in lines(found, problems_only=True)]
    assert not any("theirs" in line for line in text)
    assert text[-1] == "2 objects: 1 ok, 1 other"


def test_the_table_has_a_line_for_each_and_its_problems_below() -> None:
    objects = {f"{MAPPING}/a/m": an_object("stopped", problem("is wrong")), f"{MAPPING}/a/n": an_object()}
    found = report(told(objects=objects, resources={"cluster/one": answer("2", "1")}))
    text = [click.unstyle(line) for line in lines(found)]
    assert text == [
        "Envoy 1.40.0 LIVE, connected; 1 resources: 1 waiting",
        "",
        "NAMESPACE  KIND     NAME  STATE    ENVOY     SERVED  SOURCE",
        "a          Mapping  m     stopped  -         -       a.yaml#1",
        "    spec.prefix is wrong",
        "a          Mapping  n     ok       accepted  -       a.yaml#1",
        "",
        "2 objects: 1 ok, 1 stopped",
    ]
    assert "n     ok" not in "\n".join(click.unstyle(line) for line in lines(found, problems_only=True))
    silent = report(told(envoy={**ENVOY, "answers": False, "version": None}))
    assert click.unstyle(next(lines(silent))) == "Envoy does not answer"


def test_what_people_wrote_moves_no_terminal() -> None:
    found = report(told(objects={f"{MAPPING}/a/m": an_object("warned", problem("is \x1b[2Jodd"))}))
    assert "\x1b[2J" not in "\n".join(lines(found))


def test_what_is_watched_is_told_again_when_envoy_is_gone_and_not_for_its_age(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([(1, "1s", True), (1, "2s", True), (2, "3s", True), (2, "4s", False)])
    now = next(looks)

    class Told(Diag):
        def sequences(self) -> Any:
            return {"objects": now[0]}

        def ask(self, *names: str) -> dict[str, Any]:
            envoy = {"answers": now[2], "uptime": now[1]}
            empty = {"envoy": envoy, "notices": [], "pending": []}
            return {name: empty.get(name, {}) for name in names}

    def sleep(_: float) -> None:
        nonlocal now
        now = next(looks)

    monkeypatch.setattr("cli.status.time.sleep", sleep)
    told = _reports(Told(""), [], [], watch=True)
    assert [next(told)["envoy"]["uptime"] for _ in range(2)] == ["1s", "4s"]
