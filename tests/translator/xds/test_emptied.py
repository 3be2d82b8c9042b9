"""Where a regular expression leaves nothing of a path, a route in front of it says `/`."""

import pytest

from translator import ir
from translator.xds.emptied import with_roots


def emptied(kind: str, text: str, pattern: str, substitution: str, *, case_sensitive: bool = True) -> list[str]:
    path = ir.PathMatch(kind, text, case_sensitive)  # type: ignore[arg-type]
    rewrite = ir.Rewrite("regex", substitution, pattern)
    route = ir.Route("a", ir.RouteMatch(path), ir.Forward((), rewrite), (1, "a"))
    *roots, last = with_roots(route)
    assert (last.match, last.action) == (route.match, route.action)
    assert last.order == ((1, "a", 1) if roots else (1, "a"))
    for root in roots:
        assert root.order == (1, "a", 0)
        assert root.match.path.kind == "exact"
        assert isinstance(root.action, ir.Forward)
        assert root.action.rewrite == ir.Rewrite("regex", "/", "^.*$")
    return [root.match.path.text for root in roots]


@pytest.mark.parametrize(
    ("kind", "text", "pattern", "substitution", "found"),
    [
        ("prefix", "/api", "^/api(.*)", r"\1", ["/api"]),
        ("prefix", "/api", "^/api/?(.*)", r"\1", ["/api", "/api/"]),
        ("prefix", "/api/", "^/api/?", "", ["/api/"]),
        ("segments", "/api", "/api", "", ["/api"]),
        ("exact", "/api", "/a|pi", "", ["/api"]),
        ("exact", "/api", "[a-z/]", "", ["/api"]),
        ("prefix", "/", "/", "", ["/"]),
        ("prefix", "/api", ".*", r"\0", []),
        ("prefix", "/api", "^/api(.*)", r"/\1", []),
        ("prefix", "/api", "^/api(.+)", r"\1", []),
        ("prefix", "/api", "/other", "", []),
        ("prefix", "/api", "/a", "", []),
        ("prefix", "/api", "pi", "", []),
        ("regex", "/api", "/api", "", []),
    ],
)
def test_what_a_route_matches_by_its_text_is_tried(
    kind: str, text: str, pattern: str, substitution: str, found: list[str]
) -> None:
    assert emptied(kind, text, pattern, substitution) == found


def test_where_letters_of_any_case_match_there_is_no_one_text() -> None:
    assert emptied("prefix", "/api", "/api", "", case_sensitive=False) == []


def test_other_routes_stay_as_they_are() -> None:
    for action in (ir.Forward((), ir.Rewrite("matched", "/")), ir.Forward(()), ir.Redirect(), ir.DirectResponse(404)):
        route = ir.Route("a", ir.RouteMatch(ir.PathMatch("prefix", "/api")), action, (1,))
        assert list(with_roots(route)) == [route]
