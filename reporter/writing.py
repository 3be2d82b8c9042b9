"""Carrying out what an object lacks: writing its status, and Events. A refusal of a kind is told once.

A status is written with server-side apply, where each writer's part is its own. The lists of a shared one are one
value: they are written with the version that they were made from, and made again if that is another one by now.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

import orjson

from kubeapi.connection import Answer, Connection, UnreachableError
from process import logs
from reporter.allowance import Allowance
from reporter.events import COMPONENT, NewEvent, event, event_name
from reporter.objects import JSONObject, Live, Name, live_of_answer
from reporter.refusals import EVERYWHERE, LONGEST_BACKOFF, REFUSED_FOR, Refusals

APPLY: Final = "application/apply-patch+yaml"
MERGE_PATCH: Final = "application/merge-patch+json"
TIMEOUT: Final = 10.0
WANTS_REST: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
TRIES: Final = 5
"""How often a shared status is read again, at most, since somebody else has just written to it."""
UNKNOWN_FIELD: Final = "not declared in schema"
LONGEST_MANAGER: Final = 128
"""Characters of a field manager's name, at most."""

EVENT: Final = "Event"
EVENTS_A_SECOND, EVENTS_AT_ONCE = 10.0, 100.0
EVENTS_OF_ONE, ONE_EACH = 5.0, 30.0
"""Events of one object in a burst, and the seconds between them afterwards."""
COUNTED_EACH: Final = 30.0
"""Seconds between two counts in the log of the Events that were left out."""
MOST_COUNTED: Final = 1000
"""Objects whose allowance is remembered: those that had an Event last."""

log = logs.get("writing")


class _LaterError(Exception):
    """`retry_after`: the seconds that the API server asked for, if it did."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class RestError(_LaterError):
    """The API server wants to be left in peace, or knows us no more."""


class FailedError(_LaterError):
    """This request alone failed, as where an admission webhook is down: others may go well."""


class RefusedError(Exception):
    """No status of this kind can be written, in a namespace or EVERYWHERE; the message says why and what to do."""

    def __init__(self, reason: str, namespace: str) -> None:
        super().__init__(reason)
        self.namespace = namespace


def now_text() -> str:
    """The time as Kubernetes writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _checked(answer: Answer) -> Answer:
    """RestError where the server has too much to do, FailedError where something else is at fault than the request."""
    if answer.status in WANTS_REST:
        raise RestError(answer.message, answer.retry_after)
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR and UNKNOWN_FIELD not in answer.message:
        raise FailedError(answer.message, answer.retry_after)
    return answer


class Statuses:
    """Writes statuses."""

    def __init__(self, api: Connection, ambassador_id: str) -> None:
        self._api = api
        self._parameters = {"fieldManager": f"{COMPONENT}-{ambassador_id}"[:LONGEST_MANAGER], "force": "true"}

    async def apply(self, name: Name, uid: str, status: JSONObject) -> Live | None:
        """Apply a status: the object as it is then, or None when it is gone or can have no such status.

        It may be another object, that has its name by now: the API server compares no uid where a status is applied.
        Raises RefusedError, FailedError, RestError, UnreachableError.
        """
        document: JSONObject = {
            "apiVersion": name.api_version,
            "kind": name.kind,
            "metadata": {"name": name.name, "namespace": name.namespace},
        }
        if status:  # an empty one would be ours, and keep there what others take back
            document["status"] = status
        answer = await self._send(name, self._parameters, document, APPLY)
        if answer.ok:
            return live_of_answer(answer.body)
        if answer.status == HTTPStatus.CONFLICT:  # others write to it all the time
            raise FailedError(answer.message, answer.retry_after)
        await self._unwritten(name, uid, answer)
        return None

    async def amend(self, name: Name, live: Live, remake: Callable[[Live], JSONObject | None]) -> Live | None:
        """Write to a status that others write to as well: the object as it is then, or None as from `apply`.

        Args:
            name: which object.
            live: the object as it is known to be.
            remake: gives the fields that have to become others, by the object as it is; None: there are none.

        Raises what `apply` does.
        """
        parameters = {"fieldManager": self._parameters["fieldManager"]}
        for _ in range(TRIES):
            fields = remake(live)
            if not fields:
                return live
            document: JSONObject = {"metadata": {"resourceVersion": live.version}, "status": fields}
            answer = await self._send(name, parameters, document, MERGE_PATCH)
            if answer.ok:
                return live_of_answer(answer.body)
            if answer.status != HTTPStatus.CONFLICT:
                await self._unwritten(name, live.uid, answer)
                return None
            there = _checked(await self._api.request("GET", name.path, timeout=TIMEOUT))
            if not there.ok:
                await self._unwritten(name, live.uid, there)
                return None
            found = live_of_answer(there.body)
            if found is None or found.uid != live.uid:
                return None
            live = found
        raise FailedError("others write to it all the time")

    async def _send(self, name: Name, parameters: dict[str, str], document: JSONObject, content_type: str) -> Answer:
        path, body = f"{name.path}/status", orjson.dumps(document)
        sent = self._api.request(
            "PATCH", path, params=parameters, body=body, content_type=content_type, timeout=TIMEOUT
        )
        return _checked(await sent)

    async def _unwritten(self, name: Name, uid: str, answer: Answer) -> None:
        """Why it was not written: RefusedError where no other of its kind would be, else said in the log, or gone."""
        if answer.status == HTTPStatus.FORBIDDEN and not _is_denied(answer):
            reason = f"the right to patch {name.plural}/status is missing ({answer.message}): see deploy/"
            raise RefusedError(reason, name.namespace)
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            todo = ": apply deploy/crds.yaml" if name.is_own_kind else ""
            raise RefusedError(f"the CRD is another one ({answer.message}){todo}", EVERYWHERE)
        if answer.status == HTTPStatus.NOT_FOUND:
            if name.is_own_kind:
                await self._tell_why_not(name, uid)
            return
        log.warning("a status is refused", object=str(name), reason=answer.message)

    async def _tell_why_not(self, name: Name, uid: str) -> None:
        """Was the object not found, or its status? The API server answers both alike."""
        answer = _checked(await self._api.request("GET", name.path, timeout=TIMEOUT))
        found = live_of_answer(answer.body) if answer.ok else None
        if found is not None and found.uid == uid:  # another one was made meanwhile
            raise RefusedError("the CRD has no status subresource: apply deploy/crds.yaml", EVERYWHERE)


def _is_denied(answer: Answer) -> bool:
    """Whether a policy or a webhook denied this very request; a right that is missing is said in other words."""
    return "denied the request" in answer.message or "denied request" in answer.message


class Events:
    """Writes Events, not too many of them."""

    def __init__(self, api: Connection, pod: str) -> None:
        self._api = api
        self._pod = pod
        self._allowance = Allowance(EVENTS_A_SECOND, EVENTS_AT_ONCE)
        self._of_one: dict[str, Allowance] = {}
        self._left_out = 0
        self._counted_at = float("-inf")
        self._refusals = Refusals()

    async def tell(self, name: Name, uid: str, news: NewEvent, now: float) -> float | None:
        """Write an Event, or count it once more; None where it was left out, since there were too many.

        Else the seconds after which it is to be tried again, since it could not be written; 0: it was.
        UnreachableError and RestError as from the API server.
        """
        left = self._refusals.left(EVENT, name.namespace, now)
        if left:
            return left
        if not self._may(uid, now):
            self._left_out += 1
            return None
        folder = f"/api/v1/namespaces/{name.namespace}/events"
        body = orjson.dumps(event(name, uid, news, self._pod, now_text()))
        try:
            answer = _checked(await self._api.request("POST", folder, body=body, timeout=TIMEOUT))
            if answer.status == HTTPStatus.CONFLICT:
                answer = await self._count(f"{folder}/{event_name(name, uid, news)}")
        except FailedError as error:
            return self._refused(name.namespace, now, LONGEST_BACKOFF, reason=str(error))
        if answer.status == HTTPStatus.FORBIDDEN and "being terminated" not in answer.message:
            todo = "give the right: see deploy/"
            return self._refused(name.namespace, now, REFUSED_FOR, reason=answer.message, todo=todo)
        if answer.ok:
            log.info("told", object=str(name), reason=news.reason, message=news.message)
            if self._refusals.over(EVENT, name.namespace):
                log.info("Events can be written again", namespace=name.namespace)
        return 0.0

    def count(self, now: float, *, at_once: bool = False) -> None:
        """Say in the log how many Events were left out, once in a while or `at_once`."""
        if self._left_out and (at_once or now - self._counted_at >= COUNTED_EACH):
            log.warning("Events were left out, since there were too many", how_many=self._left_out)
            self._left_out, self._counted_at = 0, now

    def _refused(self, namespace: str, now: float, seconds: float, **why: str) -> float:
        if self._refusals.add(EVENT, namespace, now, seconds):
            log.warning("Events cannot be written", namespace=namespace, **why)
        return seconds

    async def _count(self, path: str) -> Answer:
        """Raise the count of an Event that is there."""
        found = _checked(await self._api.request("GET", path, timeout=TIMEOUT))
        if not found.ok:
            return found
        count = orjson.loads(found.body).get("count")
        body = orjson.dumps({"count": (count or 1) + 1, "lastTimestamp": now_text()})
        return _checked(await self._api.request("PATCH", path, body=body, content_type=MERGE_PATCH, timeout=TIMEOUT))

    def _may(self, uid: str, now: float) -> bool:
        one = self._of_one.pop(uid, None) or Allowance(1 / ONE_EACH, EVENTS_OF_ONE)
        self._of_one[uid] = one
        if len(self._of_one) > MOST_COUNTED:
            del self._of_one[next(iter(self._of_one))]
        return self._allowance.wait(now) == 0 and one.take(now) and self._allowance.take(now)


__all__ = ["Events", "FailedError", "RefusedError", "RestError", "Statuses", "UnreachableError", "now_text"]
