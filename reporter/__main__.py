"""The reporter's process: waits for the lease, reports while it is held, and makes what Gateways have of their own."""

import asyncio
import os
import sys
from contextlib import suppress
from typing import Final

from kubeapi.connection import ConfigurationError, Connection
from kubeapi.lease import Lease, lease_name
from process import logs
from process.main import FAILED, run
from process.pulse import PULSE
from process.settings import Settings
from reporter.provisioning import Provisioning
from reporter.reporting import Reporting
from reporter.writing import Events, Statuses
from snapshot import OPENING, Snapshot, SnapshotError
from snapshot.bell import Bell

POLL: Final = 1.0
"""The safety net under the doorbell; and how late it is noticed, at most, that the lease is lost."""

TOGETHER: Final = 0.1
"""Seconds after a ring in which more changes are waited for, so that a burst of them is looked at once."""

BEHIND: Final = 5
"""Of niceness: on a crowded node a change goes to Envoy first, and is told of after that."""

log = logs.get()


async def report(settings: Settings, stopping: asyncio.Event) -> int:
    """Report until told to stop; 1 when the snapshot cannot be had, or nothing says where the API server is."""
    try:
        with PULSE.patience(OPENING):
            snapshot = Snapshot.open(settings.snapshot_path, bells=settings.bells_dir)
        with snapshot:
            async with Connection.open(settings) as api:
                name = lease_name(settings.ambassador_id, "status")
                lease = Lease(api, settings.namespace, name, settings.pod_name)
                await _candidate(settings, snapshot, api, lease, stopping)
    except (SnapshotError, ConfigurationError) as error:
        log.error("cannot report", reason=str(error))  # noqa: TRY400
        return FAILED
    return 0


async def _candidate(
    settings: Settings, snapshot: Snapshot, api: Connection, lease: Lease, stopping: asyncio.Event
) -> None:
    """Term after term, until `stopping`; then the lease is given back, when all has been written that was begun."""
    done = asyncio.Event()
    campaign = asyncio.create_task(lease.run(done))
    statuses, events = Statuses(api, settings.ambassador_id), Events(api, settings.pod_name)
    try:
        while not stopping.is_set():
            snapshot.check()
            if campaign.done():
                campaign.result()
            if await _gained(lease, stopping):
                reporting = Reporting(snapshot, settings, statuses, events, lambda: lease.is_held)
                provisioning = Provisioning(snapshot, settings, api, lambda: lease.is_held)
                await _lead(settings, reporting, provisioning, lease, stopping)
                await reporting.end()
    finally:
        done.set()
        await campaign


async def _lead(
    settings: Settings, reporting: Reporting, provisioning: Provisioning, lease: Lease, stopping: asyncio.Event
) -> None:
    bell = Bell.listen(settings.bells_dir, "reporter", "statuses")
    ended = asyncio.Event()
    making = asyncio.create_task(provisioning.run())
    try:
        while lease.is_held and not stopping.is_set():
            reporting.follow()
            provisioning.follow()
            reporting.work(ended.set)
            ended.clear()
            await _next(bell, ended, stopping, reporting.wait)
    finally:
        bell.close()
        making.cancel()
        await asyncio.wait([making])


async def _next(bell: Bell, ended: asyncio.Event, stopping: asyncio.Event, seconds: float | None) -> None:
    """Wait until there is something to do, and after a ring a little longer."""
    limit = POLL if seconds is None else min(POLL, seconds)
    ring = asyncio.ensure_future(bell.wait(limit))
    waits = [ring, asyncio.ensure_future(ended.wait()), asyncio.ensure_future(stopping.wait())]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    rang = ring.done() and not ring.cancelled() and ring.result()
    for wait in waits:
        wait.cancel()
    with suppress(asyncio.CancelledError):
        await ring
    if rang:
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), TOGETHER)


async def _gained(lease: Lease, stopping: asyncio.Event) -> bool:
    """Wait for the lease, `POLL` seconds at most; whether it is held."""
    waits = [asyncio.ensure_future(lease.gained()), asyncio.ensure_future(stopping.wait())]
    await asyncio.wait(waits, timeout=POLL, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    return lease.is_held


if __name__ == "__main__":
    os.nice(BEHIND)
    sys.exit(run("reporter", report))
