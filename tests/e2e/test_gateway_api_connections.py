"""TCPRoutes and UDPRoutes, asked of a real Envoy: one gateway, whose ports the tests share."""

import contextlib
import json
import socket
import socketserver
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.gateway_api import api_gateway, backing, document, gateway_class, listener, to
from tests.support.ports import unused_ports
from tests.support.threaded import Threaded
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
    listeners = [
        listener(f"{protocol.lower()}-{name}", port, protocol)
        for name, port in zip("ab", ports, strict=True)
        for protocol in ("TCP", "UDP")
    ]
    with TcpUpstream("one") as one, TcpUpstream("two") as two, Echo("uno") as uno, Echo("due") as due:
        texts = gateway_class() + api_gateway("web", *listeners) + backing("silent")
        texts += backing("one", one.port) + backing("two", two.port)
        texts += echoing("uno", uno.port) + echoing("due", due.port)
        texts += made("TCPRoute", "stays", to("one"), section="tcp-b")
        texts += made("UDPRoute", "stays-too", to("uno"), section="udp-b")
        gateway.apply("all", texts)
        with gateway:
            found = Served(gateway, ports)
            wait_until(lambda: asked(found.b) == "one", what="the route that stays")
            wait_until(lambda: echoed(found.b, patience=0.5) == "uno", what="the one of UDP")
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


# UDP: of what is dropped one only knows that no answer came.


class Echo(Threaded):
    """Answers each datagram with its name and the datagram."""

    def __init__(self, name: str) -> None:
        answer = f"{name}: ".encode()

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                said, through = self.request
                through.sendto(answer + said, self.client_address)

        super().__init__(LongDatagrams(("127.0.0.1", 0), Handler))


class LongDatagrams(socketserver.UDPServer):
    max_packet_size = 65_536


def echoing(name: str, port: int) -> str:
    """A Service with the port 80 of UDP, and of TCP with nobody behind it."""
    ports = [{"name": "tcp", "port": 80}, {"name": "udp", "port": 80, "protocol": "UDP"}]
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": ports}}
    slice_ = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "labels": {"kubernetes.io/service-name": name}},
        "addressType": "IPv4",
        "ports": [{"name": "udp", "port": port, "protocol": "UDP"}],
        "endpoints": [{"addresses": ["127.0.0.1"]}],
    }
    return f"{json.dumps(service)}\n---\n{json.dumps(slice_)}\n---\n"


def echoed(port: int, said: bytes = b"hello", patience: float = 10.0) -> str:
    """Who answers a datagram from a port of its own; `dropped`: nobody, within `patience` seconds."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.settimeout(patience)
        sender.sendto(said, ("127.0.0.1", port))
        try:
            who, _, back = sender.recv(65_536).partition(b": ")
        except OSError:
            return "dropped"
    assert back == said
    return who.decode()


def test_one_number_is_a_port_of_tcp_and_one_of_udp(served: Served) -> None:
    assert (asked(served.b), echoed(served.b)) == ("one", "uno")
    assert echoed(served.b, b"x" * 9_000) == "uno", "long datagrams"
    assert echoed(served.a, patience=0.5) == "dropped", "no route"


def test_the_oldest_route_has_the_datagrams_and_no_datagram_is_lost_of_what_stays(served: Served) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as staying:
        staying.settimeout(10)
        staying.connect(("127.0.0.1", served.b))

        def goes_on() -> None:
            for number in range(20):
                staying.send(b"%d" % number)
                assert staying.recv(100) == b"uno: %d" % number

        with served.routed("UDPRoute", "new", to("uno"), section="udp-a", age=NEW):
            wait_until(lambda: goes_on() or echoed(served.a, patience=0.5) == "uno", what="the newer route")
            with served.routed("UDPRoute", "old", to("due"), section="udp-a", age=OLD):
                wait_until(lambda: goes_on() or echoed(served.a) == "due", what="the older route")
                assert {echoed(served.a) for _ in range(30)} == {"due"}
            wait_until(lambda: goes_on() or echoed(served.a) == "uno", what="the newer route again")
        wait_until(lambda: goes_on() or echoed(served.a, patience=0.5) == "dropped", what="nobody")


def test_shares_of_datagrams_and_what_leads_nowhere(served: Served) -> None:
    with served.routed("UDPRoute", "r", to("uno", 70), to("due", 30), to("missing", 0), section="udp-a"):
        wait_until(lambda: echoed(served.a, patience=0.5) == "due", what="the smaller share")
        found = Counter(echoed(served.a) for _ in range(200))
        assert {*found} == {"uno", "due"}
        assert 0.5 < found["uno"] / 200 < 0.9
    with served.routed("UDPRoute", "r", to("uno"), to("silent"), section="udp-a"):
        both = {"uno", "dropped"}
        wait_until(lambda: {echoed(served.a, patience=0.1) for _ in range(20)} == both, what="a share that is dropped")
        told = served.gateway.diag()["objects"]["gateway.networking.k8s.io/UDPRoute/default/r"]["problems"]
        assert told[0]["message"] == "the Service default/silent has no port 80 of UDP"
