"""The picture of the flow: what is chosen in a column opens the next, and lines lead there."""

from collections.abc import Iterator
from typing import Any

import pytest

from diagnostics.ui.flow import LETTERS, MOST
from diagnostics.view import View
from tests.diagnostics.page_worlds import MAPPING, html, problem, shown, status, viewing

OWNER = {"key": f"{MAPPING}default/a", "kind": "Mapping", "namespace": "default", "name": "a", "source": None}


def host(name: str, number: int | None, **changes: Any) -> dict[str, Any]:
    usual = {"name": name, "number": number, "chain": "c", "listener": "default/http", "port": 80, "protocol": "HTTP"}
    return {**usual, "does": None, **changes}


def route(place: int, asks: str, *clusters: str | None, **changes: Any) -> dict[str, Any]:
    does = {"kind": "forwards", "backends": [{"cluster": each, "weight": 1} for each in clusters], "mirrors": ["copy"]}
    return {"place": place, "asks": asks, "objects": [OWNER], "does": does, **changes}


HOSTS = [host("a.test", 0), host("b.test", 1)]
LISTENERS = [{"name": "default/http", "port": 80}, {"name": "default/https", "port": 443}]
ROUTES = [
    route(0, "prefix /ambassador/", "own", objects=[]),
    route(1, f"prefix /{'long' * 20}/", "k8s/x", None),
    route(2, "prefix /", objects=[], does={"kind": "redirects", "status": 301}),
]


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory) -> Iterator[View]:
    judged = {OWNER["key"]: status("warned", problem("odd", stops=False))}
    with viewing(tmp_path_factory.mktemp("flow"), {}, judged) as view:
        yield view


def told(**changes: Any) -> dict[str, Any]:
    hosts = {"of": 2, "hosts": HOSTS, "listeners": LISTENERS}
    return {"hosts": hosts, "host": HOSTS[0], "routes": {"of": 3, "routes": ROUTES}, **changes}


def test_the_first_route_of_somebodys_is_open_and_lines_lead_from_what_is_chosen(view: View) -> None:
    found = shown(view, "flow", told())
    chosen = [box.title for box in found["boxes"] if box.is_chosen]
    assert chosen == ["port 80", "a.test", ROUTES[1]["asks"]]
    backends = [(box.title, box.text, box.state) for box in found["boxes"] if box.column == 3]
    assert backends == [
        ("k8s/x", "50 % of the requests", ""),
        ("nobody", "50 % of the requests", "stopped"),
        ("copy", "copies", ""),
    ]
    assert len(found["lines"]) == len(HOSTS) + len(ROUTES) + len(backends)
    long = next(box for box in found["boxes"] if box.title == ROUTES[1]["asks"])
    assert (len(long.short), long.state) == (LETTERS, "warned")


def test_a_click_opens_what_is_behind_it(view: View) -> None:
    found = shown(view, "flow", told(), place="2", chain="c", host="0")
    boxes = {box.title: box for box in found["boxes"]}
    assert boxes["prefix /"].is_chosen
    assert boxes["redirects 301"].column == 3
    assert boxes["b.test"].link == "flow?chain=c&host=1&listener=default%2Fhttp"
    assert boxes["port 443"].link == "flow?listener=default%2Fhttps"
    assert "place=1" in boxes[ROUTES[1]["asks"]].link


def test_connections_that_are_passed_on_lead_from_their_name_to_their_backends(view: View) -> None:
    passed = host("*", None, does={"kind": "forwards", "backends": [{"cluster": "db", "weight": 1}], "mirrors": []})
    found = shown(view, "flow", told(hosts={"of": 1, "hosts": [passed], "listeners": []}, host=passed, routes={}))
    assert [box.title for box in found["boxes"]] == ["*", "db"]
    assert len(found["lines"]) == 1
    assert found["all_routes"] == ""


def test_of_very_many_some_are_drawn_and_the_rest_is_told(view: View) -> None:
    many = {"of": 9000, "hosts": HOSTS, "listeners": LISTENERS}
    text = html(view, "flow", told(hosts=many, routes={"of": 800, "routes": ROUTES}))
    assert f"{9000 - MOST:,} more names" in text
    assert f"{800 - MOST} more" in text
    nothing = {"error": "nobody answers"}
    assert "nobody answers" in html(view, "flow", told(hosts=nothing, host=None, routes={}))
