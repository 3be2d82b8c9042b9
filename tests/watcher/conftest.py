"""The watcher's process on a folder, and on a namespace of a real API server."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.apiserver import ApiServer
from tests.support.cluster_gateway import install_crds
from tests.watcher.running_watcher import RunningWatcher
from tests.watcher.watched_cluster import Cluster


@pytest.fixture
def watcher(tmp_path: Path) -> Iterator[RunningWatcher]:
    """A watcher that is not started yet."""
    with closing(RunningWatcher(tmp_path)) as made:
        yield made


@pytest.fixture(scope="module")
def api(own_apiserver: ApiServer) -> ApiServer:
    install_crds(own_apiserver)
    return own_apiserver


@pytest.fixture
def namespace(api: ApiServer) -> str:
    return api.namespace()


@pytest.fixture
def watching(api: ApiServer, namespace: str, tmp_path: Path) -> Iterator[Callable[..., Cluster]]:
    """Call it with a kubeconfig and settings; the watcher that it starts ends with the test."""
    started: list[RunningWatcher] = []

    def start(kubeconfig: Path | None = None, *, wait: bool = True, **environment: str) -> Cluster:
        environ = {"DRAGOMAN_CONFIG_DIR": "", "DRAGOMAN_NAMESPACES": namespace, "AMBASSADOR_NAMESPACE": namespace}
        environ |= {"KUBECONFIG": str(kubeconfig or api.kubeconfig), **environment}
        watcher = RunningWatcher(tmp_path, **environ)
        started.append(watcher)
        if wait:
            watcher.start()
        else:
            watcher.begin()
        return Cluster(api, namespace, watcher)

    yield start
    for watcher in started:
        watcher.close()
