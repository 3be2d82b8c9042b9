"""One running system for all tests here, and upstreams that tell what reached them."""

from collections.abc import Iterator

import pytest

from tests.support.gateway import Gateway
from tests.support.upstream import HttpUpstream


@pytest.fixture(scope="session")
def gateway() -> Iterator[Gateway]:
    with Gateway() as gateway:
        yield gateway


@pytest.fixture(scope="session")
def red() -> Iterator[HttpUpstream]:
    with HttpUpstream("red") as upstream:
        yield upstream


@pytest.fixture(scope="session")
def blue() -> Iterator[HttpUpstream]:
    with HttpUpstream("blue") as upstream:
        yield upstream


@pytest.fixture(autouse=True)
def fresh_upstreams(red: HttpUpstream, blue: HttpUpstream) -> Iterator[None]:
    """Before each test, and after it, since what a module shares is made before the next one's fixtures."""
    refresh(red, blue)
    yield
    refresh(red, blue)


def refresh(*upstreams: HttpUpstream) -> None:
    for upstream in upstreams:
        upstream.status, upstream.delay, upstream.failures = 200, 0.0, 0
        upstream.response_headers.clear()
        upstream.seen.clear()
