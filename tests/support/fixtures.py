"""Fixtures of many folders of tests: the container engine and image, a Kubernetes API, a Kubernetes node.

What they need of Kubernetes is built before the first test, when a test that was chosen needs it: a first build takes
minutes, longer than a test may.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import RequiresProgram
from tests.e2e.cluster.binaries import LIGHT, PROGRAMS, BinariesError, ensure
from tests.e2e.cluster.cluster import Cluster
from tests.e2e.cluster.gateway import (
    DEMO,
    DEMO_NAMESPACE,
    DEPLOYMENT,
    MANIFESTS,
    NAMESPACE,
    SERVICE,
    Installed,
    load_image,
)
from tests.e2e.cluster.inside import FromInside
from tests.e2e.cluster.kind import KindCluster
from tests.e2e.cluster.needs import missing
from tests.e2e.cluster.toolchain import ToolchainError
from tests.image.containers import IMAGE, Engine, private_engine
from tests.support.apiserver import ApiServer
from tests.support.gateway_crds import release

_unbuilt = pytest.StashKey[str]()
_IN_KIND = os.environ.get("KIND") == "1"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests on nodes come last: a cluster that nobody needs any more would only slow the others down."""
    items.sort(key=_needs_nodes)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    if session.config.option.collectonly:
        return
    if any(_needs_an_api(item) for item in session.items):
        _prepare(session.config, LIGHT)
    if any(_needs_nodes(item) for item in session.items) and not missing():
        _prepare(session.config, tuple(PROGRAMS))


def _needs_an_api(item: pytest.Item) -> bool:
    return item.get_closest_marker("kubernetes") is not None


def _needs_nodes(item: pytest.Item) -> bool:
    return item.get_closest_marker("cluster") is not None


def _prepare(config: pytest.Config, names: tuple[str, ...]) -> None:
    """Build these programs, and tell it; where that fails, the tests that need them say why."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")

    def say(line: str) -> None:
        if terminal is not None:
            terminal.write_line(line)
            terminal.flush()

    try:
        ensure(names, say)
    except BinariesError as error:
        config.stash[_unbuilt] = str(error)


@pytest.fixture(scope="session")
def kubernetes_programs(request: pytest.FixtureRequest) -> None:
    """Skips where the programs that a Kubernetes is made of cannot be had."""
    if _unbuilt in request.config.stash:
        pytest.skip(request.config.stash[_unbuilt])


@pytest.fixture(scope="session")
def apiserver(kubernetes_programs: None) -> Iterator[ApiServer]:
    """A Kubernetes API with its controllers, for all tests: each makes a `namespace()` of its own and stops nothing."""
    with ApiServer(controllers=True) as api:
        yield api


@pytest.fixture(scope="module")
def own_apiserver(kubernetes_programs: None) -> Iterator[ApiServer]:
    """A Kubernetes API for the tests of one module, which may stop, pause and restore it."""
    with ApiServer() as api:
        yield api


@pytest.fixture(scope="session")
def gateway_api_release() -> Path:
    """The folder of Gateway API's CRDs; skips where they cannot be had."""
    try:
        return release()
    except ToolchainError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def cluster_needs(kubernetes_programs: None) -> None:
    """Skips where a whole node of our own cannot run."""
    if _IN_KIND:
        pytest.skip("a test of our own cluster, not of kind")
    if lacking := missing():
        pytest.skip(lacking)


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Iterator[FromInside]:
    """A Kubernetes with two nodes, for all tests: each uses namespaces of its own and leaves the nodes as they were."""
    if _IN_KIND:
        yield KindCluster()
        return
    request.getfixturevalue("cluster_needs")
    with Cluster(nodes=("node", "second")) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def installed(cluster: FromInside, request: pytest.FixtureRequest) -> Installed:
    """Our image and manifests in the cluster, with a first route; ready."""
    if not _IN_KIND:  # `make e2e` has given kind the image
        request.getfixturevalue("image")
        load_image(cluster, request.getfixturevalue("engine"))
    cluster.apply(MANIFESTS)
    cluster.apply(DEMO)
    cluster.wait_rollout(NAMESPACE, DEPLOYMENT)
    cluster.wait_rollout(DEMO_NAMESPACE, "hello")
    return Installed(cluster, cluster.wait_address(NAMESPACE, SERVICE))


@pytest.fixture(scope="session")
def engine(requires_program: RequiresProgram) -> Iterator[Engine]:
    """Podman and buildah on a storage of their own."""
    requires_program("buildah", "podman", "runc", "debootstrap", as_root=True)
    with private_engine() as made:
        yield made


@pytest.fixture(scope="session")
def image(engine: Engine) -> str:
    """The name of our image, built from the tree."""
    engine.build()
    return IMAGE
