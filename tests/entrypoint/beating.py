"""A part that beats as ours do, and behaves as its arguments say, for tests of the watchdog: beating.py NAME BEHAVIOUR

A behaviour with "once" before it is that of the first process only; its successors live.

live        lives
deadlock    waits for what never comes, with the event loop
loop        computes for ever
work        computes for 10 s of a processor, step by step, then says so and lives
wait        waits for others with leave for 15 s, then says so and lives
unborn      is stopped before it ever beat
"""

import asyncio
import os
import signal
import sys
import threading
import time
from pathlib import Path

from process.main import run
from process.pulse import PULSE
from process.settings import Settings

FOLDER = Path(os.environ["DRAGOMAN_TEST_FOLDER"])


def behave(name: str, behaviour: str) -> None:
    match behaviour:
        case "deadlock":
            lock = threading.Lock()
            lock.acquire()
            lock.acquire()
        case "loop":
            while True:
                pass
        case "work":
            began = time.process_time()
            while time.process_time() - began < 10:
                PULSE.beat()
            (FOLDER / f"{name}.done").touch()
        case "wait":
            with PULSE.patience(60):
                time.sleep(15)
            (FOLDER / f"{name}.done").touch()


def main(name: str, behaviour: str) -> int:
    pids = FOLDER / f"{name}.pids"
    first = not pids.exists()
    with pids.open("a") as file:
        file.write(f"{os.getpid()}\n")
    rest = behaviour.removeprefix("once ")
    now = rest if first or behaviour == rest else "live"
    if now == "unborn":
        os.kill(os.getpid(), signal.SIGSTOP)

    async def live(settings: Settings, stopping: asyncio.Event) -> None:
        await asyncio.sleep(1.5)
        behave(name, now)
        await stopping.wait()

    return run(name, live)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
