"""An adsserver and a real Envoy on it, for the tests that ask for them."""

from collections.abc import Iterator

import pytest

from tests.support.adsserver import Adsserver
from tests.support.envoy import RealEnvoy


@pytest.fixture
def ads() -> Iterator[Adsserver]:
    with Adsserver() as running:
        yield running


@pytest.fixture
def envoy(ads: Adsserver) -> Iterator[RealEnvoy]:
    with ads.envoy() as running:
        yield running
