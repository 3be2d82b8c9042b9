"""Listeners that change or go while people are connected: they are served on, whatever else changes with it."""

import json
from collections.abc import Iterator

import pytest

from tests.support.certificates import authority
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.kept import KeptAlive
from tests.support.objects import an_object, host, mapping, tls_secret
from tests.support.ports import unused_ports
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

DRAIN = 6
NAME = "drain.test"


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with Gateway(environ={"AMBASSADOR_DRAIN_TIME": str(DRAIN)}) as gateway:
        yield gateway


def listener(port: int, name: str = "moving") -> str:
    binding = {"namespace": {"from": "ALL"}}
    spec = {"port": port, "protocol": "HTTP", "securityModel": "XFP", "hostBinding": binding}
    return an_object("Listener", name, spec)


def asked(kept: list[KeptAlive]) -> bool:
    answered = [each.ask() for each in kept]
    return any(answered)


def failures(kept: list[KeptAlive]) -> list[str]:
    return [failure for each in kept for failure in each.failures]


def upstreams(kept: list[KeptAlive]) -> set[str]:
    return {json.loads(body)["upstream"] for each in kept for body in each.served}


@pytest.mark.parametrize("killed", [None, "adsserver", "translator"])
@pytest.mark.parametrize(("name", "served"), [("moving", {"red", "blue"}), ("another", {"red"})])
def test_a_listener_gets_another_port_and_a_mapping_another_service(
    gateway: Gateway, red: HttpUpstream, blue: HttpUpstream, killed: str | None, name: str, served: set[str]
) -> None:
    """In one file, so in one commit; a part may die in the middle of the drain.

    The routes belong to the Listener's name: who is connected to the old port has what they lead to now, and where
    there is another Listener in place of the old one, what they led to then.
    """
    first, second = unused_ports(2)
    objects = host(NAME, NAME)
    with gateway.applied("drain", objects + listener(first) + mapping("drain", NAME, red.service)):
        kept = [KeptAlive(first, host=NAME) for _ in range(8)]
        wait_until(lambda: is_served_by(first, "red"), what="the first service")
        for each in kept:
            each.start()
            assert each.ask()
        gateway.apply("drain", objects + listener(second, name) + mapping("drain", NAME, blue.service))
        wait_until(lambda: is_served_by(second, "blue"), what="the second service")
        assert asked(kept)
        if killed:
            gateway.kill(killed)
        while asked(kept):
            assert failures(kept) == []
        assert failures(kept) == []
        assert upstreams(kept) == served
        for each in kept:
            each.close()


def test_a_host_in_tls_goes_with_its_service(gateway: Gateway, red: HttpUpstream) -> None:
    """Its filter chain drains, and the listener stays."""
    name = "leaving.test"
    pair = authority().sign(name)
    with gateway.applied("host", tls_secret("leaving", pair.certificate, pair.key)):
        objects = host("leaving", name, tlsSecret={"name": "leaving"}) + mapping("leaving", name, red.service)
        gateway.apply("leaving", objects)
        gateway.wait_served(name, tls=True)
        with KeptAlive(gateway.https_port, host=name, server_name=name) as kept:
            assert kept.ask()
            gateway.remove("leaving")
            wait_until(lambda: not is_served_in_tls(gateway.https_port, name), what="the name gone")
            while kept.ask():
                assert kept.failures == []
            assert kept.failures == []


def is_served_by(port: int, upstream: str) -> bool:
    try:
        with KeptAlive(port, host=NAME) as asking:
            asking.ask()
            return upstreams([asking]) == {upstream}
    except OSError:
        return False


def is_served_in_tls(port: int, name: str) -> bool:
    try:
        with KeptAlive(port, host=name, server_name=name) as asking:
            asking.ask()
            return bool(asking.served)
    except OSError:
        return False
