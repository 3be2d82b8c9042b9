"""The process: follows the folders, or watches the cluster, and writes the snapshot's objects."""

import asyncio
import gc
import random
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from process import logs
from process.main import BAD_SETTINGS, FAILED, run
from process.pulse import PULSE
from process.settings import Settings
from snapshot import OPENING, Record, Snapshot, SnapshotError, WriterBusyError
from watcher.catalog import Catalog
from watcher.cluster import Cluster
from watcher.following import Following
from watcher.keeping import keeps
from watcher.lanes import Lanes
from watcher.limits import Limits
from watcher.loading import load, roots_of
from watcher.notices import Notices
from watcher.publishing import Publisher, remembered, remembered_objects
from watcher.roots import Root

GENERATED = "(generated)/"

log = logs.get()


async def watch(settings: Settings, stopping: asyncio.Event) -> int:
    """Keep the snapshot's objects equal to the folders, or to the cluster, until told to stop; the exit code."""
    if settings.config_dir is None:
        return await _with_snapshot(settings, lambda snapshot: _watch_cluster(settings, snapshot, stopping))
    folder = settings.config_dir
    return await _with_snapshot(settings, lambda snapshot: _watch_folders(folder, settings, snapshot, stopping))


async def _with_snapshot(settings: Settings, use: Callable[[Snapshot], Awaitable[int]]) -> int:
    try:
        with PULSE.patience(OPENING):
            snapshot = Snapshot.open(settings.snapshot_path, bells=settings.bells_dir)
        with snapshot:
            if snapshot.replaced:
                log.warning("began a new snapshot", reason=snapshot.replaced)
            catalog = asyncio.create_task(Catalog(snapshot, settings).run())
            try:
                return await use(snapshot)
            finally:
                catalog.cancel()
                await asyncio.gather(catalog, return_exceptions=True)
    except WriterBusyError as error:
        log.error("another watcher runs", reason=str(error))  # noqa: TRY400 -- no failure: a trace would not help
        return FAILED
    except SnapshotError as error:
        log.error("the snapshot failed", reason=str(error))  # noqa: TRY400 -- a restart is the answer
        return FAILED


async def _watch_cluster(settings: Settings, snapshot: Snapshot, stopping: asyncio.Event) -> int:
    from kubeapi.connection import ConfigurationError, Connection  # noqa: PLC0415 -- costs 12 MB: not with a folder
    from watcher.watching import Watching, targets_of  # noqa: PLC0415

    publishers = (
        Publisher(snapshot.writer("objects", keeps=keeps)),
        Publisher(snapshot.writer("live", rings=False), quiet=True),
    )
    known = remembered_objects(snapshot.reader("objects"))
    generated = {**_of_files(settings), **load(settings.generated_dir, settings.namespace).objects}
    cluster = Cluster(targets_of(settings), known, random.random, generated)
    try:
        async with Connection.open(settings) as api:
            where = ", ".join(settings.namespaces) or "all"
            log.info("watching", server=api.server, namespaces=where, remembered=len(known or {}))
            await Watching(api, cluster, *publishers, random.random).run(stopping)
    except ConfigurationError as error:
        log.error("no way to the API server", reason=str(error), mend="or set DRAGOMAN_CONFIG_DIR to a folder of YAML")  # noqa: TRY400
        return BAD_SETTINGS
    return 0


def _of_files(settings: Settings) -> Mapping[str, Record]:
    """What Emissary's folders have beside the cluster; read once, at the start."""
    if not settings.more_config_dirs:
        return {}
    first, *more = settings.more_config_dirs
    with Lanes() as lanes:
        loaded = load(first, settings.namespace, Limits.of(settings), lanes.do, more)
    for told in loaded.problems:
        log.warning("a file has a problem", file=told.source.name, line=told.problem.line, reason=told.problem.message)
    log.info("read files once, beside the cluster", folders=str(first), objects=len(loaded.objects))
    return loaded.objects


async def _watch_folders(folder: Path, settings: Settings, snapshot: Snapshot, stopping: asyncio.Event) -> int:
    roots = (*roots_of(folder, settings.more_config_dirs), Root.at(settings.generated_dir, GENERATED, own=True))
    wake, loop = asyncio.Event(), asyncio.get_running_loop()

    def wake_up() -> None:
        loop.call_soon_threadsafe(wake.set)

    with Notices() as notices, Lanes(wake_up) as lanes:
        publisher = Publisher(snapshot.writer("objects", keeps=keeps))
        known = remembered(snapshot.reader("objects"), tuple(root.label for root in roots))
        log.info("watching", folder=str(folder), remembered=sum(map(len, known.values())))
        limits = Limits.of(settings)
        following = Following(roots, settings.namespace, known, notices, readers=lanes, limits=limits)
        await _follow(following, publisher, notices, wake, stopping)
    return 0


async def _follow(
    following: Following, publisher: Publisher, notices: Notices, wake: asyncio.Event, stopping: asyncio.Event
) -> None:
    loop = asyncio.get_running_loop()
    if notices.fd is not None:
        loop.add_reader(notices.fd, wake.set)
    told = asyncio.create_task(_pass_on(stopping, wake))
    frozen, heard = False, None
    try:
        while not stopping.is_set():
            PULSE.beat()
            heard = heard or (time.time() if wake.is_set() else None)
            wake.clear()
            changes = following.step()
            publisher.publish(changes, heard)
            # What is only looked at once more is mostly what an editor leaves: the next change has its own beginning.
            is_told = bool(changes.records or changes.whole)
            heard = heard if following.is_reading or (following.is_busy and not is_told) else None
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
