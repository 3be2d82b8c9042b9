"""Why a rule goes before another, by the keys that put them in order."""

from typing import Any

import pytest

from translator import ir
from translator.emissary.precedence import Constraint, order_of
from translator.gateway.matches import order
from translator.ingress.kinds import Backend
from translator.ingress.paths import Asked, Place
from translator.ingress.paths import order as path_order
from translator.reasons import reason


def route(key: tuple[Any, ...], name: str = "default/a", *origins: str) -> ir.Route:
    match = ir.RouteMatch(ir.PathMatch("prefix", "/"))
    return ir.Route(name, match, ir.DirectResponse(200), key, origins=origins)


OLD, NEW = ("2026-01-01", "default", "a"), ("2026-02-01", "default", "a")
HEADER, QUERY = (Constraint("x", "1"),), (Constraint("q", "1"),)


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (order_of(1, "prefix", "/"), order_of(0, "prefix", "/long/"), "precedence is lower"),
        (order_of(0, "prefix", "/a/"), order_of(0, "prefix", "/"), "prefix is shorter"),
        (order_of(0, "prefix", "/", HEADER), order_of(0, "prefix", "/"), "less of headers"),
        (order_of(0, "prefix", "/", (), QUERY), order_of(0, "prefix", "/"), "less of query parameters"),
        (order_of(0, "prefix", "/b"), order_of(0, "prefix", "/a"), "by its texts"),
        (order_of(0, "exact", "/a"), order_of(0, "prefix", "/a"), "an exact path goes before"),
        (order_of(0, "prefix", "/", tie="a"), order_of(0, "prefix", "/", tie="b"), "by its name"),
        ((*order_of(0, "prefix", "/"), 0), (*order_of(0, "prefix", "/"), 1), "shares the requests"),
    ],
)
def test_mappings(first: tuple[Any, ...], second: tuple[Any, ...], said: str) -> None:
    assert first < second
    one, other = route(first, "default/a", "a"), route(second, "default/b", "b")
    assert said in reason(one, other)
    assert "Envoy did not take it" in reason(other, one)


def test_two_routes_of_one_mapping_share_no_requests() -> None:
    """One is for a path of which a rewrite leaves nothing, or for WebSockets whose bodies are not gathered."""
    key, origin = order_of(0, "prefix", "/"), "getambassador.io/Mapping/default/a"
    for first, second in (((0, 0), (0, 1)), ((-1, 0), (0,))):
        one, other = route((*key, *first), "default/a", origin), route((*key, *second), "default/a", origin)
        assert reason(one, other) == "it stands later in the same object"


OF_INGRESS = Place("a.test", "prefix", "/a")


@pytest.mark.parametrize(
    ("first", "second", "as_regex", "said"),
    [
        (Place("a.test", "exact", "/a"), OF_INGRESS, False, "an exact path"),
        (Place("a.test", "prefix", "/a/b"), OF_INGRESS, False, "path is shorter"),
        (OF_INGRESS, OF_INGRESS, True, "a prefix goes before a regular expression"),
        (OF_INGRESS, Place("a.test", "rest", "/"), False, "before the default backend"),
        (OF_INGRESS, OF_INGRESS, False, "it is younger"),
    ],
)
def test_ingresses_of_a_class_of_ours(first: Place, second: Place, as_regex: bool, said: str) -> None:
    origin = "networking.k8s.io/Ingress/default/a"
    keys = (
        path_order(Asked(first, first.text, 0, "", Backend()), OLD, 0, as_regex=False),
        path_order(Asked(second, second.text, 0, "", Backend()), NEW, 0, as_regex=as_regex),
    )
    assert keys[0] < keys[1]
    assert said in reason(route(keys[0], "default/a#http/0/0", origin), route(keys[1], "default/b#http/0/0", origin))


HTTP = (1, 2, -1, True, 0, 0)
CALL = (0, -3, -3, 0, 0, 0)


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (order("a.test", HTTP, OLD, (0,)), order("*.test", HTTP, OLD, (0,)), "hostname is less specific"),
        (order("a.test", CALL, NEW, (0,)), order("a.test", HTTP, OLD, (0,)), "among GRPCRoutes first"),
        (order("a.test", (1, 0, -1, True, 0, 0), NEW, (0,)), order("a.test", HTTP, OLD, (0,)), "an exact path"),
        (order("a.test", (1, 2, -9, True, 0, 0), NEW, (0,)), order("a.test", HTTP, OLD, (0,)), "path is shorter"),
        (order("a.test", (1, 2, -1, False, 0, 0), NEW, (0,)), order("a.test", HTTP, OLD, (0,)), "no method"),
        (order("a.test", (1, 2, -1, True, -1, 0), NEW, (0,)), order("a.test", HTTP, OLD, (0,)), "fewer headers"),
        (order("a.test", (1, 2, -1, True, 0, -1), NEW, (0,)), order("a.test", HTTP, OLD, (0,)), "fewer query"),
        (order("a.test", HTTP, OLD, (0,)), order("a.test", HTTP, NEW, (0,)), "it is younger"),
        (order("a.test", HTTP, OLD, (0,)), order("a.test", HTTP, OLD, (1,)), "later in the same object"),
        (order("a.test", CALL, OLD, (0,)), order("a.test", (0, -2, -3, 0, 0, 0), OLD, (0,)), "service is shorter"),
        (order("a.test", CALL, OLD, (0,)), order("a.test", (0, -3, -2, 0, 0, 0), OLD, (0,)), "method is shorter"),
    ],
)
def test_routes_of_gateway_api(first: tuple[Any, ...], second: tuple[Any, ...], said: str) -> None:
    assert first < second
    name = "HTTPRoute/default/a@a.test/0-0"
    assert said in reason(route(first, name), route(second, name))
