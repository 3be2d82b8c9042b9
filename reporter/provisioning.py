"""Making what Gateways have of their own, their Services first, by who holds the lease alone; and taking it away.

What a Gateway is to have comes with its status (`statuses`), so that a change costs one look at that Gateway. What
there is, is asked once a term. Nothing is deleted because nothing is said of it: a translator that begins has said
nothing yet. Only where the API server says that the Gateway is gone, or is of another class by now, its Service goes.

Beside its Service a Gateway has a name in its own namespace (`reporter.naming`) and perhaps pods (`reporter.pods`).

What fails for one Gateway is tried again by and by, and the others do not wait for it; they do where the API server
cannot be asked at all, or wants to be left in peace.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Literal

import orjson

from kubeapi.connection import Connection, UnreachableError
from process import logs
from process.settings import Settings
from reporter.asking import Asking, FailedError, RestError
from reporter.naming import Naming
from reporter.objects import GATEWAY_API, JSONObject
from reporter.pods import NoTemplateError, Pods
from reporter.services import (
    SERVES,
    SERVES_GATEWAY,
    FullError,
    Given,
    Service,
    Wish,
    document_of,
    service_of,
    wants_none,
    wish_of,
)
from snapshot import Reader, Record, Snapshot

PREFIX: Final = f"{GATEWAY_API}/Gateway/"
SHORTEST, LONGEST = 1.0, 30.0
"""Seconds until what failed is tried again, at first and at last."""

log = logs.get("provisioning")


class Provisioning:
    """One leadership's Services. `follow` is told that the snapshot may have changed, `run` does the rest."""

    def __init__(self, snapshot: Snapshot, settings: Settings, api: Connection, leads: Callable[[], bool]) -> None:
        self._statuses: Reader = snapshot.reader("statuses", beginning=GATEWAY_API)
        self._asking = Asking(api)
        self._leads = leads
        self._namespace, self._owner = settings.namespace, settings.ambassador_id
        self._folder = f"/api/v1/namespaces/{settings.namespace}/services"
        self._naming = Naming(self._asking, self._namespace, self._owner)
        self._pods = Pods(self._asking, self._namespace, self._owner, settings.pod_name)
        self._given = Given()
        self._made: dict[str, JSONObject] = {}
        self._wishes: dict[str, Wish] = {}
        self._due: dict[str, None] = {}
        self._rests: dict[str, tuple[float, asyncio.TimerHandle]] = {}
        self._again: dict[str, asyncio.TimerHandle] = {}
        self._rang = asyncio.Event()
        self._is_ours = False
        self._is_listed = False
        self._is_troubled = False

    def follow(self) -> None:
        """Note which Gateways are to have other Services than before. Raises what `Reader.told` does."""
        for key, wish in self._statuses.told(_wish_or_nothing).records.items():
            self._is_ours = self._is_ours or key.startswith(GATEWAY_API)
            if not key.startswith(PREFIX):
                continue
            if wish:
                is_same = self._wishes.get(key) == wish and not _is_open(wish)
                self._wishes[key] = wish
            else:
                is_same = self._wishes.pop(key, None) is None and not self._given.of(_called(key))
            if not is_same:
                self._due[key] = None
        if self._is_due:
            self._rang.set()

    @property
    def _is_due(self) -> bool:
        """Whether there is something to do; what a former term left is looked for where Gateway API is served."""
        return bool(self._due) or (self._is_ours and not self._is_listed)

    async def run(self) -> None:
        """Make them as they are to be, one after the other, until cancelled."""
        rest = SHORTEST
        while True:
            await self._rang.wait()
            self._rang.clear()
            while self._is_due and self._leads():
                try:
                    await self._step()
                    rest = self._well()
                except (UnreachableError, RestError) as error:
                    self._trouble(str(error), rest)
                    await asyncio.sleep(rest)
                    rest = min(2 * rest, LONGEST)

    async def _step(self) -> None:
        if not self._is_listed:
            await self._list()
            return
        key = next(iter(self._due))
        del self._due[key]
        try:
            await self._look(key)
            rested = self._rests.pop(key, None)
            if rested is not None:
                rested[1].cancel()
                log.info("the Service of a Gateway is well again", gateway=_called(key))
        except (UnreachableError, RestError):
            self._due[key] = None
            raise
        except (FailedError, FullError, NoTemplateError) as error:
            self._put_off(key, str(error))
        except Exception:
            log.exception("a Service could not be made: a bug of ours", gateway=_called(key))

    def _put_off(self, key: str, reason: str) -> None:
        """This one alone failed: it is looked at again after a rest of its own."""
        before = self._rests.get(key)
        if before is None:
            log.warning("the Service of a Gateway cannot be made", gateway=_called(key), reason=reason)
        else:
            before[1].cancel()  # a change came in between
        rest = SHORTEST if before is None else min(2 * before[0], LONGEST)
        self._rests[key] = rest, asyncio.get_running_loop().call_later(rest, self._touch, key)

    def _touch(self, key: str) -> None:
        self._due[key] = None
        self._rang.set()

    async def _look(self, key: str) -> None:
        wish, again = self._wishes.get(key), self._again.pop(key, None)
        if again is not None:
            again.cancel()
        if wish is None:
            await self._withdraw(self._given.of(_called(key)))
        elif wish.selector and wish.targets:  # else there is nothing yet that a Service could lead to
            await self._make(key, wish)
            if wish.is_provisioned and _is_open(wish):  # nobody tells that pods are gone which have never served
                self._again[key] = asyncio.get_running_loop().call_later(LONGEST, self._touch, key)

    async def _make(self, key: str, wish: Wish) -> None:
        gateway, before = _called(key), self._given.services.get(wish.name)
        targets = self._given.targets(wish)
        document = document_of(wish, gateway, targets, self._namespace, self._owner)
        if before is not None:  # what is no more to be goes first: once the Service says otherwise nobody knows of it
            if before.gateway_class != wish.gateway_class:
                await self._naming.take(before)
            if before.is_provisioned and not wish.is_provisioned:
                await self._pods.withdraw(wish.name)
        if self._made.get(wish.name) != document or not all(wish.targets.values()):
            made = await self._asking.apply(f"{self._folder}/{wish.name}", document)
            self._given.keep(service_of(made))
            if before is None:
                log.info("a Gateway has a Service of its own now", gateway=gateway, service=wish.name)
            if wish.is_provisioned:
                await self._pods.make(wish, gateway, made["metadata"]["uid"])
            self._made[wish.name] = document
        await self._naming.give(wish, gateway)

    async def _withdraw(self, services: list[Service]) -> None:
        """Take away those whose Gateway is gone, or of another class than they were made for."""
        for service in services:
            if not await self._is_over(service):
                continue
            await self._naming.take(service)
            await self._asking.delete(f"{self._folder}/{service.name}")
            self._given.forget(service.name)
            self._made.pop(service.name, None)
            log.info("the Service of a Gateway is taken away", gateway=service.gateway, service=service.name)

    async def _list(self) -> None:
        """Learn which Services there are; those of Gateways that have gone meanwhile go too."""
        answer = await self._asking.ask("GET", self._folder, params={"labelSelector": f"{SERVES}={SERVES_GATEWAY}"})
        if not answer.ok:
            raise RestError(answer.message)
        try:
            services = [service_of(each) for each in orjson.loads(answer.body)["items"] or ()]
        except (ValueError, TypeError, KeyError) as error:
            raise RestError("it does not answer with a list of Services") from error
        for service in services:
            if service.owner == self._owner:  # another one's lead to another Envoy
                self._given.keep(service)
        self._is_listed = True
        for service in self._given.services.values():
            if service.gateway and f"{PREFIX}{service.gateway}" not in self._wishes:
                self._due[f"{PREFIX}{service.gateway}"] = None

    async def _is_over(self, service: Service) -> bool:
        """Whether a Service has nothing to serve any more: we say that its Gateway has none, or that is not ours."""
        record = self._statuses.get(f"{PREFIX}{service.gateway}")
        if record is not None and wants_none(record):
            return True
        if wish_of(record) is not None:
            return False
        namespace, _, name = service.gateway.partition("/")
        found = await self._asking.find(f"/apis/{GATEWAY_API}/v1/namespaces/{namespace}/gateways/{name}")
        if found is None:
            return True
        spec = found.get("spec") or {}
        return bool(spec.get("gatewayClassName") != service.gateway_class)

    def _well(self) -> float:
        if self._is_troubled:
            self._is_troubled = False
            log.info("Services of Gateways can be made again")
        return SHORTEST

    def _trouble(self, reason: str, rest: float) -> None:
        if not self._is_troubled:
            self._is_troubled = True
            log.warning("Services of Gateways cannot be made", reason=reason, again_in_s=rest)


def _wish_or_nothing(record: Record) -> Wish | Literal[False]:
    return wish_of(record) or False


def _is_open(wish: Wish | Literal[False] | None) -> bool:
    """Whether a port leads nowhere, as far as the translator knows: a Service that was made may be gone by now."""
    return isinstance(wish, Wish) and not all(wish.targets.values())


def _called(key: str) -> str:
    return key.removeprefix(PREFIX)
