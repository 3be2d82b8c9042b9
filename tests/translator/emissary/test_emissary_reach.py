"""A Mapping has routes only where a request for it can come, and everywhere there."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.translator.emissary.test_emissary_owners import NAMES, Declared, hosts
from tests.translator.emissary.world import World, https
from translator.emissary.hostnames import overlap

ROUTE = {"requestPolicy": {"insecure": {"action": "Route"}}}
ALL = {"namespace": {"from": "ALL"}}
RED = {**ALL, "selector": {"matchLabels": {"team": "red"}}}


def test_a_wider_host_has_no_routes_for_a_name_that_is_anothers() -> None:
    made = https()
    made.host("all", "*", **ROUTE)
    made.host("below", "*.test", **ROUTE)
    made.mapping("a", hostname="one.test")
    assert made.hosts_of("default/a") == {"default/all", "default/below"}
    one = made.host("one", "one.test", **ROUTE)
    assert made.hosts_of("default/a") == {"default/one"}
    assert made.route().match.headers == ()
    made.delete(one)
    assert made.hosts_of("default/a") == {"default/all", "default/below"}
    assert [header.name for header in made.route().match.headers] == [":authority"]


def test_a_mapping_for_more_names_than_one_is_served_by_each_host_of_these() -> None:
    made = https()
    made.host("all", "*", **ROUTE)
    made.host("one", "one.test", **ROUTE)
    made.mapping("a", hostname="*.test")
    made.mapping("b", "/b", host="one.tes.", host_regex=True, hostname=None)
    assert made.hosts_of("default/a") == made.hosts_of("default/b") == {"default/all", "default/one"}


def test_where_a_listener_does_not_know_a_name_the_wider_host_answers_for_it() -> None:
    made = https()
    red = made.listener("red", 9443, protocol="HTTPS", hostBinding=RED)
    made.host("all", "*", labels={"team": "red"}, **ROUTE)
    made.host("one", "one.test", **ROUTE)
    made.mapping("a", hostname="one.test")
    assert made.answer("one.test", listener="default/red") == "default/all"
    assert made.hosts_of("default/a") == {"default/all", "default/one"}
    made.delete(red)
    assert made.hosts_of("default/a") == {"default/one"}


def test_a_stopped_host_keeps_its_mappings_from_wider_ones() -> None:
    made = https()
    made.host("all", "*", **ROUTE)
    made.host("one", "one.test", tlsSecret={"name": "none"}, **ROUTE)
    key = made.mapping("a", hostname="one.test")
    assert made.answer("one.test") == 404
    assert made.hosts_of("default/a") == {"default/one"}
    assert made.problems(key) == {}


labels: Any = st.sampled_from([{}, {"team": "red"}, {"team": "blue"}, {"team": 5}])


@settings(deadline=None, max_examples=300)
@given(hosts(), st.lists(labels, min_size=6, max_size=6), st.lists(st.sampled_from((*NAMES, "")), max_size=3))
def test_whoever_answers_for_a_name_has_the_routes_for_it(
    declared: list[Declared], labelled: list[dict[str, Any]], connections: list[str]
) -> None:
    made = a_world(declared, labelled)
    for name in NAMES:
        made.mapping(f"for-{name}", hostname=name)
    for name in NAMES:
        attached = made.hosts_of(f"default/for-{name}")
        for listener in ("default/https", "default/red"):
            for authority in (name, name.upper()):
                for sni in (None, *connections):
                    found = made.answer(authority, sni, listener)
                    serving = [host for host in declared if f"default/{host.name}" == found]
                    assert all(found in attached for host in serving if overlap(host.hostname, name))


def a_world(declared: list[Declared], labelled: list[dict[str, Any]]) -> World:
    """The Hosts at two Listeners, of which one takes only some."""
    made = https()
    made.listener("red", 9443, protocol="HTTPS", hostBinding=RED)
    for host, team in zip(declared, labelled, strict=False):
        document = {"apiVersion": "getambassador.io/v3alpha1", "kind": "Host", "metadata": {}, **host.spec}
        metadata = {**document["metadata"], "name": host.name, "namespace": "default", "labels": team}
        made.put_document({**document, "metadata": metadata})
    return made
