"""Secrets before a real Envoy, many at once and some of them bad: each bad one is told, and costs nobody else anything.

Envoy 1.40 accepts a refused Secret that is sent again unread, and refuses a listener that comes while it has a refused
Secret in mind: see `adsserver.remark` and `adsserver.verdicts`.
"""

import signal
import socket
import ssl
import time
from collections.abc import Iterable

import pytest
from cryptography import x509

from snapshot import Record
from tests.adsserver.served import wait_idle
from tests.support.adsserver import Adsserver
from tests.support.certificates import authority, unverified
from tests.support.envoy import RealEnvoy, free_port, wait_until
from tests.support.resources import cluster, direct, endpoints, keyed, routes, secret, tls_listener

pytestmark = pytest.mark.envoy

MISMATCH = "KEY_VALUES_MISMATCH"


class World:
    """Hosts by TLS, each with a Secret of its own, behind one listener."""

    def __init__(self, count: int) -> None:
        self.names = [f"s{number:03}" for number in range(count)]
        self.port = free_port()
        self.pairs = {name: authority().sign(f"{name}.test") for name in self.names}
        self.stranger = authority().sign("stranger.test")

    def listener(self, *, backlog: int = 128) -> Record:
        names = {f"{name}.test": name for name in self.names}
        return tls_listener("tls", self.port, rds="main", secrets=names, backlog=backlog)

    def all_but_secrets(self) -> dict[str, Record]:
        return keyed(
            cluster={"a": cluster("a")},
            endpoint={"a": endpoints("a", 9)},
            listener={"tls": self.listener()},
            route={"main": routes("main", direct("/", "one"))},
        )

    def secrets(self, bad: Iterable[str] = ()) -> dict[str, Record]:
        """All Secrets; a bad one has the key of another certificate."""
        wrong = set(bad)
        return {
            f"secret/{name}": secret(name, pair.certificate, (self.stranger if name in wrong else pair).key)
            for name, pair in self.pairs.items()
        }

    def renew(self) -> None:
        self.pairs = {name: authority().sign(f"{name}.test") for name in self.names}

    def served(self, name: str) -> int | None:
        """The serial number of the certificate that a client gets; None where the connection is reset."""
        context = unverified()
        try:
            with (
                socket.create_connection(("127.0.0.1", self.port), timeout=10) as plain,
                context.wrap_socket(plain, server_hostname=f"{name}.test") as connection,
            ):
                certificate = connection.getpeercert(binary_form=True)
        except (ConnectionError, ssl.SSLError):
            return None
        assert certificate
        return x509.load_der_x509_certificate(certificate).serial_number

    def serials(self) -> dict[str, int | None]:
        return {name: self.served(name) for name in self.names}

    def bad(self, amount: str) -> list[str]:
        """Which are bad: "one" in the middle, "two" with some between them, or "all"."""
        middle = len(self.names) // 2
        return {"one": self.names[middle : middle + 1], "two": self.names[3:middle:8][:2], "all": self.names}[amount]


def told(ads: Adsserver, records: dict[str, Record], bad: Iterable[str]) -> None:
    """Wait until Envoy's word on each Secret is known, and check that it is the true one."""
    refused = {f"secret/{name}" for name in bad}
    for key, record in records.items():
        if key in refused:
            assert MISMATCH in ads.wait_refused(key, record)
        else:
            ads.wait_accepted(key, record)
            assert not ads.ack(key)["refused"]
    for key in refused:
        assert ads.ack(key).get("accepted") != records[key].version


@pytest.mark.parametrize(("count", "amount"), [(17, "one"), (17, "all"), (40, "two"), (200, "one"), (200, "two")])
def test_the_first_delivery(ads: Adsserver, envoy: RealEnvoy, count: int, amount: str) -> None:
    world = World(count)
    bad = world.bad(amount)
    secrets = world.secrets(bad)
    ads.replace(world.all_but_secrets() | secrets)
    told(ads, secrets, bad)
    wanted = {name: None if name in bad else pair.serial for name, pair in world.pairs.items()}
    assert world.serials() == wanted
    corrected = world.secrets()
    ads.publish(corrected)
    told(ads, corrected, [])
    assert world.serials() == {name: pair.serial for name, pair in world.pairs.items()}


@pytest.mark.parametrize(("count", "amount"), [(17, "one"), (17, "all"), (40, "two"), (200, "one"), (200, "two")])
def test_a_renewal(ads: Adsserver, envoy: RealEnvoy, count: int, amount: str) -> None:
    """Those that are refused serve on with their last good certificate, also when the listener changes after that."""
    world = World(count)
    bad = world.bad(amount)
    before = {name: pair.serial for name, pair in world.pairs.items()}
    ads.replace(world.all_but_secrets() | world.secrets())
    told(ads, world.secrets(), [])
    world.renew()
    renewed = world.secrets(bad)
    ads.publish(renewed)
    told(ads, renewed, bad)
    wanted = {name: before[name] if name in bad else pair.serial for name, pair in world.pairs.items()}
    assert world.serials() == wanted
    changed = world.listener(backlog=64)
    ads.publish({"listener/tls": changed})
    ads.wait_accepted("listener/tls", changed)
    assert world.serials() == wanted


@pytest.mark.parametrize("count", [17, 40])
def test_a_listener_in_the_same_commit_pays_for_no_secret(ads: Adsserver, envoy: RealEnvoy, count: int) -> None:
    world = World(count)
    ads.replace(world.all_but_secrets() | world.secrets())
    told(ads, world.secrets(), [])
    bad = world.bad("two")
    renewed, changed = world.secrets(bad), world.listener(backlog=64)
    ads.publish(renewed | {"listener/tls": changed})
    told(ads, renewed, bad)
    ads.wait_accepted("listener/tls", changed)
    assert not ads.ack("listener/tls")["refused"]
    assert None not in world.serials().values()


def test_a_listener_that_was_refused_for_a_secret_comes_with_the_next_one(ads: Adsserver, envoy: RealEnvoy) -> None:
    """Where there is no last good Secret, Envoy has the refused one in mind, and refuses what is made with it."""
    world = World(3)
    bad = world.names[1:2]
    ads.replace(world.all_but_secrets() | world.secrets(bad))
    told(ads, world.secrets(bad), bad)
    changed = world.listener(backlog=64)
    ads.publish({"listener/tls": changed})
    assert MISMATCH in ads.wait_refused("listener/tls", changed)
    ads.publish(world.secrets())
    ads.wait_accepted("listener/tls", changed)
    assert not ads.ack("listener/tls")["refused"]
    assert world.serials() == {name: pair.serial for name, pair in world.pairs.items()}


@pytest.mark.parametrize("had_good_ones", [True, False])
@pytest.mark.parametrize("who", ["adsserver", "Envoy", "both"])
def test_a_restart_changes_no_verdict(ads: Adsserver, envoy: RealEnvoy, who: str, had_good_ones: bool) -> None:
    """Also that an Envoy which comes empty is not held up by those of which there never was a good version."""
    world = World(40)
    bad = world.bad("two")
    if had_good_ones:
        ads.replace(world.all_but_secrets() | world.secrets())
        told(ads, world.secrets(), [])
    before = {name: pair.serial for name, pair in world.pairs.items()}
    world.renew()
    secrets = world.secrets(bad)
    ads.replace(world.all_but_secrets() | secrets)
    told(ads, secrets, bad)
    since = ads.ack("stream")["since"]
    if who != "Envoy":
        ads.kill()
    if who != "adsserver":
        envoy.kill()
    if who != "Envoy":
        ads.start()
    if who != "adsserver":
        envoy.start()
    envoy.wait_live()
    wait_until(lambda: ads.ack("stream")["connected"] and ads.ack("stream")["since"] > since, what="connected again")
    told(ads, secrets, bad)
    wanted: dict[str, int | None] = {
        name: pair.serial if name not in bad else before[name] if had_good_ones else None
        for name, pair in world.pairs.items()
    }
    wait_until(lambda: world.serials() == wanted, what="each its certificate")
    told(ads, secrets, bad)
    other = world.secrets(bad)["secret/" + world.names[0]]
    assert ads.ack("secret/" + world.names[0])["accepted"] == other.version


def test_a_verdict_that_was_lost_is_asked_for_again(ads: Adsserver, envoy: RealEnvoy) -> None:
    """The adsserver dies when Envoy has refused and nobody has heard it."""
    world = World(20)
    ads.replace(world.all_but_secrets() | world.secrets())
    told(ads, world.secrets(), [])
    (name,) = world.bad("one")
    key = f"secret/{name}"

    def refused() -> int:
        return sum(envoy.stats(f"{name}.update_rejected").values())

    for _ in range(5):
        bad, before = world.secrets([name])[key], refused()
        ads.publish({key: bad})
        wait_until(lambda was=before: refused() > was, what="Envoy's refusal")  # type: ignore[misc]
        ads.kill()
        ads.start()
        assert MISMATCH in ads.wait_refused(key, bad)
        world.renew()
        good = world.secrets()[key]
        ads.publish({key: good})
        ads.wait_accepted(key, good)


def test_a_refused_secret_that_goes_before_its_verdict_is_refused_once(ads: Adsserver, envoy: RealEnvoy) -> None:
    """A listener that drains asks for it on and on, and has the last good one."""
    world = World(3)
    ads.replace(world.all_but_secrets() | world.secrets())
    told(ads, world.secrets(), [])
    gone = world.names[1]
    bad = world.secrets([gone])[f"secret/{gone}"]
    envoy.signal(signal.SIGSTOP)
    ads.publish({f"secret/{gone}": bad})
    wait_idle(ads)  # so it is on its way
    world.names.remove(gone)
    listener = world.listener()
    ads.publish({f"secret/{gone}": None, "listener/tls": listener})
    wait_idle(ads)
    envoy.signal(signal.SIGCONT)
    ads.wait_accepted("listener/tls", listener)
    time.sleep(0.5)  # in which it could be sent some hundred times
    assert sum(envoy.stats(f"{gone}.update_rejected").values()) == 1
