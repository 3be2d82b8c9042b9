"""The adsserver's process: reads `resources` from the snapshot, serves Envoy, writes `acks`.

It needs nothing but the snapshot: with the translator dead it serves what was published last, and started again it
sends Envoy only what Envoy does not hold.
"""

import asyncio
import gc
import sys
import time
from dataclasses import replace

from adsserver.acks import Acks
from adsserver.guests import Guests
from adsserver.ledger import Ledger
from adsserver.resources import Catalog
from adsserver.round import Timing
from adsserver.served import Taken
from adsserver.server import Server, SocketError
from process import logs, main
from process.pulse import PULSE
from process.settings import Settings
from snapshot import OPENING, Reader, Snapshot, SnapshotError
from snapshot.bell import Bell

POLL = 1.0
"""Seconds after which the snapshot is looked at even if no bell rang."""

_log = logs.get()


async def serve(settings: Settings, stopping: asyncio.Event) -> int:
    """Serve until `stopping`; 1 when the snapshot or the socket cannot be had."""
    try:
        with PULSE.patience(OPENING):
            snapshot = Snapshot.open(settings.snapshot_path, bells=settings.bells_dir)
        with snapshot:
            await _serve(settings, snapshot, stopping)
    except (SnapshotError, SocketError) as error:
        _log.error("cannot serve", reason=str(error))
        return 1
    return 0


async def _serve(settings: Settings, snapshot: Snapshot, stopping: asyncio.Event) -> None:
    writer, reader, catalog = snapshot.writer("acks"), snapshot.reader("resources"), Catalog()
    bell = Bell.listen(settings.bells_dir, "adsserver", "resources")
    first = reader.changes()
    catalog.apply(first)
    ledger = Ledger.load(catalog, snapshot.reader("acks").all())
    acks = Acks(writer, ledger, catalog)
    usual, drain = Timing(), settings.listener_drain
    timing = replace(usual, linger=min(usual.linger, drain), drain=drain)
    server = Server(catalog, ledger, acks, timing)
    guests = Guests(settings.guests_socket, catalog, ledger, server.changed, drain)
    acks.tell_stream(connected=False)
    gc.collect()
    gc.freeze()
    try:
        await server.start(settings.ads_socket)
        await guests.start()
        _log.info("serving", socket=str(settings.ads_socket), resources=catalog.size)
        await main.until(stopping, _follow(bell, reader, first.sequence, catalog, server, guests))
    finally:
        guests.close()
        await server.stop()
        acks.save()
        bell.close()


async def _follow(bell: Bell, reader: Reader, seen: int, catalog: Catalog, server: Server, guests: Guests) -> None:
    """Bring every commit of the translator after those `seen` to the streams."""
    while True:
        await bell.wait(POLL)
        PULSE.beat()
        await server.keep_socket()
        await guests.keep()
        was_published = catalog.published
        news = reader.changes()
        edits = catalog.apply(news)
        if edits or catalog.published != was_published:
            taken = None if news.since is None else Taken(news.since, seen + 1, news.sequence, time.time())
            server.changed(edits, taken)
        seen = news.sequence


if __name__ == "__main__":
    sys.exit(main.run("adsserver", serve))
