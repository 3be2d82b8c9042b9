"""The process: not ready while nothing is to be converted; else it serves, and sees to certificates when it leads."""

import asyncio
import datetime as dt
import sys
import time
from dataclasses import replace
from typing import Final, Literal

from kubeapi.connection import ConfigurationError, Connection, UnreachableError
from kubeapi.lease import Lease, lease_name
from process import logs
from process.main import FAILED, run
from process.settings import Settings
from webhook.authority import Material, made
from webhook.cluster import Cluster, RefusedError
from webhook.decision import Act, Make, Ours, Retire, Trust, World, decide, serving
from webhook.server import Server

LOOK: Final = 10.0
"""Seconds between two looks at the CRDs while we are on. A watch would show all those of others too."""
LOOK_OFF: Final = 20.0
LOOK_FORBIDDEN: Final = (2.0, 10.0, LOOK_OFF)
"""Where we may not see CRDs, after the first refusal, the second, and all others. The first ones may be an API server's
that has not read its roles yet."""
AGAIN: Final = 2.0
"""Seconds until what could not be seen or done is tried again."""

MADE_EACH: Final = 5.0
"""The least time between two makings of certificates: what somebody deletes all the time is not made all the time."""
NOBODY: Final = "no CRD is converted by us"
LEAVE: Final = 8.0
"""Seconds for which we go on answering when told to stop: API servers learn late that we leave, and never ask twice."""

log = logs.get()


class Webhook:
    """One turn after the other: look, act if we lead, serve, wait."""

    def __init__(self, api: Connection, settings: Settings) -> None:
        self._ours = Ours(settings.namespace, settings.webhook_service, settings.webhook_url)
        self._cluster = Cluster(api, self._ours, settings.webhook_service)
        self._server = Server(settings.webhook_port, settings.run_dir)
        name = lease_name(settings.ambassador_id, "webhook")
        self._lease = Lease(api, settings.namespace, name, settings.pod_name)
        self._tasks: tuple[asyncio.Task[None], ...] = ()
        self._leave = asyncio.Event()
        self._woken = asyncio.Event()
        self._trust = Trust()
        self._remembered: Material | None = None
        self._trouble = ""
        self._damage = ""
        self._forbidden = 0
        self._made = -MADE_EACH

    async def live(self, stopping: asyncio.Event) -> None:
        """Until told to stop, and a little longer. OSError when the port cannot be had."""
        self._server.stand_in(made(None, (), self._ours.names, dt.datetime.now(dt.UTC)).serving)
        await self._server.open()
        turns, told = asyncio.ensure_future(self._turns()), asyncio.ensure_future(stopping.wait())
        try:
            await asyncio.wait((turns, told), return_when=asyncio.FIRST_COMPLETED)
            if turns.done():
                turns.result()  # they do not end by themselves: they failed, and so do we
            turns.cancel()
            if self._server.is_ready:
                self._server.is_leaving = True
                await self._lead_no_more()
                await asyncio.sleep(LEAVE)
        finally:
            turns.cancel()
            told.cancel()
            await self._server.close()
            await self._lead_no_more()

    async def _turns(self) -> None:
        while True:
            self._woken.clear()
            await self._wait(await self._turn())

    async def _turn(self) -> float:
        """Look, and do what follows; the seconds until the next turn at the latest."""
        try:
            world = await self._cluster.look()
            self._forbidden = 0
            if not world.definitions:
                await self._idle()
                return LOOK_OFF
            self._learn(world)
            wanted = await self._act(world)
        except (UnreachableError, RefusedError) as error:
            return self._troubled(error)
        self._trouble = ""
        self._serve()
        return AGAIN if wanted else min(LOOK, self._trust.remaining(time.monotonic()) or LOOK)

    async def _idle(self) -> None:
        if self._trouble != NOBODY:
            log.info("off", reason=NOBODY)
        self._trouble = NOBODY
        self._server.is_ready = False
        await self._lead_no_more()

    def _troubled(self, error: UnreachableError | RefusedError) -> float:
        """What could not be seen or done: say it once; the seconds until it is tried again."""
        is_news, self._trouble = str(error) != self._trouble, str(error)
        if is_news:
            instead = "serving as before" if self._server.is_ready else "older versions are not converted"
            log.warning("the certificates cannot be seen to", reason=self._trouble, instead=instead)
        if isinstance(error, UnreachableError):
            return AGAIN
        if error.forbids:
            self._forbidden += 1
            return LOOK_FORBIDDEN[min(self._forbidden, len(LOOK_FORBIDDEN)) - 1]
        return min(max(error.retry_after or 0.0, AGAIN), LOOK_OFF)

    def _learn(self, world: World) -> None:
        self._trust = self._trust.seen(world, time.monotonic())
        if world.secret and world.secret.material:
            self._remembered = world.secret.material
            if world.secret.reason not in ("", self._damage):
                log.warning("what served before cannot be used", reason=world.secret.reason, instead="doing without")
            self._damage = world.secret.reason
        if not self._tasks:
            log.info("on", definitions=len(world.definitions))
            self._leave.clear()
            running = (self._lease.run(self._leave), self._cluster.ring(self._woken))
            self._tasks = tuple([asyncio.create_task(each) for each in running])

    async def _act(self, world: World) -> bool:
        """Do what is to be done, if we lead; whether there was something."""
        if not self._lease.is_held:
            return False
        now = dt.datetime.now(dt.UTC)
        acts = decide(world, self._remembered, self._ours.names, now)
        if any(isinstance(act, Make | Retire) for act in acts):
            now = await self._cluster.now()
            acts = decide(world, self._remembered, self._ours.names, now)
        for act in acts:
            if self._lease.is_held:
                await self._do(act, now)
        return bool(acts)

    async def _do(self, act: Act, now: dt.datetime) -> None:
        if isinstance(act, Make):
            if time.monotonic() < self._made + MADE_EACH:
                return
            self._made = time.monotonic()
            material = made(act.signer, act.trusted, act.names, now)
            if await self._cluster.write(replace(material, previous=act.previous), act.version):
                log.info("certificates made", reason=act.reason, authority="the same" if act.signer else "new")
        elif isinstance(act, Retire):
            if await self._cluster.write(act.material, act.version):
                log.info("what served before is trusted no longer")
        elif await self._cluster.patch(act):
            log.info("a CRD trusts us", definition=act.name)

    def _serve(self) -> None:
        """With the right certificate, as soon as there is one."""
        if self._remembered is None:
            return
        pair = serving(self._remembered, self._trust, time.monotonic(), self._server.pair)
        if self._server.use(pair):
            log.info("serving with another certificate")
        if not self._server.is_ready:
            self._server.is_ready = True
            log.info("ready")

    async def _lead_no_more(self) -> None:
        """Neither lease nor watch."""
        tasks, self._tasks = self._tasks, ()
        if tasks:
            leading, ringing = tasks
            self._leave.set()
            ringing.cancel()
            await asyncio.wait(tasks)
            if not leading.cancelled():
                leading.result()

    async def _wait(self, seconds: float) -> None:
        told = [self._woken.wait()]
        if self._tasks and not self._lease.is_held:
            told.append(_gained(self._lease))
        waits = [asyncio.ensure_future(each) for each in told]
        try:
            await asyncio.wait([*waits, *self._tasks], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        for task in self._tasks:
            if task.done():
                task.result()  # neither ends by itself: it failed, and so do we


async def _gained(lease: Lease) -> Literal[True]:
    await lease.gained()
    return True


async def serve(settings: Settings, stopping: asyncio.Event) -> int:
    """Serve until told to stop; returns the exit code, 1 when the port cannot be had."""
    if settings.config_dir is not None:
        log.info("off", reason="objects come from a folder")
        await stopping.wait()
        return 0
    try:
        async with Connection.open(settings) as api:
            await Webhook(api, settings).live(stopping)
    except ConfigurationError as error:
        log.error("no way to the API server", reason=str(error))  # noqa: TRY400
        return FAILED
    except OSError as error:
        log.error("cannot listen", port=settings.webhook_port, reason=error.strerror)  # noqa: TRY400
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(run("webhook", serve))
