"""The watcher's process, and an object of a real API server that is nested deeper than can be read."""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.apiserver import ApiServer
from tests.support.envoy import wait_until
from tests.support.faulty import FaultyProxy
from tests.watcher.watched_cluster import Cluster, filled

pytestmark = pytest.mark.kubernetes

LEVELS = 1100


@pytest.fixture(autouse=True)
def _deep_json() -> Iterator[None]:
    """Python's own JSON, by which a test asks, goes as deep as Python may."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(20 * LEVELS)
    yield
    sys.setrecursionlimit(before)


def nested() -> Any:
    found: Any = 1
    for _ in range(LEVELS):
        found = {"x": found}
    return found


@pytest.mark.parametrize("fault", ["", "no watch list"])
def test_it_alone_is_not_served(api: ApiServer, watching: Callable[..., Cluster], fault: str) -> None:
    with FaultyProxy(api) as proxy:
        cluster = watching(proxy.kubeconfig)
        filled(cluster, 1)
        cluster.create("deep", "/deep/", unknown=nested())
        cluster.create("after", "/after/")
        source = f"mappings.getambassador.io/{cluster.namespace}"
        said = f"the Mapping {cluster.namespace}/deep is nested too deeply, and is not served: spec.unknown."
        proxy.become(fault)

        def served(*names: str) -> bool:
            problems = cluster.problems()
            told = set(problems) == {source} and problems[source].startswith(said)
            return set(cluster.published()) == {*names} and told

        wait_until(lambda: served("m0", "after"), what=f"the others, and the problem:\n{cluster.watcher.log()}")
        cluster.watcher.kill()
        cluster.watcher.start()
        cluster.create("later", "/later/")
        wait_until(lambda: served("m0", "after", "later"), what="the same after a restart")
        assert cluster.watcher.log().count("nested too deeply") == 2, "once by each process"
        cluster.delete("deep")
        wait_until(lambda: cluster.problems() == {}, what="no problem")
        cluster.wait_equal()
