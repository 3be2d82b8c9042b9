"""What Envoy's word adds to the statuses of Gateway API: that it is awaited, or that it is a refusal.

The rest of a status is `translator.gateway`'s, and the times of conditions are added by who writes them.
"""

from collections.abc import Iterable
from typing import Any, Final

import orjson

from translator.conditions import sentences
from translator.statuses import Status

_OPENING: Final = frozenset({"gateway.networking.k8s.io/Gateway", "gateway.networking.k8s.io/ListenerSet"})
"""Those that have listeners, and are programmed."""
_REASONS: Final = {"parents": "UnsupportedValue", "ancestors": "Invalid"}
"""Why what Envoy refuses is not accepted: a route by its parents, a policy for Gateways."""
_PENDING: Final = {"status": "Unknown", "reason": "Pending", "message": "Envoy has not answered yet."}


def with_envoys_word(kind: str, said: bytes, status: Status) -> bytes:
    """A status of an object of a kind `<group>/<Kind>`, with what Envoy says of it."""
    refused = [problem for problem in status.problems if problem.by == "envoy" and problem.stops]
    if not said or not (refused or status.waits):
        return said
    document: dict[str, Any] = orjson.loads(said)
    if refused:
        _refuse(kind, document, sentences(refused))
    elif kind in _OPENING:
        for condition in _programmed(document):
            if condition["status"] == "True":
                condition.update(_PENDING)
    return orjson.dumps(document)


def _programmed(document: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """Whether a Gateway, and each of its listeners, is programmed."""
    for holder in (document, *document.get("listeners", ())):
        yield from (each for each in holder["conditions"] if each["type"] == "Programmed")


def _refuse(kind: str, document: dict[str, Any], message: str) -> None:
    if kind in _OPENING:
        for condition in _programmed(document):
            condition.update(_false("Invalid", message))
    for name, reason in _REASONS.items():
        for entry in document.get(name, ()):
            for condition in entry["conditions"]:
                if condition["type"] == "Accepted":
                    condition.update(_false(reason, message))


def _false(reason: str, message: str) -> dict[str, str]:
    return {"status": "False", "reason": reason, "message": message}
