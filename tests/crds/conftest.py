"""An API server that knows our kinds."""

import pytest

from crds.files import FOLDER
from tests.crds.talking import wait_until_served
from tests.support.apiserver import ApiServer


@pytest.fixture(scope="module")
def api(apiserver: ApiServer) -> ApiServer:
    """An API server that knows our kinds."""
    apiserver.apply(FOLDER / "crds.yaml")
    wait_until_served(apiserver)
    return apiserver
