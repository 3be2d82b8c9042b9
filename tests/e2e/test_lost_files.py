"""Files of the run directory are lost under load, while changes go on: they are made again, and nobody notices."""

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import httpx
import pytest

from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.load import Load
from tests.support.objects import host, mapping
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system, pytest.mark.faults]

PARTS = ("watcher", "translator", "adsserver", "diagnostics")
NUMBERS = count()
STARTED = 1.2
"""Seconds after which a part counts as started: startsecs in entrypoint/supervisord.conf, and a little more."""
SOCKETS = ("ads.sock", "admin.sock", "supervisor.sock")
FILES = ("envoy.json", "vitals.json", "entrypoint.lock", "supervisord.pid", "logs/envoy.err", "beats/translator")
FOLDERS = ("beats", "bells", "generated", "logs", "tmp", "snapshot")
BELLS = {"translator", "adsserver", "catalog"}

SECURE = """
---
apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {name: secure}
spec: {hostname: secure.test, tlsSecret: {name: fallback-self-signed-cert}}
"""


@pytest.fixture(scope="module")
def own_gateway(red: HttpUpstream) -> Iterator[Gateway]:
    with Gateway() as gateway:
        gateway.apply(
            "steady", host("steady", "steady.test") + mapping("steady", "steady.test", red.service, timeout_ms=15_000)
        )
        gateway.apply("secure", SECURE + "---\n" + mapping("secure", "secure.test", red.service))
        gateway.wait_served("steady.test")
        gateway.wait_served("secure.test", tls=True)
        yield gateway


def change(gateway: Gateway, upstream: HttpUpstream) -> None:
    """A change, and that it is served."""
    path = f"/n{next(NUMBERS)}/"
    gateway.apply("changing", host("changing", "changing.test") + mapping("n", "changing.test", upstream.service, path))
    gateway.wait_served("changing.test", path)


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def entries(gateway: Gateway) -> set[str]:
    """What there is in the run directory, but for names that end with their process, and the locks of writers.

    A writer takes its lock anew with its next commit, which may be long in coming.
    """
    paths = [path for path in gateway.run_dir.rglob("*") if not path.name.startswith("writer.")]
    found = (path.relative_to(gateway.run_dir) for path in paths)
    return {str(path) for path in found if path.suffix != ".new" and not any(sign.isdigit() for sign in path.name)}


def bells(gateway: Gateway) -> set[str]:
    return {path.name.partition("+")[0] for path in (gateway.run_dir / "bells").glob("*")}


def is_whole(gateway: Gateway, wanted: set[str]) -> bool:
    return wanted <= entries(gateway) and bells(gateway) == BELLS


def age(pid: int) -> float:
    """For how many seconds a process has lived."""
    ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    return float(Path("/proc/uptime").read_text().split()[0]) - ticks / os.sysconf("SC_CLK_TCK")


def settle(gateway: Gateway) -> None:
    """Wait until no part is so young that its end would count as one that cannot start: three of these are too many."""
    ages = [age(pid) for part in PARTS if (pid := gateway.pid_of(part))]
    time.sleep(max(0.0, STARTED - min(ages, default=0.0)))


def why_not(gateway: Gateway) -> str:
    """What is to be known where it is not ready."""
    try:
        said = gateway.diagnostics("/ambassador/v0/check_ready").text
    except httpx.TransportError as error:
        said = repr(error)
    return f"{said}; bells: {bells(gateway)}; the log ends:\n{gateway.log()[-6000:]}"


def survives(gateway: Gateway, upstream: HttpUpstream, harm: Callable[[], None]) -> None:
    """Under load: harm, changes, and all is as before; every part ends, and all is as before again."""
    wait_until(lambda: gateway.is_ready() and bells(gateway) == BELLS, what=lambda: f"ready; {why_not(gateway)}")
    settle(gateway)
    whole = entries(gateway)
    with Load(gateway.http_port, host="steady.test") as load:
        harm()
        change(gateway, upstream)
        wait_until(lambda: is_whole(gateway, whole), what=lambda: f"again: {whole - entries(gateway)}")
        change(gateway, upstream)
        assert gateway.request("secure.test", tls=True).status_code == 200
        wait_until(lambda: gateway.is_ready() and gateway.diag()["envoy"]["connected"], what="ready and connected")
        settle(gateway)
        for part in PARTS:
            gateway.kill(part)
        change(gateway, upstream)
        wait_until(gateway.is_ready, what=lambda: f"ready after every part was killed; {why_not(gateway)}")
    assert load.failures == []
    assert load.requests > 50
    killed = gateway.kill("envoy")
    wait_until(lambda: gateway.pid_of("envoy") not in {None, killed}, what="Envoy back")
    gateway.wait_served("steady.test")
    change(gateway, upstream)
    gateway.wait_served("secure.test", tls=True)
    wait_until(gateway.is_ready, what="ready")


@pytest.mark.parametrize("name", [*SOCKETS, *FOLDERS, *FILES])
def test_it_survives_the_loss_of(own_gateway: Gateway, red: HttpUpstream, name: str) -> None:
    path = own_gateway.run_dir / name
    wait_until(path.exists, what=f"{name} there, also after what was done before")
    survives(own_gateway, red, lambda: remove(path))


def test_it_survives_the_loss_of_each_file_one_by_one(own_gateway: Gateway, red: HttpUpstream) -> None:
    def harm() -> None:
        for name in sorted(entries(own_gateway)):
            remove(own_gateway.run_dir / name)
            time.sleep(0.05)  # so that some of it is mended between, and some is not

    survives(own_gateway, red, harm)


def test_it_survives_the_loss_of_all_in_it(own_gateway: Gateway, red: HttpUpstream) -> None:
    survives(own_gateway, red, lambda: [remove(path) for path in own_gateway.run_dir.iterdir()])


def test_it_survives_the_loss_of_the_run_directory(own_gateway: Gateway, red: HttpUpstream) -> None:
    survives(own_gateway, red, lambda: remove(own_gateway.run_dir))


def test_it_survives_the_loss_of_all_while_every_part_ends(own_gateway: Gateway, red: HttpUpstream) -> None:
    def harm() -> None:
        for part in PARTS:
            own_gateway.kill(part)
        for path in own_gateway.run_dir.iterdir():
            remove(path)

    survives(own_gateway, red, harm)


@pytest.mark.parametrize("mode", [0, 0o500, 0o777])
def test_it_survives_other_rights_of_everything(own_gateway: Gateway, red: HttpUpstream, mode: int) -> None:
    def harm() -> None:
        for path in [*own_gateway.run_dir.rglob("*"), own_gateway.run_dir]:
            if not path.is_symlink():
                path.chmod(mode)

    survives(own_gateway, red, harm)
    wait_until(lambda: not too_open(own_gateway), what=lambda: f"the rights of {too_open(own_gateway)}")


def too_open(gateway: Gateway) -> list[str]:
    """What others than the owner may open. (Of the run directory itself others' rights are whoever's who made it.)"""
    found = [path for path in gateway.run_dir.rglob("*") if not path.is_symlink()]
    return [str(path) for path in found if path.lstat().st_mode & 0o077]


@pytest.mark.parametrize("name", [*SOCKETS, *FOLDERS, *FILES, "logs/watcher.err"])
def test_it_survives_something_else_in_the_place_of(own_gateway: Gateway, red: HttpUpstream, name: str) -> None:
    path = own_gateway.run_dir / name

    def harm() -> None:
        was_folder, is_done = path.is_dir(), False
        while not is_done:
            remove(path)
            with contextlib.suppress(FileExistsError, IsADirectoryError):  # who puts it back may be as quick
                path.write_text("not what it was") if was_folder else path.mkdir()
                is_done = True

    survives(own_gateway, red, harm)
