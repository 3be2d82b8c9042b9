"""What the status of an object of Gateway API has to become, so that it says what we say and all that others say: pure.

To the API server the entries of a route's parents, and of a policy's ancestors, are one value that several controllers
share: who writes one entry writes all. So we write the whole list, with others' entries and conditions as they were
found and where they were found, and with the version that it was made from, so that the API server refuses what would
undo somebody's write (`reporter/amending.py`).

    conditions, listeners, supportedFeatures    each in its place, by its type or name
    parents, ancestors                          by whom it is of: of ours, those that are wanted; of others, all
    addresses, attachedListenerSets             ours alone

A time changes with the status of its condition. What has no place any more by the API's own limits is left out.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final

import orjson

from reporter.objects import JSONObject

CONTROLLER: Final = "getambassador.io/dragoman"
"""Whose entries are ours."""

ENTRIES: Final[Mapping[str, str]] = {"parents": "parentRef", "ancestors": "ancestorRef"}
"""The lists that are shared, and what each entry is about."""

_MOST: Final[Mapping[str, int]] = {"parents": 32, "ancestors": 16}
_MOST_CONDITIONS: Final = 8
_SINCE: Final = "lastTransitionTime"
_ALONE: Final = ("addresses", "attachedListenerSets")
_OF_LISTENERS: Final = frozenset({"Accepted", "Conflicted", "OverlappingTLSConfig", "Programmed", "ResolvedRefs"})
_TYPES: Final = frozenset(
    {
        "Accepted",
        "AddressesAssigned",
        "DefaultGateway",
        "InsecureFrontendValidationMode",
        "Programmed",
        "ResolvedRefs",
        "SupportedVersion",
    }
)
"""The types of conditions that are ours to write, and to take away; all others are somebody else's."""


def gateway_to_write(live: JSONObject, wanted: JSONObject, now: str) -> JSONObject | None:
    """The fields of the status that have to become others, null for one that goes; None when `live` says it all.

    Args:
        live: the status as it is.
        wanted: our part of it, without times, as `reporter.gateway_fields` gives it.
        now: the time of what has changed, RFC 3339.
    """
    made = {name: _field(name, _list(live, name), value, now) for name, value in wanted.items()}
    made |= {name: None for name in _ALONE if name in live and name not in wanted and "listeners" in wanted}
    changed = {name: value for name, value in made.items() if live.get(name, [] if value == [] else None) != value}
    return changed or None


def without_ours(live: JSONObject) -> JSONObject | None:
    """The same where nothing is to be said any more: our entries go. What has no entries keeps what it says."""
    return gateway_to_write(live, {name: [] for name in ENTRIES if has_ours(live, name)}, "")


def is_told_by_us(live: JSONObject) -> bool:
    """Whether a status has entries of ours."""
    return any(has_ours(live, name) for name in ENTRIES)


def has_ours(live: JSONObject, name: str) -> bool:
    """Whether a list of a status has entries of ours."""
    return any(_is_ours(each) for each in _list(live, name))


def _field(name: str, live: list[Any], wanted: Any, now: str) -> Any:
    match name:
        case "conditions":
            return _conditions(live, wanted, now, _TYPES)
        case "listeners":
            return _in_place(live, wanted, _by("name"), lambda there, new: _listener(there, new, now))
        case "supportedFeatures":
            return sorted(wanted, key=_by("name"))
        case "parents" | "ancestors":
            return _entries(name, live, wanted, now)
    return wanted


def _conditions(
    live: Iterable[Any], wanted: Iterable[JSONObject], now: str, ours: Collection[str] | None = None
) -> list[Any]:
    """`ours`: the types that go where they are not wanted; None: all."""

    def timed(there: JSONObject, new: JSONObject) -> JSONObject:
        before = there.get(_SINCE) if there.get("status") == new["status"] else None
        return {**new, _SINCE: before if isinstance(before, str) and before else now}

    def is_others(each: Any) -> bool:
        return ours is not None and _by("type")(each) not in ours

    merged = _in_place(live, wanted, _by("type"), timed, is_others)
    room = _MOST_CONDITIONS - sum(map(is_others, merged))
    return [each for each in merged if is_others(each) or (room := room - 1) >= 0]


def _listener(there: JSONObject, new: JSONObject, now: str) -> JSONObject:
    return {**new, "conditions": _conditions(_list(there, "conditions"), new["conditions"], now, _OF_LISTENERS)}


def _entries(name: str, live: list[Any], wanted: Iterable[JSONObject], now: str) -> list[Any]:
    about = ENTRIES[name]

    def key(entry: Any) -> Any:
        return _canonical(entry.get(about)) if _is_ours(entry) else None

    def entry(there: JSONObject, new: JSONObject) -> JSONObject:
        return {**new, "conditions": _conditions(_list(there, "conditions"), new["conditions"], now)}

    merged = _in_place(live, wanted, key, entry, lambda each: not _is_ours(each))
    room = _MOST[name] - sum(not _is_ours(each) for each in merged)
    return [each for each in merged if not _is_ours(each) or (room := room - 1) >= 0]


def _in_place(
    live: Iterable[Any],
    wanted: Iterable[JSONObject],
    key: Callable[[Any], Any],
    made: Callable[[JSONObject, JSONObject], JSONObject],
    stays: Callable[[Any], bool] = lambda _: False,
) -> list[Any]:
    """What is there with what is wanted in its place, or at the end; of the rest, what `stays`."""
    left = {key(each): each for each in wanted}
    found: list[Any] = []
    for there in live:
        new = left.pop(key(there), None)
        if new is not None:
            found.append(made(there, new))
        elif stays(there):
            found.append(there)
    return found + [made({}, new) for new in left.values()]


def _by(field: str) -> Callable[[Any], Any]:
    return lambda each: each.get(field) if isinstance(each, dict) else None


def _list(status: Any, name: str) -> list[Any]:
    value = status.get(name) if isinstance(status, dict) else None
    return value if isinstance(value, list) else []


def _is_ours(entry: Any) -> bool:
    return isinstance(entry, dict) and entry.get("controllerName") == CONTROLLER


def _canonical(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
