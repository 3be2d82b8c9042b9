"""HTTP/3: a Listener of UDP, beside one of TCP with the same port, which tells clients of it."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.support import plain
from tests.support.certificates import authority, trusting, unverified
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.http3 import Http3Answer, ask_http3
from tests.support.objects import an_object, host, mapping, tls_secret
from tests.support.ports import unused_port
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

ALL = {"namespace": {"from": "ALL"}}
QUIC = {"protocolStack": ["TLS", "HTTP", "UDP"], "securityModel": "XFP", "hostBinding": ALL}


def secure(name: str) -> str:
    pair = authority().sign(name)
    secret = name.replace(".", "-")
    return tls_secret(secret, pair.certificate, pair.key) + host(name, name, tlsSecret={"name": secret})


def served(ask: Callable[[], Http3Answer], status: int = 200) -> Http3Answer:
    """Ask until the answer has this status."""

    def answer() -> Http3Answer | None:
        try:
            found = ask()
        except (ConnectionError, TimeoutError):
            return None
        return found if found.status == status else None

    return wait_until(answer, what=f"{status} by HTTP/3")


def wait_told(gateway: Gateway, name: str) -> httpx.Response:
    """An answer by TCP that tells of HTTP/3: the listener of TCP changes beside that of UDP."""

    def answer() -> httpx.Response | None:
        found = gateway.wait_served(name, "/three/", tls=True)
        return found if "alt-svc" in found.headers else None

    return wait_until(answer, what=f"{name} told of")


def test_the_same_is_served_by_http_3_and_clients_are_told(gateway: Gateway, red: HttpUpstream) -> None:
    name, other, port = "three.test", "three-other.test", gateway.https_port
    texts = secure(name) + secure(other) + mapping("three", "*", red.service, "/three/")
    texts += mapping(
        "own", name, red.service, "/own/", add_response_headers={"alt-svc": {"value": "clear", "append": False}}
    )
    ca = authority().pair.certificate
    with gateway.applied("three", texts):
        before = gateway.wait_served(name, "/three/", tls=True, context=trusting(authority()))
        assert "alt-svc" not in before.headers
        with gateway.applied("quic", an_object("Listener", "quic", {"port": port, **QUIC})):
            answer = served(lambda: ask_http3(port, name, "/three/", trusted=ca))
            seen = json.loads(answer.body)
            assert (seen["upstream"], seen["host"]) == ("red", name)
            assert seen["headers"]["x-forwarded-proto"] == "https"
            assert "alt-svc" not in answer.headers
            assert ask_http3(port, other, "/three/", sni=name).status == 421
            assert ask_http3(port, name, "/nothing/").status == 404
            beside = wait_told(gateway, name)
            assert beside.headers["alt-svc"] == f'h3=":{port}"; ma=86400, h3=":443"; ma=86400'
            assert gateway.request(name, "/own/", tls=True).headers["alt-svc"] == "clear"
            assert "alt-svc" not in gateway.request(name, "/three/").headers
            problems = gateway.diag()["objects"]["getambassador.io/Listener/default/quic"]["problems"]
            assert problems == []
        wait_until(lambda: "alt-svc" not in gateway.request(name, "/three/", tls=True).headers, what="no word of it")


def test_a_host_that_the_listener_of_udp_does_not_bind_is_not_told_of(gateway: Gateway, red: HttpUpstream) -> None:
    name, port = "not-three.test", gateway.https_port
    binding = {"hostBinding": {"selector": {"matchLabels": {"quic": "yes"}}}}
    texts = secure(name) + secure("is-three.test").replace(
        '"name": "is-three.test", "namespace": "default"}',
        '"name": "is-three.test", "namespace": "default", "labels": {"quic": "yes"}}',
    )
    texts += mapping("three", "*", red.service, "/three/") + an_object(
        "Listener", "quic", {"port": port, **QUIC, **binding}
    )
    with gateway.applied("three", texts):
        served(lambda: ask_http3(port, "is-three.test", "/three/"))
        wait_told(gateway, "is-three.test")
        assert "alt-svc" not in gateway.wait_served(name, "/three/", tls=True).headers


def test_a_client_must_show_its_certificate_by_http_3_too(gateway: Gateway, red: HttpUpstream, tmp_path: Path) -> None:
    name, port = "strict-three.test", gateway.https_port
    clients = authority("Clients")
    good = clients.client("somebody").write(tmp_path, "good")
    stranger = authority("Strangers").client("somebody").write(tmp_path, "stranger")
    pair = authority().sign(name)
    texts = tls_secret("strict-three", pair.certificate, pair.key)
    texts += tls_secret("strict-three-ca", clients.pair.certificate, b"")
    texts += an_object("TLSContext", "strict-three", {"ca_secret": "strict-three-ca", "cert_required": True})
    texts += host(name, name, tlsSecret={"name": "strict-three"}, tlsContext={"name": "strict-three"})
    texts += mapping("strict-three", name, red.service) + an_object("Listener", "quic", {"port": port, **QUIC})
    with gateway.applied("three", texts):
        served(lambda: ask_http3(port, name, shown=good))
        red.seen.clear()
        for shown in (None, stranger):
            with pytest.raises((ConnectionError, TimeoutError)):
                ask_http3(port, name, shown=shown)
        assert red.seen == []


def test_a_listener_changes_from_tcp_to_udp_and_back(gateway: Gateway, red: HttpUpstream) -> None:
    name, port = "change-three.test", unused_port()
    objects = secure(name) + mapping("change-three", name, red.service)

    def listener(last: str) -> str:
        return an_object("Listener", "changing", {**QUIC, "port": port, "protocolStack": ["TLS", "HTTP", last]})

    def is_served_by_tcp() -> bool:
        try:
            url = f"https://127.0.0.1:{port}/"
            with httpx.Client(verify=unverified()) as client:
                extensions = {"sni_hostname": name}
                return client.get(url, headers={"host": name}, extensions=extensions).status_code == 200
        except httpx.TransportError:
            return False

    with gateway.applied("changing", objects + listener("TCP")):
        wait_until(is_served_by_tcp, what="TCP")
        gateway.apply("changing", objects + listener("UDP"))
        served(lambda: ask_http3(port, name))
        wait_until(lambda: not is_served_by_tcp(), what="no TCP")
        gateway.apply("changing", objects + listener("TCP"))
        wait_until(is_served_by_tcp, what="TCP again")


def test_tcp_of_the_same_number_stays_a_tcp_mappings(gateway: Gateway, red: HttpUpstream) -> None:
    name, port = "four.test", unused_port()
    texts = secure(name) + mapping("four", name, red.service) + an_object("Listener", "quic", {"port": port, **QUIC})
    texts += an_object("TCPMapping", "four", {"port": port, "service": red.service})
    with gateway.applied("four", texts):
        served(lambda: ask_http3(port, name))
        wait_until(lambda: plain.get(f"http://127.0.0.1:{port}/").status_code == 200, what="TCP")


@pytest.mark.parametrize(
    "stack", [["UDP"], ["HTTP", "UDP"], ["TLS", "UDP"], ["TLS", "HTTP", "TCP", "UDP"], ["TLS", "PROXY", "HTTP", "UDP"]]
)
def test_a_stack_that_makes_no_http_3_is_told(gateway: Gateway, stack: list[str]) -> None:
    key = "getambassador.io/Listener/default/no-quic"
    spec = {**QUIC, "port": 9999, "protocolStack": stack}
    with gateway.applied("no-quic", an_object("Listener", "no-quic", spec)):
        found = wait_until(lambda: gateway.diag()["objects"].get(key), what="the object")
        assert "spec.protocolStack" in [each["path"] for each in found["problems"]]
