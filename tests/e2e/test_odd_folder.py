"""The gateway on a folder with every odd file that we know of: it starts, serves the good ones, tells the others."""

import pytest

from tests.support.gateway import Gateway
from tests.support.objects import host, mapping
from tests.support.upstream import HttpUpstream
from tests.watcher.odd_files import KINDS, fill, name_of

pytestmark = [pytest.mark.envoy, pytest.mark.system]

PATIENCE = 120.0


@pytest.fixture
def odd(red: HttpUpstream) -> Gateway:
    gateway = Gateway(patience=PATIENCE)
    fill(gateway.folder)
    gateway.apply("good", host("good", "good.test") + mapping("good", "good.test", red.service))
    return gateway


def test_it_starts_serves_the_good_and_tells_the_others_also_when_it_starts_again(
    odd: Gateway, red: HttpUpstream
) -> None:
    try:
        odd.start()
        odd.wait_served("good.test")
        for kind, file in KINDS.items():
            if file.told is not None:
                odd.wait_logged(f"file={name_of(kind)} ")
        assert "Traceback" not in odd.log()
        odd.apply("good", host("good", "good.test") + mapping("good", "good.test", red.service, "/changed/"))
        odd.wait_served("good.test", "/changed/")
        assert odd.stop() == 0
        odd.start()
        odd.wait_served("good.test", "/changed/")
        assert "Traceback" not in odd.log()
    finally:
        odd.close()


@pytest.mark.parametrize("inner", [True, False])
def test_a_folder_that_is_itself_a_link_is_served(red: HttpUpstream, inner: bool) -> None:
    """As with a ConfigMap that is mounted elsewhere, and a link to a folder in it."""
    gateway = Gateway(patience=PATIENCE)
    try:
        real = gateway.base / "mounted" / "..2026"
        (real / "team").mkdir(parents=True)
        (real / "team" / "good.yaml").write_text(
            (gateway.folder / "listeners.yaml").read_text()
            + "---\n"
            + host("good", "good.test")
            + mapping("good", "good.test", red.service)
        )
        (real.parent / "..data").symlink_to(real.name)
        (real.parent / "team").symlink_to("..data/team")
        gateway.folder.joinpath("listeners.yaml").unlink()
        gateway.folder.rmdir()
        gateway.folder.symlink_to(real.parent / "team" if inner else real.parent)
        gateway.start()
        gateway.wait_served("good.test")
        assert "a file has a problem" not in gateway.log()
    finally:
        gateway.close()


def test_a_host_that_cannot_be_read_is_answered_by_nobody(gateway: Gateway, red: HttpUpstream) -> None:
    wide = host("wide-unread", "*.unread.test") + mapping("wide-unread", "*.unread.test", red.service)
    huge = host("unread", "shut.unread.test", number=10**30) + mapping("unread", "shut.unread.test", red.service)
    with gateway.applied("wide-unread", wide), gateway.applied("unread", huge):
        gateway.wait_served("open.unread.test")
        gateway.wait_served("shut.unread.test", status=404)
        gateway.wait_logged("spec.number is a number of 100 bits")
        gateway.apply("unread", host("unread", "shut.unread.test") + mapping("unread", "shut.unread.test", red.service))
        gateway.wait_served("shut.unread.test")
