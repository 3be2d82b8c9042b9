"""TCPMappings: whole ports and names on one port, servers that speak first, silent connections, shares and names."""

import contextlib
import json
import re
import socket
import socketserver
import threading

import pytest

from tests.convert.converting import converted
from tests.e2e.test_protocols import answers, ask
from tests.support.certificates import authority, trusting
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import an_object, tls_secret
from tests.support.ports import unused_port
from tests.support.scoped import Scoped
from tests.support.upstream import TcpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]


class Greeter(Scoped):
    """A server that speaks first, as those of mail and of databases do, and then repeats each line."""

    def __init__(self) -> None:
        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(ConnectionError):
                    self.wfile.write(b"220 welcome\n")
                    for line in self.rfile:
                        self.wfile.write(b"250 " + line)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.service = f"127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


def banner(port: int) -> str:
    """What is heard without saying anything; empty when the connection ends or stays silent."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            return connection.makefile().readline().strip()
    except OSError:
        return ""


def tcp(name: str, port: int, service: str, **spec: object) -> str:
    return an_object("TCPMapping", name, {"port": port, "service": service, **spec})


def told(gateway: Gateway, name: str) -> list[str]:
    problems = gateway.diag()["objects"].get(f"getambassador.io/TCPMapping/default/{name}", {}).get("problems", [])
    return [f"{one['path']} {one['message']}" for one in problems]


def named(name: str, port: int, service: str) -> str:
    """A TCPMapping for a name in TLS, with what it needs for that."""
    pair = authority().sign(f"{name}.tcp.test")
    context = an_object("TLSContext", name, {"hosts": [f"{name}.tcp.test"], "secret": name})
    return tls_secret(name, pair.certificate, pair.key) + context + tcp(name, port, service, host=f"{name}.tcp.test")


def test_what_convert_makes_of_it_passes_the_same_on_and_so_does_what_comes_back(gateway: Gateway) -> None:
    port = unused_port()
    with Greeter() as greeter:
        given = tcp("greeter", port, greeter.service)
        made = converted(given).json()["objects"]
        routes = "".join(json.dumps(each) + "\n---\n" for each in made)
        kept = [each for each in made if each["kind"] in {"Service", "EndpointSlice"}]
        back = [*kept, *converted(routes, "emissary").json()["objects"]]
        assert {each["kind"] for each in back} == {"Service", "EndpointSlice", "Listener", "TCPMapping"}
        for form in (given, routes, "".join(json.dumps(each) + "\n---\n" for each in back)):
            gateway.apply("greeter", form)
            wait_until(lambda: banner(port) == "220 welcome", what=f"a greeting by way of {form}")
            gateway.remove("greeter")
            wait_until(lambda: not banner(port), what="the port is closed")


def test_a_server_that_speaks_first_is_heard_also_where_a_name_shares_the_port(gateway: Gateway) -> None:
    """Demand 8 (j): Envoy waits for what a client says first, by which it knows the name."""
    port = unused_port()
    with (
        Greeter() as greeter,
        TcpUpstream("green") as green,
        gateway.applied("first", tcp("first", port, greeter.service)),
    ):
        wait_until(lambda: banner(port) == "220 welcome", what="the banner, on a port of its own")
        assert told(gateway, "first") == []
        with gateway.applied("beside", named("beside", port, green.service)):
            tls = trusting(authority())
            wait_until(lambda: answers(port, "green: hello", tls=tls, sni="beside.tcp.test"), what="the name")
            assert banner(port) == "220 welcome"
            with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                connection.sendall(b"me first\n")
                lines = connection.makefile()
                assert [lines.readline().strip() for _ in range(2)] == ["220 welcome", "250 me first"]
            assert ask(port, tls=tls, sni="beside.tcp.test") == "green: hello"
            wait_until(lambda: "heard after a second" in str(told(gateway, "first")), what="it told")


def test_a_silent_connection_ends_when_it_was_said(gateway: Gateway) -> None:
    short, long = unused_port(), unused_port()
    with TcpUpstream("green") as green:
        text = tcp("short", short, green.service, idle_timeout_ms="1500") + tcp("long", long, green.service)
        with gateway.applied("idle", text):
            wait_until(lambda: answers(short, "green: hello") and answers(long, "green: hello"), what="both ports")
            with (
                socket.create_connection(("127.0.0.1", short), timeout=10) as ending,
                socket.create_connection(("127.0.0.1", long), timeout=10) as staying,
            ):
                for connection in (ending, staying):
                    connection.sendall(b"hello\n")
                    assert connection.recv(100) == b"green: hello\n"
                assert ending.recv(100) == b""
                staying.sendall(b"still here\n")
                assert staying.recv(100) == b"green: still here\n"


def test_shares_are_exact_at_their_ends(gateway: Gateway) -> None:
    port = unused_port()
    with TcpUpstream("all") as everything, TcpUpstream("none") as nothing:
        text = tcp("all", port, everything.service, weight=100) + tcp("none", port, nothing.service, weight=0)
        with gateway.applied("ends", text):
            wait_until(lambda: answers(port, "all: hello"), what="the port")
            assert {ask(port) for _ in range(100)} == {"all: hello"}


def test_a_tag_keeps_clusters_apart_and_statistics_have_the_name_that_was_given(gateway: Gateway) -> None:
    ports = [unused_port() for _ in range(3)]
    with TcpUpstream("green") as green:
        text = (
            tcp("plain", ports[0], green.service)
            + tcp("tagged", ports[1], green.service, cluster_tag="apart")
            + tcp("named", ports[2], green.service, stats_name="my_tcp")
        )
        with gateway.applied("tags", text):
            for port in ports:
                wait_until(lambda port=port: answers(port, "green: hello"), what="each port")
            clusters = [key for key in gateway.diag()["resources"] if key.startswith(f"cluster/ip/{green.service}")]
            assert len(clusters) == 3
            found = re.compile(r'envoy_cluster_upstream_cx_total\{envoy_cluster_name="my_tcp"\} [1-9]')
            wait_until(lambda: found.search(gateway.diagnostics("/metrics").text), what="the name in the statistics")
