"""The programs are built once, whole, and only those that are wanted; what cannot be had says why."""

import contextlib
import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance import programs
from tests.e2e.cluster import toolchain
from tests.e2e.cluster.binaries import LIGHT, BinariesError, InBackground, ensure
from tests.e2e.cluster.toolchain import ToolchainError, go_command, proxies
from tests.support.envoy import wait_until

ROOT = Path(__file__).parents[3]
GO = """#!/bin/sh
if [ "$1" = env ]; then echo go%(version)s; exit 0; fi
while [ "$1" != -o ]; do shift; done
echo "$3" >>"%(log)s"
[ "$3" = "%(broken)s" ] && { echo "does not compile" >&2; exit 1; }
sleep 0.2
printf '#!/bin/sh\\n' >"$2"
chmod +x "$2"
"""


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with an empty cache and without Go; the folder of its programs."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.setenv("GOPROXY", "off")
    commands = tmp_path / "programs"
    commands.mkdir()
    for name in ("sh", "sleep", "chmod"):
        (commands / name).symlink_to(f"/bin/{name}")
    monkeypatch.setenv("PATH", str(commands))
    return commands


def _install_go(machine: Path, *, version: str = "1.99.0", broken: str = "-") -> Path:
    """A Go that pretends; where it writes down what it built."""
    log = machine / "log"
    (machine / "go").write_text(GO % {"version": version, "log": log, "broken": broken})
    (machine / "go").chmod(0o755)
    return log


def test_only_what_is_wanted_and_absent_is_built(machine: Path) -> None:
    log = _install_go(machine)
    said: list[str] = []
    places = ensure(["etcd", "kubectl"], said.append)
    assert {name: os.access(place, os.X_OK) for name, place in places.items()} == {"etcd": True, "kubectl": True}
    assert log.read_text().split() == ["go.etcd.io/etcd/server/v3", "k8s.io/kubernetes/cmd/kubectl"]
    assert any("2 programs" in line and "s on 2 cores, once" in line for line in said)
    said.clear()
    assert ensure(["kubectl"], said.append)["kubectl"] == places["kubectl"]
    assert (said, len(log.read_text().split())) == ([], 2)


def test_what_is_no_part_of_kubernetes_is_built_only_by_its_name_and_kept_apart(machine: Path) -> None:
    log = _install_go(machine)
    places = ensure(["promtool", "etcd"])
    assert places["promtool"].parent != places["etcd"].parent
    assert len(log.read_text().split()) == 2
    assert "promtool" not in ensure()


def test_two_that_need_the_same_build_it_once(machine: Path) -> None:
    log = _install_go(machine)
    command = (sys.executable, "-m", "tests.e2e.cluster.binaries", *LIGHT)
    builders = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
    answers = [builder.communicate()[0] for builder in builders]
    assert len(set(answers)) == 1
    assert len(answers[0].split()) == len(log.read_text().split()) == len(LIGHT)


def test_what_is_built_in_the_background_is_there_when_it_was_waited_for(machine: Path) -> None:
    log = _install_go(machine)
    building = InBackground(["etcd", "kubectl"])
    assert "built kubectl" in building.wait()
    assert len(log.read_text().split()) == 2
    assert InBackground(["etcd", "kubectl"]).wait() == ""


def test_a_build_in_the_background_fails_when_it_is_waited_for(machine: Path) -> None:
    _install_go(machine, broken="go.etcd.io/etcd/server/v3")
    with pytest.raises(BinariesError, match="etcd could not be built:\ndoes not compile"):
        InBackground(["etcd"]).wait()


def test_the_conformance_suite_is_built_in_the_background_when_another_process_has_ended(machine: Path) -> None:
    log = _install_go(machine)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        building = InBackground([str(other.pid)], programs.__name__)
        building._give_way(0)  # as whoever waits for it says; with the lowest priority it may take minutes
        wait_until(lambda: "pidfd" in _open_files(building.pid), 60, what="it waits")
        assert not log.exists()
        other.communicate(b"\n")
    assert "built conformance" in building.wait()
    assert InBackground([str(other.pid)], programs.__name__).wait() == ""
    assert log.read_text().split() == ["sigs.k8s.io/gateway-api-conformance-images/echo-basic", "."]


def test_a_suite_that_does_not_compile_is_told_when_it_was_waited_for(machine: Path) -> None:
    _install_go(machine, broken=".")
    with pytest.raises(BinariesError, match="conformance could not be built:\ndoes not compile"):
        InBackground([], programs.__name__).wait()


def _open_files(pid: int) -> str:
    with contextlib.suppress(FileNotFoundError):  # one that was closed meanwhile
        return " ".join(str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir())
    return ""


def test_a_failed_build_says_what_go_says_and_leaves_nothing(machine: Path) -> None:
    _install_go(machine, broken="go.etcd.io/etcd/server/v3")
    with pytest.raises(BinariesError, match="etcd could not be built:\ndoes not compile"):
        ensure(["etcd"])
    assert [path.name for path in (machine.parent / "cache").glob("dragoman/*/*")] == [".lock"]


def test_ready_ones_are_taken_and_the_rest_is_built(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = _install_go(machine)
    ready = machine.parent / "ready"
    ready.mkdir()
    (ready / "etcd").touch(0o755)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(ready))
    places = ensure(["etcd", "kubectl"])
    assert places["etcd"] == ready / "etcd"
    assert log.read_text().split() == ["k8s.io/kubernetes/cmd/kubectl"]


@pytest.mark.parametrize("version", ["1.19.8", "1.26.0"])
def test_an_old_go_is_as_good_as_none(machine: Path, version: str) -> None:
    _install_go(machine, version=version)
    with pytest.raises(BinariesError, match=r"etcd cannot be built: .* could not be fetched: GOPROXY names no proxy"):
        ensure(["etcd"])


def test_the_module_proxies_are_those_of_go() -> None:
    assert list(proxies({})) == ["https://proxy.golang.org"]
    given = {"GOPROXY": "https://one.test/,https://two.test|direct"}
    assert list(proxies(given)) == ["https://one.test", "https://two.test"]
    assert list(proxies({"GOPROXY": "off"})) == []


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A module proxy that answers everything with a file that is not Go."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"something else")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is the base class's
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("GOPROXY", f"http://127.0.0.1:{server.server_port},direct")
        yield
        server.shutdown()


def test_a_go_with_another_hash_is_refused(proxy: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain.platform, "machine", lambda: "x86_64")
    with pytest.raises(ToolchainError, match="another hash than the one that is known"):
        go_command(tmp_path / "cache", lambda line: None)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_machine_that_no_go_is_known_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain.platform, "machine", lambda: "riscv64")
    with pytest.raises(ToolchainError, match="none is known for riscv64"):
        go_command(tmp_path, lambda line: None)
