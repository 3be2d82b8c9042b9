"""Which tests go together where several processes share them (`pytest -n 2`): those of a module, which share fixtures.

Most tests wait for something most of the time, so two processes need half the time on the same two cores. What needs a
container engine or nodes goes to one process, since image and nodes are made once.
"""

from typing import Any, Final

import pytest
from xdist.scheduler import LoadScopeScheduling

_OF_THE_IMAGE: Final = ("tests/image/test_image_", "tests/e2e/cluster/test_cluster_", "tests/e2e/test_cluster_")


class _ByModule(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        return "image and nodes" if module.startswith(_OF_THE_IMAGE) else module


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    config.option.loadscopereorder = False  # the order that was collected is meant
    return _ByModule(config, log)
