"""Fixtures of many folders of tests: the container engine and image, a Kubernetes API, a Kubernetes node.

What they need of Kubernetes is built beside the first tests, when a test that was chosen needs it: a first build takes
minutes, longer than a test may, and most tests need none of it. Those that do come after the others and wait for it.
"""

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.conftest import RequiresProgram
from tests.e2e.cluster.binaries import LIGHT, PROGRAMS, BinariesError, InBackground
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
_building = pytest.StashKey[InBackground]()
_IN_KIND = os.environ.get("KIND") == "1"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs nodes takes longest: it comes before what needs an API alone, which other processes do meanwhile."""
    items.sort(key=lambda item: (_needs_an_api(item) or _needs_an_image(item), not _needs_an_image(item)))


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    if session.config.option.collectonly:
        return
    if any(_needs_nodes(item) for item in session.items) and not missing():
        session.config.stash[_building] = InBackground(PROGRAMS)
    elif any(_needs_an_api(item) for item in session.items):
        session.config.stash[_building] = InBackground(LIGHT)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool, bool]:
    """Before the test's own time begins."""
    if (_needs_an_api(item) or _needs_nodes(item)) and (building := item.config.stash.get(_building, None)):
        del item.config.stash[_building]
        try:
            _say(item.config, building.wait())
        except BinariesError as error:
            item.config.stash[_unbuilt] = str(error)
    return (yield)


def pytest_unconfigure(config: pytest.Config) -> None:
    if building := config.stash.get(_building, None):
        building.stop()


def _needs_an_api(item: pytest.Item) -> bool:
    return item.get_closest_marker("kubernetes") is not None


def _needs_nodes(item: pytest.Item) -> bool:
    return item.get_closest_marker("cluster") is not None


def _needs_an_image(item: pytest.Item) -> bool:
    return _needs_nodes(item) or item.get_closest_marker("image") is not None


def _say(config: pytest.Config, lines: str) -> None:
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None and lines:
        terminal.write_line("\n" + lines)
        terminal.flush()


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
