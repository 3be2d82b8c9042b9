"""The image does the job of `make run` on the same folder, as its own user and as whoever a strict cluster makes it."""

import contextlib
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path

import pytest

from tests.image.containers import TREE, Container, Engine
from tests.support.certificates import unverified
from tests.support.envoy import wait_until

pytestmark = [pytest.mark.image, pytest.mark.timeout(900)]

HOST = "127.0.0.2"  # on the loopback and not the first address, so that what answers listens on all of them
START = 60.0
DRAIN = 2  # seconds

MORE = """
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: added}
spec: {hostname: "*", prefix: /added/, host_redirect: true, service: %s}
"""
REDIRECTED, OK = 301, 200


@dataclass(frozen=True, slots=True)
class User:
    """How the container is run, and who its processes must then be."""

    options: Sequence[str]
    uid: int
    gid: int


USERS = {
    "as the image says": User((), 8888, 0),
    "as a strict cluster does": User(
        (
            *("--user", "12345:23456", "--passwd=false"),  # no name, no home
            *("--cap-drop", "all"),
            *("--security-opt", "no-new-privileges"),
            *("--read-only", "--read-only-tmpfs=false"),
            *("--tmpfs", "/dev/shm:rw,nosuid,nodev,noexec,size=64m,mode=1777"),
        ),
        12345,
        23456,
    ),
}


@dataclass(frozen=True, slots=True)
class Gateway:
    """A running container, the folder that it serves, and a way to call functions in its network."""

    container: Container
    folder: Path
    user: User
    inside: Callable[[Callable[[], int]], int]

    def status(self, path: str, port: int = 8080, *, tls: bool = False) -> int:
        """The status of an answer; 0 when there is none."""

        def ask() -> int:
            connection = (
                HTTPSConnection(HOST, port, timeout=10, context=unverified())
                if tls
                else HTTPConnection(HOST, port, timeout=10)
            )
            try:
                connection.request("GET", path)
                return connection.getresponse().status
            except (OSError, HTTPException):
                return 0
            finally:
                connection.close()

        return self.inside(ask)

    def is_ready(self) -> bool:
        assert self.container.running, "the container ended"
        return self.status("/ambassador/v0/check_ready", 8877) == OK

    def write(self, text: str) -> None:
        """One more file of the folder, replaced at once, as editors do."""
        new = self.folder / "added.yaml.new"
        new.write_text(text)
        new.chmod(0o644)
        new.replace(self.folder / "added.yaml")


@pytest.fixture(scope="module", params=list(USERS.values()), ids=list(USERS))
def gateway(
    request: pytest.FixtureRequest, engine: Engine, image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    user: User = request.param
    folder = tmp_path_factory.mktemp("config") / "quickstart"
    shutil.copytree(TREE / "examples/quickstart", folder)
    folder.chmod(0o755)
    options = (*user.options, "--volume", f"{folder}:/config:ro", "--env", f"DRAGOMAN_DRAIN_MIN={DRAIN}")
    with engine.run(image, *options) as container, container.inside() as inside:
        made = Gateway(container, folder, user, inside)
        wait_until(made.is_ready, START, what="the container ready")
        # The demo upstream is no part of being ready: it may need a moment more.
        wait_until(lambda: made.status("/hello/") == OK, what="the demo upstream")
        yield made


def test_it_serves_the_quickstart(gateway: Gateway) -> None:
    assert gateway.status("/hello/") == OK
    assert gateway.status("/hello/", 8443, tls=True) == OK


def test_its_processes_are_that_user_and_have_no_privileges(gateway: Gateway) -> None:
    processes = gateway.container.processes()
    assert {process["Name"] for process in processes} >= {"envoy", "python"}
    assert len(processes) >= 7  # the entrypoint, supervisord, four parts and Envoy
    for process in processes:
        assert set(process["Uid"].split()) == {str(gateway.user.uid)}
        assert set(process["Gid"].split()) == {str(gateway.user.gid)}
        assert int(process["CapEff"], 16) == int(process["CapPrm"], 16) == int(process["CapAmb"], 16) == 0
        if gateway.user.options:
            assert int(process["CapBnd"], 16) == 0
            assert process["NoNewPrivs"] == "1"


def test_the_command_is_inside(gateway: Gateway) -> None:
    engine = gateway.container.engine
    labels = engine.inspect("container", gateway.container.name)["Config"]["Labels"]
    said = engine.podman("exec", gateway.container.name, "dragoman", "version").splitlines()
    assert said[0] == f"dragoman {labels['org.opencontainers.image.version']}"
    assert said[1].startswith("envoy 1.")


def test_it_writes_nothing_but_its_run_directory(gateway: Gateway) -> None:
    changed = gateway.container.engine.podman("diff", gateway.container.name).splitlines()
    # What podman itself makes for the container: its mount points and the files that it mounts or fills in.
    of_podman = {"/config", "/dev", "/etc", "/run", "/run/.containerenv", "/run/secrets", "/proc", "/sys"}
    assert [
        line for line in changed if line.split()[1] not in of_podman and not line.split()[1].startswith("/etc/")
    ] == []


def test_an_edit_of_the_folder_is_served_and_a_broken_one_keeps_serving(gateway: Gateway) -> None:
    def served() -> bool:
        assert gateway.status("/hello/") == OK
        return gateway.status("/added/") == REDIRECTED

    gateway.write(MORE % "example.test")
    wait_until(served, what="the edit served")

    gateway.write(MORE % "example.test\n  broken: [")
    wait_until(lambda: served() and "added.yaml" in gateway.container.logs(), what="the broken edit told")
    assert served()

    (gateway.folder / "added.yaml").unlink()
    wait_until(lambda: gateway.status("/added/") not in {REDIRECTED, 0}, what="the file's end served")
    assert gateway.status("/hello/") == OK


def test_a_stop_lets_a_request_end_and_exits_with_0(gateway: Gateway) -> None:
    """Last: it ends the container."""
    begun, stopped = threading.Event(), threading.Event()

    def slow() -> int:
        with contextlib.closing(HTTPConnection(HOST, 8080, timeout=30)) as connection:
            connection.putrequest("POST", "/hello/")
            connection.putheader("content-length", "2")
            connection.endheaders(b"o")
            begun.set()
            assert stopped.wait(30)
            connection.send(b"k")
            with connection.getresponse() as response:
                response.read()
                return response.status

    with ThreadPoolExecutor(max_workers=2) as pool:
        answer = pool.submit(gateway.inside, slow)
        assert begun.wait(30)
        code = pool.submit(gateway.container.stop, 30)
        wait_until(
            lambda: '"SIGTERM"' in gateway.container.logs() or "SIGTERM" in gateway.container.logs(), what="the signal"
        )
        stopped.set()
        assert answer.result() == OK
        assert code.result() == 0
    assert not gateway.container.running
