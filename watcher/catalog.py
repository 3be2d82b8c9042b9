"""Asks Consul for the services that routes lead to, reads the files that objects name, and keeps both in `catalog`.

Files are looked at twice a second, in a thread: a link may be swapped at any place of a path, a filesystem may make no
notices, and one that hangs must not keep the rest of the watcher waiting. Nothing is looked at before something is
wanted.

Nothing is asked, and no HTTP client loaded, before somebody's Mapping leads to Consul. The token of the environment is
shown to the Consul of the environment alone: whoever may write a ConsulResolver could have it sent anywhere.
"""

import asyncio
import os
import random
import ssl
import time
from collections.abc import Iterable
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from process import logs
from process.settings import Settings
from snapshot import Reader, Record, Snapshot, SnapshotError, SnapshotFullError, Writer
from snapshot.bell import Bell
from watcher.consul import WAIT, Asking, base_url, service_of
from watcher.named_files import FileSet, Guard, NamedFiles, file_set

if TYPE_CHECKING:
    import aiohttp

LOOK: Final = 5.0
"""Seconds after which it is looked for services that are wanted, though no bell rang."""

CONNECT_SECONDS: Final = 5.0

FILES_LOOK: Final = 0.5
"""Seconds between two looks at files."""

FILES: Final = "file/"
"""Begins the keys of files; the others are services."""

log = logs.get()


class Catalog:
    """The shell round every `Asking`: tasks, the HTTP client, the snapshot."""

    def __init__(self, snapshot: Snapshot, settings: Settings) -> None:
        self._wanted: Reader = snapshot.reader("wanted")
        self._known: Reader = snapshot.reader("catalog")
        self._writer: Writer = snapshot.writer("catalog")
        self._settings = settings
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._session: aiohttp.ClientSession | None = None
        self._files = NamedFiles(Guard.of(settings))
        self._new_files: dict[str, FileSet | None] = {}
        self._look = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Until it is cancelled. What goes wrong here harms nothing else of the watcher."""
        bell = Bell.listen(self._settings.bells_dir, "catalog", "wanted")
        try:
            while True:
                self._follow()
                await bell.wait(LOOK)
        except SnapshotError as error:  # the watcher ends for it, too
            log.warning("Consul is followed no more", reason=str(error))
        except Exception:
            log.exception("Consul is followed no more: a bug of ours")
        finally:
            bell.close()
            for task in (*self._tasks.values(), *((self._looking,) if self._looking else ())):
                task.cancel()
            if self._session is not None:
                await self._session.close()

    def _follow(self) -> None:
        """A task for each service that is wanted, and one for all files; of what nobody wants nothing is kept."""
        changes = self._wanted.changes()
        if changes.sequence == 0:
            return
        if changes.whole:
            self._forget(key for key in self._known.all() if key not in changes.records)
        for key, record in changes.records.items():
            if key.startswith(FILES):
                self._follow_file(key, record)
                continue
            task = self._tasks.pop(key, None)
            if task is not None:
                task.cancel()
            if record is None:
                self._forget([key])
                continue
            asking = Asking(service_of(record), self._known.get(key), random.random)
            self._tasks[key] = asyncio.create_task(self._keep_asking(key, asking))

    def _follow_file(self, key: str, record: Record | None) -> None:
        if record is None:
            self._forget([key])
        self._new_files[key] = file_set(record) if record else None
        self._look.set()
        if self._looking is None:
            self._looking = asyncio.create_task(self._keep_looking())

    async def _keep_looking(self) -> None:
        while True:
            self._look.clear()
            news, self._new_files = self._new_files, {}
            self._files.forget(news)
            for key, files in news.items():
                if files is not None:
                    self._files.want(key, files)
            try:
                found = await asyncio.to_thread(self._files.look, time.monotonic()) if self._files else {}
                self._writer.commit({key: record for key, record in found.items() if key not in self._new_files})
                rest = FILES_LOOK
            except SnapshotFullError as error:
                log.error("no room for what files say", reason=str(error))  # noqa: TRY400 -- no failure of ours
                self._files.read_again(found)
                rest = LOOK
            except SnapshotError:
                return  # the watcher ends for it, too
            except Exception:
                log.exception("files that objects name are followed no more: a bug of ours")
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(rest if self._files else None):
                    await self._look.wait()

    def _forget(self, keys: Iterable[str]) -> None:
        """Nobody wants to know it any more; where there is no room to say so, it harms nobody."""
        with suppress(SnapshotFullError):
            self._writer.commit(dict.fromkeys(keys))

    async def _keep_asking(self, key: str, asking: Asking) -> None:
        while True:
            told = asking.told
            try:
                record, rest = await self._ask(asking)
                if record is not None:
                    self._writer.commit({key: record})
            except SnapshotFullError as error:
                log.error("no room for what Consul says", reason=str(error))  # noqa: TRY400 -- no failure of ours
                rest = LOOK
            except SnapshotError:
                return  # the watcher ends for it, too
            except Exception:
                log.exception(
                    "a service of Consul's is followed no more: a bug of ours", service=asking.service.service
                )
                return
            self._tell(asking, told)
            await asyncio.sleep(rest)

    async def _ask(self, asking: Asking) -> tuple[Record | None, float]:
        import aiohttp  # noqa: PLC0415 -- costs 12 MB: only with Consul

        settings = self._settings
        if self._session is None:
            limit = aiohttp.ClientTimeout(total=WAIT * 1.5, sock_connect=CONNECT_SECONDS)
            # aiohttp's own knows no authority, see entrypoint/loading.py
            connector = aiohttp.TCPConnector(limit=0, ssl=ssl.create_default_context())
            self._session = aiohttp.ClientSession(timeout=limit, connector=connector)
        where = base_url(asking.service.address, settings.consul_address, os.environ)
        ours = base_url("", settings.consul_address, os.environ)
        headers = {"X-Consul-Token": settings.consul_token} if settings.consul_token and where == ours else {}
        try:
            async with self._session.get(
                where + asking.path, params=asking.params, headers=headers, allow_redirects=False
            ) as answer:
                body = await answer.read()
                if answer.status != HTTPStatus.OK:
                    said = body[:200].decode(errors="replace").strip()
                    return asking.failed(f"it answers {answer.status} {said}".strip())
                return asking.answered(answer.headers.get("X-Consul-Index"), body)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:  # a URL that is none is a ValueError
            return asking.failed(str(error) or type(error).__name__)

    def _tell(self, asking: Asking, before: str) -> None:
        named = {"service": asking.service.service, "datacenter": asking.service.datacenter}
        if asking.told and not before:
            log.warning("Consul does not answer", **named, reason=asking.told)
        elif before and not asking.told:
            log.info("Consul answers again", **named)
