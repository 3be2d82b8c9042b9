"""From an object as the API server says it to the record that is kept of it: pure."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import orjson

from snapshot import JSON, Record
from watcher.kinds import OURS, Kind
from watcher.objects import MAX_KEY, canonical

_METADATA: Final = ("name", "namespace", "labels", "creationTimestamp")
_KUBECTLS_COPY: Final = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(frozen=True, slots=True)
class Seen:
    """An object as it was seen: its record, and, of a kind with a status, what the cluster says beside the content."""

    key: str
    record: Record
    live: Record | None = None


def seen(kind: Kind, document: dict[str, Any]) -> Seen:
    """What is kept of an object. ValueError, with a sentence, for what is none or cannot be kept."""
    metadata = document.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(name := metadata.get("name"), str):
        raise ValueError("an object without a name")  # noqa: TRY004 -- no bug of ours
    namespace = metadata.get("namespace") or ""
    key = kind.key(namespace, name)
    if len(key.encode()) > MAX_KEY:
        raise ValueError(f"{key[:80]}... has a longer name than can be kept")
    try:
        content = _content(kind, document, metadata)
    except (TypeError, AttributeError) as error:
        raise ValueError(f"the {kind.name} {namespace}/{name} is not of the form of its kind: {error}") from error
    try:
        body = canonical(content)
    except orjson.JSONEncodeError as error:
        raise ValueError(f"the {kind.name} {namespace}/{name} is nested too deeply, and is not served") from error
    notes: dict[str, JSON] = {field: metadata[field] for field in ("generation", "uid") if field in metadata}
    record = Record(_hash(body, orjson.dumps(notes)), body, notes)
    return Seen(key, record, _live(document, metadata, notes) if kind.group == OURS else None)


def key_of(kind: Kind, document: dict[str, Any]) -> str:
    """The key of an object that is not kept; empty when it has none."""
    metadata = document.get("metadata")
    return kind.key_of(metadata) if isinstance(metadata, dict) and "name" in metadata else ""


def _content(kind: Kind, document: dict[str, Any], metadata: dict[str, Any]) -> dict[str, JSON]:
    kept: dict[str, JSON] = {field: metadata[field] for field in _METADATA if field in metadata}
    given = metadata.get("annotations") or {} if kind.annotated else {}
    annotations = {field: text for field, text in given.items() if field != _KUBECTLS_COPY}
    if annotations:
        kept["annotations"] = annotations
    version = f"{kind.group}/{kind.version}" if kind.group else kind.version
    return {**kind.content(document), "apiVersion": version, "kind": kind.name, "metadata": kept}


def _live(document: dict[str, Any], metadata: dict[str, Any], notes: dict[str, JSON]) -> Record:
    status = _status(document.get("status") or {})
    version = metadata.get("resourceVersion", "")
    return Record(f"{version}:{_hash(status, b'')}", status, {**notes, "resourceVersion": version})


def _status(value: dict[str, Any]) -> bytes:
    """One that is nested too deeply is none of ours: whoever writes statuses finds none, and writes its own."""
    try:
        return canonical(value)
    except orjson.JSONEncodeError:
        return canonical({})


def _hash(body: bytes, more: bytes) -> str:
    return blake2b(body + b"\0" + more, digest_size=8).hexdigest()
