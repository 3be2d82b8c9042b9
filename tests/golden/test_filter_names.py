"""Envoy ignores what a route says to a filter that its listener does not have: so each name must be there, always."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.golden.cases import Case, cases
from translator.filters import FILTERS, switches_of

LISTENER = """
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {name: one}
spec: {port: 8080, protocol: HTTP, securityModel: XFP, hostBinding: {namespace: {from: ALL}}}
---
apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {name: everyone}
spec: {hostname: "*", requestPolicy: {insecure: {action: Route}}}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: plain}
spec: {hostname: "*", prefix: /, service: "192.0.2.1"}
"""


def gives(given: str, *sections: str) -> dict[str, Any]:
    """Sections of what objects give."""
    case = Case(Path("none.yaml"), f"# shows: {', '.join(sections)}\n{given}", "")
    shown: dict[str, Any] = yaml.safe_load(case.result())
    return shown


def said_to_filters(shown: Any) -> Iterator[tuple[str, str]]:
    """The names of filters that routes and what holds for all of them speak to, each with the route's name."""
    if isinstance(shown, dict):
        for name in shown.get("typed_per_filter_config", ()):
            yield name, shown.get("name", "")
        for inner in shown.values():
            yield from said_to_filters(inner)
    elif isinstance(shown, list):
        for inner in shown:
            yield from said_to_filters(inner)


def listed(listeners: Any) -> list[list[str]]:
    """The names of the HTTP filters of each chain."""
    managers = [
        each["typed_config"]
        for listener in listeners.values()
        for chain in listener.get("filter_chains", ())
        for each in chain["filters"]
    ]
    return [[each["name"] for each in manager["http_filters"]] for manager in managers if "http_filters" in manager]


EVERY_NAME = [*[each.name for each in FILTERS], "envoy.filters.http.router"]
BEFORE_ALL = ["dragoman.filters.http.scope", "dragoman.filters.http.look_again"]
INSIDE = {
    *(each.inside[0] for each in FILTERS if each.inside),
    *(asking.inside for each in FILTERS for asking in each.asking.values() if asking.inside),
}


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.path.stem)
def test_what_routes_say_is_said_to_filters_that_are_there(case: Case) -> None:
    shown = gives(case.given.partition("# shows:")[2].partition("\n")[2], "listeners", "routes")
    chains = listed(shown["listeners"])
    assert all(names in (EVERY_NAME, [*BEFORE_ALL, *EVERY_NAME]) for names in chains)
    assert {name for name, _ in said_to_filters(shown["routes"])} <= {*EVERY_NAME, *INSIDE, *BEFORE_ALL}


def test_each_filter_has_a_name_of_its_own_and_can_be_switched_on() -> None:
    assert len(set(EVERY_NAME)) == len(EVERY_NAME)
    kinds = [kind for each in FILTERS for kind in (*each.switches, *each.asking)]
    assert len(set(kinds)) == len(kinds)
    assert all(each.switches or each.asking for each in FILTERS)
    with pytest.raises(KeyError):
        switches_of([object()])


def test_a_filter_that_nobody_uses_is_nothing_in_routes() -> None:
    shown = gives(LISTENER, "routes")
    assert [route for _, route in said_to_filters(shown)] == [":dots"]
    ((_, routes),) = shown["routes"].items()
    (probes, plain) = routes["virtual_hosts"][0]["routes"][1:-1], routes["virtual_hosts"][0]["routes"][-1]
    assert probes
    assert set(plain) == {"name", "match", "route"}
    assert "typed_per_filter_config" not in routes
