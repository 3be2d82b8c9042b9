"""The report: objects and what became of them, what Envoy said; and a server that does nothing else."""

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from diagnostics.report import SECTIONS
from process.version import VERSION
from snapshot import JSON, Record, Snapshot
from tests.diagnostics.running_diagnostics import RunningDiagnostics
from tests.support.envoy import EnvoyAdmin, wait_until

READY = "/ambassador/v0/check_ready"
DIAG = "/ambassador/v0/diag/"
MAPPING = {"apiVersion": "getambassador.io/v3alpha1", "kind": "Mapping", "metadata": {"name": "a"}, "spec": {}}
SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "type": "kubernetes.io/tls",
    "metadata": {"name": "tls", "namespace": "default", "annotations": {"last-applied": "hunter2"}},
    "data": {"tls.key": "aHVudGVyMg==", "tls.crt": "Y2VydA=="},
    "stringData": {"password": "hunter2"},
}
MENTION = {**MAPPING, "metadata": {"name": "b"}, "spec": {"service": "Secret", "note": '"Secret"'}}
PROBLEM = {"path": "spec.prefix", "message": "is missing", "stops": True, "from": "dragoman"}

UNREADABLE = {"path": "line 3", "message": "no", "stops": True, "from": "dragoman"}


def body(value: object) -> bytes:
    return orjson.dumps(value)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunningDiagnostics]:
    with Snapshot.open(tmp_path / "snapshot") as snapshot:
        snapshot.writer("objects").commit(
            {
                "getambassador.io/Mapping/default/a": Record("v1", body(MAPPING), {"source": "a.yaml#1"}),
                "getambassador.io/Mapping/default/b": Record("v2", body(MENTION)),
                "core/Secret/default/tls": Record("v3", body(SECRET)),
                "core/Service/default/new": Record("v4", b"{}"),
                "dragoman/File//x.yaml": Record("v5", body({"message": "no", "line": 3}), {"source": "x.yaml"}),
            }
        )
        snapshot.writer("statuses").commit(
            {
                "dragoman/File//x.yaml": Record("1", body({"state": "stopped", "problems": [UNREADABLE]})),
                "getambassador.io/Mapping/default/a": Record("1", body({"state": "stopped", "problems": [PROBLEM]})),
                "getambassador.io/Mapping/default/b": Record("1", body({"state": "ok", "problems": []})),
                "core/Secret/default/tls": Record("1", body({"state": "ok", "problems": []})),
            }
        )
        snapshot.writer("resources").commit({"cluster/a": Record("h2", b"x"), "route/new": Record("h3", b"x")})
        acks: dict[str, JSON] = {
            "accepted": "h1",
            "accepted_at": 1e9,
            "refused": "h2",
            "refused_at": 1.5e9,
            "message": "too bad",
        }
        snapshot.writer("acks").commit(
            {
                "cluster/a": Record("h1+h2", b"", acks),
                "stream": Record("s", b"", {"connected": True, "since": 1.7e9, "node": "n"}),
                "doubtful": Record("d", b"{}"),
            }
        )
    with RunningDiagnostics(tmp_path) as running:
        yield running


def test_objects_have_their_state_their_problems_and_their_source(running: RunningDiagnostics) -> None:
    objects = running.diag("objects")
    assert objects.keys() == {
        "getambassador.io/Mapping/default/a",
        "getambassador.io/Mapping/default/b",
        "core/Secret/default/tls",
    }
    assert objects["getambassador.io/Mapping/default/a"] == {
        "kind": "Mapping",
        "state": "stopped",
        "problems": [PROBLEM],
        "source": "a.yaml#1",
    }
    assert objects["core/Secret/default/tls"] == {"kind": "Secret", "state": "ok", "problems": [], "source": None}
    assert running.diag("pending") == ["core/Service/default/new"]
    assert running.diag("files") == {"x.yaml": {"state": "stopped", "problems": [UNREADABLE]}}
    assert running.diag("errors") == [
        ["dragoman/File//x.yaml", "line 3: no"],
        ["getambassador.io/Mapping/default/a", "spec.prefix: is missing"],
    ]


def test_contents_are_not_shown(running: RunningDiagnostics) -> None:
    everything = running.get(f"{DIAG}?json=true").text
    assert "hunter2" not in everything
    assert "aHVudGVyMg" not in everything


def test_resources_have_what_envoy_accepted_and_refused_and_when(running: RunningDiagnostics) -> None:
    unknown = {
        "asked_for": True,
        "accepted": None,
        "accepted_at": None,
        "refused": None,
        "refused_at": None,
        "message": "",
    }
    assert running.diag("resources") == {
        "cluster/a": {
            "published": "h2",
            "asked_for": True,
            "accepted": "h1",
            "accepted_at": "2001-09-09T01:46:40.000Z",
            "refused": "h2",
            "refused_at": "2017-07-14T02:40:00.000Z",
            "message": "too bad",
        },
        "route/new": {"published": "h3", **unknown},
    }
    assert running.diag("sequences") == {"objects": 1, "resources": 1, "statuses": 1, "acks": 1, "holds": 0}


def test_what_runs_here_is_said(running: RunningDiagnostics) -> None:
    found = running.diag()
    assert list(found) == list(SECTIONS)
    assert found["version"] == running.diag("version") == VERSION
    assert 0 <= found["uptime"] <= running.diag("uptime")
    assert found["system"]["pid"] == running.pid
    assert found["envoy"] == {
        "answers": False,
        "state": None,
        "version": None,
        "uptime": None,
        "connected": True,
        "since": "2023-11-14T22:13:20.000Z",
        "node": "n",
    }


def test_a_connection_ends_with_the_adsserver_that_told_of_it(running: RunningDiagnostics) -> None:
    """The writer of `acks` is this process; then, one that has ended."""
    assert running.diag("envoy")["connected"] is True
    ended = subprocess.Popen(["true"])
    ended.wait()
    (running.run_dir / "snapshot" / "writer.acks.lock").write_text(str(ended.pid))
    found = running.diag("envoy")
    assert (found["connected"], found["since"], found["node"]) == (False, None, "n")


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/", 404, "no such path; there are /ambassador/v0/check_alive"),
        ("GET", "/ambassador/v0/", 404, "no such path"),
        ("GET", "/ambassador/v0/check_ready/", 404, "no such path"),
        ("GET", "/metrics/", 404, "no such path"),
        ("GET", "/ambassador/v0/diag/x", 404, "no such page"),
        ("POST", DIAG, 405, "GET and HEAD only"),
        ("PUT", "/metrics", 405, "GET and HEAD only"),
        ("DELETE", "/ambassador/v0/check_alive", 405, "GET and HEAD only"),
        ("GET", DIAG, 200, "<!doctype html>"),
        ("GET", f"{DIAG}?json=true&filter=nothing", 400, "filter takes one of"),
        ("GET", f"{DIAG}?json=true&patch_client=x", 400, "unknown parameter 'patch_client'"),
        ("GET", f"{DIAG}?json=true&loglevel=debug", 403, "log levels are not set by an address"),
        ("GET", f"{DIAG}?loglevel=debug", 403, "log levels are not set by an address"),
        ("GET", "/debug", 404, "no such path"),
        ("GET", "/debug/pprof/heap", 404, "no such path"),
        ("GET", "/snapshot", 404, "no such path"),
        ("GET", "/snapshot-external", 404, "no such path"),
        ("GET", "/_internal/v0/watt?url=http://127.0.0.1/", 404, "no such path"),
    ],
)
def test_paths_and_methods_are_few(running: RunningDiagnostics, method: str, path: str, status: int, text: str) -> None:
    response = running.get(path, method=method)
    assert response.status_code == status
    assert text in response.text
    if status == 405:
        assert response.headers["allow"] == "GET, HEAD"


def test_head_is_get_without_a_body(running: RunningDiagnostics) -> None:
    for path in ("/ambassador/v0/check_alive", "/ambassador/v0/check_ready", f"{DIAG}?json=true"):
        asked, told = running.get(path, method="HEAD"), running.get(path)
        assert asked.status_code == told.status_code
        assert asked.content == b""


def test_a_port_that_is_taken_is_told_and_had_when_it_is_free(tmp_path: Path) -> None:
    running, inside = RunningDiagnostics(tmp_path), EnvoyAdmin(tmp_path / "diagnostics.sock")
    with contextlib.closing(running):
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", running.port))
            holder.listen()
            running.begin()
            told = f'port={running.port} reason="Address already in use"'
            wait_until(lambda: told in running.log(), what=lambda: f"it is told; the log: {running.log()}")
            wait_until(inside.admin_socket.exists, what="a socket for Envoy")
            assert inside.admin(READY)[0] == 503
            running.check()
        wait_until(lambda: "listening" in running.log(), what="it has the port")
        assert running.get(READY).status_code == 503
        assert running.log().count("cannot listen") == 1


def test_a_socket_that_is_gone_is_made_again(running: RunningDiagnostics) -> None:
    inside = EnvoyAdmin(running.run_dir / "diagnostics.sock")
    assert inside.admin(READY)[0] == 503
    inside.admin_socket.unlink()

    def answers() -> bool:
        with contextlib.suppress(OSError):  # it is there a moment before anybody listens at it
            return inside.admin(READY)[0] == 503
        return False

    wait_until(answers, what="an answer at a socket made again")
