"""Label selectors: what Kubernetes means by their expressions, what is told of wrong ones, and what they cost."""

from typing import Any

import pytest

from tests.translator.emissary.world import World
from translator.emissary.association import Association, HostEntry
from translator.kubernetes.selectors import (
    ANYWHERE,
    LONGEST_KEY,
    Requirement,
    Selector,
    may_select,
    places_of,
    selects,
)
from translator.tables import Table, Tables

IN, NOT_IN = Requirement("team", "In", ("a", "b")), Requirement("team", "NotIn", ("a", "b"))
EXISTS, ABSENT = Requirement("team", "Exists"), Requirement("team", "DoesNotExist")


@pytest.mark.parametrize(
    ("labels", "met"),
    [
        ({"team": "a"}, {IN, EXISTS}),
        ({"team": "c"}, {NOT_IN, EXISTS}),
        ({"team": ""}, {NOT_IN, EXISTS}),
        ({"other": "a"}, {NOT_IN, ABSENT}),
        ({}, {NOT_IN, ABSENT}),
    ],
)
def test_what_an_expression_asks(labels: dict[str, str], met: set[Requirement]) -> None:
    assert {each for each in (IN, NOT_IN, EXISTS, ABSENT) if each.holds(labels)} == met


def test_labels_and_expressions_must_all_hold() -> None:
    selector = Selector((("tier", "web"),), (Requirement("env", "NotIn", ("dev",)), EXISTS))
    assert selects(selector, {"tier": "web", "team": "x"})
    assert not selects(selector, {"tier": "web"})
    assert not selects(selector, {"team": "x"})
    assert not selects(selector, {"tier": "web", "team": "x", "env": "dev"})


def test_when_not_strict_one_label_is_enough_and_the_expressions_hold_all_the_same() -> None:
    selector = Selector((("tier", "web"), ("zone", "z")), (NOT_IN, Requirement("env", "Exists")))
    assert selects(selector, {"zone": "z", "env": "x"}, strict=False)
    assert not selects(selector, {"zone": "z"}, strict=False)
    assert not selects(selector, {"zone": "z", "env": "x", "team": "a"}, strict=False)
    assert not selects(selector, {"env": "x"}, strict=False)
    assert not selects(Selector((), (IN, Requirement("env", "Exists"))), {"team": "a"}, strict=False)


def test_an_empty_selector_selects_all() -> None:
    assert selects(Selector(), {})
    assert selects(Selector(), {"a": "b"}, strict=False)


def test_what_cannot_be_read_may_be_selected() -> None:
    selector = Selector((("tier", "web"),), (IN, ABSENT, EXISTS))
    assert may_select(selector, {"tier": None, "team": None})
    assert not may_select(selector, {"tier": "db", "team": None})
    assert not may_select(Selector((("tier", ""),)), {"team": None})


def served(selector: object, labels: dict[str, str] | None, *, strict: bool = True, **mapping: Any) -> bool:
    made = World(strict_selectors=strict)
    made.listener()
    made.host("one", "foo.com", mappingSelector=selector)
    made.mapping("m", **{"hostname": None, **mapping}, **({"labels": labels} if labels else {}))
    return made.hosts_of("default/m") == {"default/one"}


def expressions(*found: dict[str, object]) -> dict[str, object]:
    return {"matchExpressions": list(found)}


@pytest.mark.parametrize("strict", [True, False])
def test_a_selector_with_only_expressions_selects_what_it_says(strict: bool) -> None:
    within = expressions({"key": "team", "operator": "In", "values": ["b", "a", "a"]})
    assert [served(within, labels, strict=strict) for labels in ({"team": "a"}, {"team": "c"}, None)] == [
        *(True, False, False)
    ]
    without = expressions({"key": "team", "operator": "NotIn", "values": ["a"]})
    assert [served(without, labels, strict=strict) for labels in ({"team": "a"}, {"team": "c"}, None)] == [
        *(False, True, True)
    ]
    existing = expressions({"key": "team", "operator": "Exists"})
    assert [served(existing, labels, strict=strict) for labels in ({"team": "a"}, {"x": "a"}, None)] == [
        *(True, False, False)
    ]
    absent = expressions({"key": "team", "operator": "DoesNotExist"})
    assert [served(absent, labels, strict=strict) for labels in ({"team": "a"}, {"x": "a"}, None)] == [
        *(False, True, True)
    ]


def test_the_hostname_counts_beside_expressions_as_beside_labels() -> None:
    absent = expressions({"key": "team", "operator": "DoesNotExist"})
    assert served(absent, None, hostname="foo.com")
    assert not served(absent, None, hostname="bar.com")
    assert not served(absent, {"team": "a"}, hostname="foo.com")
    assert served(absent, {"team": "a"}, hostname="foo.com", strict=False)
    assert served(absent, None, hostname="bar.com", strict=False)


def test_canaries_of_hosts_that_choose_by_expressions_stay_apart() -> None:
    made = World()
    made.listener()
    for team in ("a", "b"):
        chosen = expressions({"key": "team", "operator": "In", "values": [team]})
        made.host(team, f"{team}.com", mappingSelector=chosen)
        made.mapping(team, hostname=None, prefix="/x/", service=team, labels={"team": team})
    assert (made.hosts_of("default/a"), made.hosts_of("default/b")) == ({"default/a"}, {"default/b"})


@pytest.mark.parametrize(
    ("expression", "where", "message"),
    [
        ({"key": "a", "operator": "In"}, ".values", "must not be empty with the operator In"),
        ({"key": "a", "operator": "NotIn", "values": []}, ".values", "must not be empty with the operator NotIn"),
        (
            {"key": "a", "operator": "Exists", "values": ["b"]},
            ".values",
            "must be empty with the operator Exists, which asks for no value",
        ),
        ({"key": "a"}, ".operator", "is required"),
        ({"operator": "Exists"}, ".key", "is required"),
        ({"key": "a", "operator": "In", "values": "b"}, ".values", "must be a list, not a string: 'b'"),
        ({"key": "a", "operator": "In", "values": [True]}, ".values[0]", "must be a string, not a boolean: true"),
        (
            {"key": "a", "operator": "In", "values": ["b c"]},
            ".values[0]",
            "must be the value of a label: letters, digits, and -_. between them, not 'b c'",
        ),
        (
            {"key": "my team", "operator": "DoesNotExist"},
            ".key",
            "must be the name of a label, such as team or example.com/team, not 'my team'",
        ),
        (
            {"key": "a" * (LONGEST_KEY + 1), "operator": "Exists"},
            ".key",
            f"must have at most {LONGEST_KEY} characters, not {LONGEST_KEY + 1}",
        ),
        ("team", "", "must be a mapping, not a string: 'team'"),
    ],
)
def test_mistakes_stop_the_host_and_are_named(expression: object, where: str, message: str) -> None:
    made = World()
    made.listener()
    key = made.host("one", "foo.com", mappingSelector={"matchExpressions": [expression]})
    assert made.problems(key) == {f"spec.mappingSelector.matchExpressions[0]{where}": message}
    made.mapping("m", hostname="foo.com")
    assert made.hosts_of("default/m") == set()


def test_an_operator_that_nobody_knows_is_told_with_those_that_there_are() -> None:
    made = World()
    key = made.host("one", "foo.com", mappingSelector=expressions({"key": "a", "operator": "in", "values": ["b"]}))
    (problem,) = made.problems(key).values()
    assert all(name in problem for name in ("'In'", "'NotIn'", "'Exists'", "'DoesNotExist'", "'in'"))


@pytest.mark.parametrize(
    ("selector", "strict", "expected"),
    [
        (Selector((("a", "1"), ("b", "2")), (IN,)), True, {("a", "1")}),
        (Selector((("a", "1"), ("b", "2")), (IN,)), False, {("a", "1"), ("b", "2")}),
        (Selector((), (ABSENT, EXISTS, IN, NOT_IN)), True, {("team", "a"), ("team", "b")}),
        (Selector((), (ABSENT, EXISTS, NOT_IN)), False, {("team",)}),
        (Selector((), (ABSENT, NOT_IN)), True, {ANYWHERE}),
        (Selector(), True, {ANYWHERE}),
    ],
)
def test_where_a_selector_is_found(selector: Selector, strict: bool, expected: set[tuple[str, ...]]) -> None:
    assert set(places_of(selector, strict=strict)) == expected


def test_a_host_concerns_only_mappings_with_a_label_that_it_asks_for() -> None:
    """Neither does a mapping meet Hosts that ask for other labels, nor does a second Host with a selector matter."""
    tables = Tables()
    hosts: Table[str, HostEntry] = tables.source("hosts")
    mappings: Table[str, dict[str, str]] = tables.source("mappings")
    association = Association(tables, hosts, strict=True)
    asked: list[str] = []

    def ask(name: str, labels: dict[str, str]) -> frozenset[Selector]:
        asked.append(name)
        return association.selectors_of(labels)

    tables.each("found", mappings, ask)
    by_team, in_zone = Selector((), (EXISTS,)), Selector((), (Requirement("zone", "In", ("x", "y")), ABSENT))
    tables.sweep(
        {
            hosts: {"first": HostEntry("first", "*", Selector((("other", "1"),)))},
            mappings: {"team": {"team": "a"}, "zone": {"zone": "x"}, "none": {"tier": "x"}},
        }
    )
    for name, selector, expected in (
        ("by-team", by_team, ["team"]),
        ("by-team-too", by_team, []),
        ("in-zone", in_zone, ["zone"]),
        ("by-absence", Selector((), (ABSENT,)), ["none", "team", "zone"]),
        ("by-absence-too", Selector((), (ABSENT,)), []),
    ):
        asked.clear()
        tables.sweep({hosts: {name: HostEntry(name, "*", selector)}})
        assert sorted(asked) == expected, name
