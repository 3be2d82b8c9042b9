"""Scoped routes come, move and go, and no request notices: an index chooses a scope, which routes the request again."""

import time
from collections.abc import Iterable, Iterator

import httpx
import pytest

from snapshot import Record
from tests.adsserver.served import UPDATES
from tests.support import plain
from tests.support.adsserver import Adsserver
from tests.support.envoy import RealEnvoy, free_port, wait_until
from tests.support.kept import KeptAlive
from tests.support.load import Load
from tests.support.resources import cluster, direct, endpoints, forward, keyed, listener, routes
from tests.support.scoped_routes import index, scope, scoped_listener
from tests.support.upstream import HttpUpstream

pytestmark = pytest.mark.envoy

DRAIN = 3
HOST = "a.test"


@pytest.fixture
def ads() -> Iterator[Adsserver]:
    with Adsserver(drain=DRAIN) as running:
        yield running


@pytest.fixture
def upstreams() -> Iterator[list[HttpUpstream]]:
    with HttpUpstream("one") as one, HttpUpstream("two") as two:
        yield [one, two]


def get(port: int, host: str = HOST) -> str:
    """The body of an answer, or what came instead."""
    try:
        answer = plain.get(f"http://127.0.0.1:{port}/", headers={"host": host}, timeout=5)
    except httpx.HTTPError as error:
        return repr(error)
    return answer.text if answer.status_code == httpx.codes.OK else f"status {answer.status_code}"


def wait_body(port: int, wanted: str, host: str = HOST) -> None:
    wait_until(lambda: get(port, host) == wanted, what=lambda: f"{wanted!r}; last: {get(port, host)!r}")


def shard(name: str, body: str) -> dict[str, Record]:
    """A scope that answers by itself."""
    return keyed(scope={name: scope(name, f"rc-{name}")}, route={f"rc-{name}": routes(f"rc-{name}", direct("/", body))})


def gate(port: int, hosts: dict[str, str], name: str = "main") -> dict[str, Record]:
    """A listener with its index."""
    first = f"index-{name}"
    return keyed(
        listener={name: scoped_listener(name, port, first=first)},
        scope={first: scope(first, first)},
        route={first: index(first, hosts)},
    )


def begin(ads: Adsserver, world: dict[str, Record]) -> None:
    ads.replace(world)
    for key, record in world.items():
        ads.wait_accepted(key, record)


def gone(keys: Iterable[str]) -> dict[str, Record | None]:
    return dict.fromkeys(keys)


def scopes(envoy: RealEnvoy) -> set[str]:
    found = envoy.config("dynamic_scoped_route_configs")
    return {each["name"] for entry in found for each in entry.get("scoped_route_configs", ())}


def route_configurations(envoy: RealEnvoy) -> set[str]:
    return {entry["route_config"]["name"] for entry in envoy.config("dynamic_route_configs")}


def test_a_request_goes_by_the_index_to_its_scope(ads: Adsserver, envoy: RealEnvoy) -> None:
    port = free_port()
    begin(ads, gate(port, {HOST: "k1", "b.test": "k2"}) | shard("k1", "one") | shard("k2", "two"))
    wait_body(port, "one")
    assert get(port, "b.test") == "two"
    assert get(port, "c.test") == "status 404"
    spoofed = plain.get(f"http://127.0.0.1:{port}/", headers={"host": HOST, "x-scope": "k2"})
    assert spoofed.text == "one"


def moving(number: int, upstreams: list[HttpUpstream]) -> dict[str, Record]:
    """The scope, its routes and its cluster of this number, for the same host: all are new each time."""
    name, backend = f"k-{number}", f"backend-{number}"
    return keyed(
        cluster={backend: cluster(backend)},
        endpoint={backend: endpoints(backend, upstreams[number % 2].port)},
        scope={name: scope(name, f"rc-{name}")},
        route={f"rc-{name}": routes(f"rc-{name}", forward("/", backend))},
    )


def test_a_host_moves_to_new_scopes_under_load(ads: Adsserver, envoy: RealEnvoy, upstreams: list[HttpUpstream]) -> None:
    """Each time scope, routes and cluster are new, those before go in the same commit, and the index changes in it."""
    port = free_port()
    other = shard("other", "other")
    begin(ads, gate(port, {HOST: "k-0", "b.test": "other"}) | moving(0, upstreams) | other)
    wait_until(lambda: "upstream" in get(port), what="the first scope")
    with Load(port, host=HOST, rate=150) as load, Load(port, host="b.test", rate=30) as beside:
        for number in range(1, 61):
            world = moving(number, upstreams)
            moved = {"route/index-main": index("index-main", {HOST: f"k-{number}", "b.test": "other"})}
            ads.publish({**gone(moving(number - 1, upstreams)), **world, **moved})
            if number % 3:
                ads.wait_accepted("route/index-main", moved["route/index-main"])
    assert (load.failures, beside.failures) == ([], [])
    assert load.requests > 0
    assert all(each.seen for each in upstreams)
    wait_until(
        lambda: scopes(envoy) == {"index-main", "k-60", "other"}, what=lambda: f"old scopes gone: {scopes(envoy)}"
    )
    wait_until(
        lambda: route_configurations(envoy) == {"index-main", "rc-k-60", "rc-other"},
        what="the routes of old scopes gone",
    )
    wait_until(lambda: len(envoy.config("dynamic_active_clusters")) == 1, what="one cluster left")
    wait_until(lambda: not any("k-59" in key for key in ads.acks()), what="forgotten")


def test_other_hosts_come_and_go_beside(ads: Adsserver, envoy: RealEnvoy) -> None:
    port = free_port()
    begin(ads, gate(port, {HOST: "k1"}) | shard("k1", "one"))
    wait_body(port, "one")
    with Load(port, host=HOST, rate=100) as load:
        for number in range(30):
            name = f"n{number}"
            came = {"route/index-main": index("index-main", {HOST: "k1", "b.test": name})}
            ads.publish({**shard(name, name), **came})
            ads.wait_accepted("route/index-main", came["route/index-main"])
            assert get(port, "b.test") == name
            ads.publish({**gone(shard(name, name)), "route/index-main": index("index-main", {HOST: "k1"})})
    assert load.failures == []
    wait_until(lambda: scopes(envoy) == {"index-main", "k1"}, what=lambda: str(scopes(envoy)))


def test_a_cold_start_with_two_hundred_scopes(ads: Adsserver) -> None:
    port = free_port()
    names = [f"k{number}" for number in range(200)]
    world = gate(port, {f"{name}.test": name for name in names})
    for name in names:
        world |= shard(name, f"body of {name}")
    ads.replace(world)
    with ads.envoy() as envoy:
        statuses: list[str] = []

        def serves() -> bool:
            statuses.append(get(port, "k199.test"))
            return statuses[-1] == "body of k199"

        wait_until(serves, what=lambda: statuses[-1])
        assert {each for each in statuses if each.startswith("status")} == set(), "no request before all is there"
        with plain.Client() as client:
            for name in names:
                answer = client.get(f"http://127.0.0.1:{port}/", headers={"host": f"{name}.test"})
                assert answer.text == f"body of {name}"
        assert len(scopes(envoy)) == 201
        assert envoy.stats("scoped_rds.scopes.update_(success|rejected)") == {
            "http.test.scoped_rds.scopes.update_rejected": 0,
            "http.test.scoped_rds.scopes.update_success": 1,
        }


def test_a_new_envoy_and_a_new_adsserver_amid_moves(ads: Adsserver, upstreams: list[HttpUpstream]) -> None:
    port = free_port()
    ads.replace(gate(port, {HOST: "k-0"}) | moving(0, upstreams))

    def move(number: int) -> dict[str, Record]:
        moved = keyed(route={"index-main": index("index-main", {HOST: f"k-{number}"})})
        ads.publish({**gone(moving(number - 1, upstreams)), **moving(number, upstreams), **moved})
        return moved

    with ads.envoy() as envoy:
        wait_until(lambda: "upstream" in get(port), what="served")
        with Load(port, host=HOST) as load:
            for number in range(1, 13):
                if number % 3 == 1:
                    ads.kill()
                moved = move(number)
                if number % 3 == 2:
                    ads.kill()
                if not ads.running:
                    ads.start()
                if number % 3 == 0:
                    ads.wait_accepted("route/index-main", moved["route/index-main"])
            ads.wait_accepted("route/index-main", moved["route/index-main"])
        assert load.failures == []
        wait_until(lambda: scopes(envoy) == {"index-main", "k-12"}, what=lambda: str(scopes(envoy)))
        envoy.kill()
        move(13)
        envoy.start()
        wait_until(lambda: "upstream" in get(port), what="served again")
        assert scopes(envoy) == {"index-main", "k-13"}


def test_a_restart_sends_nothing_again(ads: Adsserver, envoy: RealEnvoy) -> None:
    port = free_port()
    world = gate(port, {HOST: "k1"}) | shard("k1", "one")
    begin(ads, world)
    wait_body(port, "one")
    filtered = f"(scoped_rds.scopes|rds).*({UPDATES})|lds.update_success"
    before = envoy.stats(filtered)
    with Load(port, host=HOST) as load:
        for _ in range(3):
            ads.kill()
            ads.start()
            wait_until(lambda: ads.ack("stream")["connected"], what="Envoy connected again")
            time.sleep(0.5)
        ads.publish({**shard("k2", "two"), "route/index-main": index("index-main", {HOST: "k2"})})
        wait_body(port, "two")
    assert load.failures == []
    after = envoy.stats(filtered)
    assert {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)} == {
        "http.test.scoped_rds.scopes.update_success": 1,
        "http.test.rds.index-main.update_success": 1,
        "http.test.rds.rc-k2.update_success": 1,
    }


def test_a_refused_scope_is_found_among_good_ones(ads: Adsserver, envoy: RealEnvoy) -> None:
    """It has a key that is taken, for which Envoy refuses all of a response."""
    port = free_port()
    begin(ads, gate(port, {HOST: "k1"}) | shard("k1", "one"))
    wait_body(port, "one")
    bad = scope("bad", "rc-bad", key="k1")
    news = shard("k2", "two") | shard("k3", "three")
    hosts = index("index-main", {HOST: "k2", "b.test": "k3"})
    with Load(port, host=HOST) as load:
        ads.publish(
            {**news, "scope/bad": bad, "route/rc-bad": routes("rc-bad", direct("/", "")), "route/index-main": hosts}
        )
        assert "conflict" in ads.wait_refused("scope/bad", bad)
        for key in ("scope/k2", "scope/k3", "route/rc-k2", "route/rc-k3"):
            ads.wait_accepted(key, news[key])
        ads.wait_accepted("route/index-main", hosts)
        wait_body(port, "two")
        wait_body(port, "three", "b.test")
        rejected = envoy.stats("scoped_rds.scopes.update_rejected")
        ads.publish(shard("k4", "four"))
        time.sleep(0.3)
        assert envoy.stats("scoped_rds.scopes.update_rejected") == rejected, "not sent again"
        mended = scope("bad", "rc-bad", key="other")
        ads.publish({"scope/bad": mended})
        ads.wait_accepted("scope/bad", mended)
    assert load.failures == []


def test_a_changed_scope_that_is_refused_stays_as_it_was(ads: Adsserver, envoy: RealEnvoy) -> None:
    port = free_port()
    begin(ads, gate(port, {HOST: "k1", "b.test": "k2"}) | shard("k1", "one") | shard("k2", "two"))
    wait_body(port, "one")
    bad = scope("k2", "rc-k2", key="k1")
    ads.publish({"scope/k2": bad})
    ads.wait_refused("scope/k2", bad)
    assert (get(port), get(port, "b.test")) == ("one", "two")
    ads.kill()
    envoy.kill()
    ads.start()
    envoy.start()
    wait_body(port, "one")
    assert get(port, "b.test") == "two"


def test_new_routes_that_are_refused_hold_the_index_back_until_they_are_mended(
    ads: Adsserver, envoy: RealEnvoy
) -> None:
    """The last good ones are those of another scope: nobody is led to the new one before its routes are there."""
    port = free_port()
    begin(ads, gate(port, {HOST: "k1"}) | shard("k1", "one"))
    wait_body(port, "one")
    bad = routes("rc-k2", direct("/", "two", status=9999))
    with Load(port, host=HOST) as load:
        moved = index("index-main", {HOST: "k2"})
        ads.publish({**gone(shard("k1", "")), **shard("k2", ""), "route/rc-k2": bad, "route/index-main": moved})
        ads.wait_refused("route/rc-k2", bad)
        ads.publish(shard("k2", "two"))
        ads.wait_accepted("route/index-main", moved)
        assert get(port) == "two"
    assert load.failures == []


def test_a_refused_index_keeps_the_scopes_that_its_last_version_names(ads: Adsserver, envoy: RealEnvoy) -> None:
    port = free_port()
    begin(ads, gate(port, {HOST: "k1"}) | shard("k1", "one"))
    wait_body(port, "one")
    bad = index("index-main", {HOST: "k2", HOST.upper(): "k2"})
    with Load(port, host=HOST) as load:
        ads.publish({**gone(shard("k1", "")), **shard("k2", "two"), "route/index-main": bad})
        ads.wait_refused("route/index-main", bad)
        time.sleep(DRAIN + 2)
        assert get(port) == "one"
        mended = index("index-main", {HOST: "k2"})
        ads.publish({"route/index-main": mended})
        ads.wait_accepted("route/index-main", mended)
        wait_until(lambda: scopes(envoy) == {"index-main", "k2"}, what=lambda: str(scopes(envoy)))
    assert load.failures == []


def test_two_listeners_share_the_scopes(ads: Adsserver, envoy: RealEnvoy) -> None:
    port, second = free_port(), free_port()
    begin(ads, gate(port, {HOST: "k1"}) | shard("k1", "one"))
    wait_body(port, "one")
    with Load(port, host=HOST) as load:
        ads.publish(gate(second, {HOST: "k1", "b.test": "k2"}, "second") | shard("k2", "two"))
        wait_body(second, "two", "b.test")
        wait_body(second, "one")
        with KeptAlive(second, host=HOST) as kept, Load(second, host=HOST) as more:
            assert kept.ask()
            changes = {
                **gone(shard("k1", "")),
                **shard("k3", "three"),
                "route/index-main": index("index-main", {HOST: "k3"}),
                "route/index-second": index("index-second", {HOST: "k3", "b.test": "k2"}),
            }
            ads.publish(changes)
            wait_body(port, "three")
            wait_body(second, "three")
            assert kept.ask()
            assert more.failures == []
        assert load.failures == []
        with KeptAlive(second, host="b.test") as kept:
            assert kept.ask()
            ads.publish(gone([*gate(second, {}, "second"), *shard("k2", "")]))
            wait_until(lambda: get(second, "b.test") != "two", what="the listener gone")
            end = time.monotonic() + DRAIN + 10
            while kept.ask():
                assert kept.failures == [], "who is connected is served until the drain ends"
                assert time.monotonic() < end
                time.sleep(0.02)
        wait_until(lambda: scopes(envoy) == {"index-main", "k3"}, what=lambda: str(scopes(envoy)))
    assert load.failures == []


def test_a_listener_takes_scoped_routes_leaves_them_and_takes_them_again(ads: Adsserver, envoy: RealEnvoy) -> None:
    """Envoy drops its scopes with the last drain, and asks for none when it needs them again."""
    port = free_port()
    flat = keyed(
        listener={"main": listener("main", port, rds="flat")}, route={"flat": routes("flat", direct("/", "flat"))}
    )
    scoped = gate(port, {HOST: "k1"}) | shard("k1", "scoped")
    begin(ads, flat)
    wait_body(port, "flat")
    for turn in range(3):
        with Load(port, host=HOST) as load:
            ads.publish({**gone(flat), **scoped})
            wait_body(port, "scoped")
            ads.publish({**gone(scoped), **flat})
            wait_body(port, "flat")
            if turn:
                time.sleep(DRAIN + 1)
                wait_until(
                    lambda: route_configurations(envoy) == {"flat"}, what=lambda: str(route_configurations(envoy))
                )
            if turn == 2:
                ads.kill()
                ads.start()
        assert load.failures == []
    ads.publish({**gone(flat), **scoped})
    wait_body(port, "scoped")
