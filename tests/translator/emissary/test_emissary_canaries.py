"""Groups of Mappings for the same requests, and how they divide them."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.translator.emissary.world import World, world
from translator import ir
from translator.emissary.grouping import Demands, group_key
from translator.emissary.precedence import Constraint
from translator.emissary.weights import shares_of, single_weights

optional_weights = st.lists(st.none() | st.integers(0, 100), min_size=1, max_size=8)


def shares(made: World) -> dict[str, int]:
    """The cumulative share of each route, in order; 100 where it takes all that comes."""
    return {
        route.name.removeprefix("default/"): route.match.share.part if route.match.share else 100
        for route in made.routes()
    }


def test_a_lone_mapping_gets_everything_whatever_its_weight() -> None:
    made = world()
    made.mapping("a", weight=10)
    assert shares(made) == {"a": 100}


def test_weights_are_cumulative_in_the_order_of_names() -> None:
    made = world()
    made.mapping("b", weight=20)
    made.mapping("a", weight=30)
    made.mapping("c", weight=50)
    assert shares(made) == {"a": 30, "b": 50, "c": 100}


def test_those_without_a_weight_come_last_and_share_the_rest() -> None:
    made = world()
    made.mapping("a")
    made.mapping("b", weight=10)
    made.mapping("c")
    made.mapping("d")
    assert shares(made) == {"b": 10, "a": 40, "c": 70, "d": 100}


def test_what_weights_leave_over_falls_through() -> None:
    made = world()
    made.mapping("a", weight=10)
    made.mapping("b", weight=20)
    assert shares(made) == {"a": 10, "b": 30}


def test_a_weight_of_nought_is_respected() -> None:
    made = world()
    made.mapping("a", weight=0)
    made.mapping("b")
    assert shares(made) == {"a": 0, "b": 100}


def test_who_is_beyond_a_hundred_is_stopped_and_told_with_whom() -> None:
    made = world()
    made.mapping("a", weight=60)
    beyond = made.mapping("b", weight=50)
    made.mapping("c", weight=40)
    assert shares(made) == {"a": 60, "c": 100}
    assert made.problems(beyond) == {
        "spec.weight": "is beyond the 100 % that the Mappings for the same requests may have together: "
        "Mapping default/a, Mapping default/b, Mapping default/c"
    }


def test_who_is_left_alone_by_those_beyond_gets_everything() -> None:
    made = world()
    made.mapping("a", weight=60)
    made.mapping("b", weight=70)
    assert shares(made) == {"a": 100}


def test_who_gets_nothing_is_told() -> None:
    made = world()
    made.mapping("a", weight=100)
    left = made.mapping("b")
    assert shares(made) == {"a": 100, "b": 100}
    assert made.problems(left) == {
        "spec.weight": "warning: leaves it nothing: the Mappings for the same requests have 100 %: "
        "Mapping default/a, Mapping default/b"
    }


def test_a_weight_beyond_a_hundred_is_wrong_by_itself() -> None:
    made = world()
    key = made.mapping("a", weight=101)
    assert made.problems(key) == {"spec.weight": "must be between 0 and 100, not 101"}


def test_what_differs_in_what_it_asks_is_no_canary() -> None:
    """Also where Emissary forgets the difference: exact or not, regular expression or not."""
    made = world()
    made.mapping("prefix", prefix="/a")
    made.mapping("exact", prefix="/a", prefix_exact=True)
    made.mapping("regex", prefix="/a", prefix_regex=True)
    made.mapping("header", prefix="/a", headers={"x": "1"})
    made.mapping("header-regex", prefix="/a", regex_headers={"x": "1"})
    made.mapping("host", prefix="/a", hostname="1.com")
    made.mapping("host-regex", prefix="/a", hostname=None, host="1.com", host_regex=True)
    made.mapping("method", prefix="/a", method="GET")
    made.mapping("query", prefix="/a", query_parameters={"x": "1"})
    made.mapping("query-regex", prefix="/a", regex_query_parameters={"x": "1"})
    made.mapping("precedence", prefix="/a", precedence=1)
    assert set(shares(made).values()) == {100}
    assert len(shares(made)) == 11


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"query_parameters": {"a": "b=c"}}, {"query_parameters": {"a=b": "c"}}),
        ({"headers": {"x~": "v"}}, {"regex_headers": {"x": "=v"}}),
    ],
    ids=["the sign between name and value", "that of a regular expression"],
)
def test_whatever_signs_are_in_names_and_values_they_are_no_canaries(
    one: dict[str, object], other: dict[str, object]
) -> None:
    made = world()
    made.mapping("a", **one)
    made.mapping("b", **other)
    assert shares(made) == {"a": 100, "b": 100}


def test_the_key_of_a_group_is_that_of_no_other() -> None:
    words = ["".join(signs) for length in range(3) for signs in product("a=~' ", repeat=length)]
    asked = [Constraint(*each) for each in product(words, words, (False, True))]
    demands = [Demands("prefix", "/", None, (), (each,), 0) for each in asked]
    assert len({group_key(each, ()) for each in demands}) == len(demands)


def test_the_order_in_which_headers_are_written_is_no_difference() -> None:
    made = world()
    made.mapping("a", headers={"x": "1", "y": "2"}, weight=50)
    made.mapping("b", headers={"Y": "2", "X": "1"})
    assert shares(made) == {"a": 50, "b": 100}


def test_names_decide_as_name_and_namespace_joined() -> None:
    made = world()
    made.mapping("a", weight=10, namespace="z")
    made.mapping("a", weight=20, namespace="b")
    made.mapping("a-b", weight=30)
    assert [route.name for route in made.routes()] == ["default/a-b", "b/a", "z/a"]


def test_a_group_shares_headers_retries_upgrades_and_a_regex_rewrite_but_not_the_rest() -> None:
    made = world()
    made.mapping(
        "a",
        weight=50,
        add_request_headers={"x-a": "1", "x-both": "a"},
        remove_response_headers=["server"],
        retry_policy={"retry_on": "5xx"},
        timeout_ms=1,
        host_rewrite="a.com",
    )
    made.mapping(
        "b",
        add_request_headers={"x-b": "2", "x-both": "b"},
        remove_response_headers=["via"],
        allow_upgrade=["websocket"],
        regex_rewrite={"pattern": "/x", "substitution": "/y"},
        timeout_ms=2,
    )
    a, b = made.routes()
    assert a.headers == b.headers
    assert [(header.name, header.value) for header in a.headers.add_request] == [
        ("x-a", "1"),
        ("x-b", "2"),
        ("x-both", "b"),
    ]
    assert a.headers.remove_response == ("via",)
    assert isinstance(a.action, ir.Forward)
    assert isinstance(b.action, ir.Forward)
    assert a.action.features == b.action.features
    assert len(a.action.features) == 2
    assert a.action.rewrite == b.action.rewrite == ir.Rewrite("regex", "/y", "/x")
    assert (a.action.timeout_ms, b.action.timeout_ms) == (1, 2)
    assert (a.action.host, b.action.host) == ("a.com", None)


def test_each_of_those_that_share_requests_waits_for_connections_as_long_as_it_says() -> None:
    made = world()
    keys = [made.mapping("a"), made.mapping("b", connect_timeout_ms=1000), made.mapping("c", connect_timeout_ms=2000)]
    assert made.names() == ["a", "b", "c"]
    assert [made.problems(key) for key in keys] == [{}, {}, {}]
    assert [made.backend(f"default/{name}").connect_timeout_ms for name in "abc"] == [3000, 1000, 2000]


def test_a_redirect_is_never_mixed_the_first_by_name_wins() -> None:
    made = world()
    made.mapping("b", service="foo.com", host_redirect=True)
    later = made.mapping("c")
    assert made.names() == ["b"]
    assert made.problems(later) == {
        "spec.host_redirect": "cannot be mixed with Mapping default/b, which asks for the same requests"
    }
    made.mapping("a")
    assert made.names() == ["a", "c"]


def test_canaries_of_two_hosts_chosen_by_label_stay_apart() -> None:
    made = World()
    made.listener()
    for name in ("one", "two"):
        made.host(name, f"{name}.com", mappingSelector={"matchLabels": {"host": name}})
        made.mapping(f"{name}-a", hostname=None, labels={"host": name}, weight=30)
        made.mapping(f"{name}-b", hostname=None, labels={"host": name, "more": "x"})
    assert shares(made) == {"one-a": 30, "one-b": 100, "two-a": 30, "two-b": 100}
    assert made.hosts_of("default/one-b") == {"default/one"}


@given(optional_weights)
def test_shares_never_shrink_nor_pass_the_whole_and_everyone_is_served_or_refused(weights: list[int | None]) -> None:
    found = shares_of(weights)
    reached = [share for _, share in found.reached]
    assert reached == sorted(reached)
    assert all(0 <= share <= 100 for share in reached)
    positions = [position for position, _ in found.reached]
    assert sorted([*positions, *found.refused]) == list(range(len(weights)))
    assert all(weights[position] is not None for position in found.refused)


@given(optional_weights)
def test_each_gets_its_weight_and_the_others_share_the_rest(weights: list[int | None]) -> None:
    found = shares_of(weights)
    own = single_weights(found)
    served = [position for position, _ in found.reached]
    if len(served) == 1:
        assert own == {served[0]: 100}
        return
    given = {position: weights[position] for position in served if weights[position]}
    assert {position: own[position] for position in given} == given
    free = [own.get(position, 0) for position in served if weights[position] is None]
    if free:
        assert sum(own.values()) == 100
        assert max(free) - min(free) <= 1


def test_a_shadow_is_no_part_of_the_shares_and_stops_with_nobody() -> None:
    made = world()
    made.mapping("a", weight=10)
    made.mapping("b", shadow=True, weight=30, connect_timeout_ms=1)
    assert shares(made) == {"a": 100}
    (route,) = made.routes()
    assert isinstance(route.action, ir.Forward)
    assert [mirror.share.part for mirror in route.action.mirrors] == [30]
    assert route.origins == ("getambassador.io/Mapping/default/a", "getambassador.io/Mapping/default/b")


def test_a_shadow_that_is_alone_is_no_route() -> None:
    made = world()
    key = made.mapping("a", shadow=True)
    assert shares(made) == {}
    assert made.problems(key) == {"spec.shadow": "warning: copies nothing: no other Mapping asks for the same requests"}
