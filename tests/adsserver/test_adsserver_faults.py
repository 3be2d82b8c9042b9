"""What a crash costs, of the adsserver and of Envoy, and how the adsserver's process ends."""

import os
import signal
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.adsserver.served import UPDATES, ask, small_world, wait_answer
from tests.support.adsserver import Adsserver
from tests.support.envoy import RealEnvoy, free_port, wait_until
from tests.support.load import Load
from tests.support.part import Part
from tests.support.resources import cluster, direct, endpoints, keyed, routes

pytestmark = pytest.mark.envoy


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


def remove(path: Path) -> None:
    path.unlink()


def put_a_file_there(path: Path) -> None:
    path.unlink()
    path.touch()


def put_a_folder_there(path: Path) -> None:
    path.unlink()
    (path / "with" / "more").mkdir(parents=True)


def forbid(path: Path) -> None:
    path.chmod(0)


@pytest.mark.parametrize("harm", [remove, put_a_file_there, put_a_folder_there, forbid])
def test_a_lost_socket_is_made_again_for_the_next_envoy(
    ads: Adsserver, envoy: RealEnvoy, harm: Callable[[Path], None]
) -> None:
    port = free_port()
    ads.replace(small_world(port))
    wait_answer(port, "one")
    with Load(port, host="test") as load:
        harm(ads.socket)
        wait_until(lambda: is_heard_of(ads.socket), what="the socket again")
        ads.publish({"route/main": routes("main", direct("/", "two"))})
        wait_answer(port, "two")
    assert load.failures == []
    assert stat.S_IMODE(ads.socket.stat().st_mode) == 0o600
    envoy.kill()
    envoy.start()
    wait_answer(port, "two")


def is_heard_of(path: Path) -> bool:
    """Whether somebody listens at a socket that its owner may write to."""
    try:
        if not path.stat().st_mode & stat.S_IWUSR:
            return False
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.connect(str(path))
    except OSError:
        return False
    return True


def test_what_envoy_holds_is_known_to_be_accepted_after_the_snapshot_was_lost(ads: Adsserver, envoy: RealEnvoy) -> None:
    """Envoy comes back before anything is published again, and nothing has to be sent to it."""
    port = free_port()
    world = small_world(port)
    ads.replace(world)
    wait_answer(port, "one")
    ads.kill()
    ads.lose_snapshot()
    ads.start()
    wait_until(lambda: ads.ack("stream")["connected"], what="Envoy connected again")
    ads.replace(world)
    for key, each in world.items():
        ads.wait_accepted(key, each)
    assert ask(port) == "one"
