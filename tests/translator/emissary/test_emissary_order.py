"""The order of routes: emissary's, whatever order the objects came in."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from tests.translator.emissary.world import world
from translator.emissary.precedence import Constraint, backwards, order_of


def order(*mappings: dict[str, object]) -> list[str]:
    """The names of Mappings in the order of their routes; the same for every order in which they come."""
    found = set()
    for permutation in itertools.islice(itertools.permutations(mappings), 6):
        made = world()
        for fields in permutation:
            made.mapping(**fields)  # type: ignore[arg-type]
        found.add(tuple(made.names()))
    (only,) = found
    return list(only)


def test_a_larger_precedence_goes_first_even_with_a_shorter_prefix() -> None:
    assert order(
        {"name": "long", "prefix": "/foo/bar"},
        {"name": "first", "prefix": "/foo", "precedence": 1},
        {"name": "last", "prefix": "/foo/bar/baz", "precedence": -1},
    ) == ["first", "long", "last"]


def test_then_the_longer_prefix_a_regex_by_the_length_of_its_text() -> None:
    assert order(
        {"name": "short", "prefix": "/a"},
        {"name": "regex", "prefix": "/[a-z]+", "prefix_regex": True},
        {"name": "middle", "prefix": "/abcd"},
    ) == ["regex", "middle", "short"]


def test_then_more_and_longer_headers_with_the_host_and_the_method_among_them() -> None:
    assert order(
        {"name": "plain"},
        {"name": "method", "method": "GET"},
        {"name": "host", "hostname": "foo.example.com"},
        {"name": "header", "headers": {"x": "y"}},
    ) == ["host", "method", "header", "plain"]


def test_a_star_counts_for_one_character_of_host() -> None:
    assert order(
        {"name": "star"}, {"name": "name", "hostname": "a.b"}, {"name": "none", "hostname": None, "host": "ab"}
    ) == ["name", "none", "star"]


def test_then_query_parameters_then_the_text_backwards() -> None:
    assert order(
        {"name": "query", "prefix": "/a", "query_parameters": {"q": "1"}},
        {"name": "b", "prefix": "/b"},
        {"name": "a", "prefix": "/a"},
    ) == ["query", "b", "a"]


def test_exact_goes_before_regex_before_prefix_of_the_same_text() -> None:
    """Emissary takes these for one group; here they are three."""
    assert order(
        {"name": "prefix", "prefix": "/foo"},
        {"name": "regex", "prefix": "/foo", "prefix_regex": True},
        {"name": "exact", "prefix": "/foo", "prefix_exact": True},
    ) == ["exact", "regex", "prefix"]


texts = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=4), min_size=1, max_size=4)


@given(texts, texts)
def test_backwards_sorts_lists_of_texts_the_other_way_round(one: list[str], other: list[str]) -> None:
    one[0], other[0] = one[0] or "a", other[0] or "a"
    one, other = [text or "a" for text in one], [text or "a" for text in other]
    by_code_point = [text.encode() for text in one] > [text.encode() for text in other]
    assert (backwards(one) < backwards(other)) == by_code_point
    assert (backwards(one) == backwards(other)) == (one == other)


def test_a_constraint_counts_its_name_its_value_or_a_star_and_whether_it_is_a_regex() -> None:
    assert Constraint("ab", "cde").length == 5
    assert Constraint("ab", "").length == 3
    assert Constraint("ab", "cde", regex=True).length == 6
    assert order_of(0, "prefix", "/a", (Constraint("ab", "cde"),))[2] == -5
