"""Load balancers: who is alike stays at one endpoint, who is not is spread, and a busy endpoint is spared."""

import threading
from typing import Any

import httpx
import pytest

from tests.support import plain
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import an_object, endpoint_slice, host, mapping, service
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

MANY = 40
HASHES = ["ring_hash", "maglev"]


def pair(name: str, *upstreams: HttpUpstream) -> str:
    """A Service with an endpoint for each of these."""
    slices = (
        endpoint_slice(f"{name}-{each.name}", name, {"web": each.port}, {"addresses": ["127.0.0.1"]})
        for each in upstreams
    )
    return service(name, {"web": 80}) + "".join(slices)


def balanced(name: str, policy: dict[str, Any], red: HttpUpstream, blue: HttpUpstream, **more: Any) -> str:
    return (
        host(f"{name}.test", f"{name}.test")
        + pair(name, red, blue)
        + mapping(name, f"{name}.test", name, load_balancer=policy, **more)
    )


def who(response: httpx.Response) -> str:
    return str(response.json()["upstream"])


def wait_both(gateway: Gateway, name: str) -> None:
    """Until Envoy knows both endpoints."""
    wait_until(lambda: {who(gateway.wait_served(name)) for _ in range(MANY)} == {"red", "blue"}, what="both endpoints")


@pytest.mark.parametrize("policy", HASHES)
def test_the_same_value_of_a_header_stays_at_one_endpoint(
    gateway: Gateway, red: HttpUpstream, blue: HttpUpstream, policy: str
) -> None:
    with gateway.applied("by-header", balanced("by-header", {"policy": policy, "header": "x-user"}, red, blue)):
        wait_both(gateway, "by-header.test")

        def asked(user: int) -> str:
            return who(gateway.request("by-header.test", headers={"x-user": str(user)}))

        first = [asked(user) for user in range(MANY)]
        assert [asked(user) for user in range(MANY)] == first
        assert set(first) == {"red", "blue"}


@pytest.mark.parametrize("policy", HASHES)
def test_a_client_gets_a_cookie_and_stays_where_it_was(
    gateway: Gateway, red: HttpUpstream, blue: HttpUpstream, policy: str
) -> None:
    cookie = {"name": "stay", "path": "/shop", "ttl": "1m30s"}
    with gateway.applied("by-cookie", balanced("by-cookie", {"policy": policy, "cookie": cookie}, red, blue)):
        wait_both(gateway, "by-cookie.test")
        given = gateway.request("by-cookie.test").headers["set-cookie"]
        value, *attributes = given.split("; ")
        assert value.startswith('stay="')
        assert {"Max-Age=90", "Path=/shop"} <= set(attributes)
        for user in range(8):
            seen = {who(gateway.request("by-cookie.test", headers={"cookie": f"stay={user}"})) for _ in range(8)}
            assert len(seen) == 1
        again = gateway.request("by-cookie.test", headers={"cookie": value})
        assert "set-cookie" not in again.headers


def test_no_cookie_is_given_where_no_ttl_says_so(gateway: Gateway, red: HttpUpstream, blue: HttpUpstream) -> None:
    policy = {"policy": "ring_hash", "cookie": {"name": "own"}}
    with gateway.applied("own-cookie", balanced("own-cookie", policy, red, blue)):
        wait_both(gateway, "own-cookie.test")
        assert "set-cookie" not in gateway.request("own-cookie.test").headers
        assert len({who(gateway.request("own-cookie.test", headers={"cookie": "own=1"})) for _ in range(MANY)}) == 1


def test_an_address_stays_at_one_endpoint(gateway: Gateway, red: HttpUpstream, blue: HttpUpstream) -> None:
    def asked(address: str) -> str:
        with plain.Client(transport=httpx.HTTPTransport(local_address=address, verify=False)) as client:
            url = f"http://127.0.0.1:{gateway.http_port}/"
            return who(client.get(url, headers={"host": "by-address.test"}))

    policy = {"policy": "maglev", "source_ip": True}
    with gateway.applied("by-address", balanced("by-address", policy, red, blue)):
        gateway.wait_served("by-address.test")
        addresses = [f"127.0.0.{number}" for number in range(2, 2 + MANY)]
        wait_until(lambda: len({asked(address) for address in addresses}) == 2, what="both endpoints")
        first = [asked(address) for address in addresses]
        assert [asked(address) for address in addresses] == first


def busy_share(gateway: Gateway, name: str, red: HttpUpstream) -> int:
    """How many of 100 requests, asked at once, went to `red`, which answers late, where the other answers at once."""
    red.delay = 3.0
    threads = [threading.Thread(target=gateway.request, args=(name,), kwargs={"timeout": 60}) for _ in range(100)]
    red.seen.clear()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    red.delay = 0.0
    return len(red.seen)


def test_a_busy_endpoint_is_spared_by_least_request(gateway: Gateway, red: HttpUpstream, blue: HttpUpstream) -> None:
    texts = balanced("spared", {"policy": "least_request"}, red, blue, timeout_ms=60_000)
    texts += host("turns.test", "turns.test") + pair("turns", red, blue)
    texts += mapping("turns", "turns.test", "turns", load_balancer={"policy": "round_robin"}, timeout_ms=60_000)
    with gateway.applied("busy", texts):
        wait_both(gateway, "spared.test")
        wait_both(gateway, "turns.test")
        assert busy_share(gateway, "turns.test", red) == 50
        assert busy_share(gateway, "spared.test", red) < 45


def test_the_load_balancer_of_the_module_holds_where_a_mapping_has_none(
    gateway: Gateway, red: HttpUpstream, blue: HttpUpstream
) -> None:
    module = an_object("Module", "ambassador", {"config": {"load_balancer": {"policy": "maglev", "header": "x-user"}}})
    name = "module-balanced.test"
    texts = host(name, name) + pair("module-balanced", red, blue)
    texts += mapping("by-module", name, "module-balanced", "/module/")
    texts += mapping("by-itself", name, "module-balanced", "/own/", load_balancer={"policy": "round_robin"})

    def seen(path: str) -> set[str]:
        return {who(gateway.wait_served(name, path, headers={"x-user": "1"})) for _ in range(8)}

    with gateway.applied(name, texts):
        wait_until(lambda: len(seen("/module/")) == 2, what="both endpoints")
        with gateway.applied("balancing-module", module):
            wait_until(lambda: len(seen("/module/")) == 1, what="the Module's load balancer")
            assert len(seen("/own/")) == 2


def test_a_name_of_dns_is_balanced_too(gateway: Gateway, red: HttpUpstream) -> None:
    """Emissary stops such a Mapping: it knows the endpoints of a service only with an endpoint resolver."""
    name = "dns-balanced.test"
    texts = host(name, name) + mapping(
        "dns-balanced", name, f"localhost:{red.port}", load_balancer={"policy": "ring_hash", "source_ip": True}
    )
    with gateway.applied(name, texts):
        assert who(gateway.wait_served(name)) == "red"
