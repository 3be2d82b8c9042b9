"""The frame around a process: its settings, logs and event loop, the wish that it should end, and its exit code."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

import uvloop

from process import logs
from process.memory import give_back_zeros, tidy
from process.pulse import PULSE
from process.settings import Settings, SettingsError
from process.text import printable

Main: TypeAlias = Callable[[Settings, asyncio.Event], Coroutine[Any, Any, int | None]]
"""A process's coroutine: given its settings and the event `stopping`, it ends when that is set; None counts as 0."""

FAILED, BAD_SETTINGS = 1, 2


def run(part: str, main: Main) -> int:
    """Run a process until it ends; returns its exit code, for `sys.exit`.

    SIGTERM or SIGINT set `stopping`; a second one cancels what still runs, and the code is then 128 + the signal.
    An exception is logged and gives 1; a setting that cannot be gives 2.
    """
    try:
        settings = Settings.from_environment(os.environ)
    except SettingsError as error:
        said = printable(f"{part}: {error}", logs.LONGEST)
        print(said, file=sys.stderr)  # noqa: T201 -- how to log is one of the settings
        return BAD_SETTINGS
    logs.configure(part, settings)
    log = logs.get()
    try:
        with logs.uncaught(), asyncio.Runner(loop_factory=_new_loop) as runner:
            return runner.run(_with_a_pulse(part, main, settings))
    except (Exception, asyncio.CancelledError):  # the last place where it can be told
        log.exception("failed")
        return FAILED


async def until(stopping: asyncio.Event, endless: Coroutine[Any, Any, None]) -> None:
    """Run something that ends only by failing, until `stopping`."""
    running, told = asyncio.ensure_future(endless), asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait((running, told), return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
    finally:
        for task in (running, told):
            task.cancel()
        await asyncio.wait((running, told))


def _new_loop() -> asyncio.AbstractEventLoop:
    loop = uvloop.new_event_loop()
    give_back_zeros(loop)
    return loop


async def _with_a_pulse(part: str, main: Main, settings: Settings) -> int:
    if settings.supervised:
        PULSE.start(settings.beats_dir / part)
    try:
        return await _until_told(main, settings)
    finally:
        PULSE.stop()


async def _until_told(main: Main, settings: Settings) -> int:
    stopping = asyncio.Event()
    task = asyncio.ensure_future(main(settings, stopping))
    insisted: list[int] = []

    def stop(number: int) -> None:
        if stopping.is_set():
            insisted.append(number)
            task.cancel()
        stopping.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)
    tidying = asyncio.ensure_future(tidy())
    try:
        return await task or 0
    except asyncio.CancelledError:
        if not insisted:
            raise
        return 128 + insisted[0]
    finally:
        tidying.cancel()
