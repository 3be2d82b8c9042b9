"""Helm, for the tests of the charts."""

from collections.abc import Iterator

import pytest

from tests.support.helm import MISSING, Helm


@pytest.fixture(scope="session")
def helm() -> Iterator[Helm]:
    """Helm itself."""
    if MISSING:
        pytest.skip("helm-python-sdk is not installed: it is a wheel for x86_64 alone")
    with Helm() as running:
        yield running
