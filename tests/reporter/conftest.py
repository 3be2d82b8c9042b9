"""Where reporters' processes are tested: the CRDs on a real API server, and objects in a namespace for each test."""

from collections.abc import Iterator

import pytest

from tests.reporter.running_reporter import Cluster, cluster_on
from tests.support.apiserver import ApiServer
from tests.support.cluster_gateway import install_crds


@pytest.fixture(scope="module")
def api(own_apiserver: ApiServer) -> ApiServer:
    install_crds(own_apiserver)
    return own_apiserver


@pytest.fixture
def cluster(api: ApiServer) -> Iterator[Cluster]:
    with cluster_on(api) as made:
        yield made
