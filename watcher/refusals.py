"""What an answer that is none to the question means for whoever asked: by its status, and by what it says. Pure.

The statuses are those of https://kubernetes.io/docs/reference/using-api/api-concepts/.
"""

from enum import Enum
from http import HTTPStatus
from typing import Final


class Refusal(Enum):
    """What follows from it."""

    EXPIRED = "what was asked for is too old: everything again"
    FORBIDDEN = "we may not see it"
    MISSING = "there is no such kind"
    NOT_STREAMED = "this server has no streams that begin with all objects"
    SENSELESS = "it makes no sense, and will not make more: everything again, and it is told"
    LATER = "not now"
    TOO_NEW = "not now, and not of the version that was asked for"


MAX_RETRY_AFTER: Final = 120.0
"""Seconds; what an answer asks for beyond that is not granted."""

STARTING: Final = 1.0
"""The same of an API server that is not ready to answer: it says 5 while it starts, whatever it still takes."""

_NOT_STREAMED: Final = frozenset((400, 405, 406, 415, 422, 501))
_LATER: Final = frozenset((HTTPStatus.UNAUTHORIZED, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS))
_KNOWN: Final[dict[int, Refusal]] = {
    HTTPStatus.GONE: Refusal.EXPIRED,
    HTTPStatus.FORBIDDEN: Refusal.FORBIDDEN,
    HTTPStatus.NOT_FOUND: Refusal.MISSING,
}


def refusal_of(status: int, message: str, *, streaming: bool) -> Refusal:
    """What it means. `streaming`: a stream that begins with all objects was asked for."""
    known = _KNOWN.get(status)
    if known:
        return known
    if streaming and status in _NOT_STREAMED:
        return Refusal.NOT_STREAMED
    if status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in _LATER:
        return Refusal.SENSELESS
    return Refusal.TOO_NEW if "too large resource version" in message.lower() else Refusal.LATER


def granted(status: int, retry_after: float | None) -> float:
    """The seconds for which an answer that asks for `retry_after` is let alone."""
    longest = STARTING if status == HTTPStatus.SERVICE_UNAVAILABLE else MAX_RETRY_AFTER
    return min(retry_after or 0.0, longest)
