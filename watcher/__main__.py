"""The process: follows the folders and writes the snapshot's objects."""

import asyncio
import gc
import sys

from process import logs
from process.main import BAD_SETTINGS, FAILED, run
from process.settings import Settings
from snapshot import Snapshot, SnapshotError, WriterBusyError
from watcher.folder import Root
from watcher.following import Following
from watcher.notices import Notices
from watcher.publishing import Publisher, remembered

GENERATED = "(generated)/"

log = logs.get()


async def watch(settings: Settings, stopping: asyncio.Event) -> int:
    """Keep the snapshot's objects equal to the folders until told to stop; returns the exit code."""
    if settings.config_dir is None:
        log.error("no folder to watch", mend="set DRAGOMAN_CONFIG_DIR to a folder of YAML")
        return BAD_SETTINGS
    roots = (Root.at(settings.config_dir), Root.at(settings.generated_dir, GENERATED, optional=True))
    try:
        with Snapshot.open(settings.snapshot_path, bells=settings.bells_dir) as snapshot, Notices() as notices:
            if snapshot.replaced:
                log.warning("began a new snapshot", reason=snapshot.replaced)
            publisher = Publisher(snapshot.writer("objects"))
            known = remembered(snapshot.reader("objects"), tuple(root.label for root in roots))
            log.info("watching", folder=str(settings.config_dir), remembered=sum(map(len, known.values())))
            await _follow(Following(roots, settings.namespace, known, notices), publisher, notices, stopping)
    except WriterBusyError as error:
        log.error("another watcher runs", reason=str(error))  # noqa: TRY400 -- no failure: a trace would not help
        return FAILED
    except SnapshotError as error:
        log.error("the snapshot failed", reason=str(error))  # noqa: TRY400 -- a restart is the answer
        return FAILED
    return 0


async def _follow(following: Following, publisher: Publisher, notices: Notices, stopping: asyncio.Event) -> None:
    wake = asyncio.Event()
    loop = asyncio.get_running_loop()
    if notices.fd is not None:
        loop.add_reader(notices.fd, wake.set)
    told = asyncio.create_task(_pass_on(stopping, wake))
    frozen = False
    try:
        while not stopping.is_set():
            wake.clear()
            publisher.publish(following.step())
            if following.complete and not frozen:
                frozen = True
                gc.collect()
                gc.freeze()  # what was read at the start lives long: no collection has to walk it again
            await _first(wake, min(following.wait(), publisher.retry or following.wait()))
    finally:
        told.cancel()
        if notices.fd is not None:
            loop.remove_reader(notices.fd)


async def _pass_on(stopping: asyncio.Event, wake: asyncio.Event) -> None:
    await stopping.wait()
    wake.set()


async def _first(wake: asyncio.Event, seconds: float) -> None:
    """Until it is woken, or the seconds are over."""
    try:
        async with asyncio.timeout(seconds):
            await wake.wait()
    except TimeoutError:
        return


if __name__ == "__main__":
    sys.exit(run("watcher", watch))
