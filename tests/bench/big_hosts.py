"""What Envoy spends on a request to a Host with many Mappings, by the routes alone.

CPU of a real Envoy in microseconds a request that Envoy itself answers, by turns with an Envoy that has one route: for
10,000 prefixes, the same with 200 regular expressions among them, and 1,000 Mappings of one prefix that differ in what
they ask of a header, the method, the host or a query parameter.
"""

import contextlib
import socket
import statistics
from collections.abc import Iterator
from typing import Any, NamedTuple

from envoyapi import canonical
from envoyapi.config_route_v3 import VirtualHost
from tests.bench.processes import cpu_ms
from tests.bench.report import Goal, Line
from tests.support.envoy import RealEnvoy, free_port
from translator import ir
from translator.xds.route import encode_route
from translator.xds.virtual_host import encode_virtual_host

ROUNDS = 62
AT_ONCE = 50
WARMING = 2
TURNS = 9
PREFIXES = 10_000
REGEXES = 200
ALIKE = 1_000
_TYPES = "type.googleapis.com/envoy.extensions.filters"


class Question(NamedTuple):
    """A request."""

    path: str
    method: str = "GET"
    host: str = "bench.test"
    lines: tuple[str, ...] = ()


def a_route(index: int, text: str, *, kind: Any = "prefix", headers: Any = (), queries: Any = ()) -> ir.Route:
    match = ir.RouteMatch(ir.PathMatch(kind, text), headers, queries)
    order = (-len(text), -len(headers) - len(queries), index)
    return ir.Route(f"{kind}-{index}", match, ir.DirectResponse(200), order)


def exactly(text: str) -> ir.TextMatch:
    return ir.TextMatch("exact", text)


def prefixes() -> list[ir.Route]:
    return [a_route(index, f"/api-{index}/") for index in range(PREFIXES)]


def regexes(pattern: str) -> list[ir.Route]:
    return [a_route(index, pattern.format(index), kind="regex") for index in range(REGEXES)]


def by_header(name: str, values: list[str]) -> list[ir.Route]:
    routes = [
        a_route(index, "/api/", headers=(ir.HeaderMatch(name, exactly(value)),)) for index, value in enumerate(values)
    ]
    return [*routes, a_route(len(values), "/api/")]


def by_query() -> list[ir.Route]:
    return [
        *[a_route(index, "/api/", queries=(ir.QueryMatch("tenant", exactly(f"t{index}")),)) for index in range(ALIKE)],
        a_route(ALIKE, "/api/"),
    ]


def cases() -> Iterator[tuple[str, list[ir.Route], Question]]:
    """What is measured: its name, its routes, and a request for one of the last."""
    last = PREFIXES - 1
    yield "10,000 prefixes", prefixes(), Question(f"/api-{last}/v1/users")
    among = prefixes() + regexes("/api-{0}/v[0-9]+/.*")
    yield "10,000 prefixes and 200 regexes, a prefix", among, Question(f"/api-{last}/v1/users")
    yield "10,000 prefixes and 200 regexes, a regex", among, Question("/api-150/v1/users")
    tenants = [f"t{index}" for index in range(ALIKE)]
    tenant = f"x-tenant: t{ALIKE - 1}"
    yield "1,000 of one prefix by header", by_header("x-tenant", tenants), Question("/api/users", lines=(tenant,))
    hosts = [f"t{index}.bench.test" for index in range(ALIKE)]
    yield "1,000 of one prefix by host", by_header(":authority", hosts), Question("/api/users", host=hosts[-1])
    yield "1,000 of one prefix by query", by_query(), Question(f"/api/users?tenant=t{ALIKE - 1}")


def serving(port: int, routes: list[ir.Route]) -> dict[str, Any]:
    """A bootstrap with these routes on one virtual host, as the product says it."""
    host = encode_virtual_host(ir.VirtualHost("all", "*"), [encode_route(route) for route in routes])
    manager = {
        "@type": f"{_TYPES}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "normalize_path": True,
        "route_config": {"virtual_hosts": [canonical.to_json(VirtualHost.FULL_NAME, host)]},
        "http_filters": [{"name": "router", "typed_config": {"@type": f"{_TYPES}.http.router.v3.Router"}}],
    }
    listener = {
        "name": "bench",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    layer = {"name": "static", "static_layer": {"re2.max_program_size.error_level": 1000}}
    return {"static_resources": {"listeners": [listener]}, "layered_runtime": {"layers": [layer]}}


def spent(envoy: RealEnvoy, port: int, question: Question) -> float:
    """Microseconds of CPU a request; on many connections at once, so that Envoy seldom sleeps between two."""
    head = [f"{question.method} {question.path} HTTP/1.1", f"host: {question.host}", *question.lines, "", ""]
    request = "\r\n".join(head).encode()
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(AT_ONCE)]
        before = 0.0
        for turn in range(ROUNDS):
            before = before if turn > WARMING else cpu_ms([envoy.pid])
            for connection in connections:
                connection.sendall(request)
            for connection in connections:
                if not connection.recv(1 << 16).startswith(b"HTTP/1.1 200 OK"):
                    raise RuntimeError(f"{question} is not served")
        return (cpu_ms([envoy.pid]) - before) * 1000 / ((ROUNDS - WARMING) * AT_ONCE)


def measured(routes: list[ir.Route], question: Question) -> tuple[float, float, float]:
    """The cost with one route, with these, and their ratio."""
    ports = free_port(), free_port()
    one = [a_route(0, "/")]
    with contextlib.ExitStack() as stack:
        envoys = [
            stack.enter_context(RealEnvoy(serving(port, each))) for port, each in zip(ports, (one, routes), strict=True)
        ]
        for envoy in envoys:
            envoy.wait_live(120)
        pairs = [(spent(envoys[0], ports[0], question), spent(envoys[1], ports[1], question)) for _ in range(TURNS)]
    old, new = (statistics.median(each) for each in zip(*pairs, strict=True))
    return old, new, statistics.median(b / a for a, b in pairs)


def lines(largest: int) -> Iterator[Line]:
    """One for each case; 10,000 routes are no more work here than others, so that all are measured."""
    for name, routes, question in cases():
        old, new, ratio = measured(routes, question)
        goal = Goal("<=", 1.10) if question.path.startswith("/api-") else None
        yield Line(name, new, "us CPU of Envoy a request", "an Envoy with one route", old, ratio, goal)
