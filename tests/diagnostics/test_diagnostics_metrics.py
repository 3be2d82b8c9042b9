"""The metrics: ours from the snapshot, Envoy's streamed through, each family once, memory flat however many."""

import socket
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families

from diagnostics.families import FAMILIES
from diagnostics.numbers import TYPES
from diagnostics.page import PAGE, page
from snapshot import JSON, Record, Snapshot
from tests.diagnostics.running_diagnostics import RunningDiagnostics, StandIn
from tests.support import plain
from tests.support.envoy import RealEnvoy, short_folder

B = (("kind", "Mapping"), ("object_name", "b"), ("object_namespace", "default"))

LIVE = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nLIVE\n"


def record(version: str = "1", body: bytes = b"{}", **notes: JSON) -> Record:
    return Record(version, body, notes)


def status(*stops: bool) -> Record:
    problems = [{"path": "spec.x", "message": "wrong", "stops": each, "from": "dragoman"} for each in stops]
    return record(repr(stops), orjson.dumps({"state": "ok", "problems": problems}))


def fill(run_dir: Path) -> None:
    with Snapshot.open(run_dir / "snapshot") as snapshot:
        objects = {f"getambassador.io/Mapping/default/{name}": record() for name in "abc"}
        objects |= {"core/Secret/default/tls": record(), "dragoman/File//x.yaml": record()}
        snapshot.writer("objects").commit(objects)
        snapshot.writer("statuses").commit(
            {
                "getambassador.io/Mapping/default/a": status(),
                "getambassador.io/Mapping/default/b": status(True, False),
                "dragoman/File//x.yaml": status(True),
            }
        )
        resources = snapshot.writer("resources")
        resources.commit({"cluster/a": record(), "cluster/b": record()})
        resources.commit({"listener/http": record(), "route/unused": record()})
        acks = {
            "cluster/a": record("1+", accepted="1", refused=None),
            "cluster/b": record("+1", accepted=None, refused="1", message="no"),
            "stream": record("x", b"", connected=True),
            "doubtful": record("y"),
            "unasked": record("z", b'["route/unused"]'),
        }
        snapshot.writer("acks").commit(acks)


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_our_metrics_say_what_the_snapshot_holds(tmp_path: Path) -> None:
    fill(tmp_path)
    with RunningDiagnostics(tmp_path, AMBASSADOR_ID="blue") as running:
        response = running.get("/metrics")
        assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        found = samples(response.text)
    ours = {key: value for key, value in found.items() if not key[0].startswith("ambassador_process_")}
    assert ours == {
        ("dragoman_objects", (("kind", "Mapping"),)): 3,
        ("dragoman_objects", (("kind", "Secret"),)): 1,
        ("dragoman_unreadable_files", ()): 1,
        ("dragoman_problems", ()): 3,
        ("dragoman_resources", (("type", "cluster"),)): 2,
        ("dragoman_resources", (("type", "endpoint"),)): 0,
        ("dragoman_resources", (("type", "extension"),)): 0,
        ("dragoman_resources", (("type", "listener"),)): 1,
        ("dragoman_resources", (("type", "route"),)): 1,
        ("dragoman_resources", (("type", "runtime"),)): 0,
        ("dragoman_resources", (("type", "scope"),)): 0,
        ("dragoman_resources", (("type", "secret"),)): 0,
        ("dragoman_refused_resources", ()): 1,
        ("dragoman_snapshot_sequence", (("database", "objects"),)): 1,
        ("dragoman_snapshot_sequence", (("database", "resources"),)): 2,
        ("dragoman_snapshot_sequence", (("database", "statuses"),)): 1,
        ("dragoman_snapshot_sequence", (("database", "acks"),)): 1,
        ("dragoman_snapshot_sequence", (("database", "holds"),)): 0,
        ("dragoman_envoy_up", ()): 0,
        ("dragoman_envoy_connected", ()): 1,
        ("dragoman_pending_objects", ()): 2,
        ("dragoman_object_problems", (*B, ("stops", "false"))): 1,
        ("dragoman_object_problems", (*B, ("stops", "true"))): 1,
        ("dragoman_object_problems_left_out", ()): 0,
        **{("dragoman_unanswered_resources", (("type", each),)): int(each == "listener") for each in TYPES},
        ("ambassador_diagnostics_errors", ()): 2,
        ("ambassador_diagnostics_notices", ()): 1,
        ("ambassador_diagnostics_info", (("ambassador_id", "blue"), ("version", "0.1.0"))): 1,
    }
    assert found["ambassador_process_resident_memory_bytes", ()] > 1e6


def test_how_long_changes_took_is_a_histogram(tmp_path: Path) -> None:
    fill(tmp_path)
    told: dict[str, JSON] = {
        "bounds": [0.01, 0.1],
        "classes": [3, 2, 1],
        "seconds": 4.5,
        "last": 1.7e9,
        "refused": {"route": 2},
    }
    with Snapshot.open(tmp_path / "snapshot") as snapshot:
        snapshot.writer("acks").commit({"served": record("1", b"", **told)})
    with RunningDiagnostics(tmp_path) as running:
        text = running.get("/metrics").text
    found = samples(text)
    counts = [found["dragoman_change_seconds_bucket", (("le", bound),)] for bound in ("0.01", "0.1", "+Inf")]
    assert counts == [3, 5, 6]
    assert found["dragoman_change_seconds_count", ()] == 6
    assert found["dragoman_change_seconds_sum", ()] == 4.5
    assert found["dragoman_last_change_timestamp_seconds", ()] == 1.7e9
    assert found["dragoman_refusals_total", (("type", "route"),)] == 2
    described = {(line.split()[2], line.split()[3]) for line in text.splitlines() if line.startswith("# TYPE ")}
    ours = {(name, sort) for name, sort in described if not name.startswith("ambassador_process_")}
    plain_sorts = {"info": "gauge"}
    suffixes = {"counter": "_total", "info": "_info"}
    assert ours == {
        (each.name + suffixes.get(each.sort, ""), plain_sorts.get(each.sort, each.sort)) for each in FAMILIES
    }


def test_the_page_has_every_metric() -> None:
    assert page(PAGE.read_text()) == PAGE.read_text(), "make metrics"


def test_of_very_many_objects_with_problems_the_stopped_ones_are_named(tmp_path: Path) -> None:
    fill(tmp_path)
    with Snapshot.open(tmp_path / "snapshot") as snapshot:
        warned = {f"getambassador.io/Mapping/default/w{number}": status(False) for number in range(1200)}
        snapshot.writer("statuses").commit(warned)
    with RunningDiagnostics(tmp_path) as running:
        found = samples(running.get("/metrics").text)
    assert found["dragoman_object_problems", (*B, ("stops", "true"))] == 1
    assert sum(name == "dragoman_object_problems" for name, _ in found) == 1001
    assert found["dragoman_object_problems_left_out", ()] == 201


def test_metrics_follow_the_snapshot(tmp_path: Path) -> None:
    fill(tmp_path)
    with RunningDiagnostics(tmp_path) as running, Snapshot.open(tmp_path / "snapshot") as snapshot:
        assert samples(running.get("/metrics").text)["dragoman_objects", (("kind", "Mapping"),)] == 3
        changes = {"getambassador.io/Mapping/default/a": None, "getambassador.io/Host/default/h": record()}
        snapshot.writer("objects").commit(changes)
        snapshot.writer("statuses").commit({"getambassador.io/Mapping/default/b": status(False)})
        snapshot.writer("acks").commit({"cluster/b": record("1+", accepted="1", refused=None)})
        found = samples(running.get("/metrics").text)
    assert found["dragoman_objects", (("kind", "Mapping"),)] == 2
    assert found["dragoman_objects", (("kind", "Host"),)] == 1
    assert found["dragoman_problems", ()] == 2
    assert found["dragoman_refused_resources", ()] == 0
    assert found["dragoman_snapshot_sequence", (("database", "acks"),)] == 2


@pytest.mark.envoy
def test_envoys_metrics_follow_ours_and_no_family_comes_twice() -> None:
    folder = short_folder()
    with RealEnvoy({}, folder=folder) as envoy, RunningDiagnostics(folder) as running:
        envoy.wait_live()
        text = running.get("/metrics").text
        families = Counter(line.split()[2] for line in text.splitlines() if line.startswith("# TYPE "))
        found = samples(text)
        assert found["dragoman_envoy_up", ()] == 1
        assert found["envoy_server_live", ()] == 1
        assert {name for name, count in families.items() if count > 1} == set()
        theirs = {
            line.split()[2] for line in envoy.admin("/stats/prometheus")[1].decode().splitlines() if "# TYPE" in line
        }
        assert theirs <= families.keys()
        head = running.get("/metrics", method="HEAD")
        assert (head.status_code, head.content) == (200, b"")


def resident(pid: int) -> int:
    """Bytes of memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def test_memory_stays_flat_however_much_envoy_tells(tmp_path: Path) -> None:
    """300 MB of metrics, read slowly at first: they wait in Envoy, not in us."""
    line = b'envoy_cluster_x{envoy_cluster_name="a"} 1\n' * 1000
    times = 300_000_000 // len(line)

    def tell(connection: socket.socket, target: str) -> None:
        if target == "/ready":
            connection.sendall(LIVE)
            return
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (times * len(line)))
        for _ in range(times):
            connection.sendall(line)

    with StandIn(tmp_path / "admin.sock", tell), RunningDiagnostics(tmp_path) as running:
        running.get("/ambassador/v0/check_alive")
        before, most, count = resident(running.pid), 0, 0
        with plain.stream("GET", f"http://127.0.0.1:{running.port}/metrics", timeout=20) as response:
            for number, chunk in enumerate(response.iter_raw(1 << 20)):
                count += len(chunk)
                if number % 10 == 0:
                    most = max(most, resident(running.pid))
        assert count > times * len(line)
        assert most - before < 20_000_000, f"{(most - before) / 1e6:.0f} MB more"


def test_an_envoy_that_stops_in_the_middle_is_not_taken_for_whole(tmp_path: Path) -> None:
    def stop(connection: socket.socket, target: str) -> None:
        if target == "/ready":
            connection.sendall(LIVE)
            return
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nenvoy_x 1\n")

    with StandIn(tmp_path / "admin.sock", stop), RunningDiagnostics(tmp_path) as running:
        with pytest.raises(httpx.RemoteProtocolError):
            running.get("/metrics")
        assert running.said("/ambassador/v0/check_alive")[0] == 200
        assert "Traceback" not in running.log()


def test_envoy_is_asked_by_few_scrapes_at_a_time(tmp_path: Path) -> None:
    """Two wait for Envoy; a third does not ask it before one of them has its answer."""
    asked, go_on = threading.Semaphore(0), threading.Event()

    def tell(connection: socket.socket, target: str) -> None:
        if target == "/ready":
            connection.sendall(LIVE)
            return
        asked.release()
        go_on.wait(20)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nenvoy_x 1\n")

    with (
        StandIn(tmp_path / "admin.sock", tell),
        RunningDiagnostics(tmp_path) as running,
        ThreadPoolExecutor(3) as scrapers,
    ):
        scrapes = [scrapers.submit(running.get, "/metrics") for _ in range(3)]
        assert asked.acquire(timeout=20)
        assert asked.acquire(timeout=20)
        assert running.said("/ambassador/v0/check_alive") == (200, "alive")
        assert not asked.acquire(blocking=False)
        go_on.set()
        assert [samples(scrape.result().text)["envoy_x", ()] for scrape in scrapes] == [1, 1, 1]


def test_an_envoy_without_metrics_cuts_the_answer_off(tmp_path: Path) -> None:
    def refuse(connection: socket.socket, target: str) -> None:
        refusal = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n"
        connection.sendall(LIVE if target == "/ready" else refusal)

    with StandIn(tmp_path / "admin.sock", refuse), RunningDiagnostics(tmp_path) as running:
        with pytest.raises(httpx.RemoteProtocolError):
            running.get("/metrics")
        assert "status 500" in running.log()
