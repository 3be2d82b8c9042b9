"""The matcher tree answers as the plain list does: a real Envoy is asked the same questions of both."""

import contextlib
import http.client
import random
from collections.abc import Iterator
from typing import Any

import pytest

from envoyapi import canonical
from envoyapi.config_route_v3 import RouteConfiguration, VirtualHost
from envoyapi.wire import SIZE, tag
from tests.support.envoy import RealEnvoy, free_port
from translator import ir
from translator.xds.matcher import LONGEST_LIST, matcher_of
from translator.xds.route import encode_route

CASES = 24
REQUESTS = 60
SEGMENTS = ("a", "b", "ab", "abc", "a.b", "%C3%A9")
HEADERS = ({}, {"x-team": "red"}, {"x-team": "blue"})


def a_route(rng: random.Random, index: int) -> ir.Route:
    depth = rng.choice((0, 1, 1, 2, 2, 2, 3, 3))
    text = "/" + "/".join(rng.choice(SEGMENTS) for _ in range(depth))
    text += rng.choice(("", "", "/")) if depth else ""
    kind = rng.choices(("prefix", "exact", "segments", "regex"), (12, 4, 3, 1))[0]
    path = ir.PathMatch(
        kind,  # type: ignore[arg-type]
        text + (".*b" if kind == "regex" else ""),
        case_sensitive=kind == "regex" or rng.random() > 0.04,
    )
    team = rng.choice((None, None, "red", "blue"))
    headers = (ir.HeaderMatch("x-team", ir.TextMatch("exact", team)),) if team else ()
    return ir.Route(
        name=f"route-{index}",
        match=ir.RouteMatch(path, headers),
        action=ir.DirectResponse(200, f"route-{index}"),
        order=(rng.choice((0, 0, 0, -1)), -len(text), rng.random()),
    )


def a_list(rng: random.Random) -> list[ir.Route]:
    routes = [a_route(rng, index) for index in range(rng.randint(LONGEST_LIST + 1, 3 * LONGEST_LIST))]
    return sorted(routes, key=lambda route: route.order)


def a_path(rng: random.Random, routes: list[ir.Route]) -> str:
    base = rng.choice(routes).match.path.text.replace(".*", "x")
    path = base + rng.choice(("", "", "/", "b", "/b", "/zz", "?q=/a/b", "x?"))
    return path.upper() if rng.random() < 0.05 else path


def virtual_hosts(case: int, routes: list[ir.Route]) -> tuple[VirtualHost, VirtualHost]:
    entries = [(route.match.path, encode_route(route).plain) for route in routes]
    # The overlap in these small alphabets is far beyond what would be worth a tree.
    tree = matcher_of(entries, greatest_growth=1000)
    assert tree is not None
    listed = VirtualHost(name=f"list-{case}", domains=[f"list-{case}"])
    return (
        VirtualHost.of(listed + b"".join(tag(3, 2) + SIZE[len(route)] + route for _, route in entries)),
        VirtualHost(name=f"tree-{case}", domains=[f"tree-{case}"], matcher=tree),
    )


def bootstrap(port: int, hosts: list[VirtualHost]) -> dict[str, Any]:
    routes = canonical.to_json(
        "envoy.config.route.v3.RouteConfiguration", RouteConfiguration(name="all", virtual_hosts=hosts)
    )
    kind = "type.googleapis.com/envoy.extensions.filters"
    manager = {
        "@type": f"{kind}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "test",
        "route_config": routes,
        "http_filters": [{"name": "router", "typed_config": {"@type": f"{kind}.http.router.v3.Router"}}],
    }
    listener = {
        "name": "test",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    return {"static_resources": {"listeners": [listener]}}


@pytest.fixture(scope="module")
def asked() -> Iterator[tuple[int, list[list[ir.Route]]]]:
    rng = random.Random(20)
    cases = [a_list(rng) for _ in range(CASES)]
    hosts = [host for index, routes in enumerate(cases) for host in virtual_hosts(index, routes)]
    port = free_port()
    with RealEnvoy(bootstrap(port, hosts)) as envoy:
        envoy.wait_live()
        yield port, cases


def answer(connection: http.client.HTTPConnection, host: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
    connection.request("GET", path, headers={"host": host, **headers})
    response = connection.getresponse()
    return response.status, response.read().decode()


@pytest.mark.envoy
def test_a_tree_answers_as_the_list_does(asked: tuple[int, list[list[ir.Route]]]) -> None:
    port, cases = asked
    rng = random.Random(21)
    found = 0
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        for index, routes in enumerate(cases):
            for _ in range(REQUESTS):
                path, headers = a_path(rng, routes), rng.choice(HEADERS)
                by_list = answer(connection, f"list-{index}", path, headers)
                assert answer(connection, f"tree-{index}", path, headers) == by_list, (index, path, headers)
                found += by_list[0] == 200
    assert found > CASES * REQUESTS / 2  # else the questions would be too easy


def test_a_short_list_stays_a_list() -> None:
    rng = random.Random(1)
    entries = [(route.match.path, b"") for route in (a_route(rng, index) for index in range(LONGEST_LIST))]
    assert matcher_of(entries) is None


def test_a_list_whose_routes_overlap_too_much_stays_a_list() -> None:
    nested = [(ir.PathMatch("prefix", "/a" * depth), b"x") for depth in range(1, LONGEST_LIST + 50)]
    assert matcher_of(nested) is None
