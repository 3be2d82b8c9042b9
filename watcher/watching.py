"""Watches a cluster: asks what the reflectors want to know, tells them what came, and publishes what follows."""

import asyncio
import gc
import time
from collections.abc import Iterable
from contextlib import suppress
from http import HTTPStatus
from typing import Final

import orjson

from kubeapi.connection import Answer, Connection, UnreachableError
from process import logs
from process.settings import Settings
from watcher.asking import Ask
from watcher.cluster import Cluster
from watcher.gateway_kinds import GATEWAY_KINDS
from watcher.kinds import BESIDE_ONE, KINDS, KNATIVE, SECRET, Kind, Target
from watcher.outage import Random
from watcher.publishing import Publishing
from watcher.reflector import Reflector
from watcher.state import Changes
from watcher.watch_events import Listed, Missing, WatchEvent

LIST_SECONDS: Final = 60.0
"""For a page of all objects."""

DISCOVERY: Final = 10.0
"""Seconds after which it is asked whether a kind that was missing is there now."""

TEND: Final = 1.0
"""Seconds after which what could not be written is tried again, and whether the snapshot is still ours is looked at."""

PATIENCE: Final = 10.0
"""Seconds after which it is said, each time, what the first view waits for."""

log = logs.get()


def targets_of(settings: Settings) -> tuple[Target, ...]:
    """What is to be watched.

    Who is to see some namespaces may not see what is beyond them: no classes, and so nothing of Gateway API.
    """
    own = (settings.namespace,) if settings.certificates_from_own_namespace else settings.namespaces
    everywhere = not settings.namespaces
    own_kinds = BESIDE_ONE if settings.gateway else (*KINDS, *(KNATIVE if settings.knative else ()))
    kinds = (*own_kinds, *(GATEWAY_KINDS if everywhere else ()))
    return tuple(
        _target(kind, namespace, settings)
        for kind in kinds
        for namespace in (own if kind is SECRET else settings.namespaces) or ("",)
        if not (kind.is_everywhere and namespace)
    )


def _target(kind: Kind, namespace: str, settings: Settings) -> Target:
    if not kind.chosen:
        return Target(kind, namespace)
    return Target(kind, namespace, labels=settings.label_selector, fields=settings.field_selector)


class Watching:
    """The shell around a Cluster: tasks, the clock, the connection, the snapshot."""

    def __init__(
        self, api: Connection, cluster: Cluster, objects: Publishing, live: Publishing, random: Random
    ) -> None:
        self._api = api
        self._cluster = cluster
        self._objects = objects
        self._live = live
        self._random = random
        self._tasks: dict[Target, asyncio.Task[None]] = {}
        self._wakes: dict[Target, asyncio.Event] = {}
        self._woken = 0
        self._outage = ""
        self._absent: set[Target] = set()
        self._listed: set[Target] = set()
        self._began = time.monotonic()

    async def run(self, stopping: asyncio.Event) -> None:
        """Watch until told to stop. SnapshotError when the snapshot cannot be used any more."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._keep_up()
                helpers = [group.create_task(each) for each in (self._tend(), self._discover())]
                await stopping.wait()
                for task in (*helpers, *self._tasks.values()):
                    task.cancel()
        except* Exception as failures:
            raise _first_of(failures) from failures

    # Asking

    async def _reflect(self, reflector: Reflector) -> None:
        wake = self._wakes[reflector.target]
        while True:
            wake.clear()
            step = reflector.next(time.monotonic())
            if isinstance(step, Ask):
                await self._ask(reflector, step)
            else:
                with suppress(TimeoutError):
                    async with asyncio.timeout(step - time.monotonic()):
                        await wake.wait()

    async def _ask(self, reflector: Reflector, ask: Ask) -> None:
        try:
            if ask.stream:
                await self._stream(reflector, ask)
                return
            answer = await self._api.request("GET", reflector.target.path, params=ask.params, timeout=LIST_SECONDS)
        except UnreachableError as error:
            self._take(reflector, reflector.ended(time.monotonic(), str(error)))
            return
        if answer.ok:
            self._take(reflector, reflector.listed(time.monotonic(), answer.body))
        else:
            await self._refuse(reflector, answer)

    async def _stream(self, reflector: Reflector, ask: Ask) -> None:
        async with self._api.stream(reflector.target.path, ask.params) as stream:
            answer = stream.answer
            if not answer.ok:
                await self._refuse(reflector, answer)
                return
            self._take(reflector, reflector.opened(time.monotonic()))
            loop = asyncio.get_running_loop()
            try:
                async with asyncio.timeout(reflector.silence) as limit:
                    async for lines in stream.batches():
                        self._take(reflector, reflector.heard(time.monotonic(), lines))
                        if reflector.over:
                            return
                        limit.reschedule(loop.time() + reflector.silence)
            except TimeoutError:
                self._take(reflector, reflector.silent(time.monotonic()))
                return
            self._take(reflector, reflector.ended(time.monotonic()))

    async def _refuse(self, reflector: Reflector, answer: Answer) -> None:
        """What it was refused. A right is asked for before the kind is looked for, so that none is missed in vain."""
        status, kind = answer.status, reflector.target.kind
        if status == HTTPStatus.FORBIDDEN and kind.optional and await self._is_missing(kind):
            status = HTTPStatus.NOT_FOUND
        self._take(reflector, reflector.refused(time.monotonic(), status, answer.message, answer.retry_after))

    async def _is_missing(self, kind: Kind) -> bool:
        served = await self._served(kind.api)
        return served is not None and kind.plural not in served

    async def _served(self, path: str) -> frozenset[str] | None:
        """The plurals of a group's version that the server has; None where it does not say."""
        with suppress(UnreachableError, ValueError, TypeError, KeyError):
            answer = await self._api.request("GET", path)
            if answer.ok:
                return frozenset(found["name"] for found in orjson.loads(answer.body)["resources"])
            if answer.status == HTTPStatus.NOT_FOUND:
                return frozenset()
        return None

    # What came of it

    def _take(self, reflector: Reflector, events: list[WatchEvent]) -> None:
        if events:
            self._tell(reflector.target, events)
            was_complete = self._cluster.complete
            outcome = self._cluster.take(time.monotonic(), reflector.target, events)
            self._live.publish(outcome.live)  # first: it rings no bell, and whoever the objects wake wants both
            self._objects.publish(outcome.objects)
            if self._cluster.complete and not was_complete:
                log.info("everything was seen", after_s=round(time.monotonic() - self._began, 2))
                gc.collect()
                gc.freeze()  # what was read at the start lives long: no collection has to walk it again
            self._keep_up()
        if self._woken != self._cluster.wakes:
            self._woken = self._cluster.wakes
            for wake in self._wakes.values():
                wake.set()
        self._tell_outage()

    def _keep_up(self) -> None:
        """A task for each reflector there is."""
        reflectors = self._cluster.reflectors
        if reflectors.keys() == self._tasks.keys():
            return
        for target in self._tasks.keys() - reflectors.keys():
            self._tasks.pop(target).cancel()
            del self._wakes[target]
        for target in reflectors.keys() - self._tasks.keys():
            self._wakes[target] = asyncio.Event()
            self._tasks[target] = self._group.create_task(self._reflect(reflectors[target]))

    def _tell(self, target: Target, events: Iterable[WatchEvent]) -> None:
        for event in events:
            if isinstance(event, Missing) and target not in self._absent and not target.name:
                self._absent.add(target)
                if target in self._listed:
                    said = "its objects are served no longer, unless it is back by a second look"
                    log.warning("the API server has lost a kind", kind=target.kind.resource, consequence=said)
                else:
                    log.info("the API server has no such kind", kind=target.kind.resource, instead="waiting for it")
            elif isinstance(event, Listed):
                self._listed.add(target)
                if target in self._absent:
                    self._absent.discard(target)
                    log.info("the kind is there now", kind=target.kind.resource)

    def _tell_outage(self) -> None:
        outage = self._cluster.outage
        if outage and not self._outage:
            log.warning("the API server does not answer: what was known stays", server=self._api.server, reason=outage)
        elif self._outage and not outage:
            log.info("the API server answers again")
        self._outage = outage

    # Now and then

    async def _tend(self) -> None:
        told = time.monotonic()
        while True:
            await asyncio.sleep(TEND)
            self._objects.publish(Changes())
            self._live.publish(Changes())
            if not self._cluster.complete and time.monotonic() - told > PATIENCE:
                told = time.monotonic()
                log.warning("not everything was seen yet", waiting_for=", ".join(self._cluster.waiting_for))

    async def _discover(self) -> None:
        """Wake the reflectors whose kind was missing, when the server says that it has it."""
        while True:
            await asyncio.sleep(DISCOVERY * (1 + self._random() / 4))
            for path, reflectors in self._cluster.missing().items():
                there = await self._served(path) or frozenset()
                for reflector in reflectors:
                    if reflector.target.kind.plural in there:
                        reflector.wake(time.monotonic())
                        self._wakes[reflector.target].set()


def _first_of(failures: BaseExceptionGroup[Exception]) -> BaseException:
    first = failures.exceptions[0]
    return _first_of(first) if isinstance(first, BaseExceptionGroup) else first
