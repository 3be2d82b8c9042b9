"""Why a rule goes before another, by the keys that put them in order."""

from typing import Any

import pytest

from translator import ir
from translator.emissary.precedence import Constraint, order_of
from translator.gateway.matches import order
from translator.reasons import reason


def route(key: tuple[Any, ...], name: str = "default/a") -> ir.Route:
    return ir.Route(name, ir.RouteMatch(ir.PathMatch("prefix", "/")), ir.DirectResponse(200), key)


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
    assert said in reason(route(first), route(second))
    assert "Envoy did not take it" in reason(route(second), route(first))


OLD, NEW = ("2026-01-01", "default", "a"), ("2026-02-01", "default", "a")
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
