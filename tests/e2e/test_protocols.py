"""Protocols through the gateway: HTTP/2, gRPC, WebSockets, raw TCP."""

import contextlib
import socket
import ssl

import grpc
import pytest
from websockets.sync.client import connect

from tests.support.certificates import authority, trusting
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import an_object, host, mapping, tls_secret
from tests.support.ports import unused_ports
from tests.support.upstream import GrpcUpstream, HttpUpstream, TcpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]


def test_http2_in_clear_text_and_over_tls(gateway: Gateway, red: HttpUpstream) -> None:
    name = "h2.test"
    pair = authority().sign(name)
    texts = tls_secret("h2", pair.certificate, pair.key) + host(name, name, tlsSecret={"name": "h2"})
    with gateway.applied(name, texts + mapping("h2", name, red.service)):
        gateway.wait_served(name)
        assert gateway.request(name, http2=True).http_version == "HTTP/2"
        response = gateway.wait_served(name, tls=True, http2=True, context=trusting(authority()))
        assert response.http_version == "HTTP/2"
        assert response.json()["upstream"] == "red"


def test_a_grpc_call(gateway: Gateway) -> None:
    name = "grpc.test"
    with GrpcUpstream("green") as upstream:
        text = mapping("grpc", name, upstream.service, "/test.Echo/", rewrite="/test.Echo/", grpc=True)
        with gateway.applied(name, host(name, name) + text):
            wait_until(lambda: gateway.request(name, "/test.Echo/", http2=True).status_code != 404)
            options = [("grpc.default_authority", name)]
            with grpc.insecure_channel(f"127.0.0.1:{gateway.http_port}", options=options) as channel:
                say = channel.unary_unary("/test.Echo/Say")
                assert say(b"hello", timeout=10) == b"green: hello"


def test_a_websocket(gateway: Gateway, red: HttpUpstream) -> None:
    name = "ws.test"
    texts = mapping("ws", name, red.service, "/ws", allow_upgrade=["websocket"]) + mapping(
        "plain", name, red.service, "/no"
    )
    with gateway.applied(name, host(name, name) + texts):
        gateway.wait_served(name, "/no")
        with (
            socket.create_connection(("127.0.0.1", gateway.http_port)) as connection,
            connect(f"ws://{name}/ws", sock=connection) as websocket,
        ):
            websocket.send("hello")
            assert websocket.recv(timeout=10) == "red: hello"


def ask(port: int, *, tls: ssl.SSLContext | None = None, sni: str | None = None) -> str:
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
        if tls:
            connection = stack.enter_context(tls.wrap_socket(connection, server_hostname=sni))
        connection.sendall(b"hello\n")
        return connection.makefile().readline().strip()


def answers(port: int, expected: str, *, tls: ssl.SSLContext | None = None, sni: str | None = None) -> bool:
    try:
        return ask(port, tls=tls, sni=sni) == expected
    except OSError:
        return False


def tcp_listener(name: str, port: int, protocol: str) -> str:
    spec = {"port": port, "protocol": protocol, "securityModel": "XFP", "hostBinding": {"namespace": {"from": "ALL"}}}
    return an_object("Listener", name, spec)


def test_raw_tcp(gateway: Gateway) -> None:
    (port,) = unused_ports(1)
    with TcpUpstream("green") as upstream:
        text = an_object("TCPMapping", "raw", {"port": port, "service": upstream.service})
        with gateway.applied("raw", tcp_listener("raw", port, "TCP") + text):
            wait_until(lambda: answers(port, "green: hello"), what="TCP through the gateway")


def test_tcp_chosen_by_sni(gateway: Gateway) -> None:
    (port,) = unused_ports(1)
    pair = authority().sign("one.tcp.test", "two.tcp.test")
    with TcpUpstream("one") as one, TcpUpstream("two") as two:
        texts = tls_secret("tcp", pair.certificate, pair.key) + tcp_listener("tcp-tls", port, "TLS")
        texts += an_object("TLSContext", "tcp", {"hosts": ["one.tcp.test", "two.tcp.test"], "secret": "tcp"})
        for name, upstream in (("one", one), ("two", two)):
            spec = {"port": port, "host": f"{name}.tcp.test", "service": upstream.service}
            texts += an_object("TCPMapping", f"tcp-{name}", spec)
        with gateway.applied("tcp-tls", texts):
            tls = trusting(authority())
            wait_until(lambda: answers(port, "one: hello", tls=tls, sni="one.tcp.test"), what="SNI one")
            assert ask(port, tls=tls, sni="two.tcp.test") == "two: hello"


def test_tcp_for_a_name_whose_host_is_stopped_asks_no_less_of_clients(
    gateway: Gateway, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (port,) = unused_ports(1)
    name, pair, clients = "db.strict.test", authority().sign("*.strict.test"), authority("Clients")
    folder = tmp_path_factory.mktemp("tcp")
    clients.sign("client").write(folder, "client")
    anyone, known = trusting(authority()), trusting(authority())
    known.load_cert_chain(folder / "client.crt", folder / "client.key")
    with TcpUpstream("green") as upstream:
        texts = tls_secret("strict", pair.certificate, pair.key) + tcp_listener("strict", port, "TLS")
        texts += host("strict-any", "*.strict.test", tlsSecret={"name": "strict"})
        demands = {"ca_secret": "strict-clients", "cert_required": True}
        texts += host("strict-db", name, tlsSecret={"name": "strict"}, tls=demands)
        texts += an_object("TCPMapping", "strict", {"port": port, "host": name, "service": upstream.service})
        authorities = tls_secret("strict-clients", clients.pair.certificate, b"")
        with gateway.applied("strict", texts + authorities):
            for _ in range(2):
                wait_until(lambda: answers(port, "green: hello", tls=known, sni=name), what="TCP with a certificate")
                assert not answers(port, "green: hello", tls=anyone, sni=name)
                gateway.apply("strict", texts)
                wait_until(lambda: not answers(port, "green: hello", tls=known, sni=name), what="the Host stopped")
                assert not answers(port, "green: hello", tls=anyone, sni=name)
                gateway.apply("strict", texts + authorities)


def test_tcp_weights_are_the_shares_that_were_written(gateway: Gateway) -> None:
    (port,) = unused_ports(1)
    with TcpUpstream("one") as one, TcpUpstream("two") as two:
        texts = tcp_listener("tcp-weights", port, "TCP")
        texts += an_object("TCPMapping", "w-one", {"port": port, "service": one.service, "weight": 80})
        texts += an_object("TCPMapping", "w-two", {"port": port, "service": two.service, "weight": 20})
        with gateway.applied("tcp-weights", texts):
            wait_until(lambda: answers(port, "one: hello"), what="TCP by weight")
            got = [ask(port) for _ in range(300)]
        assert 0.08 < got.count("two: hello") / len(got) < 0.32
