"""How the API server is asked for what Gateways have of their own; and what failed for one of them, or for all."""

from http import HTTPStatus
from typing import Any, Final

import orjson

from kubeapi.connection import Answer, Connection
from reporter.objects import JSONObject
from reporter.writing import APPLY, TIMEOUT, WANTS_REST

_AS: Final = {"fieldManager": "dragoman-gateways", "force": "true"}

_NO_OBJECT: Final = "it does not answer with an object"


class FailedError(Exception):
    """The API server did not do it; the message says why."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.message)
        self.is_forbidden = answer.status == HTTPStatus.FORBIDDEN


class RestError(Exception):
    """The API server would not do it for any Gateway."""


class Asking:
    """Requests about objects by their paths. All of them raise UnreachableError and RestError, too."""

    def __init__(self, api: Connection) -> None:
        self._api = api

    async def apply(self, path: str, document: JSONObject) -> JSONObject:
        """Make an object so; what it is then. FailedError."""
        answer = await self.ask("PATCH", path, params=_AS, body=orjson.dumps(document), content_type=APPLY)
        made = _object(answer)
        if not isinstance(made.get("metadata"), dict):
            raise RestError(_NO_OBJECT)
        return made

    async def find(self, path: str) -> JSONObject | None:
        """An object, if there is one. FailedError."""
        answer = await self.ask("GET", path)
        return None if answer.status == HTTPStatus.NOT_FOUND else _object(answer)

    async def delete(self, path: str, uid: str = "") -> None:
        """Take an object away; with `uid`, that one alone and no other of its name. FailedError."""
        body = orjson.dumps({"preconditions": {"uid": uid}}) if uid else None
        answer = await self.ask("DELETE", path, body=body)
        is_another = uid and answer.status == HTTPStatus.CONFLICT
        if not (answer.ok or is_another or answer.status == HTTPStatus.NOT_FOUND):
            raise FailedError(answer)

    async def ask(self, method: str, path: str, **more: Any) -> Answer:
        """Ask anything."""
        answer = await self._api.request(method, path, timeout=TIMEOUT, **more)
        if answer.status in WANTS_REST:
            raise RestError(answer.message)
        return answer


def _object(answer: Answer) -> JSONObject:
    if not answer.ok:
        raise FailedError(answer)
    try:
        found: JSONObject = orjson.loads(answer.body)
    except ValueError as error:
        raise RestError(_NO_OBJECT) from error
    return found
