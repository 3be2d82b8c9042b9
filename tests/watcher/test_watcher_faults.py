"""The watcher's process in bad hours: with every fault that a proxy between can make, or the API server itself."""

import time
from collections.abc import Callable

import pytest

from tests.support.apiserver import ApiServer
from tests.support.envoy import wait_until
from tests.support.faulty import FAULTS, FaultyProxy
from tests.watcher.watched_cluster import SOON, Cluster, edit, filled

pytestmark = pytest.mark.kubernetes

BLIND = ("refuse", "black hole", "500", "429", "slow", "cut in a line", "closing", "garbage", "gone in stream")
"""With these, nothing can be seen; with the others all goes on."""


@pytest.mark.parametrize("fault", FAULTS)
def test_in_bad_hours_nothing_is_lost_and_afterwards_all_is_seen(
    api: ApiServer, watching: Callable[..., Cluster], fault: str
) -> None:
    with FaultyProxy(api) as proxy:
        cluster = watching(proxy.kubeconfig)
        filled(cluster)
        before = cluster.published()
        proxy.become(fault)
        edit(cluster)
        time.sleep(4)
        if fault in BLIND:
            assert len(cluster.published()) >= len(before) - 1
        else:
            cluster.wait_equal()
        kinds: dict[str, int] = {}
        for _, path in proxy.asked:
            kinds[path.partition("?")[0]] = kinds.get(path.partition("?")[0], 0) + 1
        assert max(kinds.values(), default=0) <= 6, kinds
        proxy.become("")
        cluster.wait_equal()
        cluster.create("after", "/after/")
        cluster.wait_equal()


@pytest.mark.parametrize("fault", ["no watch list", "watch list ignored", "no bookmarks", "gone"])
def test_a_server_that_is_like_that_from_the_start_is_watched_too(
    api: ApiServer, watching: Callable[..., Cluster], namespace: str, fault: str
) -> None:
    with FaultyProxy(api) as proxy:
        proxy.become(fault)
        cluster = watching(proxy.kubeconfig, wait=False)
        filled(cluster)
        edit(cluster)
        cluster.wait_equal()


def test_what_an_earlier_watcher_saw_stays_while_the_api_server_is_away(
    api: ApiServer, watching: Callable[..., Cluster]
) -> None:
    with FaultyProxy(api) as proxy:
        cluster = watching(proxy.kubeconfig)
        filled(cluster)
        before = cluster.watcher.records()
        proxy.become("refuse")
        cluster.watcher.kill()
        cluster.watcher.start()
        wait_until(lambda: "does not answer" in cluster.watcher.log(), what="the outage told")
        time.sleep(1)
        assert cluster.watcher.records() == before
        edit(cluster)
        proxy.become("")
        cluster.wait_equal()


def test_that_there_are_no_services_at_all_is_not_believed(
    api: ApiServer, namespace: str, watching: Callable[..., Cluster]
) -> None:
    path, key = f"/api/v1/namespaces/{namespace}/services", f"core/Service/{namespace}/quote"
    api.ask("POST", path, {"metadata": {"name": "quote"}, "spec": {"ports": [{"port": 80}]}})
    with FaultyProxy(api) as proxy:
        cluster = watching(proxy.kubeconfig)
        assert key in cluster.watcher.records()
        proxy.become("404")
        wait_until(lambda: f"services/{namespace}" in cluster.problems(), what="the problem told")
        assert key in cluster.watcher.records()
        cluster.watcher.kill()
        cluster.watcher.start()
        wait_until(lambda: cluster.watcher.log().count("404 page not found") > 2, what="the problem told again")
        assert key in cluster.watcher.records()
        proxy.become("")
        wait_until(lambda: cluster.problems() == {}, SOON, what="all seen again")
        assert key in cluster.watcher.records()
        api.ask("DELETE", f"{path}/quote")
        wait_until(lambda: key not in cluster.watcher.records(), what="the last Service gone at once")


def test_a_watcher_that_has_never_seen_the_api_server_publishes_nothing(
    api: ApiServer, watching: Callable[..., Cluster]
) -> None:
    with FaultyProxy(api) as proxy:
        proxy.become("refuse")
        cluster = watching(proxy.kubeconfig, wait=False)
        wait_until(lambda: "does not answer" in cluster.watcher.log(), what="the outage told")
        assert cluster.watcher.sequence == 0


def test_an_api_server_that_is_killed_or_stopped_and_comes_back(watching: Callable[..., Cluster]) -> None:
    cluster = watching()
    filled(cluster)
    for away, back in ((cluster.api.stop, cluster.api.start), (cluster.api.pause, cluster.api.resume)):
        before = cluster.published()
        away()
        time.sleep(5)
        assert cluster.published() == before
        back()
        cluster.create(f"after-{back.__name__}", "/after/")
        cluster.wait_equal()


def test_an_older_state_of_etcd_is_taken_over_without_a_restart(watching: Callable[..., Cluster]) -> None:
    cluster = watching()
    filled(cluster)
    copy = cluster.api.snapshot()
    for number in range(3):
        cluster.delete(f"m{number}")
    for number in range(20):
        cluster.create(f"later{number}", "/later/")
    cluster.wait_equal()
    cluster.api.restore(copy)
    wait_until(lambda: len(cluster.there()) == 6, SOON, what="the API server's storage")
    cluster.wait_equal()
    cluster.create("after", "/after/")
    cluster.wait_equal()
