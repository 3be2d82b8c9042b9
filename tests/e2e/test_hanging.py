"""Parts that hang are replaced within ten seconds, under load, while changes go on; and readiness says it meanwhile."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.load import Load
from tests.support.objects import host, mapping
from tests.support.pace import is_within
from tests.support.part import ROOT
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system, pytest.mark.faults]

CONTROL_PLANE = ("watcher", "translator", "adsserver", "diagnostics")
WITHIN = 10.0
READY = "/ambassador/v0/check_ready"

HOLDER = """
import sys, time
from pathlib import Path
from snapshot.file import File
file = File(Path(sys.argv[1]), 8 << 30)
with file.writing():
    print("held", flush=True)
    time.sleep(1000)
"""
"""Opens the file as a part does, and holds the lock of those who write."""


@pytest.fixture(scope="module")
def own_gateway(red: HttpUpstream) -> Iterator[Gateway]:
    with Gateway() as gateway:
        gateway.apply(
            "steady", host("steady", "steady.test") + mapping("steady", "steady.test", red.service, timeout_ms=15_000)
        )
        gateway.wait_served("steady.test")
        yield gateway


def stop(gateway: Gateway, part: str) -> int:
    """SIGSTOP; the process that is stopped."""
    pid = wait_until(lambda: gateway.pid_of(part), what=f"{part} running")
    os.kill(pid, signal.SIGSTOP)
    return pid


def wait_replaced(gateway: Gateway, part: str, stopped: int) -> float:
    """Seconds until the part has another process."""
    began = time.monotonic()
    wait_until(lambda: gateway.pid_of(part) not in {None, stopped}, what=f"{part} replaced")
    return time.monotonic() - began


@pytest.mark.parametrize("part", CONTROL_PLANE)
def test_a_stopped_part_is_replaced_and_no_request_fails(own_gateway: Gateway, red: HttpUpstream, part: str) -> None:
    with Load(own_gateway.http_port, host="steady.test") as load:
        stopped = stop(own_gateway, part)
        path = f"/after-{part}/"
        own_gateway.apply("new", host("new", "new.test") + mapping("new", "new.test", red.service, path))
        took = wait_replaced(own_gateway, part, stopped)
        own_gateway.wait_served("new.test", path)
    assert load.failures == []
    assert load.requests > 50
    assert is_within(took, WITHIN, times=20)
    print(f"{part} replaced after {took:.1f} s")


def test_readiness_the_metrics_and_the_log_say_it_meanwhile_and_the_pod_stays_ready(own_gateway: Gateway) -> None:
    wait_until(lambda: said(own_gateway, "ready\n") == "ready\n", what="ready, and nothing hangs")
    replaced = metric(own_gateway, 'dragoman_hung_replaced_total{part="translator"}')
    stopped, hung = stop(own_gateway, "translator"), 'dragoman_hung{part="translator"}'
    told = wait_until(
        lambda: metric(own_gateway, hung) == 1 and said(own_gateway, "translator hangs: "), what="it is told"
    )
    assert told.startswith("ready; translator hangs: stopped for ")
    wait_replaced(own_gateway, "translator", stopped)
    wait_until(lambda: own_gateway.diagnostics(READY).text == "ready\n", what="nothing hangs any more")
    wait_until(lambda: metric(own_gateway, hung) == 0, what="the metric says so, too")
    assert metric(own_gateway, 'dragoman_hung_replaced_total{part="translator"}') == replaced + 1
    for line in ("hangs", "replacing what hangs", "works again"):
        own_gateway.wait_logged(f"{line}  by=watchdog what=translator")


def test_a_pod_that_never_was_ready_is_not_while_a_part_hangs(red: HttpUpstream) -> None:
    with Gateway() as gateway:
        listeners = (gateway.folder / "listeners.yaml").read_text()
        gateway.stop()
        gateway.remove("listeners")  # else it may be ready before the translator is seen and stopped
        gateway.begin()
        stop(gateway, "translator")
        told = wait_until(lambda: said(gateway, "translator hangs: "), what="it is told")
        assert not told.startswith("ready")
        gateway.apply("listeners", listeners)
        wait_until(gateway.is_ready, what="ready in the end")


def test_a_stopped_envoy_is_not_ready_and_replaced_and_configured(own_gateway: Gateway, red: HttpUpstream) -> None:
    wait_until(lambda: said(own_gateway, "ready\n") == "ready\n", what="ready, and nothing hangs")
    stopped = stop(own_gateway, "envoy")
    wait_until(lambda: own_gateway.diagnostics(READY).status_code == 503, what="not ready")
    took = wait_replaced(own_gateway, "envoy", stopped)
    assert is_within(took, WITHIN, times=20)
    own_gateway.wait_served("steady.test")
    own_gateway.apply("new", host("new", "new.test") + mapping("new", "new.test", red.service, "/after-envoy/"))
    own_gateway.wait_served("new.test", "/after-envoy/")
    wait_until(own_gateway.is_ready, what="ready")


def test_all_of_the_control_plane_stopped_at_once(own_gateway: Gateway, red: HttpUpstream) -> None:
    with Load(own_gateway.http_port, host="steady.test") as load:
        began = time.monotonic()
        stopped = {part: stop(own_gateway, part) for part in CONTROL_PLANE}
        for part, pid in stopped.items():
            wait_replaced(own_gateway, part, pid)
        took = time.monotonic() - began
        own_gateway.apply("new", host("new", "new.test") + mapping("new", "new.test", red.service, "/after-all/"))
        own_gateway.wait_served("new.test", "/after-all/")
    assert load.failures == []
    assert is_within(took, WITHIN, times=20)


def test_a_part_that_waits_for_ever_for_a_lock_is_replaced(own_gateway: Gateway, red: HttpUpstream) -> None:
    """The snapshot's, which somebody takes and keeps: whoever wants to write sleeps."""
    began = own_gateway.log().count("replacing what hangs")
    with Load(own_gateway.http_port, host="steady.test") as load:
        command = [sys.executable, "-c", HOLDER, str(own_gateway.run_dir / "snapshot")]
        holder = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        try:
            assert holder.stdout.readline()
            own_gateway.apply("new", host("new", "new.test") + mapping("new", "new.test", red.service, "/after-lock/"))
            wait_until(lambda: own_gateway.log().count("replacing what hangs") > began, what="it is replaced")
            assert own_gateway.is_ready()
        finally:
            holder.kill()
            holder.communicate()
        own_gateway.wait_served("new.test", "/after-lock/")
    assert load.failures == []


def said(gateway: Gateway, words: str) -> str:
    """What check_ready says, when these words are in it."""
    try:
        text = gateway.diagnostics(READY).text
    except httpx.TransportError:
        return ""
    return text if words in text else ""


def metric(gateway: Gateway, name: str) -> float:
    """A metric's value; 0 when there is none."""
    lines = gateway.diagnostics("/metrics").text.splitlines()
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(name)), 0.0)
