"""Alive and ready: the decisions, and what a real Envoy with a real ADS server makes of them."""

import fcntl
import os
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from diagnostics.admin import BUSY, Admin
from diagnostics.health import BLIND, BUSY_AT_MOST, GRACE, SETTLING, UNMADE, Life, Readiness, Silence
from diagnostics.rows import Ack
from diagnostics.view import Progress
from process import vitals
from process.settings import GUESTS
from process.vitals import Vitals
from snapshot import Record, Snapshot
from tests.diagnostics.running_diagnostics import RunningDiagnostics
from tests.support import plain, resources
from tests.support.adsserver import Adsserver
from tests.support.envoy import RealEnvoy, ads_bootstrap, free_port, short_folder, wait_until

READY, ALIVE = "/ambassador/v0/check_ready", "/ambassador/v0/check_alive"
NO_ANSWER = "Envoy's admin interface does not answer"

ACCEPTED, REFUSED = Ack(accepted="1"), Ack(refused="1", message="cannot bind\n  '127.0.0.1:80'")
HTTP = frozenset({"http"})


def progress(listeners: str = "http", acks: dict[str, Ack] | None = None, published: bool = True) -> Progress:
    names = frozenset(listeners.split())
    return Progress(published, names, dict.fromkeys(names, ACCEPTED) if acks is None else acks)


NONE: frozenset[str] = frozenset()


async def test_a_listener_of_who_asks_why_is_for_no_client() -> None:
    """Else a gateway whose every Listener is refused were ready as soon as somebody asked why."""
    told = {"listener_statuses": [{"name": "default/http"}, {"name": f"{GUESTS}7-0"}]}
    folder = short_folder()
    socket = folder / "admin.sock"

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.json_response(told)

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.UnixSite(runner, str(socket)).start()
    try:
        async with Admin(socket) as admin:
            assert await admin.listeners() == {"default/http"}
    finally:
        await runner.cleanup()
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("state", "listening", "known", "wrong"),
    [
        ("LIVE", HTTP, progress(), None),
        (None, HTTP, progress(), NO_ANSWER),
        ("DRAINING", HTTP, progress(), "Envoy is DRAINING"),
        ("INITIALIZING", NONE, progress(), "Envoy is INITIALIZING"),
        ("PRE_INITIALIZING", NONE, progress(published=False), f"Envoy is PRE_INITIALIZING, since {UNMADE}"),
        ("PRE_INITIALIZING", NONE, None, "Envoy is PRE_INITIALIZING"),
        ("LIVE", HTTP, None, "the snapshot cannot be read yet"),
        ("LIVE", NONE, progress(published=False), UNMADE),
        ("LIVE", HTTP, progress(published=False), UNMADE),
        (
            "LIVE",
            NONE,
            progress(""),
            "there is no listener: a Listener, a Gateway or an Ingress is missing or has a problem",
        ),
        ("LIVE", NONE, progress(acks={"http": REFUSED}), "Envoy refuses every listener: cannot bind '127.0.0.1:80'"),
        ("LIVE", NONE, progress(), "Envoy does not serve a listener yet"),
        ("LIVE", HTTP, progress(acks={}), "Envoy has not accepted a listener yet"),
        ("LIVE", HTTP, progress("http tls"), "Envoy does not serve the listener tls yet"),
        ("LIVE", HTTP, progress("http tls", {"http": ACCEPTED, "tls": REFUSED}), None),
        ("LIVE", HTTP, replace(progress(), is_blind=True), BLIND),
    ],
)
def test_ready_is_what_serves_an_accepted_configuration(
    state: str | None, listening: frozenset[str], known: Progress | None, wrong: str | None
) -> None:
    assert Readiness().wrong(state, listening, known, 0.0) == wrong


def test_a_listener_that_never_comes_blocks_only_for_a_while() -> None:
    readiness, known = Readiness(), progress("http tls")
    assert readiness.wrong("LIVE", HTTP, known, 100.0)
    assert readiness.wrong("LIVE", HTTP, known, 100.0 + SETTLING) is None


def test_what_is_ready_stays_so_without_a_control_plane_until_envoy_says_otherwise() -> None:
    readiness, changing = Readiness(), progress("http new", {"http": ACCEPTED})
    assert not readiness.is_settled("LIVE", HTTP)
    assert readiness.wrong("LIVE", HTTP, progress(), 0.0) is None
    assert readiness.is_settled("LIVE", HTTP)
    for known in (changing, progress(published=False), None):
        assert readiness.wrong("LIVE", HTTP, known, 1.0) is None
    assert not readiness.is_settled("LIVE", NONE)
    assert readiness.wrong("LIVE", NONE, progress(""), 2.0) is not None
    assert readiness.is_settled("DRAINING", HTTP)
    assert not readiness.is_settled("PRE_INITIALIZING", NONE)
    assert readiness.wrong("DRAINING", HTTP, progress(), 3.0) == "Envoy is DRAINING"
    assert readiness.wrong("LIVE", HTTP, changing, 4.0) is not None


def test_an_envoy_that_was_ready_may_be_busy_for_a_while() -> None:
    readiness = Readiness()
    assert readiness.wrong(BUSY, NONE, None, 0.0) == NO_ANSWER, "not before it was ready"
    assert readiness.wrong("LIVE", HTTP, progress(), 1.0) is None
    for begin in (10.0, 50.0):
        assert readiness.is_settled(BUSY, NONE)
        assert readiness.wrong(BUSY, NONE, None, begin) is None
        assert readiness.wrong(BUSY, NONE, None, begin + BUSY_AT_MOST - 1) is None
        assert readiness.wrong("LIVE", HTTP, None, begin + BUSY_AT_MOST) is None
    assert readiness.wrong(BUSY, NONE, None, 100.0) is None
    assert readiness.wrong(BUSY, NONE, None, 100.0 + BUSY_AT_MOST) == NO_ANSWER
    assert readiness.wrong("LIVE", HTTP, progress(published=False), 120.0) is not None
    assert readiness.wrong(None, NONE, None, 121.0) == NO_ANSWER, "one that is gone is not busy"


def test_alive_is_envoy_with_a_grace_at_the_start_and_after_each_answer() -> None:
    life = Life(100.0)
    assert life.wrong(None, 100.0 + GRACE - 1) is None
    assert life.wrong(None, 100.0 + GRACE) == "Envoy's admin interface has not answered for 30 s"
    for state in ("LIVE", "INITIALIZING", "DRAINING"):
        assert life.wrong(state, 1000.0) is None
    assert life.wrong(None, 2000.0) is None
    assert life.wrong(None, 2000.0 + GRACE - 1) is None
    assert life.wrong(BUSY, 2000.0 + GRACE) is not None
    assert life.wrong("LIVE", 3000.0) is None


@pytest.fixture
def ads() -> Iterator[Adsserver]:
    with Adsserver() as server:
        yield server


@pytest.fixture
def envoy(ads: Adsserver) -> Iterator[RealEnvoy]:
    """An Envoy whose admin socket is where the diagnostics look for it; not started."""
    running = RealEnvoy(ads_bootstrap(ads.socket, ads.run_dir / "admin.sock"), folder=ads.run_dir)
    yield running
    running.close()


@pytest.mark.envoy
def test_ready_follows_a_real_envoy_from_its_start_to_its_end(ads: Adsserver, envoy: RealEnvoy) -> None:
    with RunningDiagnostics(ads.run_dir) as running:
        assert running.said(READY) == (503, NO_ANSWER)
        assert running.said(ALIVE) == (200, "alive")
        envoy.start()
        envoy.wait_admin()
        wait_until(lambda: running.said(READY)[1] != NO_ANSWER, what="Envoy's answer")
        assert running.said(READY)[0] == 503
        ads.replace({})
        envoy.wait_live()
        assert running.said(READY) == (
            503,
            "there is no listener: a Listener, a Gateway or an Ingress is missing or has a problem",
        )
        port = free_port()
        served = resources.keyed(
            listener={"http": resources.listener("http", port, rds="r")},
            route={"r": resources.routes("r", resources.direct("/", "hello"))},
        )
        ads.publish(served)
        wait_until(lambda: running.said(READY) == (200, "ready"), what="ready")
        assert plain.get(f"http://127.0.0.1:{port}/").text == "hello"
        ads.kill()
        assert running.said(READY) == (200, "ready")
        assert running.said(ALIVE) == (200, "alive")
        envoy.admin("/healthcheck/fail", method="POST")
        assert running.said(READY) == (503, "Envoy is DRAINING")
        assert running.said(ALIVE) == (200, "alive")
        envoy.kill()
        assert running.said(READY) == (503, NO_ANSWER)


@pytest.mark.envoy
def test_ready_never_comes_before_the_configuration_is_served(ads: Adsserver, envoy: RealEnvoy) -> None:
    """Ten new Envoys: whenever readiness is said, a request is answered."""
    ports = [free_port(), free_port()]
    ads.replace(
        resources.keyed(
            listener={f"l{port}": resources.listener(f"l{port}", port, rds="r") for port in ports},
            route={"r": resources.routes("r", resources.direct("/", "hello"))},
        )
    )
    with RunningDiagnostics(ads.run_dir) as running:
        for _ in range(10):
            envoy.start()
            wait_until(lambda: running.said(READY)[0] == 200, what="ready")
            assert [plain.get(f"http://127.0.0.1:{port}/").text for port in ports] == ["hello", "hello"]
            os.kill(envoy.pid, signal.SIGSTOP)
            assert running.said(READY)[0] == 200, "it may be busy"
            os.kill(envoy.pid, signal.SIGCONT)
            envoy.kill()
            assert running.said(READY) == (503, NO_ANSWER)


@pytest.mark.envoy
def test_an_envoy_that_hangs_before_it_was_ready_is_taken_for_none_after_a_second(
    ads: Adsserver, envoy: RealEnvoy
) -> None:
    ads.replace({})
    envoy.start()
    envoy.wait_live()
    with RunningDiagnostics(ads.run_dir) as running:
        os.kill(envoy.pid, signal.SIGSTOP)
        try:
            for path in (READY, "/metrics", "/ambassador/v0/diag/?json=true"):
                began = time.monotonic()
                running.get(path)
                assert 0.9 < time.monotonic() - began < 10.0, path  # a second; and who waits for Envoy waits for ever
            assert running.said(READY) == (503, NO_ANSWER)
            assert running.diag("envoy")["answers"] is False
        finally:
            os.kill(envoy.pid, signal.SIGCONT)
        wait_until(lambda: running.diag("envoy")["state"] == "LIVE", what="Envoy's answer")


def test_a_snapshot_that_is_replaced_is_opened_anew(tmp_path: Path) -> None:
    with RunningDiagnostics(tmp_path) as running:
        assert running.diag("pending") == []
        shutil.rmtree(tmp_path / "snapshot")
        assert running.diag("pending") == []
        assert "opening it again" in running.log()
        with Snapshot.open(tmp_path / "snapshot") as snapshot:
            snapshot.writer("objects").commit({"core/Secret/default/new": Record("1", b"{}")})
        assert running.diag("pending") == ["core/Secret/default/new"]
        assert running.end() == 0


def test_alive_and_envoys_metrics_need_no_snapshot(tmp_path: Path) -> None:
    """A link to itself stands in place of the snapshot's folder: that is told once, and opening is tried again."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "snapshot").symlink_to("snapshot")
    with RunningDiagnostics(tmp_path / "run") as running:
        assert running.said(ALIVE) == (200, "alive")
        status, text = running.said("/ambassador/v0/diag/?json=true")
        assert (status, text.partition(":")[0]) == (503, "the snapshot cannot be read")
        text = running.get("/metrics").text
        assert "dragoman_envoy_up 0.0" in text
        assert "dragoman_objects" not in text
        assert running.log().count("next_try_s") == 1
        (tmp_path / "run" / "snapshot").unlink()
        wait_until(lambda: running.get("/ambassador/v0/diag/?json=true").status_code == 200, what="the snapshot")


def test_others_who_hold_up_the_opening_of_the_snapshot_do_not_hold_up_the_answers(tmp_path: Path) -> None:
    (tmp_path / "snapshot").mkdir(mode=0o700)
    with (tmp_path / "snapshot" / "open.lock").open("w") as lock, RunningDiagnostics(tmp_path) as running:
        fcntl.flock(lock, fcntl.LOCK_EX)
        running.kill()
        running.start()
        began = time.monotonic()
        assert running.said(ALIVE) == (200, "alive")
        assert running.said(READY) == (503, NO_ANSWER)
        assert time.monotonic() - began < 10.0  # and whoever waits for the lock waits for ever
        fcntl.flock(lock, fcntl.LOCK_UN)
        assert running.diag("sequences")["objects"] == 0


@pytest.mark.envoy
def test_ready_outlives_its_snapshot_and_everyone_who_writes_it(ads: Adsserver, envoy: RealEnvoy) -> None:
    port = free_port()
    ads.replace(
        resources.keyed(
            listener={"http": resources.listener("http", port, rds="r")},
            route={"r": resources.routes("r", resources.direct("/", "hello"))},
        )
    )
    envoy.start()
    with RunningDiagnostics(ads.run_dir) as running:
        wait_until(lambda: running.said(READY)[0] == 200, what="ready")
        ads.kill()
        shutil.rmtree(ads.run_dir / "snapshot")
        assert running.diag("sequences")["resources"] == 0
        assert running.said(READY) == (200, "ready")
        assert running.diag("envoy")["connected"] is False


def test_silence_is_counted_between_questions_and_a_gap_only_so_far() -> None:
    silence = Silence()
    assert silence.of(1, 100.0) == 0.0
    assert silence.of(1, 102.0) == 2.0
    assert silence.of(2, 104.0) == 0.0
    assert silence.of(2, 106.0) == 2.0
    assert silence.of(2, 5000.0) == 12.0, "nobody asked for long, or all of us slept"
    assert silence.of(None, 5001.0) == 0.0, "nobody tells"
    assert silence.of(None, 5002.0) == 0.0


def test_what_hangs_is_told_beside_the_answer_and_an_envoy_that_hangs_is_not_ready(tmp_path: Path) -> None:
    with RunningDiagnostics(tmp_path) as running:
        vitals.write(tmp_path / "vitals.json", Vitals({"translator": "asleep for 4 s"}, {"watcher": 2}))
        assert running.said(ALIVE) == (200, "alive; translator hangs: asleep for 4 s")
        assert running.said(READY) == (503, f"{NO_ANSWER}; translator hangs: asleep for 4 s")
        text = running.get("/metrics").text
        assert 'dragoman_hung{part="translator"} 1.0' in text
        assert 'dragoman_hung_replaced_total{part="watcher"} 2.0' in text
        vitals.write(tmp_path / "vitals.json", Vitals())
        assert running.said(ALIVE) == (200, "alive")


@pytest.mark.envoy
def test_where_the_entrypoint_shows_no_life_for_long_the_pod_leaves_service_and_then_is_not_alive(
    ads: Adsserver, envoy: RealEnvoy
) -> None:
    port = free_port()
    ads.replace(
        resources.keyed(
            listener={"http": resources.listener("http", port, rds="r")},
            route={"r": resources.routes("r", resources.direct("/", "hello"))},
        )
    )
    envoy.start()
    beat = ads.run_dir / "beats" / "entrypoint"
    beat.parent.mkdir()
    beat.touch()
    with RunningDiagnostics(ads.run_dir, program=SOON, DRAGOMAN_SUPERVISED="true") as running:
        wait_until(lambda: running.said(READY)[0] == 200, what="ready")
        silent = "the entrypoint hangs: it has been silent for"
        wait_until(lambda: running.said(READY)[1].startswith(silent), what="not ready")
        assert running.said(ALIVE) == (200, "alive")
        wait_until(lambda: running.said(ALIVE)[1].startswith(silent), what="not alive")
        assert running.said(ALIVE)[0] == 503
        os.utime(beat)
        assert running.said(READY) == (200, "ready")
        assert running.said(ALIVE) == (200, "alive")


SOON = """
import sys
import diagnostics.server
from diagnostics.__main__ import serve
from process.main import run
diagnostics.server.ORPHANED = 4.0
sys.exit(run("diagnostics", serve))
"""
