"""What was said with Envoy while somebody waits for a change: each response, when it was sent and answered, and how.

It stands in the log of `acks` beside what was served: who traces a change makes spans of it. While nobody waits, as
when an Envoy connects that wants everything, nothing is remembered but when each response went out.
"""

from collections.abc import Callable
from typing import Final

from adsserver.messages import Request, Response
from adsserver.redaction import redacted
from snapshot import JSON

MOST: Final = 64
"""Exchanges that are told in one commit; of more it is told how many."""

_LONGEST: Final = 256
"""Characters of Envoy's reason: the whole of it is in the record of the resource."""


class Exchanges:
    """What the newest stream sent, and what was answered to it and is not told yet."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives Unix times."""
        self._clock = clock
        self._sent: dict[str, tuple[float, Response]] = {}
        self._told: list[JSON] = []
        self._more = 0

    def sent(self, response: Response) -> None:
        """This goes out now."""
        self._sent[_name(response.stream, response.nonce)] = self._clock(), response

    def answered(self, stream: str, request: Request, *, is_awaited: bool) -> None:
        """Envoy says this on a stream, perhaps as an answer; `is_awaited`: there is a change that is waited for."""
        at, response = self._sent.pop(_name(stream, request.nonce), (0.0, None))
        if response is None or not is_awaited:
            return
        if len(self._told) >= MOST:
            self._more += 1
            return
        took = round(max(0.0, self._clock() - at), 4)
        counts: list[JSON] = [len(response.entries), len(response.removed)]
        reason: list[JSON] = [] if request.error is None else [_reason(request.error, response)]
        self._told.append([response.kind.value, round(at, 4), took, *counts, *reason])

    def ended(self, stream: str) -> None:
        """A stream is over: nothing is answered there any more."""
        self._sent = {name: kept for name, kept in self._sent.items() if kept[1].stream != stream}

    @property
    def log(self) -> dict[str, JSON]:
        """Those that are not told yet, for the log."""
        told: dict[str, JSON] = {"exchanges": list(self._told)} if self._told else {}
        return told | ({"more_exchanges": self._more} if self._more else {})

    def told(self) -> None:
        """The log has them."""
        self._told, self._more = [], 0


def _name(stream: str, nonce: int | str) -> str:
    return f"{stream}.{nonce}"


def _reason(error: str, response: Response) -> str:
    if not response.entries:
        return error[:_LONGEST]
    entry = response.entries[0]
    said = redacted(error, entry)[:_LONGEST]
    return f"{entry.name}: {said}" if len(response.entries) == 1 else said
