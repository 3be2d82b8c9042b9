"""Fixtures of many folders of tests: the container engine and image, Kubernetes' API and nodes, Helm, promtool.

What they need of Kubernetes is built beside the first tests, when a test that was chosen needs it: a first build takes
minutes, longer than a test may, and most tests need none of it. Those that do come after the others and wait for it.
Gateway API's suite is built after it in the same way, and so is Prometheus' promtool, beside it.
"""

import contextlib
import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.conformance import programs as suite_programs
from tests.conformance.programs import Programs
from tests.conftest import RequiresProgram
from tests.e2e.cluster.binaries import LIGHT, PROGRAMS, BinariesError, InBackground, ensure
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
from tests.support.helm import MISSING, Helm
from tests.support.promtool import Promtool

_unbuilt = pytest.StashKey[dict[str, str]]()
_building = pytest.StashKey[dict[str, InBackground]]()
_nodes = pytest.StashKey[contextlib.ExitStack]()
_IN_KIND = os.environ.get("KIND") == "1"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs nodes takes longest: it comes before what needs an API alone, which other processes do meanwhile."""
    items.sort(key=lambda item: (_needs_what_is_built(item), not _needs_an_image(item), _needs_promtool(item)))


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    building = session.config.stash[_building] = {}
    session.config.stash[_unbuilt] = {}
    if session.config.option.collectonly:
        return
    if any(_needs_nodes(item) for item in session.items) and not missing():
        building["kubernetes"] = InBackground(PROGRAMS)
        if any(_needs_the_suite(item) for item in session.items) and not _IN_KIND:
            building["suite"] = InBackground([str(building["kubernetes"].pid)], suite_programs.__name__)
    elif any(_needs_an_api(item) for item in session.items):
        building["kubernetes"] = InBackground(LIGHT)
    if any(_needs_promtool(item) for item in session.items):
        building["promtool"] = InBackground(["promtool"])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, bool, bool]:
    """Before the test's own time begins, what it needs is built. After the last that needs nodes, these end."""
    if _needs_an_api(item) or _needs_nodes(item):
        _wait_for(item.config, "kubernetes")
    if _needs_the_suite(item):
        _wait_for(item.config, "suite")
    if _needs_promtool(item):
        _wait_for(item.config, "promtool")
    done = yield
    if (nodes := item.config.stash.get(_nodes, None)) and item == _last_with_nodes(item.session):
        del item.config.stash[_nodes]
        nodes.close()
    return done


def _wait_for(config: pytest.Config, what: str) -> None:
    building = config.stash[_building].pop(what, None)
    if building is not None:
        try:
            _say(config, building.wait())
        except BinariesError as error:
            config.stash[_unbuilt][what] = str(error)


def pytest_unconfigure(config: pytest.Config) -> None:
    for building in config.stash.get(_building, {}).values():
        building.stop()


def _last_with_nodes(session: pytest.Session) -> pytest.Item:
    """They are one process's, in this order, however many share the tests (scheduling.py)."""
    return next(item for item in reversed(session.items) if _needs_nodes(item))


def _needs_an_api(item: pytest.Item) -> bool:
    return item.get_closest_marker("kubernetes") is not None


def _needs_nodes(item: pytest.Item) -> bool:
    return item.get_closest_marker("cluster") is not None


def _needs_the_suite(item: pytest.Item) -> bool:
    return "conformance_programs" in getattr(item, "fixturenames", ())


def _needs_promtool(item: pytest.Item) -> bool:
    return item.get_closest_marker("promtool") is not None


def _needs_what_is_built(item: pytest.Item) -> bool:
    return _needs_an_api(item) or _needs_an_image(item) or _needs_promtool(item)


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
    if reason := request.config.stash[_unbuilt].get("kubernetes"):
        pytest.skip(reason)


@pytest.fixture(scope="session")
def conformance_programs(request: pytest.FixtureRequest) -> Programs:
    """Gateway API's suite and its servers; skips where they cannot be had."""
    if reason := request.config.stash[_unbuilt].get("suite"):
        pytest.skip(reason)
    return suite_programs.ensure(lambda line: None)


@pytest.fixture(scope="session")
def promtool(request: pytest.FixtureRequest) -> Promtool:
    """Prometheus' own tool; skips where it cannot be had."""
    if reason := request.config.stash[_unbuilt].get("promtool"):
        pytest.skip(reason)
    return Promtool(ensure(["promtool"])["promtool"])


@pytest.fixture(scope="session")
def helm() -> Iterator[Helm]:
    """Helm itself."""
    if MISSING:
        pytest.skip("helm-python-sdk is not installed: it is a wheel for x86_64 alone")
    with Helm() as running:
        yield running


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
    """A Kubernetes with two nodes, for all tests: each uses namespaces of its own and leaves the nodes as they were.

    It ends with the last of them, and not with the session: idle nodes need a half of a core.
    """
    if _IN_KIND:
        yield KindCluster()
        return
    request.getfixturevalue("cluster_needs")
    with contextlib.ExitStack() as nodes:
        request.config.stash[_nodes] = nodes
        yield nodes.enter_context(Cluster(nodes=("node", "second")))


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
