"""Globs in TLS: a TCPMapping for all names below one, and the TLSContext that lists them, asked of a real Envoy."""

import socket
import ssl

import pytest

from tests.support.certificates import authority, trusting
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import an_object, host, mapping, tls_secret
from tests.support.ports import unused_port
from tests.support.upstream import HttpUpstream, TcpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]


def said(port: int, name: str) -> str:
    """What answers to a line on a connection for a name in TLS; empty when none does."""
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
            trusting(authority()).wrap_socket(plain, server_hostname=name) as connection,
        ):
            connection.sendall(b"hello\n")
            return connection.recv(100).decode()
    except (OSError, ssl.SSLError):
        return ""


def test_a_tcp_mapping_for_a_glob_and_a_context_that_lists_one(gateway: Gateway) -> None:
    port = unused_port()
    pair = authority().sign("*.w.test")
    context = an_object("TLSContext", "wide", {"hosts": ["*.w.test"], "secret": "wide"})
    with TcpUpstream("tcp") as upstream:
        texts = (
            tls_secret("wide", pair.certificate, pair.key)
            + context
            + an_object("TCPMapping", "wide", {"port": port, "host": "*.w.test", "service": upstream.service})
            + an_object("TCPMapping", "one", {"port": port, "host": "db.w.test", "service": upstream.service})
        )
        with gateway.applied("wide", texts):
            wait_until(lambda: said(port, "any.w.test") == "tcp: hello\n", what="a name below the glob")
            assert said(port, "db.w.test") == "tcp: hello\n"
            assert said(port, "w.test") == ""


def test_a_host_below_a_glob_keeps_its_name(gateway: Gateway, red: HttpUpstream) -> None:
    pair = authority().sign("*.w.test")
    wide = {"port": gateway.https_port, "host": "*.w.test"}
    secured = {"tlsSecret": {"name": "wide"}}
    with TcpUpstream("tcp") as upstream:
        texts = (
            tls_secret("wide", pair.certificate, pair.key)
            + an_object("TLSContext", "wide", {"hosts": ["*.w.test"], "secret": "wide"})
            + an_object("TCPMapping", "wide", {**wide, "service": upstream.service})
            + mapping("web", "web.w.test", red.service)
        )
        with gateway.applied("wide", texts), gateway.applied("web", host("web", "web.w.test", **secured)):
            gateway.wait_served("web.w.test", tls=True)
            wait_until(lambda: said(gateway.https_port, "any.w.test") == "tcp: hello\n", what="another name")
            gateway.apply("web", host("web", "web.w.test", tlsSecret={"name": "absent"}))
            wait_until(lambda: said(gateway.https_port, "any.w.test") == "", what="the TCPMapping stopped")
            words = "would get what is for Host default/web (web.w.test), which is stopped"
            key = "getambassador.io/TCPMapping/default/wide"
            wait_until(lambda: words in str(gateway.diag()["objects"][key]["problems"]), what="the TCPMapping told")
