"""Who has a port or a name keeps it: a TCPMapping of somebody else takes no connection of anybody's."""

import ssl
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support import plain
from tests.support.certificates import authority, trusting
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import an_object, host, mapping, tls_secret
from tests.support.ports import unused_port
from tests.support.upstream import HttpUpstream
from translator.settings import Machine

pytestmark = [pytest.mark.envoy, pytest.mark.system]


@pytest.fixture(scope="module")
def everywhere() -> Iterator[Gateway]:
    """A gateway that listens at every address, as in a pod."""
    with Gateway(environ={"AMBASSADOR_ENVOY_BIND_ADDRESS": "0.0.0.0"}) as gateway:
        yield gateway


def tcp_mapping(name: str, port: int, upstream: HttpUpstream, namespace: str = "other", **spec: Any) -> str:
    return an_object("TCPMapping", name, {"port": port, "service": upstream.service, **spec}, namespace=namespace)


def told(gateway: Gateway, key: str) -> str:
    def found() -> str:
        known = gateway.diag()["objects"].get(f"getambassador.io/{key}", {})
        return "\n".join(f"{each['path']}: {each['message']}" for each in known.get("problems", []))

    return wait_until(found, what=f"{key} is told")


def answering(address: str, port: int) -> str | None:
    """Which upstream answers at a port of an address."""
    try:
        return str(plain.get(f"http://{address}:{port}/", headers={"host": "own.test"}).json()["upstream"])
    except httpx.TransportError:
        return None


def by_tls(port: int, name: str, context: ssl.SSLContext) -> str | None:
    try:
        with httpx.Client(verify=context) as client:
            answer = client.get(f"https://127.0.0.1:{port}/", headers={"host": name}, extensions={"sni_hostname": name})
            return str(answer.json()["upstream"])
    except httpx.TransportError:
        return None


@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:127.0.0.1", "::"])
def test_what_a_listener_has_at_every_address_is_its_own_at_each(
    everywhere: Gateway, red: HttpUpstream, blue: HttpUpstream, address: str
) -> None:
    gateway, at_http, alone = everywhere, everywhere.http_port, unused_port()
    own = sorted(each for each in Machine.this().addresses if ":" not in each)
    with gateway.applied("own", host("own", "own.test") + mapping("own", "own.test", red.service)):
        gateway.wait_served("own.test")
        greedy = tcp_mapping("greedy", at_http, blue, address=address) + tcp_mapping("alone", alone, blue)
        with gateway.applied("greedy", greedy):
            said = told(gateway, "TCPMapping/other/greedy")
            assert f"would take part of port {at_http}, which Listener default/http has at 0.0.0.0" in said
            wait_until(lambda: answering("127.0.0.1", alone) == "blue", what="what came with it is served")
            assert {answering(each, at_http) for each in own for _ in range(5)} == {"red"}


def test_the_port_of_a_listener_that_its_own_mistake_stops_goes_to_nobody(
    everywhere: Gateway, red: HttpUpstream, blue: HttpUpstream
) -> None:
    gateway, port, alone = everywhere, unused_port(), unused_port()
    spec = {"port": port, "protocol": "HTTP", "securityModel": "XFP", "hostBinding": {"namespace": {"from": "ALL"}}}
    waiting = tcp_mapping("whole", port, blue) + tcp_mapping("near", port, blue, address="127.0.0.1")
    with (
        gateway.applied("own", host("own", "own.test") + mapping("own", "own.test", red.service)),
        gateway.applied("more", an_object("Listener", "more", spec)),
        gateway.applied("waiting", waiting),
    ):
        wait_until(lambda: answering("127.0.0.1", port) == "red", what="the Listener is served")
        marker = tcp_mapping("alone", alone, blue)
        gateway.apply("more", an_object("Listener", "more", {**spec, "l7Depth": "none"}) + marker)
        wait_until(lambda: answering("127.0.0.1", alone) == "blue", what="the mistake is in force")
        wait_until(lambda: answering("127.0.0.1", port) is None, what="the port is shut")
        for name in ("whole", "near"):
            said = told(gateway, f"TCPMapping/other/{name}")
            assert f"{port} is the port of Listener default/more, which its own problems stop" in said
        assert {answering("127.0.0.1", port) for _ in range(10)} == {None}
        gateway.apply("more", an_object("Listener", "more", spec))
        wait_until(lambda: answering("127.0.0.1", port) == "red", what="it is mended")


def test_of_two_tcp_mappings_the_first_keeps_the_port_at_each_address(
    everywhere: Gateway, red: HttpUpstream, blue: HttpUpstream
) -> None:
    gateway, port = everywhere, unused_port()
    with gateway.applied("first", tcp_mapping("first", port, red, namespace="a-team")):
        wait_until(lambda: answering("127.0.0.1", port) == "red", what="the first is served")
        with gateway.applied("second", tcp_mapping("second", port, blue, address="127.0.0.1", namespace="b-team")):
            said = told(gateway, "TCPMapping/b-team/second")
            assert "which TCPMapping a-team/first has at 0.0.0.0" in said
            assert {answering("127.0.0.1", port) for _ in range(10)} == {"red"}
            gateway.remove("first")
            wait_until(lambda: answering("127.0.0.1", port) == "blue", what="the other has it when it is free")


@pytest.mark.parametrize("hostname", ["name.test", "*.test"])
def test_a_hosts_name_is_taken_by_no_tcp_mapping_of_another_namespace(
    everywhere: Gateway, red: HttpUpstream, blue: HttpUpstream, hostname: str
) -> None:
    gateway, name = everywhere, "name.test"
    pair, trusted = authority().sign("name.test", "*.test"), trusting(authority())
    texts = tls_secret("name", pair.certificate, pair.key) + host("name", hostname, tlsSecret={"name": "name"})
    texts += mapping("name", hostname, red.service)
    with gateway.applied("name", texts):
        wait_until(lambda: by_tls(gateway.https_port, name, trusted) == "red", what="the Host is served")
        with gateway.applied("taking", tcp_mapping("taking", gateway.https_port, blue, host=name)):
            assert f"{name} belongs to Host default/name ({hostname})" in told(gateway, "TCPMapping/other/taking")
            assert f"keeps {name} at Listener default/https" in told(gateway, "Host/default/name")
            assert {by_tls(gateway.https_port, name, trusted) for _ in range(5)} == {"red"}
        own = tcp_mapping("taking", gateway.https_port, blue, namespace="default", host=name)
        with gateway.applied("taking", own):
            wait_until(lambda: by_tls(gateway.https_port, name, trusted) == "blue", what="its own namespace may")
