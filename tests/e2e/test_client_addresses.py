"""Who the client is, where a trusted proxy says it in x-forwarded-for, with a port or without one."""

from collections.abc import Iterator

import pytest

from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import an_object, host, mapping
from tests.support.ports import unused_ports
from tests.support.raw import RawConnection
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

NAME = "address.test"
V4, V6 = "203.0.113.7", "2001:db8::7"


@pytest.fixture(scope="module")
def ports(gateway: Gateway, red: HttpUpstream) -> Iterator[tuple[int, int]]:
    """Listeners with one proxy in front, and with two."""
    one, two = unused_ports(2)
    spec = {"protocol": "HTTP", "securityModel": "XFP", "hostBinding": {"namespace": {"from": "ALL"}}}
    texts = an_object("Listener", "one-proxy", {"port": one, "l7Depth": 1, **spec})
    texts += an_object("Listener", "two-proxies", {"port": two, "l7Depth": 2, **spec})
    shown = {"x-client": {"value": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%", "append": False}}
    texts += host(NAME, NAME) + mapping(NAME, NAME, red.service, add_request_headers=shown)
    with gateway.applied("addresses", texts):
        gateway.wait_served(NAME)
        yield one, two


def client(port: int, red: HttpUpstream, *lines: str) -> tuple[str, str | None]:
    """Who the client is to Envoy, and what the service sees."""

    def asked() -> bool:
        try:
            with RawConnection(port) as connection:
                return connection.ask(NAME, "/", *lines).status == 200
        except OSError:
            return False

    wait_until(asked, what="an answer")
    headers = red.seen[-1]["headers"]
    return headers["x-client"], headers.get("x-envoy-external-address")


@pytest.mark.parametrize(
    ("said", "address"),
    [
        (V4, V4),
        (f"{V4}:5678", V4),
        (f"1.1.1.1, {V4}:5678", V4),
        (f"1.1.1.1:1,{V4}:5678 ", V4),
        (V6, V6),
        (f"[{V6}]:443", V6),
        (f"[{V6}]", V6),
        (f"evil, [{V6}]:443", V6),
    ],
)
def test_an_address_is_taken_with_a_port_too(
    ports: tuple[int, int], red: HttpUpstream, said: str, address: str
) -> None:
    assert client(ports[0], red, f"x-forwarded-for: {said}") == (address, address)
    assert client(ports[1], red, f"x-forwarded-for: {said}, 10.0.0.1:99") == (address, address)
    assert client(ports[1], red, f"x-forwarded-for: {said}", "x-forwarded-for: 10.0.0.1") == (address, address)


@pytest.mark.parametrize("said", ["nobody", f"{V4}:", f"{V4}:x", f"{V4}:80:80", "[::1", "", "unknown:80"])
def test_what_is_no_address_stays_as_it_is_and_the_peer_is_the_client(
    ports: tuple[int, int], red: HttpUpstream, said: str
) -> None:
    assert client(ports[0], red, f"x-forwarded-for: {said}") == ("127.0.0.1", "127.0.0.1")
    assert red.seen[-1]["headers"]["x-forwarded-for"].startswith(said)


def test_without_the_header_the_peer_is_the_client(ports: tuple[int, int], red: HttpUpstream) -> None:
    assert client(ports[0], red) == ("127.0.0.1", "127.0.0.1")


def test_where_the_address_of_the_connection_is_not_used_the_last_entry_counts(
    gateway: Gateway, ports: tuple[int, int], red: HttpUpstream
) -> None:
    module = an_object("Module", "ambassador", {"config": {"use_remote_address": False}})
    with gateway.applied("addresses-module", module):

        def last() -> str:
            return client(gateway.http_port, red, f"x-forwarded-for: 1.1.1.1:1, {V4}:5678")[0]

        wait_until(lambda: last() == V4, what="the last entry")
    wait_until(lambda: last() == "127.0.0.1", what="the address of the connection")


def test_whom_nobody_trusts_cannot_say_who_it_is(gateway: Gateway, ports: tuple[int, int], red: HttpUpstream) -> None:
    assert client(gateway.http_port, red, f"x-forwarded-for: {V4}:5678")[0] == "127.0.0.1"
