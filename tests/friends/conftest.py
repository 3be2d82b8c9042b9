"""One Kubernetes API for all programs, with a node whose pods are stand-ins, and gateways that watch it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.friends import network
from tests.friends.chosen import needs
from tests.friends.node import Node
from tests.friends.programs import crds, programs, unbuilt
from tests.friends.workloads import PORT
from tests.support.apiserver import ApiServer
from tests.support.child import Child
from tests.support.cluster_gateway import ClusterGateway, install_crds
from tests.support.gateway_crds import install
from tests.support.scoped import Scoped
from tests.support.upstream import HttpUpstream
from tests.webhook import running_webhook

OLDER = "older versions"


def pytest_runtest_setup(item: pytest.Item) -> None:
    if not network.is_inside():
        pytest.skip("these tests run in a network of their own: make friends")
    failed = unbuilt()
    for name in needs(item) & failed.keys():
        pytest.fail(f"{name} is not there: {failed[name]}", pytrace=False)


def runs(pod: Mapping[str, Any], address: str, folder: Path) -> Scoped:
    """What a pod is: an upstream that answers with its variable VERSION, or cert-manager's own solver."""
    (container,) = pod["spec"]["containers"]
    if container["image"] == "solver":
        said = dict(each.removeprefix("--").split("=", 1) for each in container["args"])
        solve = [said["listen-port"], said["domain"], said["token"], said["key"]]
        return Child("solver", [programs("certmanager") / "certmanager", "solve", *solve], folder / "solver.log")
    (version,) = [each["value"] for each in container["env"] if each["name"] == "VERSION"]
    return HttpUpstream(version, address=address, port=PORT)


@pytest.fixture(scope="session")
def api(request: pytest.FixtureRequest) -> Iterator[ApiServer]:
    """As it is after an ordinary installation; where a test's parameter says so, with older versions too."""
    with ExitStack() as stack:
        api = stack.enter_context(ApiServer(controllers=True))
        if getattr(request, "param", "") == OLDER:
            webhook = stack.enter_context(running_webhook.Webhook(api))
            running_webhook.install(api, webhook.url)
            webhook.wait_trusted()
        else:
            install_crds(api)
        install(api)
        yield api


@pytest.fixture(scope="session")
def node(api: ApiServer) -> Iterator[Node]:
    with Node(api, lambda pod, address: runs(pod, address, api.folder)) as node:
        yield node


@pytest.fixture(autouse=True)
def _working_node(node: Node) -> Iterator[None]:
    yield
    node.check()


@pytest.fixture
def gateway(api: ApiServer) -> Iterator[ClusterGateway]:
    """A gateway of a test's own, which serves what is anywhere: what is about all of a cluster is watched only so."""
    with ClusterGateway(api, environ={"DRAGOMAN_NAMESPACES": ""}) as gateway:
        yield gateway


Starts = Callable[[str, Sequence[str | Path]], Child]


@pytest.fixture
def starts(api: ApiServer, tmp_path: Path) -> Iterator[Starts]:
    """Start a friend's program with its CRDs in place; its log is shown where the test fails."""
    with ExitStack() as stack:
        children: list[Child] = []

        def start(friend: str, arguments: Sequence[str | Path]) -> Child:
            folder = programs(friend)
            if made := crds(friend):
                api.apply(made)
                api.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
            name, *rest = arguments
            child = stack.enter_context(Child(str(name), [folder / str(name), *rest], tmp_path / f"{name}.log"))
            children.append(child)
            return child

        yield start
        for child in children:
            print(f"{child.name}:\n{child.log()[-20_000:]}")
