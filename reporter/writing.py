"""Carrying out what an object lacks: server-side apply on its status, and Events. A refusal of a kind is told once."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

import orjson

from kubeapi.connection import Answer, Connection, UnreachableError
from process import logs
from reporter.agenda import MUTED_FOR
from reporter.allowance import Allowance
from reporter.news import COMPONENT, News, event, event_name
from reporter.objects import GROUP, VERSION, JSONObject, Live, Name, live_of_answer

APPLY: Final = "application/apply-patch+yaml"
MERGE_PATCH: Final = "application/merge-patch+json"
TIMEOUT: Final = 10.0
LONGEST_MANAGER: Final = 128
"""Characters of a field manager's name, at most."""

EVENTS_A_SECOND, EVENTS_AT_ONCE = 10.0, 100.0
EVENTS_OF_ONE, ONE_EACH = 5.0, 30.0
"""Events of one object in a burst, and the seconds between them afterwards."""
MOST_COUNTED: Final = 1000
"""Objects whose allowance is remembered: those that had an Event last."""

log = logs.get("writing")


class RestError(Exception):
    """The API server wants to be left in peace, or does not answer; for how long, if it said so."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class KindRefusedError(Exception):
    """No status of this kind can be written; the message says why and what to do."""


def now_text() -> str:
    """The time as Kubernetes writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _checked(answer: Answer) -> Answer:
    """RestError where the server is at fault, or has too much to do."""
    if answer.status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.UNAUTHORIZED} or (
        answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR and "not declared in schema" not in answer.message
    ):
        raise RestError(answer.message, answer.retry_after)
    return answer


class Statuses:
    """Writes statuses."""

    def __init__(self, api: Connection, ambassador_id: str) -> None:
        self._api = api
        self._parameters = {"fieldManager": f"{COMPONENT}-{ambassador_id}"[:LONGEST_MANAGER], "force": "true"}

    async def apply(self, name: Name, status: JSONObject) -> Live | None:
        """Apply a status: the object as it is then, or None when it is gone or can have no such status.

        Raises KindRefusedError, RestError, UnreachableError.
        """
        document = {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": name.kind,
            "metadata": {"name": name.name, "namespace": name.namespace},
            "status": status,
        }
        path, body = f"{name.path}/status", orjson.dumps(document)
        sent = self._api.request("PATCH", path, params=self._parameters, body=body, content_type=APPLY, timeout=TIMEOUT)
        answer = _checked(await sent)
        if answer.status == HTTPStatus.CONFLICT:  # others write to it all the time
            raise RestError(answer.message, answer.retry_after)
        if answer.ok:
            return live_of_answer(answer.body)
        kinds = f"{name.kind.lower()}s"
        if answer.status == HTTPStatus.FORBIDDEN:
            raise KindRefusedError(f"the right to patch {kinds}/status is missing ({answer.message}): see deploy/")
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise KindRefusedError(f"the CRD is another one ({answer.message}): apply deploy/crds.yaml")
        if answer.status == HTTPStatus.NOT_FOUND:
            await self._tell_why_not(name)
            return None
        log.warning("a status is refused", object=str(name), reason=answer.message)
        return None

    async def _tell_why_not(self, name: Name) -> None:
        """Was the object not found, or its status? The API server answers both alike."""
        answer = _checked(await self._api.request("GET", name.path, timeout=TIMEOUT))
        if answer.ok:
            raise KindRefusedError("the CRD has no status subresource: apply deploy/crds.yaml")


class Events:
    """Writes Events, not too many of them."""

    def __init__(self, api: Connection, pod: str) -> None:
        self._api = api
        self._pod = pod
        self._allowance = Allowance(EVENTS_A_SECOND, EVENTS_AT_ONCE)
        self._of_one: dict[str, Allowance] = {}
        self._left_out = 0
        self._refused_until = float("-inf")

    async def tell(self, name: Name, uid: str, news: News, now: float) -> None:
        """Write an Event, or count it once more. UnreachableError and RestError as from the API server."""
        if now < self._refused_until:
            return
        if not self._may(uid, now):
            self._left_out += 1
            return
        if self._left_out:
            log.warning("Events were left out, since there were too many", how_many=self._left_out)
            self._left_out = 0
        log.info("told", object=str(name), reason=news.reason, message=news.message)
        folder = f"/api/v1/namespaces/{name.namespace}/events"
        body = orjson.dumps(event(name, uid, news, self._pod, now_text()))
        answer = _checked(await self._api.request("POST", folder, body=body, timeout=TIMEOUT))
        if answer.status == HTTPStatus.CONFLICT:
            answer = await self._count(f"{folder}/{event_name(name, uid, news)}")
        if answer.status == HTTPStatus.FORBIDDEN and "being terminated" not in answer.message:
            is_news = now >= self._refused_until  # others were under way at the same time
            self._refused_until = now + MUTED_FOR
            if is_news:
                log.warning("Events cannot be written", reason=answer.message, todo="give the right: see deploy/")

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


__all__ = ["Events", "KindRefusedError", "RestError", "Statuses", "UnreachableError", "now_text"]
