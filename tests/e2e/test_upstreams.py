"""What is said of the connections to a service: breakers, keepalive, lifetimes, DNS, names and priorities."""

import contextlib
import re
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import an_object, host, mapping
from tests.support.ports import unused_port
from tests.support.upstream import HttpUpstream, TcpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

TIGHT = [{"max_requests": 1}, {"priority": "high", "max_requests": 2}]


class Asked:
    """Requests that go on while others are asked; `statuses` are the answers."""

    def __init__(self, gateway: Gateway, name: str, path: str, count: int) -> None:
        self.statuses: list[int] = []
        self._threads = [
            threading.Thread(target=lambda: self.statuses.append(gateway.request(name, path, timeout=30).status_code))
            for _ in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def wait(self) -> list[int]:
        for thread in self._threads:
            thread.join()
        return sorted(self.statuses)


def stat(gateway: Gateway, name: str, **labels: str) -> float:
    """The sum of a statistic of Envoy's."""
    total = 0.0
    for line in gateway.diagnostics("/metrics").text.splitlines():
        found = re.fullmatch(rf"{name}(?:\{{(.*)\}})? (\S+)", line)
        if found and all(f'{key}="{value}"' in (found[1] or "") for key, value in labels.items()):
            total += float(found[2])
    return total


def keepalive_timers(port: int) -> list[bool]:
    """For each connection of this machine to a port, whether TCP asks if the other end is still there."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [row[5].startswith("02:") for row in rows if int(row[2].split(":")[1], 16) == port and row[3] == "01"]


def test_what_is_beyond_a_breaker_is_refused_and_high_priority_has_limits_of_its_own(
    gateway: Gateway, red: HttpUpstream
) -> None:
    name = "breakers.test"
    texts = (
        host(name, name)
        + mapping("tight", name, red.service, "/low/", circuit_breakers=TIGHT, timeout_ms=20_000)
        + mapping("tight-high", name, red.service, "/high/", circuit_breakers=TIGHT, timeout_ms=20_000, priority="high")
    )
    with gateway.applied(name, texts):
        gateway.wait_served(name, "/high/")
        gateway.wait_served(name, "/low/")
        red.delay = 60  # until all have been counted, however long that takes
        red.seen.clear()
        low = Asked(gateway, name, "/low/", 1)
        wait_until(lambda: len(red.seen) == 1, what="the first request")
        refused = gateway.request(name, "/low/")
        assert (refused.status_code, refused.headers.get("x-envoy-overloaded")) == (503, "true")
        high = Asked(gateway, name, "/high/", 2)
        wait_until(lambda: len(red.seen) == 3, what="the requests of high priority")
        assert gateway.request(name, "/high/").status_code == 503
        red.delay = 0.0
        assert low.wait() + high.wait() == [200, 200, 200]


def test_the_breakers_of_the_module_hold_where_a_mapping_has_none(gateway: Gateway, red: HttpUpstream) -> None:
    name = "module-breakers.test"
    module = an_object("Module", "ambassador", {"config": {"circuit_breakers": [{"max_requests": 0}]}})
    texts = (
        host(name, name)
        + mapping("broken", name, red.service, "/module/")
        + mapping("own", name, red.service, "/own/", circuit_breakers=[{"max_requests": 5}])
    )
    with gateway.applied(name, texts):
        gateway.wait_served(name, "/module/")
        with gateway.applied("module-breakers", module):
            gateway.wait_served(name, "/module/", status=503)
            assert gateway.request(name, "/own/").status_code == 200
        gateway.wait_served(name, "/module/")


def test_a_tcp_mapping_has_breakers_too(gateway: Gateway) -> None:
    port = unused_port()
    with TcpUpstream("tcp") as upstream:
        spec: dict[str, Any] = {"port": port, "service": upstream.service, "circuit_breakers": [{"max_connections": 1}]}
        with gateway.applied("tcp-breakers", an_object("TCPMapping", "tcp-breakers", spec)):
            first = wait_until(lambda: spoken(port), what="the first connection")
            assert spoken(port) is None
            first.close()
            wait_until(lambda: spoken(port), what="a connection after the first").close()


def spoken(port: int) -> socket.socket | None:
    """A connection on which the other end answers; None when it was closed."""
    with contextlib.ExitStack() as stack, contextlib.suppress(ConnectionError):
        connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
        connection.sendall(b"hello\n")
        if connection.recv(100) == b"tcp: hello\n":
            stack.pop_all()
            return connection
    return None


@pytest.mark.parametrize(
    ("fields", "counter"),
    [
        ({"cluster_idle_timeout_ms": 100}, "envoy_cluster_upstream_cx_idle_timeout"),
        ({"cluster_max_connection_lifetime_ms": 100}, "envoy_cluster_upstream_cx_max_duration_reached"),
    ],
    ids=["idle", "lifetime"],
)
def test_a_connection_to_a_service_ends_in_time_and_no_request_fails(
    gateway: Gateway, red: HttpUpstream, fields: dict[str, int], counter: str
) -> None:
    name = "lifetimes.test"
    texts = host(name, name) + mapping("lifetimes", name, red.service, stats_name="lifetimes", **fields)
    with gateway.applied(name, texts):
        gateway.wait_served(name)
        labels = {"envoy_cluster_name": "lifetimes"}
        wait_until(lambda: stat(gateway, counter, **labels) > 0 or gateway.request(name).status_code != 200)
        assert gateway.request(name).status_code == 200


def test_statistics_have_the_name_that_was_given(gateway: Gateway, red: HttpUpstream) -> None:
    name = "stats-name.test"
    default = an_object("Module", "ambassador", {"config": {"defaults": {"stats_name": "everybody"}}})
    texts = (
        host(name, name)
        + mapping("named", name, red.service, "/named/", stats_name="my_service")
        + mapping("unnamed", name, red.service, "/unnamed/")
    )
    with gateway.applied(name, texts), gateway.applied("stats-module", default):

        def counted(cluster: str) -> float:
            return stat(gateway, "envoy_cluster_upstream_rq_completed", envoy_cluster_name=cluster)

        gateway.wait_served(name, "/named/")
        gateway.wait_served(name, "/unnamed/")
        wait_until(lambda: counted("my_service") >= 1, what="the given name")
        wait_until(lambda: gateway.request(name, "/unnamed/") and counted("everybody") >= 1, what="the Module's name")


def test_tcp_asks_a_silent_service_when_keepalive_is_wanted(gateway: Gateway, red: HttpUpstream) -> None:
    name = "keepalive.test"
    spec = {"idle_time": 30, "interval": 5, "probes": 3}
    with HttpUpstream("asked") as asked, HttpUpstream("unasked") as unasked:
        texts = (
            host(name, name)
            + mapping("asked", name, asked.service, "/asked/", keepalive=spec)
            + mapping("unasked", name, unasked.service, "/unasked/")
        )
        with gateway.applied(name, texts):
            gateway.wait_served(name, "/asked/")
            gateway.wait_served(name, "/unasked/")
            wait_until(lambda: keepalive_timers(asked.port) == [True], what="a timer of keepalive")
            assert keepalive_timers(unasked.port) == [False]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"dns_type": "logical_dns", "respect_dns_ttl": True}, 200),
        ({"enable_ipv6": False}, 200),
        ({"enable_ipv4": False, "enable_ipv6": True}, 503),
    ],
    ids=["logical", "v4", "v6"],
)
def test_dns_is_asked_as_was_said(gateway: Gateway, fields: dict[str, Any], status: int) -> None:
    """The server listens on an address of IPv4 alone, which is what the name has there."""
    name = "dns.test"
    with HttpUpstream("named") as named:
        texts = host(name, name) + mapping("dns", name, f"localhost:{named.port}", **fields)
        with gateway.applied(name, texts):
            gateway.wait_served(name, status=status)
