"""The watchdog over real processes: what hangs in any manner is replaced, and what works or waits is left alone."""

import os
import shlex
import signal
import sys
import time
from pathlib import Path

import pytest

from process.vitals import Vitals, read
from tests.entrypoint.house import House, house
from tests.support.envoy import wait_until

pytestmark = [pytest.mark.system, pytest.mark.faults]

BEATING = Path(__file__).with_name("beating.py")
BUSY = 60.0
"""Seconds that a crowded machine may take to give a process the seven of a processor after which it is replaced."""


def beats(part: str, behaviour: str) -> dict[str, str]:
    return {part: shlex.join([sys.executable, str(BEATING), part, behaviour])}


def vitals(running: House) -> Vitals:
    return read(running.folder / "run" / "vitals.json")


def replaced(**times: int) -> Vitals:
    """What is told when nobody hangs. Who was never replaced is told too, so that the first time can be counted."""
    return Vitals({}, times)


@pytest.mark.parametrize(
    ("behaviour", "how", "deadline"),
    [("deadlock", "asleep", BUSY), ("loop", "computing", BUSY), ("unborn", "stopped", BUSY)],
)
def test_whatever_hangs_is_told_and_replaced(behaviour: str, how: str, deadline: float) -> None:
    parts = beats("translator", f"once {behaviour}") | beats("watcher", "live")
    with house(parts) as running:
        first, watcher = running.new_pid("translator"), running.new_pid("watcher")
        told = wait_until(lambda: vitals(running).hung.get("translator"), deadline, what="it is told that it hangs")
        assert how in told
        assert wait_until(lambda: running.pids("translator")[1:], deadline, what="it is replaced")
        wait_until(lambda: vitals(running) == replaced(translator=1, watcher=0), deadline, what="it works again")
        assert f"hangs  by=watchdog what=translator pid={first}" in running.log
        assert f"replacing what hangs  by=watchdog what=translator pid={first}" in running.log
        assert running.pids("watcher") == [watcher]
        assert running.end() == 0


def test_what_works_step_by_step_or_waits_with_leave_is_left_alone() -> None:
    parts = beats("translator", "work") | beats("watcher", "wait") | beats("adsserver", "live")
    with house(parts) as running:
        for part in ("translator", "watcher"):
            wait_until((running.folder / f"{part}.done").exists, 120, what=f"{part} is done")
        assert [len(running.pids(part)) for part in ("translator", "watcher", "adsserver")] == [1, 1, 1]
        assert vitals(running).replaced == {"translator": 0, "watcher": 0, "adsserver": 0}
        assert running.end() == 0


def test_a_supervisord_that_is_stopped_goes_on() -> None:
    with house(beats("watcher", "live")) as running:
        watcher = running.new_pid("watcher")
        supervisord = running.supervisord()
        os.kill(supervisord, signal.SIGSTOP)
        wait_until(lambda: "waking what was stopped" in running.log, BUSY, what="it is woken")
        os.kill(watcher, signal.SIGKILL)
        running.new_pid("watcher", but=watcher)
        assert running.supervisord() == supervisord
        wait_until(lambda: vitals(running) == replaced(watcher=0), BUSY, what="all is well")
        assert running.end() == 0


def test_after_all_processes_were_frozen_nobody_is_replaced() -> None:
    """As a container or a machine is: the watchdog sleeps with those whom it watches."""
    parts = beats("translator", "live") | beats("watcher", "live")
    with house(parts) as running:
        pids = [running.new_pid("translator"), running.new_pid("watcher")]
        wait_until(lambda: all(beaten(running, part) for part in ("translator", "watcher")), what="they beat")
        everybody = [*pids, running.supervisord(), running.process.pid]
        for pid in reversed(everybody):
            os.kill(pid, signal.SIGSTOP)
        time.sleep(15)  # longer than anybody may be silent
        for pid in reversed(everybody):  # the watchdog first, which then finds them stopped
            os.kill(pid, signal.SIGCONT)
        before = {part: beaten(running, part) for part in ("translator", "watcher")}
        for _ in range(5):
            wait_until(
                lambda before=before: all(beaten(running, part) > at for part, at in before.items()), what="beats"
            )
            before = {part: beaten(running, part) for part in before}
        assert vitals(running) == replaced(translator=0, watcher=0)
        assert [running.pids("translator"), running.pids("watcher")] == [pids[:1], pids[1:]]
        assert running.end() == 0


def beaten(running: House, part: str) -> int:
    """When it beat last."""
    return (running.folder / "run" / "beats" / part).stat().st_mtime_ns
