"""What is worth an Event: a problem that was not told yet, and that nothing is wrong any more."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, Literal

from reporter.objects import JSONObject, Name, conditions_of

COMPONENT: Final = "dragoman"
RECOVERED: Final = "Recovered"
LONGEST_NAME: Final = 200
"""Characters of an object's name in its Events' names, which have 253 at most with what follows."""

LONGEST_MESSAGE: Final = 1024
"""Bytes of an Event's message, as the API server counts them (NoteLengthLimit)."""

_MOST_TELLING: Final = ("ResolvedRefs", "Programmed", "Accepted")
"""The order in which conditions are asked: a problem is in several, and in the first of them with its own reason."""
_NO_NEWS: Final = frozenset({"NotAccepted", "Pending"})
_WARNED: Final = "Warned"


@dataclass(frozen=True, slots=True)
class NewEvent:
    """One thing to tell."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


def problems_in(status: JSONObject) -> tuple[NewEvent, ...]:
    """The problems that a status tells of, each once."""
    conditions, found = conditions_of(status), dict[str, NewEvent]()
    for name in _MOST_TELLING:
        condition = conditions.get(name, {})
        so, reason, message = condition.get("status"), str(condition.get("reason")), str(condition.get("message"))
        if (so == "False" and reason not in _NO_NEWS) or (so == "True" and reason == _WARNED):
            found.setdefault(message, NewEvent("Warning", reason, message))
    return tuple(found.values())


def is_well(status: JSONObject) -> bool:
    """Whether everything is as it should be, Envoy's word included."""
    return not problems_in(status) and all(each.get("status") == "True" for each in conditions_of(status).values())


def recovery(wanted: JSONObject) -> NewEvent:
    """That nothing is wrong any more."""
    programmed = conditions_of(wanted).get("Programmed", {})
    return NewEvent("Normal", RECOVERED, f"Nothing is wrong any more. {programmed.get('message', '')}".strip())


def event_name(name: Name, uid: str, news: NewEvent) -> str:
    """The name of the Event for this news, the same each time: so it is found again after a restart."""
    text = f"{uid} {news.type} {news.reason} {news.message}"
    return f"{name.name[:LONGEST_NAME].rstrip('.-')}.{blake2b(text.encode(), digest_size=8).hexdigest()}"


def event(name: Name, uid: str, news: NewEvent, pod: str, now: str) -> JSONObject:
    """A new Event, of the core group: `kubectl describe` and `get events` count and age these in every version."""
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": event_name(name, uid, news), "namespace": name.namespace},
        "involvedObject": {
            "apiVersion": name.api_version,
            "kind": name.kind,
            "namespace": name.namespace,
            "name": name.name,
            "uid": uid,
        },
        "type": news.type,
        "reason": news.reason,
        "message": news.message.encode()[:LONGEST_MESSAGE].decode(errors="ignore"),
        "source": {"component": COMPONENT, "host": pod},
        "reportingComponent": COMPONENT,
        "reportingInstance": pod,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
