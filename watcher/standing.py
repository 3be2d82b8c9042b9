"""What stands for a Host that cannot be read: its name alone, so that the translator shuts it.

A Host with a number beyond 64 bits, or without a name of its own, is no object to the watcher; but a Host with a wider
hostname would then answer for it, and may ask less of clients. So its names go on, marked, and nothing else of it. What
the Host said before, where it was ever read, is better still: that stays (see `watcher.state`).
"""

from hashlib import blake2b
from typing import Final

import orjson

from snapshot import JSON
from watcher.objects import Made, canonical, is_name

STANDS_IN: Final = "standsIn"
"""The field that marks such a body: for the translator, which knows it by the same word (docs/snapshot.md)."""

VERSION: Final = "~"
"""Begins the versions of such records: what was read once is not replaced by them."""

_GROUP: Final = "getambassador.io/"
_FIELDS: Final = ("hostname", "ambassador_id", "ambassadorId")
_LONGEST: Final = 1_000
_UNKNOWN: Final = "unknown"


def stand_in(value: JSON, namespace: str) -> Made | None:
    """What stands for a document, or an item of a list in it, that was rejected; None for what has no names to shut."""
    if not isinstance(value, dict) or value.get("kind") != "Host":
        return None
    version = value.get("apiVersion")
    if not isinstance(version, str) or not version.startswith(_GROUP) or not is_name(version.removeprefix(_GROUP)):
        return None
    spec, metadata = _names(value.get("spec")), value.get("metadata")
    given = metadata if isinstance(metadata, dict) else {}
    name, where, labels = given.get("name"), given.get("namespace"), given.get("labels")
    called: dict[str, JSON] = {
        "name": name if is_name(name) else f"unnamed-{blake2b(canonical(spec), digest_size=4).hexdigest()}",
        "namespace": where if is_name(where) else namespace,
        "labels": labels if _is_short(labels) else _UNKNOWN,
    }
    body: JSON = {"apiVersion": version, "kind": "Host", "metadata": called, "spec": spec, STANDS_IN: True}
    return Made(f"{_GROUP}Host/{called['namespace']}/{called['name']}", canonical(body))


def _names(spec: JSON) -> JSON:
    """What a spec says of names. What is there and cannot be passed on is something that is no name."""
    if spec is None or isinstance(spec, dict):
        found = spec or {}
        return {field: found[field] if _is_short(found[field]) else {} for field in _FIELDS if field in found}
    return _UNKNOWN


def _is_short(value: JSON) -> bool:
    """Whether a value can be passed on as it is."""
    try:
        return len(orjson.dumps(value)) <= _LONGEST
    except orjson.JSONEncodeError:
        return False
