"""Changes through the adsserver: in which order, in how many commits, and that none costs a request."""

import os
import time
from pathlib import Path

import pytest

from snapshot import Record
from tests.adsserver.served import UPDATES, ask, small_world, wait_idle
from tests.support.adsserver import Adsserver
from tests.support.envoy import RealEnvoy, free_port, wait_until
from tests.support.load import Load
from tests.support.resources import cluster, endpoints, forward, keyed, listener, routes
from tests.support.upstream import HttpUpstream

pytestmark = pytest.mark.envoy


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
    wait_idle(ads)

    def used() -> float:
        before = cpu_seconds(ads.pid)
        time.sleep(3)
        return cpu_seconds(ads.pid) - before

    assert min(used() for _ in range(2)) < 0.05  # the last of the work may fall into the first time


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
