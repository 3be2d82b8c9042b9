"""What a request costs Envoy on a big Host, with all that the product puts into a listener.

Three real Envoys by turns, each in front of the same upstream: one of the whole system with 10,000 Mappings on one Host
(without scopes: an index is out of reach), one of the whole system with one Mapping, and one that was only told to send
everything on. The request is for the last Mapping.
"""

import contextlib
import statistics
import subprocess
import time
from collections.abc import Iterator
from typing import Any

from tests.bench.answering import answering
from tests.bench.index import OUT_OF_REACH
from tests.bench.processes import cpu_ms
from tests.bench.report import Goal, Line
from tests.bench.requests import HEADERS, requests_in
from tests.support.envoy import RealEnvoy, free_port
from tests.support.gateway import Gateway
from tests.support.objects import host, mapping

TURNS = 15
SECONDS = 1
PER_FILE = 500
NAME = "all.bench.test"
_TYPES = "type.googleapis.com/envoy.extensions.filters"


def gateway_of(count: int, service: str) -> Gateway:
    """The whole system with so many Mappings on one Host; not started."""
    environ = {"AES_LOG_LEVEL": "warning", "DRAGOMAN_INDEX_FROM": OUT_OF_REACH}
    gateway = Gateway(environ=environ, patience=120)
    gateway.apply("host", host("all", NAME))
    for first in range(0, count, PER_FILE):
        numbers = range(first, min(first + PER_FILE, count))
        gateway.apply(f"m{first}", "".join(mapping(f"m{each}", NAME, service, f"/m{each}/") for each in numbers))
    return gateway


def plain(port: int, upstream: int) -> RealEnvoy:
    """An Envoy with one route, one cluster, and nothing else."""
    manager: dict[str, Any] = {
        "@type": f"{_TYPES}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "plain",
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "up", "prefix_rewrite": "/"}}],
                }
            ]
        },
        "http_filters": [{"name": "router", "typed_config": {"@type": f"{_TYPES}.http.router.v3.Router"}}],
    }
    listener = {
        "name": "plain",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    endpoint = {"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": upstream}}}}
    assignment = {"cluster_name": "up", "endpoints": [{"lb_endpoints": [endpoint]}]}
    cluster = {"name": "up", "type": "STATIC", "load_assignment": assignment}
    return RealEnvoy({"static_resources": {"listeners": [listener], "clusters": [cluster]}})


def spent(pid: int, port: int, path: str) -> float:
    """Microseconds of an Envoy's CPU a request."""
    before = cpu_ms([pid])
    headers = [word for line in (f"Host: {NAME}", *HEADERS) for word in ("-H", line)]
    command = ["wrk", "-t1", "-c8", f"-d{SECONDS}", *headers, f"http://127.0.0.1:{port}{path}"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return (cpu_ms([pid]) - before) * 1000 / requests_in(told)


def lines(largest: int) -> Iterator[Line]:
    """Beside the plain Envoy, and beside the system with one Mapping."""
    upstream, port = free_port(), free_port()
    service = f"127.0.0.1:{upstream}"
    with contextlib.ExitStack() as stack:
        stack.enter_context(answering({upstream: "up"})).wait_live()
        bare = stack.enter_context(plain(port, upstream))
        bare.wait_live()
        one, many = (stack.enter_context(gateway_of(count, service)) for count in (1, largest))
        path = f"/m{largest - 1}/x"
        one.wait_served(NAME, "/m0/x")
        many.wait_served(NAME, path)
        time.sleep(3)
        asked = [(bare.pid, port, path)]
        asked += [(one.pid_of("envoy") or 0, one.http_port, "/m0/x"), (many.pid_of("envoy") or 0, many.http_port, path)]
        found: list[list[float]] = [[] for _ in asked]
        for turn in range(TURNS):
            for index in [(turn + each) % len(asked) for each in range(len(asked))]:
                found[index].append(spent(*asked[index]))
    medians = [statistics.median(each) for each in found]
    unit, goal = "us CPU of Envoy a request", Goal("<=", 1.10)
    for name, index, other, against in (
        (f"{largest:,} Mappings on one Host, beside one", 2, 1, "the whole system with one Mapping"),
        (f"{largest:,} Mappings on one Host, beside a plain Envoy", 2, 0, "an Envoy with one route and nothing else"),
        ("one Mapping, beside a plain Envoy", 1, 0, "an Envoy with one route and nothing else"),
    ):
        ratio = statistics.median(a / b for a, b in zip(found[index], found[other], strict=True))
        yield Line(name, medians[index], unit, against, medians[other], ratio, goal if index == 2 else None)
