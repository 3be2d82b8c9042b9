"""Which Hosts serve which Mappings: the rule, and indexes that answer as the rule does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.translator.emissary.world import World
from translator.emissary.association import Association, HostEntry, attaches
from translator.emissary.grouping import HostPattern
from translator.emissary.hostnames import covers, overlap
from translator.kubernetes.selectors import Requirement, Selector, selects
from translator.tables import Table, Tables

NAMED = {"requestPolicy": {"insecure": {"action": "Route"}}}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("foo.com", "foo.com", True),
        ("foo.com", "bar.com", False),
        ("*", "foo.com", True),
        ("*", "*.foo.com", True),
        ("*.foo.com", "bar.foo.com", True),
        ("*.foo.com", "a.bar.foo.com", True),
        ("*.foo.com", "foo.com", False),
        ("*.foo.com", ".foo.com", False),
        ("*foo.com", "foo.com", False),
        ("*foo.com", "afoo.com", True),
        ("foo.*", "foo.com", True),
        ("foo.*", "foo.", False),
        ("*.foo.com", "*.bar.foo.com", True),
        ("*.foo.com", "*.bar.com", False),
        ("foo.*", "foo.bar.*", True),
        ("foo.*", "bar.*", False),
        ("*.com", "foo.*", True),
        ("foo.com:8080", "foo.com", False),
        ("*.com:8080", "foo.com:8080", True),
    ],
)
def test_two_hostnames_overlap_when_some_name_could_be_both(one: str, other: str, expected: bool) -> None:
    assert overlap(one, other) is expected
    assert overlap(other, one) is expected


def served_by(mapping: dict[str, object], labels: dict[str, str] | None = None, *, strict: bool = True) -> set[str]:
    """Which of four Hosts serve a Mapping."""
    made = World(strict_selectors=strict)
    made.listener()
    made.host("plain", "foo.com")
    made.host("team", "foo.com", mappingSelector={"matchLabels": {"team": "a", "tier": "1"}})
    made.host("everything", "bar.com", selector={"matchLabels": {}})
    made.host("empty", "baz.com", mappingSelector={})
    made.mapping("m", **{"hostname": None, **mapping}, **({"labels": labels} if labels else {}))
    return {name.removeprefix("default/") for name in made.hosts_of("default/m")}


def test_a_host_without_a_selector_goes_by_the_hostname() -> None:
    assert served_by({"hostname": "foo.com"}) == {"plain"}
    assert served_by({"hostname": "*.com"}, {"team": "a", "tier": "1"}) == {"plain", "team", "everything", "empty"}


def test_a_host_with_a_selector_wants_both_from_a_mapping_that_names_a_host() -> None:
    assert served_by({"hostname": "foo.com"}, {"team": "a", "tier": "1", "more": "x"}) == {"plain", "team"}
    assert served_by({"hostname": "foo.com"}, {"team": "a"}) == {"plain"}


def test_a_mapping_without_a_host_goes_by_its_labels_alone() -> None:
    assert served_by({}, {"team": "a", "tier": "1"}) == {"team", "everything"}
    assert served_by({}, {"team": "a"}) == {"everything"}


def test_a_host_regex_fits_every_hostname() -> None:
    assert served_by({"host": "foo|bar", "host_regex": True}) == {"plain", "everything", "empty"}


def test_when_not_strict_any_label_or_the_hostname_is_enough() -> None:
    assert served_by({}, {"team": "a"}, strict=False) == {"team", "everything"}
    assert served_by({"hostname": "baz.com"}, {"tier": "1"}, strict=False) == {"empty", "team", "everything"}
    assert served_by({"hostname": "foo.com"}, strict=False) == {"plain", "team", "everything"}


def test_a_mapping_that_no_host_serves_is_told_and_makes_no_route() -> None:
    made = World()
    made.listener()
    made.host("one", "foo.com")
    elsewhere = made.mapping("a", hostname="bar.com")
    nowhere = made.mapping("b", hostname=None, labels={"x": "y"})
    assert made.routes() == []
    assert made.problems(elsewhere) == {"spec.hostname": "warning: fits no Host: nothing asks for bar.com"}
    assert made.problems(nowhere) == {
        "spec.hostname": "warning: is absent, and no Host selects the Mapping by its labels: nothing asks for it"
    }
    made.host("two", "bar.com")
    assert made.problems(elsewhere) == {}
    assert made.names() == ["a"]


# Indexes

parts = st.sampled_from(["a", "b", "ab", "foo"])
literals = st.lists(parts, min_size=1, max_size=3).map(".".join)
hostnames = st.one_of(
    st.just("*"),
    literals,
    literals.map("*.{}".format),
    literals.map("*{}".format),
    literals.map("{}.*".format),
    literals.map("{}*".format),
    literals.map("{}:80".format),
    st.just("*:80"),
)
labels = st.dictionaries(st.sampled_from(["k", "l"]), st.sampled_from(["1", "2"]), max_size=2)
requirements = st.builds(
    lambda key, operator, values: Requirement(key, operator, tuple(sorted(values)) if operator.endswith("In") else ()),
    st.sampled_from(["k", "l"]),
    st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist"]),
    st.sets(st.sampled_from(["1", "2"]), min_size=1),
)
selectors = st.none() | st.builds(
    lambda found, expressions: Selector(tuple(sorted(found.items())), tuple(sorted(expressions))),
    labels,
    st.sets(requirements, max_size=2),
)
hosts = st.lists(st.tuples(hostnames, selectors), max_size=6).map(
    lambda found: [HostEntry(f"h{index}", *each) for index, each in enumerate(found)]
)
patterns = st.none() | st.builds(HostPattern, st.just("glob"), hostnames) | st.just(HostPattern("regex", "."))


@given(hosts, st.lists(st.tuples(patterns, labels), max_size=4), st.booleans())
def test_the_indexes_answer_as_the_rule_does(
    entries: list[HostEntry], mappings: list[tuple[HostPattern | None, dict[str, str]]], strict: bool
) -> None:
    tables = Tables()
    rows: Table[str, HostEntry] = tables.source("hosts")
    asked: Table[int, tuple[HostPattern | None, dict[str, str]]] = tables.source("mappings")
    association = Association(tables, rows, strict=strict)
    found = tables.each(
        "found", asked, lambda _, each: association.hosts_of(each[0], association.selectors_of(each[1]))
    )

    swept = tables.sweep({rows: {entry.name: entry for entry in entries}, asked: dict(enumerate(mappings))})

    assert swept.failures == ()
    for index, (pattern, given_labels) in enumerate(mappings):
        chosen = frozenset(
            entry.selector
            for entry in entries
            if entry.selector is not None and selects(entry.selector, given_labels, strict=strict)
        )
        expected = [entry for entry in entries if attaches(entry, pattern, chosen, strict=strict)]
        assert list(found.view()[index]) == sorted(expected, key=lambda entry: entry.name)


@given(hostnames, hostnames, st.lists(literals, max_size=20))
def test_what_a_glob_covers_it_overlaps_and_stands_for_every_name_of_it(
    glob: str, hostname: str, names: list[str]
) -> None:
    if covers(glob, hostname):
        assert overlap(glob, hostname)
        assert all(overlap(glob, name) for name in names if overlap(hostname, name))
