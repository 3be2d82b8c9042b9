"""One engine and one built image for all tests of the image."""

from collections.abc import Iterator

import pytest

from tests.conftest import RequiresProgram
from tests.image.containers import IMAGE, Engine, private_engine


@pytest.fixture(scope="session")
def engine(requires_program: RequiresProgram) -> Iterator[Engine]:
    requires_program("buildah", "podman", "runc", "debootstrap", as_root=True)
    with private_engine() as made:
        yield made


@pytest.fixture(scope="session")
def image(engine: Engine) -> str:
    engine.build()
    return IMAGE
