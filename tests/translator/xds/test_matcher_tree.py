"""The matcher tree answers as the plain list does: a real Envoy is asked the same questions of both."""

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from envoyapi import canonical
from envoyapi.config_route_v3 import RouteConfiguration, VirtualHost
from envoyapi.wire import SIZE, tag
from envoyapi.xds_type_matcher_v3 import Matcher
from tests.support.envoy import RealEnvoy, free_port
from tests.support.raw import RawConnection
from translator import ir
from translator.xds import conditions
from translator.xds.conditions import SHORTEST_LIST
from translator.xds.matcher import LONGEST_LIST, Entry, Place, matcher_of, place_of
from translator.xds.route import encode_route

CASES = 8
REQUESTS = 200
GROWTH = 100
SEGMENTS = ("a", "b", "ab", "abc", "a.b", "1", "%C3%A9")
TAILS = (
    *(
        ".*b",
        "[a-z]+",
        "(/.*)?",
        "?",
        "+",
        "/v[0-9]+/.*",
        "|/b",
        "|",
        "{2}",
        "(?:a|ab)",
        "$",
        r"\b.*",
        "(?i)b/a",
        "[^/]*",
    ),
    *(r"/\x61.*", r"\Q.b\E", "(a|b)*", ".?", "/?"),
)
FLAGS = ("", "", "", "", "(?i)", "^", r"\A", "(?s)", "(?U)", ".*")
TEAMS = ("red", "blue", "green", "red,blue", "Red", *[f"t{number}" for number in range(8)])
NUMBERS = ("1", "2", "%31", "1+2", "12", "1=2", *[f"{number}" for number in range(3, 9)])
METHODS = ("GET", "POST", "PUT", "DELETE")
NAMES = ("red", "blue", "red:80", *[f"h{number}" for number in range(8)])


class Case(NamedTuple):
    """A virtual host; `name` is its domain but for what follows the dot."""

    name: str
    routes: list[ir.Route]


class Question(NamedTuple):
    """A request."""

    method: str
    host: str
    path: str
    lines: tuple[str, ...]


def a_path_match(rng: random.Random, depths: tuple[int, ...]) -> ir.PathMatch:
    depth = rng.choice(depths)
    text = "/" + "/".join(rng.choice(SEGMENTS) for _ in range(depth))
    text += rng.choice(("", "", "/")) if depth else ""
    kind = rng.choices(("prefix", "exact", "segments", "regex"), (12, 4, 3, 4))[0]
    if kind == "regex":
        return ir.PathMatch("regex", rng.choice(FLAGS) + text.replace(".", r"\.") + rng.choice(TAILS))
    return ir.PathMatch(kind, text, case_sensitive=rng.random() > 0.04)  # type: ignore[arg-type]


def asks(rng: random.Random, name: str, asked: str) -> tuple[list[ir.HeaderMatch], list[ir.QueryMatch]]:
    """Conditions on headers and query parameters, on what is `asked` almost always."""

    def wants(part: str) -> bool:
        return rng.random() < (0.9 if part == asked else 0.15)

    headers, queries = [], []
    kind = rng.choices(("exact", "prefix", "suffix", "regex"), (12, 1, 1, 1))[0]
    if wants("header"):
        value = ir.TextMatch(kind, rng.choice(TEAMS), ignore_case=rng.random() < 0.05 and kind != "regex")  # type: ignore[arg-type]
        called = rng.choice(("x-team", "x-team", "x-team", "X-Team", "accept", "cookie"))
        headers.append(ir.HeaderMatch(called, value, inverted=rng.random() < 0.05))
    if rng.random() < 0.05:
        headers.append(ir.HeaderMatch("x-team"))
    if wants("method"):
        headers.append(ir.HeaderMatch(":method", ir.TextMatch("exact", rng.choice(METHODS))))
    if wants("host"):
        host = f"{name}.{rng.choice(NAMES)}"
        headers.append(ir.HeaderMatch(":authority", ir.TextMatch("exact", host, ignore_case=rng.random() < 0.9)))
    if wants("query"):
        queries.append(ir.QueryMatch(rng.choice(("q", "q", "q", "p")), ir.TextMatch("exact", rng.choice(NUMBERS))))
    if rng.random() < 0.05:
        queries.append(ir.QueryMatch("q", rng.choice((None, ir.TextMatch("regex", "[0-9]+")))))
    return headers, queries


def a_route(rng: random.Random, index: int, name: str, asked: str, depths: tuple[int, ...]) -> ir.Route:
    path = a_path_match(rng, depths)
    headers, queries = asks(rng, name, asked)
    return ir.Route(
        name=f"route-{index}",
        match=ir.RouteMatch(path, tuple(headers), tuple(queries), ir.Share(0) if rng.random() < 0.03 else None),
        action=ir.DirectResponse(200, f"route-{index}"),
        order=(rng.choice((0, 0, 0, -1)), -len(path.text), -len(headers), -len(queries), rng.random()),
    )


def a_case(rng: random.Random, number: int) -> Case:
    # In half of them many routes have one path, in half there are many paths.
    depths = rng.choice(((0, 1, 1, 2, 2, 3, 3), (0, 1)))
    asked = rng.choice(("header", "method", "host", "query"))
    name = f"case-{number}"
    count = rng.randint(LONGEST_LIST + 1, 150)
    routes = [a_route(rng, index, name, asked, depths) for index in range(count)]
    return Case(name, sorted(routes, key=lambda route: route.order))


def a_question(rng: random.Random, case: Case) -> Question:
    """What the match of some route asks, more or less."""
    match = rng.choice(case.routes).match
    path = match.path.text
    for flag in ("(?i)", "(?s)", "(?U)", "^", r"\A", ".*", r"\Q", r"\E", r"\b", "$", "(", ")", "|", "[^/]*", "\\", "?"):
        path = path.replace(flag, rng.choice(("", "", "a", "b")) if flag in {".*", "[^/]*"} else "")
    path = path.replace("[0-9]+", "7").replace("[a-z]+", "zb").replace("x61", "a").replace(":", "")
    path = f"/{path.lstrip('/')}" + rng.choice(("", "", "", "/", "b", "/b", "/zz", "x"))
    path = path.swapcase() if rng.random() < 0.1 else path
    method, host, lines = rng.choice(METHODS), f"{case.name}.{rng.choice(NAMES)}", []
    for header in match.headers:
        text = header.value.text if header.value and rng.random() < 0.9 else rng.choice(TEAMS)
        if header.name == ":method":
            method = text if text in METHODS else method
        elif header.name == ":authority":
            host = text.upper() if rng.random() < 0.1 else text
        else:
            values = rng.choice(([text], [text], [text], [rng.choice(TEAMS), text], [f"{text},{text}"], [text, text]))
            lines += [f"{header.name}: {value}" for value in values]
    parameters = [f"{query.name}={query.value.text if query.value else '5'}" for query in match.queries]
    parameters += rng.choices(
        ("q=1", "q=%31", "%71=1", "q", "q=", "p=2;q=3", "z=?/a", "Q=1"), k=rng.choice((0, 0, 0, 1, 2))
    )
    rng.shuffle(parameters)
    query = "&".join(parameters).replace(" ", "%20")
    # Envoy itself knows the domain in lower case only as it stands in the configuration.
    host = case.name + host[len(case.name) :]
    return Question(method, host, path + (f"?{query}" if query else ""), tuple(lines))


def virtual_hosts(case: Case, shown: dict[str, int]) -> tuple[VirtualHost, VirtualHost]:
    entries = entries_of(case.routes)
    # The overlap in these small alphabets is far beyond what would be worth a tree.
    tree = matcher_of(entries, greatest_growth=GROWTH)
    assert tree is not None
    shown["look-ups"] += tree.count(b"envoy.matching.inputs.") - 1
    domains = [f"{case.name}.*"]
    listed = VirtualHost(name=case.name, domains=domains)
    return (
        VirtualHost.of(listed + b"".join(tag(3, 2) + SIZE[len(route)] + route for _, route in entries)),
        VirtualHost(name=case.name, domains=domains, matcher=tree),
    )


def entries_of(routes: list[ir.Route]) -> list[Entry]:
    encoded = [(route.match, encode_route(route)) for route in routes]
    return [(place_of(match), each.with_match(each.match)) for match, each in encoded]


def listener(port: int, hosts: list[VirtualHost]) -> dict[str, Any]:
    routes = canonical.to_json(
        "envoy.config.route.v3.RouteConfiguration", RouteConfiguration(name=f"{port}", virtual_hosts=hosts)
    )
    kind = "type.googleapis.com/envoy.extensions.filters"
    manager = {
        "@type": f"{kind}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "test",
        "route_config": routes,
        "http_filters": [{"name": "router", "typed_config": {"@type": f"{kind}.http.router.v3.Router"}}],
    }
    return {
        "name": f"{port}",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }


def differences(seed: int, cases: int, requests: int) -> tuple[list[tuple[Any, ...]], int, int]:
    """What a tree answers otherwise than the list, of how many requests that found a route, by how many look-ups."""
    rng = random.Random(seed)
    every = [a_case(rng, number) for number in range(cases)]
    shown = {"look-ups": 0}
    lists, trees = zip(*[virtual_hosts(case, shown) for case in every], strict=True)
    ports = free_port(), free_port()
    listeners = [listener(ports[0], list(lists)), listener(ports[1], list(trees))]
    wrong, found = [], 0
    with RealEnvoy({"static_resources": {"listeners": listeners}}) as envoy:
        envoy.wait_live(60)
        with RawConnection(ports[0]) as by_list, RawConnection(ports[1]) as by_tree:
            for case in every:
                for _ in range(requests):
                    asked = a_question(rng, case)
                    answers = [
                        (answer.status, answer.body)
                        for connection in (by_list, by_tree)
                        for answer in [connection.ask(asked.host, asked.path, *asked.lines, method=asked.method)]
                    ]
                    found += answers[0][0] == 200
                    if answers[0] != answers[1]:
                        wrong.append((case.name, asked, answers))
    return wrong, found, shown["look-ups"]


@pytest.mark.envoy
def test_a_tree_answers_as_the_list_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conditions, "SHORTEST_LIST", 4)
    monkeypatch.setattr(conditions, "SHORTEST_HALF", 2)
    wrong, found, lookups = differences(20, CASES, REQUESTS)
    assert wrong == []
    assert found > CASES * REQUESTS / 2  # else the questions would be too easy
    assert lookups > 3 * CASES


def test_a_short_list_stays_a_list() -> None:
    entries: list[Entry] = [(Place(f"/{number}"), b"x") for number in range(LONGEST_LIST)]
    assert matcher_of(entries) is None
    assert matcher_of([*entries, (Place("/"), b"x")]) is not None


def test_a_list_whose_routes_overlap_too_much_stays_a_list() -> None:
    nested: list[Entry] = [(Place("/a" * depth), b"x") for depth in range(1, LONGEST_LIST + 50)]
    assert matcher_of(nested) is None


def prefixes(count: int) -> list[ir.Route]:
    return [route_of(ir.PathMatch("prefix", f"/api-{number}/")) for number in range(count)]


def route_of(path: ir.PathMatch, headers: Any = (), queries: Any = ()) -> ir.Route:
    return ir.Route(path.text, ir.RouteMatch(path, headers, queries), ir.DirectResponse(200), ())


def leaves_of(routes: list[ir.Route]) -> dict[str, int]:
    """How many routes each leaf of the tree has, by its key."""
    tree = matcher_of(entries_of(routes))
    assert tree is not None
    said: Any = canonical.to_json(Matcher.FULL_NAME, tree)
    leaves = said["matcher_tree"]["prefix_match_map"]["map"]
    return {key: len(leaf["action"]["typed_config"]["routes"]) for key, leaf in leaves.items()}


def test_a_regular_expression_stands_only_where_its_beginning_leads() -> None:
    regexes = [route_of(ir.PathMatch("regex", f"/api-{number}/v[0-9]+/.*")) for number in range(200)]
    leaves = leaves_of([*regexes, *prefixes(1000)])
    assert leaves["/api-7/"] == 1
    assert leaves["/api-7/v"] == 2
    assert sum(leaves.values()) == 1000 + 2 * 200


def test_what_begins_with_anything_stands_everywhere() -> None:
    paths = (
        ir.PathMatch("regex", r".*\.png"),
        ir.PathMatch("regex", "(?i)/Api-7/.*"),
        ir.PathMatch("prefix", "/A", False),
    )
    leaves = leaves_of([*[route_of(path) for path in paths], *prefixes(200)])
    assert leaves == {"/": 3} | {f"/api-{number}/": 4 for number in range(200)}


@pytest.mark.parametrize(
    ("headers", "queries"),
    [
        ("x-tenant", ""),
        (":authority", ""),
        ("", "tenant"),
    ],
)
def test_a_thousand_conditions_on_one_path_are_told_apart(headers: str, queries: str) -> None:
    path = ir.PathMatch("prefix", "/api/")
    texts = [ir.TextMatch("exact", f"t{number}") for number in range(1000)]
    routes = [
        route_of(
            path,
            (ir.HeaderMatch(headers, text),) if headers else (),
            (ir.QueryMatch(queries, text),) if queries else (),
        )
        for text in texts
    ]
    tree = matcher_of(entries_of([*routes, route_of(path)]))
    assert tree is not None
    lists = sorted(lists_of(canonical.to_json(Matcher.FULL_NAME, tree)))
    assert lists[-1] == 1001  # for the requests that a look-up could see differently
    assert lists[-2] <= SHORTEST_LIST
    assert sum(lists) <= 4 * len(routes)


def lists_of(said: Any) -> Iterator[int]:
    """The lengths of all lists of routes in a matcher."""
    if isinstance(said, list):
        for each in said:
            yield from lists_of(each)
    elif isinstance(said, dict):
        if isinstance(said.get("routes"), list):
            yield len(said["routes"])
        else:
            yield from lists_of(list(said.values()))


def test_methods_of_one_path_need_no_list_beside_the_look_up() -> None:
    methods = [ir.HeaderMatch(":method", ir.TextMatch("exact", method)) for method in METHODS]
    routes = [route_of(ir.PathMatch("prefix", "/"), (methods[number % 4],)) for number in range(LONGEST_LIST + 20)]
    tree = matcher_of(entries_of(routes))
    assert tree is not None
    assert sorted(lists_of(canonical.to_json(Matcher.FULL_NAME, tree))) == [(LONGEST_LIST + 20) // 4] * 4


def test_a_map_that_would_copy_too_much_gives_way_to_halves() -> None:
    """Many routes that ask nothing would stand in the list of each value."""
    values = [ir.HeaderMatch("x-a", ir.TextMatch("exact", f"{number}")) for number in range(90)]
    path = ir.PathMatch("prefix", "/")
    routes = [*[route_of(path, (value,)) for value in values], *[route_of(path) for _ in range(20)]]
    tree = matcher_of(entries_of(routes))
    assert tree is not None
    lists = sorted(lists_of(canonical.to_json(Matcher.FULL_NAME, tree)))
    assert lists[-1] == 110
    assert lists[-2] < 50
    assert sum(lists) < 4 * 110


def test_what_nobody_could_tell_apart_is_a_list() -> None:
    path = ir.PathMatch("prefix", "/")
    values = [ir.HeaderMatch("x-a", ir.TextMatch("prefix", f"{number}")) for number in range(LONGEST_LIST + 1)]
    tree = matcher_of(entries_of([route_of(path, (value,)) for value in values]))
    assert tree is not None
    assert list(lists_of(canonical.to_json(Matcher.FULL_NAME, tree))) == [LONGEST_LIST + 1]
