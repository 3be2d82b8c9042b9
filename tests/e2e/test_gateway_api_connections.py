"""TCPRoutes and UDPRoutes, asked of a real Envoy: one gateway, whose ports the tests share."""

import contextlib
import socket
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.gateway_api import api_gateway, backing, document, gateway_class, listener, to
from tests.support.ports import unused_ports
from tests.support.upstream import TcpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]


OLD, NEW = "2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"


class Served:
    """The gateway, and the ports of its listeners: `a` and `b` of TCP, and of UDP with the same numbers."""

    def __init__(self, gateway: Gateway, ports: list[int]) -> None:
        self.gateway = gateway
        self.a, self.b = ports

    @contextlib.contextmanager
    def routed(self, kind: str, name: str, *backends: dict[str, Any], section: str, age: str = "") -> Iterator[None]:
        """A route for the length of a block."""
        with self.gateway.applied(name, made(kind, name, *backends, section=section, age=age)):
            yield


def made(kind: str, name: str, *backends: dict[str, Any], section: str, age: str = "") -> str:
    parents = [{"name": "web", "sectionName": section}]
    metadata = {"creationTimestamp": age} if age else {}
    return document(kind, name, {"parentRefs": parents, "rules": [{"backendRefs": list(backends)}]}, **metadata)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    gateway = Gateway(listeners=False)
    ports = unused_ports(2)
    listeners = [listener(f"tcp-{name}", port, "TCP") for name, port in zip("ab", ports, strict=True)]
    with TcpUpstream("one") as one, TcpUpstream("two") as two:
        texts = gateway_class() + api_gateway("web", *listeners) + backing("silent")
        texts += backing("one", one.port) + backing("two", two.port)
        texts += made("TCPRoute", "stays", to("one"), section="tcp-b")
        gateway.apply("all", texts)
        with gateway:
            found = Served(gateway, ports)
            wait_until(lambda: asked(found.b) == "one", what="the route that stays")
            yield found


def asked(port: int) -> str:
    """Who answers a line; `closed`: nobody."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(b"hello\n")
            return connection.makefile().readline().partition(":")[0] or "closed"
    except OSError:
        return "closed"


def becomes(port: int, who: str) -> None:
    wait_until(lambda: asked(port) == who, what=f"{who} at {port}")


def test_connections_of_a_port_without_a_route_are_closed(served: Served) -> None:
    assert asked(served.a) == "closed"


def test_the_oldest_route_has_the_port_and_what_stays_is_not_disturbed(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.b), timeout=10) as staying:
        lines = staying.makefile()
        staying.sendall(b"before\n")
        assert lines.readline() == "one: before\n"
        with served.routed("TCPRoute", "new", to("one"), section="tcp-a", age=NEW):
            becomes(served.a, "one")
            earlier = socket.create_connection(("127.0.0.1", served.a), timeout=10)
            with earlier, served.routed("TCPRoute", "old", to("two"), section="tcp-a", age=OLD):
                becomes(served.a, "two")
                assert {asked(served.a) for _ in range(30)} == {"two"}
                earlier.sendall(b"as it was\n")
                assert earlier.makefile().readline() == "one: as it was\n"
            becomes(served.a, "one")
        staying.sendall(b"after\n")
        assert lines.readline() == "one: after\n"


def test_shares_of_connections_and_what_leads_nowhere(served: Served) -> None:
    with served.routed("TCPRoute", "r", to("one", 70), to("two", 30), to("missing", 0), section="tcp-a"):
        becomes(served.a, "two")
        found = Counter(asked(served.a) for _ in range(200))
        assert {*found} == {"one", "two"}
        assert 0.5 < found["one"] / 200 < 0.9
    with served.routed("TCPRoute", "r", to("one"), to("missing"), section="tcp-a"):
        both = {"one", "closed"}
        wait_until(lambda: {asked(served.a) for _ in range(40)} == both, what="a share that leads nowhere")
    with served.routed("TCPRoute", "r", to("silent"), section="tcp-a"):
        wait_until(lambda: {asked(served.a) for _ in range(10)} == {"closed"}, what="a Service without pods")
