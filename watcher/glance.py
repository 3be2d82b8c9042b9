"""`python -m watcher.glance`: what lies in the folder now, for whoever asks before the watcher runs.

The entrypoint tries the ports of Listeners and tells a person what to ask. It must not end by a file, and must read
what the watcher reads: so it asks this, which reads as the watcher does. The answer on stdout is a list of objects as
JSON: those of getambassador.io, and of the others with an annotation of ours the metadata alone; in the order of files
and documents.
"""

import os
import sys
from collections.abc import Iterator
from typing import Any, Final

import orjson

from process.settings import Settings
from snapshot import Record
from watcher.annotations import CARRIED, is_carrier
from watcher.lanes import Lanes
from watcher.limits import Limits
from watcher.loading import load
from watcher.parsing import source_of

_GROUP: Final = "getambassador.io/"
_OURS: Final = "dragoman-"


def glance(settings: Settings) -> list[dict[str, Any]]:
    """The objects."""
    if settings.config_dir is None:
        return []
    with Lanes() as lanes:
        limits, more = Limits.of(settings), settings.more_config_dirs
        loaded = load(settings.config_dir, settings.namespace, limits, lanes.do, more)
    records = sorted(loaded.objects.items(), key=lambda item: _place(item[1]))
    return [shown for key, record in records for shown in seen(key, orjson.loads(record.body))]


def _place(record: Record) -> tuple[str, int]:
    number = str(record.notes["source"]).rpartition("#")[2]
    return source_of(record) or "", int(number)


def seen(key: str, value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What of an object is wanted: itself, its metadata, what its annotation says, or nothing."""
    if key.startswith(_GROUP):
        yield value
        return
    annotations = value["metadata"].get("annotations")
    if isinstance(annotations, dict) and any(name.startswith(_OURS) for name in annotations):
        yield {field: value[field] for field in ("apiVersion", "kind", "metadata")}
    if is_carrier(key):
        yield from (item["object"] for item in value.get(CARRIED, ()) if "object" in item)


if __name__ == "__main__":
    sys.stdout.buffer.write(orjson.dumps(glance(Settings.from_environment(os.environ))))
