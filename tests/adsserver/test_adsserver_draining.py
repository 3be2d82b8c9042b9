"""Who is connected when a listener changes or goes is served until the drain ends, and nothing is kept for longer."""

import contextlib
import json
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from snapshot import Record
from tests.support.adsserver import Adsserver
from tests.support.certificates import authority
from tests.support.envoy import RealEnvoy, free_port, wait_until
from tests.support.kept import KeptAlive, Lines, WebSocket
from tests.support.resources import (
    cluster,
    endpoints,
    forward,
    keyed,
    listener,
    routes,
    secret,
    tcp_listener,
    tls_listener,
)
from tests.support.upstream import HttpUpstream, TcpUpstream

pytestmark = pytest.mark.envoy

DRAIN = 4
"""Seconds. Envoy ends ever more connections towards the end of them."""

CONNECTIONS = 10


@pytest.fixture
def ads() -> Iterator[Adsserver]:
    with Adsserver(drain=DRAIN) as running:
        yield running


class Service:
    """An upstream with its cluster."""

    def __init__(self, name: str, port: int) -> None:
        self.name = name
        self.records = keyed(cluster={name: cluster(name)}, endpoint={name: endpoints(name, port)})

    @property
    def gone(self) -> dict[str, Record | None]:
        return dict.fromkeys(self.records)


@pytest.fixture
def one() -> Iterator[Service]:
    with HttpUpstream("one") as upstream:
        yield Service("one", upstream.port)


@pytest.fixture
def two() -> Iterator[Service]:
    with HttpUpstream("two") as upstream:
        yield Service("two", upstream.port)


def served_http(port: int, service: Service, *, rds: str = "first", name: str = "main") -> dict[str, Record]:
    """A listener whose routes lead to a service. Routes are called after their port, as the translator does."""
    return service.records | keyed(
        listener={name: listener(name, port, rds=rds)}, route={rds: routes(rds, forward("/", service.name))}
    )


def begin(ads: Adsserver, world: dict[str, Record]) -> None:
    """Serve this, and nothing yet beside it."""
    ads.replace(world)
    for key, record in world.items():
        ads.wait_accepted(key, record)


@contextlib.contextmanager
def kept_alive(port: int, server_name: str | None = None) -> Iterator[list[KeptAlive]]:
    with contextlib.ExitStack() as stack:
        kept = [stack.enter_context(KeptAlive(port, server_name=server_name)) for _ in range(CONNECTIONS)]
        for each in kept:
            assert each.ask()
        yield kept


def ask(kept: list[KeptAlive]) -> bool:
    """One request on each; whether any is open still."""
    answered = [each.ask() for each in kept]
    return any(answered)


def ask_until_closed(kept: list[KeptAlive]) -> None:
    """Requests on all connections for as long as Envoy leaves any open; none of them may fail."""
    end = time.monotonic() + DRAIN + 10
    while ask(kept):
        assert not [failure for each in kept for failure in each.failures]
        assert time.monotonic() < end, "a connection outlives the drain"
    assert not [failure for each in kept for failure in each.failures]


def upstreams(kept: list[KeptAlive]) -> set[str]:
    return {json.loads(body)["upstream"] for each in kept for body in each.served}


def clusters(envoy: RealEnvoy) -> set[str]:
    return {entry["cluster"]["name"] for entry in envoy.config("dynamic_active_clusters")}


def wait_gone(ads: Adsserver, envoy: RealEnvoy, *names: str) -> None:
    wait_until(lambda: clusters(envoy).isdisjoint(names), what=lambda: f"no {names}; there are {clusters(envoy)}")
    wait_until(lambda: not any(ads.ack(f"cluster/{name}") for name in names), what="forgotten")


def changed_world(how: str, one: Service, two: Service) -> dict[str, Record | None]:
    """The listener `main` with the routes `first` to `one`, changed so that it drains, and `one` goes with it."""
    gone: dict[str, Record | None] = {**one.gone, "route/first": None}
    match how:
        case "another port":
            return {**served_http(free_port(), two, rds="second"), **gone}
        case "another name":
            return {**served_http(free_port(), two, rds="second", name="other"), **gone, "listener/main": None}
        case _:
            return {**gone, "listener/main": None}


@pytest.mark.parametrize("how", ["another port", "another name", "gone"])
def test_who_is_connected_keeps_what_the_listener_had(
    ads: Adsserver, envoy: RealEnvoy, one: Service, two: Service, how: str
) -> None:
    port = free_port()
    begin(ads, served_http(port, one))
    with kept_alive(port) as kept:
        before = ads.ack("listener/main").get("accepted")
        ads.publish(changed_world(how, one, two))
        wait_until(lambda: ads.ack("listener/main").get("accepted") != before, what="the listener changed")
        ask_until_closed(kept)
        assert upstreams(kept) == {"one"}
        assert sum(len(each.served) for each in kept) > CONNECTIONS
    wait_gone(ads, envoy, "one")
    wait_until(lambda: "route/first" not in ads.acks(), what="the old routes forgotten")


def test_who_is_connected_to_routes_that_stay_gets_what_they_lead_to_now(
    ads: Adsserver, envoy: RealEnvoy, one: Service, two: Service
) -> None:
    """The listener drains, but its routes are those of the new one."""
    port, other = free_port(), free_port()
    begin(ads, served_http(port, one))
    with kept_alive(port) as kept:
        world = served_http(other, two)
        ads.publish({**world, **one.gone})
        ads.wait_accepted("route/first", world["route/first"])
        ask_until_closed(kept)
        assert upstreams(kept) == {"one", "two"}


def test_a_name_in_tls_that_goes(ads: Adsserver, envoy: RealEnvoy, one: Service, two: Service) -> None:
    """Its filter chain drains, the others of the listener do not."""
    port, pair = free_port(), authority().sign("a.test", "b.test")
    chains = {"a.test": "first", "b.test": "second"}
    world = {
        **one.records,
        **two.records,
        **keyed(
            listener={"tls": tls_listener("tls", port, rds=chains, secrets=dict.fromkeys(chains, "pair"))},
            route={
                "first": routes("first", forward("/", "one")),
                "second": routes("second", forward("/", "two")),
            },
            secret={"pair": secret("pair", pair.certificate, pair.key)},
        ),
    }
    begin(ads, world)
    with kept_alive(port, "a.test") as kept, kept_alive(port, "b.test") as others:
        rest = tls_listener("tls", port, rds=chains, secrets={"b.test": "pair"})
        ads.publish({**one.gone, "route/first": None, "listener/tls": rest})
        ads.wait_accepted("listener/tls", rest)
        ask_until_closed(kept)
        assert upstreams(kept) == {"one"}
        assert all(each.ask() and each.is_open for each in others)
    wait_gone(ads, envoy, "one")
    assert "two" in clusters(envoy)


@pytest.mark.parametrize("again", [False, True])
def test_an_adsserver_that_is_killed_meanwhile_takes_nothing_away(
    ads: Adsserver, envoy: RealEnvoy, one: Service, two: Service, again: bool
) -> None:
    """What Envoy holds and asks for says what is still used; `again`: the change came while no adsserver ran."""
    port = free_port()
    begin(ads, served_http(port, one))
    with kept_alive(port) as kept:
        change = changed_world("another port", one, two)
        if again:
            ads.kill()
        ads.publish(change)
        if not again:
            wait_until(lambda: "route/second" in ads.acks(), what="the new routes accepted")
            ads.kill()
        ads.start()
        ask_until_closed(kept)
        assert upstreams(kept) == {"one"}
    wait_gone(ads, envoy, "one")


def test_several_changes_during_one_drain(ads: Adsserver, envoy: RealEnvoy, one: Service, two: Service) -> None:
    """Each connection keeps the routes of its time; clusters that came after them are not kept for them."""
    first, second = free_port(), free_port()
    three = Service("three", 9)
    begin(ads, served_http(first, one))
    with kept_alive(first) as early:
        ads.publish({**served_http(second, two, rds="second"), **one.gone, "route/first": None})
        wait_until(lambda: "route/second" in ads.acks(), what="the second routes accepted")
        wait_answer_of(second, "two")
        with kept_alive(second) as late:
            ads.publish({**served_http(free_port(), three, rds="third"), **two.gone, "route/second": None})
            wait_until(lambda: "route/third" in ads.acks(), what="the third routes accepted")
            ask_until_closed([*early, *late])
            assert upstreams(early) == {"one"}
            assert upstreams(late) == {"two"}
    wait_gone(ads, envoy, "one", "two")
    assert clusters(envoy) == {"three"}


def test_a_storm_of_clusters_during_a_drain_is_kept_for_the_drain_only(
    ads: Adsserver, envoy: RealEnvoy, one: Service, two: Service
) -> None:
    """Five times a thousand other clusters: those that were there before the drain stay, the later ones do not."""
    port = free_port()

    def storm(number: int) -> dict[str, Record]:
        names = [f"storm-{number}-{each}" for each in range(200)]
        return keyed(
            cluster={name: cluster(name) for name in names}, endpoint={name: endpoints(name, 9) for name in names}
        )

    begin(ads, served_http(port, one) | storm(0))
    with kept_alive(port) as kept:
        ads.publish(changed_world("another port", one, two))
        for number in range(5):
            ads.publish({**storm(number + 1), **dict.fromkeys(storm(number))})
            ask(kept)
        ask_until_closed(kept)
    wait_until(lambda: len(clusters(envoy)) == 1 + 200, what=lambda: f"{len(clusters(envoy))} clusters, 201 wanted")


def test_streams_live_through_it(ads: Adsserver, envoy: RealEnvoy, one: Service, two: Service) -> None:
    """What has reached its upstream needs no cluster: WebSockets and TCP, on the old listener and on one that stays."""
    http, stays, tcp = free_port(), free_port(), free_port()
    with TcpUpstream("lines") as upstream:
        lines = Service("lines", upstream.port)
        more = keyed(
            listener={"stays": listener("stays", stays, rds="stays"), "tcp": tcp_listener("tcp", tcp, to="lines")},
            route={"stays": routes("stays", forward("/", "one"))},
        )
        begin(ads, served_http(http, one) | lines.records | more)
        with WebSocket(http) as old, WebSocket(stays) as same, Lines(tcp) as plain:
            assert (old.say(b"a"), same.say(b"a"), plain.say(b"a\n")) == (b"one: a", b"one: a", b"lines: a\n")
            moved = {"route/stays": routes("stays", forward("/", "two")), "listener/tcp": None}
            middle = time.monotonic() + DRAIN / 2
            ads.publish({**changed_world("another port", one, two), **lines.gone, **moved})
            wait_answer_of(stays, "two")
            while time.monotonic() < middle:
                assert (old.say(b"b"), same.say(b"b"), plain.say(b"b\n")) == (b"one: b", b"one: b", b"lines: b\n")
            wait_until(lambda: old.say(b"c") == b"", what="the end of the drain")
            wait_gone(ads, envoy, "one", "lines")
            assert same.say(b"d") == b"one: d"


def test_new_connections_in_tcp_are_served_all_the_time(ads: Adsserver, envoy: RealEnvoy) -> None:
    """A filter chain of TCP names its cluster itself; who came just before the change has still to be passed on."""
    port = free_port()
    with TcpUpstream("one") as first, TcpUpstream("two") as second:
        services = [Service(f"lines-{number}", (first, second)[number % 2].port) for number in range(10)]
        begin(ads, services[0].records | keyed(listener={"tcp": tcp_listener("tcp", port, to="lines-0")}))
        for before, after in pairwise(services):
            changed = tcp_listener("tcp", port, to=after.name)
            with Lines(port) as connected:
                ads.publish({**after.records, **before.gone, "listener/tcp": changed})
                for _ in range(20):
                    with Lines(port) as new:
                        assert new.say(b"x\n") in (b"one: x\n", b"two: x\n")
                ads.wait_accepted("listener/tcp", changed)
                assert connected.say(b"x\n")
        wait_gone(ads, envoy, *(each.name for each in services[:-1]))


def wait_answer_of(port: int, upstream: str) -> None:
    def answers() -> bool:
        with contextlib.suppress(OSError), KeptAlive(port) as asking:
            asking.ask()
            return upstreams([asking]) == {upstream}
        return False

    wait_until(answers, what=f"an answer of {upstream}")
