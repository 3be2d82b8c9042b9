"""The adsserver between a snapshot and a real Envoy: what is served, what a refusal touches, what a crash costs."""

import os
import signal
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import pytest

from adsserver.server import METHOD, SERVICE
from snapshot import Record
from tests.support.adsserver import Adsserver
from tests.support.certificates import authority
from tests.support.envoy import RealEnvoy, free_port, wait_until
from tests.support.load import Load
from tests.support.part import Part
from tests.support.resources import cluster, direct, endpoints, forward, keyed, listener, record, routes, secret
from tests.support.upstream import HttpUpstream

pytestmark = pytest.mark.envoy

UPDATES = "update_success|update_rejected"


@pytest.fixture
def ads() -> Iterator[Adsserver]:
    with Adsserver() as running:
        yield running


@pytest.fixture
def envoy(ads: Adsserver) -> Iterator[RealEnvoy]:
    with ads.envoy() as running:
        yield running


def ask(port: int, path: str = "/") -> str:
    """The body of an answer, or what went wrong instead of a 200."""
    try:
        response = httpx.get(f"http://127.0.0.1:{port}{path}", timeout=5)
    except httpx.HTTPError as error:
        return repr(error)
    return response.text if response.status_code == httpx.codes.OK else f"status {response.status_code}"


def wait_answer(port: int, wanted: str, path: str = "/") -> None:
    last = ""

    def answers() -> bool:
        nonlocal last
        last = ask(port, path)
        return last == wanted

    wait_until(answers, what=lambda: f"the answer {wanted!r}; last: {last!r}")


def small_world(port: int, body: str = "one") -> dict[str, Record]:
    """A listener that answers by itself, and beside it a cluster that nobody asks."""
    return keyed(
        cluster={"a": cluster("a")},
        endpoint={"a": endpoints("a", 9)},
        listener={"main": listener("main", port, rds="main")},
        route={"main": routes("main", direct("/", body))},
    )


def test_a_changed_route_is_served_and_told(ads: Adsserver, envoy: RealEnvoy) -> None:
    port = free_port()
    ads.replace(small_world(port))
    wait_answer(port, "one")
    changed = routes("main", direct("/", "two"))
    ads.publish({"route/main": changed})
    wait_answer(port, "two")
    ads.wait_accepted("route/main", changed)
    notes = ads.ack("route/main")
    assert abs(notes["accepted_at"] - time.time()) < 60
    assert (notes["refused"], notes["message"]) == (None, "")
    assert ads.ack("stream")["connected"] is True
    assert ads.ack("stream")["node"] == "test"


def test_envoy_does_not_go_live_before_the_first_publication(ads: Adsserver, envoy: RealEnvoy) -> None:
    """An empty snapshot means that nothing is known, not that there is nothing."""
    envoy.wait_admin()
    wait_until(lambda: ads.ack("stream").get("connected"))
    assert not envoy.is_live()
    assert envoy.stats("cds.update_success") == {"cluster_manager.cds.update_success": 0}
    ads.replace({})
    envoy.wait_live()


def test_a_refused_route_configuration_is_held_back_alone(ads: Adsserver, envoy: RealEnvoy) -> None:
    port, other = free_port(), free_port()
    ads.replace(
        small_world(port)
        | keyed(
            listener={"other": listener("other", other, rds="other")},
            route={"other": routes("other", direct("/", "other one"))},
        )
    )
    wait_answer(port, "one")
    wait_answer(other, "other one")
    bad = routes("main", direct("/", "two", status=9999))
    ads.publish({"route/main": bad, "route/other": routes("other", direct("/", "other two"))})
    assert "DirectResponseActionValidationError.Status" in ads.wait_refused("route/main", bad)
    wait_answer(other, "other two")
    assert ask(port) == "one"
    fixed = routes("main", direct("/", "three"))
    ads.publish({"route/main": fixed})
    wait_answer(port, "three")
    ads.wait_accepted("route/main", fixed)
    assert ads.ack("route/main")["refused"] is None


def test_a_refused_cluster_among_good_ones_is_found(ads: Adsserver, envoy: RealEnvoy) -> None:
    """One field that breaks Envoy's rules makes it drop a whole response; all others arrive nevertheless."""
    port = free_port()
    ads.replace(small_world(port))
    wait_answer(port, "one")
    names = [f"new-{number}" for number in range(40)]
    bad = cluster("new-17", connect_ms=0)
    changes = keyed(
        cluster={name: cluster(name) for name in names} | {"new-17": bad}, endpoint={n: endpoints(n, 9) for n in names}
    )
    ads.publish(changes)
    assert "ConnectTimeout" in ads.wait_refused("cluster/new-17", bad)
    for name in names:
        if name != "new-17":
            ads.wait_accepted(f"cluster/{name}", changes[f"cluster/{name}"])
    active = {entry["cluster"]["name"] for entry in envoy.config("dynamic_active_clusters")}
    assert active == {"a", *names} - {"new-17"}
    fixed = cluster("new-17")
    ads.publish({"cluster/new-17": fixed})
    ads.wait_accepted("cluster/new-17", fixed)


def test_a_refused_listener_leaves_the_old_one_and_its_neighbours(ads: Adsserver, envoy: RealEnvoy) -> None:
    port, other = free_port(), free_port()
    ads.replace(small_world(port))
    wait_answer(port, "one")
    bad = listener("main", 70000, rds="main")
    ads.publish({"listener/main": bad, "listener/other": listener("other", other, rds="main")})
    assert "PortValue" in ads.wait_refused("listener/main", bad)
    wait_answer(other, "one")
    assert ask(port) == "one"


def test_a_new_listener_may_take_the_port_of_one_that_goes(ads: Adsserver, envoy: RealEnvoy) -> None:
    port = free_port()
    ads.replace(small_world(port))
    wait_answer(port, "one")
    renamed = listener("renamed", port, rds="renamed")
    new = {"listener/renamed": renamed, "route/renamed": routes("renamed", direct("/", "renamed"))}
    ads.publish({"listener/main": None, "route/main": None, **new})
    wait_answer(port, "renamed")
    ads.wait_accepted("listener/renamed", renamed)
    wait_until(lambda: not ads.ack("listener/main"), what="the old listener forgotten")


def test_a_listener_whose_port_was_taken_comes_when_it_is_free(ads: Adsserver, envoy: RealEnvoy) -> None:
    port = free_port()
    ads.replace(small_world(port))
    wait_answer(port, "one")
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        taken = squatter.getsockname()[1]
        wanted = listener("late", taken, rds="main")
        ads.publish({"listener/late": wanted})
        assert "Address already in use" in ads.wait_refused("listener/late", wanted)
    ads.wait_accepted("listener/late", wanted)
    assert ask(taken) == "one"


def test_a_bad_certificate_leaves_the_old_one_and_tells_no_key(ads: Adsserver, envoy: RealEnvoy) -> None:
    port, pair = free_port(), authority().sign("test.example")
    good = secret("pair", pair.certificate, pair.key)
    ads.replace(
        small_world(free_port())
        | keyed(listener={"tls": listener("tls", port, rds="main", sds="pair")}, secret={"pair": good})
    )
    ads.wait_accepted("secret/pair", good)
    bad = secret(
        "pair", pair.certificate, b"-----BEGIN PRIVATE KEY-----\nVEhJU0lTVEhFS0VZ\n-----END PRIVATE KEY-----\n"
    )
    ads.publish({"secret/pair": bad})
    assert "private key" in ads.wait_refused("secret/pair", bad)
    spoilt = record(bad.body + b"\xff\xff")
    ads.publish({"secret/pair": spoilt})
    assert "unpack" in ads.wait_refused("secret/pair", spoilt)
    told = ads.log() + "".join(str(each.notes) for each in ads.acks().values())
    assert "VEHJU0lT" not in told.upper()
    assert "VEhJU0lT" not in told
    answer = httpx.get(f"https://127.0.0.1:{port}/", verify=False)
    assert answer.text == "one"


def test_kill_9_costs_no_request_and_sends_nothing_again(ads: Adsserver, envoy: RealEnvoy) -> None:
    port = free_port()
    world = small_world(port)
    ads.replace(world)
    wait_answer(port, "one")
    for key, each in world.items():
        ads.wait_accepted(key, each)
    before = envoy.stats(UPDATES)
    with Load(port, host="test") as load:
        for _ in range(5):
            ads.kill()
            ads.start()
            since = ads.ack("stream")["since"]
            wait_until(lambda: ads.ack("stream")["connected"], what="Envoy connected again")
            assert ads.ack("stream")["since"] >= since
        ads.publish({"route/main": routes("main", direct("/", "two"))})
        wait_answer(port, "two")
    assert load.failures == []
    assert load.requests > 0
    after = envoy.stats(UPDATES)
    assert {name: after[name] - count for name, count in before.items() if after[name] != count} == {
        "http.test.rds.main.update_success": 1
    }


def test_what_changed_while_nobody_served_is_made_good(ads: Adsserver, envoy: RealEnvoy) -> None:
    port = free_port()
    world = small_world(port) | keyed(cluster={"gone": cluster("gone")}, endpoint={"gone": endpoints("gone", 9)})
    ads.replace(world)
    for key, each in world.items():
        ads.wait_accepted(key, each)
    ads.kill()
    ads.replace(small_world(port, "two"))
    assert ask(port) == "one"
    ads.start()
    wait_answer(port, "two")
    wait_until(lambda: not envoy.config("dynamic_active_clusters", name="gone"), what="the cluster withdrawn")
    assert envoy.config("dynamic_active_clusters", name="a")
    wait_until(lambda: "cluster/gone" not in ads.acks(), what="the cluster forgotten")


@pytest.mark.parametrize("adsserver_too", [False, True])
def test_a_restarted_envoy_gets_the_last_good_version(ads: Adsserver, envoy: RealEnvoy, adsserver_too: bool) -> None:
    port = free_port()
    world = small_world(port)
    ads.replace(world)
    ads.wait_accepted("route/main", world["route/main"])
    ads.wait_accepted("cluster/a", world["cluster/a"])
    bad_routes, bad_cluster = routes("main", direct("/", "x", status=9999)), cluster("a", connect_ms=0)
    ads.publish({"route/main": bad_routes, "cluster/a": bad_cluster})
    ads.wait_refused("route/main", bad_routes)
    ads.wait_refused("cluster/a", bad_cluster)
    if adsserver_too:
        ads.kill()
    envoy.kill()
    if adsserver_too:
        ads.start()
    envoy.start()
    envoy.wait_live()
    wait_answer(port, "one")
    assert envoy.config("dynamic_active_clusters", name="a")
    assert envoy.stats("update_rejected") == dict.fromkeys(envoy.stats("update_rejected"), 0)
    assert ads.ack("route/main")["refused"] == bad_routes.version
    assert ads.ack("route/main")["accepted"] == world["route/main"].version


def test_make_before_break_under_load(ads: Adsserver, envoy: RealEnvoy) -> None:
    """A route moves a hundred times to a cluster that comes in the same commit in which the former one goes."""
    port = free_port()
    with HttpUpstream("one") as one, HttpUpstream("two") as two:
        ports = [one.port, two.port]

        def world(number: int) -> dict[str, Record]:
            name = f"backend-{number}"
            return keyed(
                cluster={name: cluster(name)},
                endpoint={name: endpoints(name, ports[number % 2])},
                listener={"main": listener("main", port, rds="main")},
                route={"main": routes("main", forward("/", name))},
            )

        ads.replace(world(0))
        wait_until(lambda: '"upstream": "one"' in ask(port), what="the first backend")
        with Load(port, host="test", rate=150) as load:
            for number in range(1, 101):
                current = world(number)
                ads.replace(current)
                ads.wait_accepted("route/main", current["route/main"])
            wait_until(lambda: len(envoy.config("dynamic_active_clusters")) == 1, what="one cluster left")
        assert load.failures == []
        assert load.requests > 0
        assert one.seen
        assert two.seen


def test_a_changed_cluster_gets_its_endpoints_again(ads: Adsserver, envoy: RealEnvoy) -> None:
    """Without them it would warm for ever, since the first fetch has no time limit."""
    port = free_port()
    with HttpUpstream("one") as one, Load(port, host="test") as load:
        world = small_world(port) | keyed(
            cluster={"b": cluster("b")},
            endpoint={"b": endpoints("b", one.port)},
            route={"main": routes("main", forward("/", "b"))},
        )
        ads.replace(world)
        ads.wait_accepted("route/main", world["route/main"])
        wait_until(lambda: "upstream" in ask(port))
        load.failures.clear()
        for connect_ms in range(2000, 2020):
            changed = cluster("b", connect_ms=connect_ms)
            ads.publish({"cluster/b": changed})
            ads.wait_accepted("cluster/b", changed)
        assert not envoy.config("dynamic_warming_clusters")
    assert load.failures == []


def test_a_thousand_clusters_at_once_are_a_few_commits(ads: Adsserver, envoy: RealEnvoy) -> None:
    port = free_port()
    names = [f"many-{number}" for number in range(1000)]
    many = keyed(cluster={name: cluster(name) for name in names}, endpoint={name: endpoints(name, 9) for name in names})
    ads.replace(small_world(port) | many)
    envoy.wait_live()
    wait_until(lambda: all(ads.accepted(key, each) for key, each in many.items()), what="all accepted")
    assert ads.snapshot.reader("acks").changes().sequence < 30
    before = envoy.stats(UPDATES)
    ads.kill()
    ads.start()
    wait_until(lambda: ads.ack("stream").get("connected"), what="Envoy connected again")
    changed = endpoints("many-500", 10)
    ads.publish({"endpoint/many-500": changed})
    ads.wait_accepted("endpoint/many-500", changed)
    after = envoy.stats(UPDATES)
    assert {name: after[name] - count for name, count in before.items() if after[name] != count} == {
        "cluster.many-500.update_success": 1
    }


def test_an_idle_adsserver_does_nothing(ads: Adsserver, envoy: RealEnvoy) -> None:
    ads.replace(small_world(free_port()))
    envoy.wait_live()
    wait_until(lambda: ads.ack("listener/main").get("accepted"))
    time.sleep(0.5)  # the last of the work
    before = cpu_seconds(ads.pid)
    time.sleep(3)
    assert cpu_seconds(ads.pid) - before < 0.05


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_only_delta_ads_is_served_and_only_to_us(ads: Adsserver) -> None:
    assert stat.S_IMODE(ads.socket.stat().st_mode) == 0o600
    service = SERVICE
    with grpc.insecure_channel(f"unix:{ads.socket}") as channel:
        for method in (
            f"/{service}/StreamAggregatedResources",
            "/envoy.service.cluster.v3.ClusterDiscoveryService/FetchClusters",
        ):
            with pytest.raises(grpc.RpcError) as raised:
                channel.unary_unary(method)(b"", timeout=10)
            assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED
        with pytest.raises(grpc.RpcError) as raised:
            list(channel.stream_stream(f"/{service}/{METHOD}")(iter([b"\xff"]), timeout=10))
        assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_a_second_adsserver_is_refused_and_the_first_goes_on(ads: Adsserver, envoy: RealEnvoy) -> None:
    with Part("adsserver", ads.run_dir / "second.log", ads.environ) as second:
        assert second.wait() == 1
    assert "cannot serve" in second.log()
    port = free_port()
    ads.replace(small_world(port))
    wait_answer(port, "one")


def test_sigterm_ends_it_with_0_and_leaves_no_socket(ads: Adsserver, envoy: RealEnvoy) -> None:
    ads.replace(small_world(free_port()))
    envoy.wait_live()
    assert ads.end() == 0
    assert not ads.socket.exists()
    assert ads.ack("stream")["connected"] is False
    ads.start()
    wait_until(lambda: ads.ack("stream")["connected"])


def test_a_hung_adsserver_is_left_and_found_again(ads: Adsserver, envoy: RealEnvoy) -> None:
    """Envoy's pings find it; when it goes on, two streams of one Envoy do no harm."""
    port = free_port()
    ads.replace(small_world(port))
    wait_answer(port, "one")
    os.kill(ads.pid, signal.SIGSTOP)
    try:
        wait_until(lambda: envoy.stats("cluster.ads.upstream_cx_destroy$")["cluster.ads.upstream_cx_destroy"] > 0)
    finally:
        os.kill(ads.pid, signal.SIGCONT)
    ads.publish({"route/main": routes("main", direct("/", "two"))})
    wait_answer(port, "two")
