"""What Envoy spends on a request for what stands in every listener.

CPU of a real Envoy in microseconds a request under load (wrk), with and without it, by turns. First what looks at paths
and headers: for the only one and the last of a hundred Mappings whose prefix ends without a slash (each has a condition
of its own), and for a Mapping with `regex_rewrite` (whose cluster looks at what it made). Then the list of filters of
HTTP, while the route uses none of them; and what the ratio is worth, of the same and the same.
"""

import contextlib
import re
import statistics
import subprocess
from collections.abc import Iterator
from typing import Any

from envoyapi import canonical
from envoyapi.config_core_v3 import TypedExtensionConfig
from envoyapi.config_route_v3 import VirtualHost
from envoyapi.network_http_connection_manager_v3 import HttpFilter
from envoyapi.wire import SIZE, any_of, tag
from tests.bench.processes import cpu_ms
from tests.bench.report import Line
from tests.support.envoy import RealEnvoy, free_port
from translator import ir
from translator.filters import FILTERS
from translator.xds.believed import removal
from translator.xds.cluster import encode_cluster
from translator.xds.forward import backends_of
from translator.xds.names import cluster_name
from translator.xds.route import encode_match, encode_route
from translator.xds.virtual_host import encode_virtual_host

SECONDS = 1
TURNS = 12
HEADERS = (
    "user-agent: Mozilla/5.0 (X11; Linux x86_64)",
    "accept: text/html",
    "accept-language: en",
    "cookie: a=b; c=d",
)
HEADERS += ("accept-encoding: gzip", "referer: http://a/b", "authorization: Bearer abcdefgh", "origin: http://a")
_TYPES = "type.googleapis.com/envoy.extensions.filters"


def routes_to(port: int, count: int, *, regex: bool) -> list[ir.Route]:
    """The routes of so many Mappings."""
    backend = ir.Backend(ir.Addresses((("127.0.0.1", port),)))
    found = []
    for index in range(count):
        prefix = f"/svc-{index:03}"
        rewrite = ir.Rewrite("regex", "/", f"^{prefix}/?") if regex else ir.Rewrite("joined", "/")
        action = ir.Forward((ir.WeightedBackend(backend),), rewrite)
        found.append(ir.Route(prefix, ir.RouteMatch(ir.PathMatch("prefix", prefix)), action, (index,)))
    return found


def serving(port: int, routes: list[ir.Route], *, looking: bool, filtering: bool = False) -> dict[str, Any]:
    """A bootstrap with these routes, as the product says it or without what is measured."""
    encoded = [encode_route(route) for route in routes]
    head = VirtualHost(name="all", domains=["*"])
    plain = [each.with_match(encode_match(route.match)) for each, route in zip(encoded, routes, strict=True)]
    bare = VirtualHost.of(head + b"".join(tag(3, 2) + SIZE[len(each)] + each for each in plain))
    host = encode_virtual_host(ir.VirtualHost("all", "*"), encoded) if looking else bare
    manager = {
        "@type": f"{_TYPES}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "use_remote_address": True,
        "normalize_path": True,
        "route_config": {"virtual_hosts": [canonical.to_json(VirtualHost.FULL_NAME, host)]},
        "http_filters": [
            *(unused_filters() if filtering else []),
            {"name": "router", "typed_config": {"@type": f"{_TYPES}.http.router.v3.Router"}},
        ],
    }
    if looking:
        manager["early_header_mutation_extensions"] = [canonical.to_json(TypedExtensionConfig.FULL_NAME, removal())]
    clusters = []
    for backend in {cluster_name(each): each for route in routes for each in backends_of(route)}.values():
        made = canonical.to_json("envoy.config.cluster.v3.Cluster", encode_cluster(backend).body)
        clusters.append(made if looking else {**made, "typed_extension_protocol_options": {}})
    return _bootstrap(port, manager, clusters)


def unused_filters() -> list[Any]:
    """The list of filters while nobody uses one; what else comes by ECDS is said in place."""
    listed = [
        HttpFilter(name=each.name, typed_config=any_of(each.idle), disabled=not each.always_on) for each in FILTERS
    ]
    return [canonical.to_json(HttpFilter.FULL_NAME, each) for each in listed]


def _bootstrap(port: int, manager: dict[str, Any], clusters: list[Any]) -> dict[str, Any]:
    listener = {
        "name": "bench",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    layer = {"name": "static", "static_layer": {"re2.max_program_size.error_level": 1000}}
    return {
        "static_resources": {"listeners": [listener], "clusters": clusters},
        "layered_runtime": {"layers": [layer]},
    }


def spent(envoy: RealEnvoy, port: int, path: str) -> float:
    """Microseconds of CPU a request."""
    before = cpu_ms([envoy.pid])
    headers = [word for line in ("host: bench.test", *HEADERS) for word in ("-H", line)]
    command = ["wrk", "-t1", "-c8", f"-d{SECONDS}", *headers, f"http://127.0.0.1:{port}{path}"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return (cpu_ms([envoy.pid]) - before) * 1000 / requests_in(told)


def requests_in(told: str) -> int:
    """How many requests were answered with 200, by what wrk says; RuntimeError when one was not."""
    found = re.search(r"(\d+) requests in", told)
    if found is None or "Non-2xx" in told:
        raise RuntimeError(f"not served: {told}")
    return int(found[1])


@contextlib.contextmanager
def running(port: int, bootstrap: dict[str, Any]) -> Iterator[tuple[RealEnvoy, int]]:
    """An Envoy, live."""
    with RealEnvoy(bootstrap) as envoy:
        envoy.wait_live()
        yield envoy, port


def lines(largest: int) -> Iterator[Line]:
    """What looks at requests, the unused filters, and the same beside the same."""
    answering = {
        "@type": f"{_TYPES}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "upstream",
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "direct_response": {"status": 200}}],
                }
            ]
        },
        "http_filters": [{"name": "router", "typed_config": {"@type": f"{_TYPES}.http.router.v3.Router"}}],
    }
    upstream = free_port()
    with running(upstream, _bootstrap(upstream, answering, [])):
        for what, count, regex in (
            ("what looks at requests, one Mapping", 1, False),
            ("what looks at requests, last of 100", 100, False),
            ("what looks at requests, regex_rewrite", 1, True),
        ):
            routes = routes_to(upstream, count, regex=regex)
            yield compare(what, count, *({"routes": routes, "looking": each} for each in (False, True)))
        routes = routes_to(upstream, 1, regex=False)
        for what, ways in (("unused filters", (False, True)), ("nothing: the same again", (False, False))):
            yield compare(what, 1, *({"routes": routes, "looking": True, "filtering": each} for each in ways))


def compare(what: str, count: int, *ways: dict[str, Any]) -> Line:
    """One line of the table: the last of so many Mappings, served in two ways by turns."""
    without, complete = ((port := free_port(), serving(port, **way)) for way in ways)
    path = f"/svc-{count - 1:03}/api/v1/users/123/orders?x=1"
    with running(*without) as first, running(*complete) as second:
        pairs = []
        for turn in range(TURNS):
            one, other = (first, second) if turn % 2 else (second, first)
            pair = spent(*one, path), spent(*other, path)
            pairs.append(pair if turn % 2 else pair[::-1])
    old, new = (statistics.median(each) for each in zip(*pairs, strict=True))
    ratio = statistics.median(b / a for a, b in pairs)
    return Line(what, new, "us CPU of Envoy a request", "without", old, ratio)
