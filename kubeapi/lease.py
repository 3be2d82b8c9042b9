"""Leading: the shell round `kubeapi.election`, which sends what that decides to the API server.

    lease = Lease(api, settings.namespace, lease_name(settings.ambassador_id, "status"), settings.pod_name)
    task = asyncio.create_task(lease.run(stopping))
    await lease.gained()
    while lease.is_held: ...

Who leads asks `is_held` before each act, since a lease ends by the clock, without anybody's word. When `stopping` is
set, the lease is given back, and another replica has it within moments.

Its owner is the holder's ServiceAccount, so that it goes with the installation (`kubeapi.owner`).

Rights: get, create and patch of `leases` (coordination.k8s.io) in the namespace.
"""

import asyncio
import math
import random
import re
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from http import HTTPStatus
from typing import Any, Final

import orjson

from kubeapi.connection import Answer, Connection, UnreachableError
from kubeapi.election import NOBODY, Election, Look, Record, Terms, Wait, Write, identity_of
from kubeapi.owner import Owner, Owners
from process import logs

__all__ = ["Lease", "Terms", "lease_name"]

MERGE_PATCH: Final = "application/merge-patch+json"

_PLAIN: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,98}[a-z0-9])?")

log = logs.get("lease")


def lease_name(ambassador_id: str, purpose: str) -> str:
    """The name of a gateway's Lease; an id that cannot be in a name is spelt so that it can, with its hash."""
    if _PLAIN.fullmatch(ambassador_id):
        return f"dragoman-{ambassador_id}-{purpose}"
    spelt = re.sub(r"[^a-z0-9]+", "-", ambassador_id.lower())[:60].strip("-")
    return f"dragoman-{spelt}-{blake2b(ambassador_id.encode(), digest_size=4).hexdigest()}-{purpose}"


class Lease:
    """A Lease that this process wants to hold as long as `run` runs."""

    def __init__(self, api: Connection, namespace: str, name: str, pod: str, terms: Terms | None = None) -> None:
        self._api = api
        self._name = name
        self._folder = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._terms = terms or Terms()
        self.identity = identity_of(pod, uuid.uuid4().hex[:12])
        self._election = Election(self.identity, self._terms, random.Random().random)  # noqa: S311 -- no secret
        self._gained = asyncio.Event()
        self._known_holder = NOBODY
        self._owners = Owners(api, namespace)
        self._trouble = ""

    @property
    def is_held(self) -> bool:
        """Whether this process leads, at this moment."""
        return self._election.holds(_now())

    async def gained(self) -> None:
        """Wait until this process leads; it may end soon after, so ask `is_held`."""
        while not self.is_held:
            self._gained.clear()
            await self._gained.wait()

    async def run(self, stopping: asyncio.Event) -> None:
        """Be a candidate until `stopping` is set, then give the lease back."""
        told = asyncio.ensure_future(stopping.wait())
        try:
            while not stopping.is_set():
                step = self._election.step(_now())
                if isinstance(step, Wait):
                    await asyncio.wait({told}, timeout=step.seconds)
                else:
                    await self._take(step)
                self._tell()
        finally:
            told.cancel()
        await self._release()

    async def _take(self, step: Look | Write) -> None:
        try:
            answer = await self._send(step)
        except UnreachableError as error:
            self._fail(str(error))
            return
        now = _now()
        if answer.ok:
            record = _record_of(answer)
            if record is None:
                self._fail("the API server's answer is no Lease")
                return
            self._trouble = ""
            (self._election.looked if isinstance(step, Look) else self._election.written)(now, record)
        elif isinstance(step, Write) and answer.status == HTTPStatus.FORBIDDEN and self._owners.refused():
            self._election.refused(now)
        elif isinstance(step, Look) and answer.status == HTTPStatus.NOT_FOUND:
            self._election.looked(now, None)
        elif isinstance(step, Write) and answer.status in {HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND}:
            # Creating in a namespace that is not there is answered 404, which no second look would better.
            if step.version is None and answer.status == HTTPStatus.NOT_FOUND:
                self._fail(answer.message)
            else:
                self._election.refused(now)
        else:
            self._fail(answer.message)

    async def _send(self, step: Look | Write) -> Answer:
        timeout = max(self._terms.retry, 1.0)
        if isinstance(step, Look):
            return await self._api.request("GET", f"{self._folder}/{self._name}", timeout=timeout)
        owners = await self._owners.look(timeout)
        body = orjson.dumps(_document(self._name, step, datetime.now(UTC), owners))
        if step.version is None:
            return await self._api.request("POST", self._folder, body=body, timeout=timeout)
        path = f"{self._folder}/{self._name}"
        return await self._api.request("PATCH", path, body=body, content_type=MERGE_PATCH, timeout=timeout)

    def _fail(self, reason: str) -> None:
        self._election.failed(_now())
        if reason != self._trouble:
            self._trouble = reason
            log.warning("the lease cannot be had", lease=self._name, reason=reason, instead="trying again")

    def _tell(self) -> None:
        """Wake who waits to lead, and say it when another holder is known."""
        if self.is_held:
            self._gained.set()
        holder = self._election.holder
        if self.is_held or holder == self.identity:  # what was seen last may be of before the last write, or lapsed
            holder = self.identity if self.is_held else NOBODY
        if holder != self._known_holder:
            self._known_holder = holder
            log.info("leading" if self.is_held else "not leading", lease=self._name, holder=holder or "nobody")

    async def _release(self) -> None:
        step = self._election.release(_now())
        if step is None:
            return
        try:
            answer = await self._send(step)
        except UnreachableError as error:
            log.info("the lease was not given back", lease=self._name, reason=str(error))
            return
        if answer.ok:
            log.info("the lease was given back", lease=self._name)


def _now() -> float:
    """Seconds of a clock that nobody sets, and that goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _document(name: str, step: Write, now: datetime, owners: Sequence[Owner]) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name}
    if owners:
        metadata["ownerReferences"] = owners
    if step.version is not None:
        metadata["resourceVersion"] = step.version
    moment = now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": metadata,
        "spec": {
            "holderIdentity": step.holder,
            "leaseDurationSeconds": math.ceil(step.duration),
            "acquireTime": step.acquired or moment,
            "renewTime": moment,
            "leaseTransitions": step.transitions,
        },
    }


def _record_of(answer: Answer) -> Record | None:
    try:
        document = orjson.loads(answer.body)
        spec = document.get("spec") or {}
        return Record(
            version=str(document["metadata"]["resourceVersion"]),
            holder=str(spec.get("holderIdentity") or NOBODY),
            duration=float(spec.get("leaseDurationSeconds") or 0),
            acquired=str(spec.get("acquireTime") or ""),
            transitions=int(spec.get("leaseTransitions") or 0),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
