"""TLSRoutes, asked of a real Envoy: what is passed through, what ends here, and whose a name is."""

import contextlib
import socket
import ssl
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography import x509

from tests.support.certificates import Pair, authority
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway, unverified
from tests.support.gateway_api import api_gateway, backing, gateway_class, https, listener, route, rule, to
from tests.support.objects import tls_secret
from tests.support.upstream import HttpUpstream, TcpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

CLIENT = unverified()
OWN, PODS = authority().sign("ended.test"), authority().sign("pod.test")


def ending(name: str, port: int, hostname: str, secret: str) -> dict[str, Any]:
    return https(name, port, hostname, secret) | {"protocol": "TLS"}


def through(name: str, port: int, hostname: str | None) -> dict[str, Any]:
    return listener(name, port, "TLS", hostname, tls={"mode": "Passthrough"})


def passed(name: str, *backends: dict[str, Any], hostnames: list[str], created: str = "") -> str:
    return route(name, "web", {"backendRefs": list(backends)}, hostnames=hostnames, kind="TLSRoute", created=created)


def by(pair: Pair, folder: Any) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair.write(folder, "pod"))
    return context


@pytest.fixture(scope="module")
def served(red: HttpUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    made = Gateway(listeners=False)
    port = made.https_port
    listeners = [
        through("wide", port, "*.test"),
        through("pods", port, "*.pods.test"),
        ending("ended", port, "ended.test", "own"),
        ending("shut", port, "shut.test", "missing"),
        https("web", port, "web.test", "own"),
    ]
    texts = gateway_class() + api_gateway("web", *listeners) + tls_secret("own", OWN.certificate, OWN.key)
    tls = by(PODS, tmp_path_factory.mktemp("pods"))
    with TcpUpstream("one", tls=tls) as one, TcpUpstream("two", tls=tls) as two, TcpUpstream("plain") as plain:
        for each, name in ((one, "one"), (two, "two"), (plain, "plain")):
            texts += backing(name, each.port)
        texts += backing("red", red.port) + backing("silent")
        texts += route("pages", [{"name": "web", "sectionName": "web"}], rule("/", to("red")))
        texts += passed("wide", to("one"), hostnames=["*.test"])
        texts += passed("exact", to("two"), hostnames=["a.pods.test"])
        texts += passed("ended", to("plain"), hostnames=["ended.test"])
        made.apply("all", texts)
        with made:
            for name in ("b.pods.test", "ended.test"):
                wait_until(lambda name=name: heard(port, name)[1] != "closed", what=name)
            yield made


def heard(port: int, name: str) -> tuple[Pair | None, str]:
    """Whose certificate is shown for a name, and who answers a line; `closed`: nobody."""
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
        try:
            spoken = stack.enter_context(CLIENT.wrap_socket(connection, server_hostname=name))
            spoken.sendall(b"hello\n")
            line = spoken.makefile().readline().strip()
        except OSError:
            return None, "closed"
        shown = x509.load_der_x509_certificate(spoken.getpeercert(binary_form=True) or b"").serial_number
        pair = next(each for each in (OWN, PODS) if each.serial == shown)
    return pair, line.partition(":")[0] or "closed"


def becomes(served: Gateway, name: str, who: str) -> None:
    wait_until(lambda: heard(served.https_port, name)[1] == who, what=f"{who} for {name}")


def test_a_name_decides_who_is_spoken_with_and_who_ends_tls(served: Gateway) -> None:
    found = {
        name: heard(served.https_port, name)
        for name in ("b.pods.test", "a.pods.test", "x.a.pods.test", "x.test", "ended.test", "ENDED.test", "other.org")
    }
    assert found == {
        "b.pods.test": (PODS, "one"),
        "a.pods.test": (PODS, "two"),
        "x.a.pods.test": (PODS, "one"),
        "x.test": (PODS, "one"),
        "ended.test": (OWN, "plain"),
        "ENDED.test": (OWN, "plain"),
        "other.org": (None, "closed"),
    }
    assert served.request("web.test", tls=True).json()["upstream"] == "red", "requests at the same port"


def test_a_listener_that_is_not_served_is_closed_and_its_name_goes_to_no_wider_one(served: Gateway) -> None:
    assert heard(served.https_port, "shut.test") == (None, "closed")
    assert heard(served.https_port, "x.shut.test") == (PODS, "one")
    told = served.diag()["objects"]["gateway.networking.k8s.io/Gateway/default/web"]["problems"]
    assert "the Secret default/missing does not exist" in told[0]["message"]


def test_who_speaks_no_tls_is_not_served(served: Gateway) -> None:
    with socket.create_connection(("127.0.0.1", served.https_port), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nhost: web.test\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(100) == b""


def test_what_leads_nowhere_is_closed(served: Gateway) -> None:
    for backend in ("missing", "silent"):
        with served.applied("gone", passed("gone", to(backend), hostnames=["gone.test"])):
            becomes(served, "gone.test", "closed")
        becomes(served, "gone.test", "one")


def test_shares(served: Gateway) -> None:
    shares = [to("one", 70), to("two", 30), to("plain", 0)]
    with served.applied("shares", passed("shares", *shares, hostnames=["shares.test"])):
        becomes(served, "shares.test", "two")
        found = Counter(heard(served.https_port, "shares.test")[1] for _ in range(200))
        assert {*found} == {"one", "two"}
        assert 0.5 < found["one"] / 200 < 0.9
    missing = [to("one"), to("missing")]
    with served.applied("shares", passed("shares", *missing, hostnames=["shares.test"])):
        becomes(served, "shares.test", "closed")
        found = Counter(heard(served.https_port, "shares.test")[1] for _ in range(60))
        assert {*found} == {"one", "closed"}, "a share that leads nowhere stays a share"


def test_of_two_routes_the_older_one_has_a_name_and_what_stays_is_not_disturbed(served: Gateway) -> None:
    with (
        socket.create_connection(("127.0.0.1", served.https_port), timeout=10) as connection,
        CLIENT.wrap_socket(connection, server_hostname="ended.test") as spoken,
    ):
        lines = spoken.makefile()
        spoken.sendall(b"before\n")
        assert lines.readline() == "plain: before\n"
        new = passed("new", to("one"), hostnames=["mine.test"], created="2021-01-01T00:00:00Z")
        old = passed("old", to("two"), hostnames=["mine.test"], created="2020-01-01T00:00:00Z")
        with served.applied("new", new):
            with served.applied("old", old):
                becomes(served, "mine.test", "two")
            becomes(served, "mine.test", "one")
        spoken.sendall(b"after\n")
        assert lines.readline() == "plain: after\n"
