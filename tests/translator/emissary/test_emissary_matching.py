"""What a Mapping asks of a request."""

import pytest

from tests.translator.emissary.world import World, world
from translator import ir
from translator.ir import HeaderMatch, PathMatch, QueryMatch, TextMatch


def match(**fields: object) -> ir.RouteMatch:
    """What a Mapping with these fields asks."""
    made = world()
    made.mapping("a", **fields)
    return made.route().match


def test_a_prefix_is_plain_text() -> None:
    assert match(prefix="/foo").path == PathMatch("prefix", "/foo")


def test_an_exact_prefix_is_the_whole_path() -> None:
    assert match(prefix="/foo", prefix_exact=True).path == PathMatch("exact", "/foo")


def test_a_regex_wins_over_exact_and_says_so() -> None:
    made = world()
    key = made.mapping("a", prefix="/f(oo|ee)?", prefix_exact=True, prefix_regex=True, case_sensitive=False)
    assert made.route().match.path == PathMatch("regex", "/f(oo|ee)?")
    assert made.problems(key) == {"spec.prefix_exact": "warning: has no effect beside prefix_regex"}


def test_case_may_not_count() -> None:
    assert match(prefix="/foo", case_sensitive=False).path == PathMatch("prefix", "/foo", case_sensitive=False)


def test_headers_queries_and_the_method_are_asked_in_an_order_of_their_own() -> None:
    asked = match(
        headers={"X-B": "2", "x-a": "1"},
        regex_headers={"x-c": "3|4"},
        method="GET",
        query_parameters={"q": "1"},
        regex_query_parameters={"p": ".*"},
    )
    assert asked.headers == (
        HeaderMatch(":method", TextMatch("exact", "GET")),
        HeaderMatch("x-a", TextMatch("exact", "1")),
        HeaderMatch("x-b", TextMatch("exact", "2")),
        HeaderMatch("x-c", TextMatch("regex", "3|4")),
    )
    assert asked.queries == (
        QueryMatch("p", TextMatch("regex", ".*")),
        QueryMatch("q", TextMatch("exact", "1")),
    )


def test_the_method_may_be_a_regex() -> None:
    assert match(method="GET|PUT", method_regex=True).headers == (
        HeaderMatch(":method", TextMatch("regex", "GET|PUT")),
    )


def test_a_host_of_one_name_need_not_be_asked_for() -> None:
    """The authority is asked for only where some Host that serves the Mapping answers for other names too."""
    made = World()
    made.listener()
    made.host("one", "foo.example.com")
    made.mapping("a", hostname="foo.example.com")
    made.mapping("b", hostname="*.example.com")
    assert made.route("default/a").match.headers == ()
    assert made.route("default/b").match.headers == ()
    made.host("wild", "*.example.com")
    made.mapping("c", hostname="bar.example.com")
    assert made.hosts_of("default/a") == {"default/one"}
    assert made.route("default/a").match.headers == ()
    assert made.hosts_of("default/b") == {"default/one", "default/wild"}
    assert made.route("default/b").match.headers == ()
    assert made.route("default/c").match.headers == (
        HeaderMatch(":authority", TextMatch("exact", "bar.example.com", ignore_case=True)),
    )


@pytest.mark.parametrize(
    ("hostname", "text"),
    [
        ("Foo.example.com", TextMatch("exact", "foo.example.com", ignore_case=True)),
        ("*.example.com", TextMatch("suffix", ".example.com", ignore_case=True)),
        ("foo.*", TextMatch("prefix", "foo.", ignore_case=True)),
    ],
)
def test_how_a_hostname_is_asked_for(hostname: str, text: TextMatch) -> None:
    assert match(hostname=hostname).headers == (HeaderMatch(":authority", text),)


def test_the_older_spellings_of_the_host() -> None:
    exact = (HeaderMatch(":authority", TextMatch("exact", "foo.com", ignore_case=True)),)
    assert match(hostname=None, host="foo.com").headers == exact
    assert match(hostname=None, headers={":Authority": "foo.com"}).headers == exact
    regex = (HeaderMatch(":authority", TextMatch("regex", "foo|bar")),)
    assert match(hostname=None, host="foo|bar", host_regex=True).headers == regex


def test_hostname_goes_before_host_before_the_header() -> None:
    made = world()
    key = made.mapping("a", hostname="one.com", host="two.com", headers={":authority": "three.com"})
    authority = HeaderMatch(":authority", TextMatch("exact", "one.com", ignore_case=True))
    assert made.route().match.headers == (authority,)
    assert made.problems(key) == {"spec.host": "warning: has no effect beside hostname"}


def test_a_star_in_the_older_spellings_stops_the_mapping() -> None:
    made = world()
    by_host = made.mapping("a", hostname=None, host="*.foo.com")
    by_header = made.mapping("b", hostname=None, headers={":authority": "*.foo.com"})
    assert made.names() == []
    assert made.problems(by_host) == {"spec.host": "must not hold *, as '*.foo.com' does: use hostname"}
    assert made.problems(by_header) == {
        'spec.headers[":authority"]': "must not hold *, as '*.foo.com' does: use hostname"
    }


def test_a_prefix_that_no_path_begins_with_is_told() -> None:
    made = world()
    said = {"spec.prefix": "warning: does not begin with /, as every path does: nothing asks for it"}
    assert made.problems(made.mapping("a", prefix="quote/")) == said
    assert made.problems(made.mapping("b", prefix="quote", prefix_exact=True)) == said
    for name, prefix, regex in (("c", "/quote/", False), ("d", ".*quote", True), ("e", "", False)):
        assert made.problems(made.mapping(name, prefix=prefix, prefix_regex=regex)) == {}
