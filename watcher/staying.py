"""What an annotation said stays while a document of it cannot be read, as the objects of a file do. Pure.

Else a mistake in one document would take away what another one says: a Host that shuts a name, or who is asked about
requests. A carrier is one record, so what stays is put into that.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final

import orjson

from snapshot import JSON, Record
from watcher.annotations import CARRIED, LARGEST, is_carrier
from watcher.objects import canonical
from watcher.standing import STANDS_IN, UNNAMED

STAYS: Final = "stays"
"""The field of an item that says that it is what was read before."""

_MISTAKE: Final = b'"problem":'

Item = dict[str, Any]


def is_in_part(key: str, record: Record) -> bool:
    """Whether a record may be that of a carrier with a mistake in its annotation."""
    return is_carrier(key) and _MISTAKE in record.body


def staying(before: Record, record: Record) -> Record:
    """The record of a carrier with what was read of its annotation before, as long as there is a mistake in it."""
    document, former = orjson.loads(record.body), _objects(orjson.loads(before.body))
    carried: list[Item] = document.get(CARRIED) or []
    if not former or not any("problem" in item for item in carried):
        return record
    known = {item["key"] for item in carried if "key" in item}
    kinds = {_kind_of(key) for key in former if key not in known}
    left = [item for item in carried if not _is_known_better(item, former, kinds)]
    listed = {item["key"] for item in left if "key" in item}
    more, room = list[Item](), LARGEST
    for key, item in former.items():
        if key in listed or _is_nameless(key):
            continue
        room -= len(canonical(item))
        if room < 0:
            break
        more.append({"key": key, "object": item["object"], STAYS: True})
    if not more and len(left) == len(carried):
        return record
    body = canonical({**document, CARRIED: [*left, *more]})
    version = blake2b(body + b"\0" + record.version.encode(), digest_size=8).hexdigest()
    return Record(version, body, record.notes)


def _objects(document: Mapping[str, Any]) -> dict[str, Item]:
    """The objects that a carrier carries, by their keys."""
    carried: list[Item] = document.get(CARRIED) or []
    return {item["key"]: item for item in carried if "key" in item}


def _is_known_better(item: Item, former: Mapping[str, Item], kinds: set[str]) -> bool:
    """Whether an item only stands for an object of which there is what was read once.

    One without a name may be any of its kind that stays.
    """
    if "key" not in item or not _stands_in(item):
        return False
    if _is_nameless(item["key"]):
        return _kind_of(item["key"]) in kinds
    return item["key"] in former and not _stands_in(former[item["key"]])


def _stands_in(item: Item) -> bool:
    said: JSON = item["object"].get(STANDS_IN)
    return bool(said)


def _kind_of(key: str) -> str:
    return key.rpartition("/")[0]


def _is_nameless(key: str) -> bool:
    return f"/{UNNAMED}" in key
