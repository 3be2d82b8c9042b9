"""From an object as the API server says it to the record that is kept of it: pure."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import orjson

from snapshot import JSON, Record
from watcher.annotations import carry, is_carrier
from watcher.documents import Budget
from watcher.kinds import Kind
from watcher.limits import Limits
from watcher.objects import MAX_KEY, canonical, not_json, unlike, wrong_names

_METADATA: Final = ("name", "namespace", "labels", "creationTimestamp")
_NOTED: Final[dict[str, type]] = {"generation": int, "uid": str}
"""What is noted beside an object; it is no part of its content."""
_KUBECTLS_COPY: Final = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(frozen=True, slots=True)
class Seen:
    """An object as it was seen: its record, and, of a kind with a status, what the cluster says beside the content."""

    key: str
    record: Record
    live: Record | None = None


def seen(kind: Kind, document: dict[str, Any]) -> Seen:
    """What is kept of an object. ValueError, with a sentence, for what is none or cannot be kept."""
    metadata = _metadata(kind, document)
    key = kind.key_of(metadata)
    if len(key.encode()) > MAX_KEY:
        raise ValueError(f"{key[:80]}... has a longer name than can be kept")
    content = _content(kind, document, metadata)
    if is_carrier(key):
        content = carry(content, Budget.of(Limits()))
    try:
        body = canonical(content)
    except orjson.JSONEncodeError as error:
        where = f"the {kind.name} {metadata.get('namespace') or ''}/{metadata['name']}"
        raise ValueError(f"{where} is nested too deeply, and is not served: {not_json(content)}") from error
    notes: dict[str, JSON] = {
        field: metadata[field] for field, its in _NOTED.items() if type(metadata.get(field)) is its
    }
    record = Record(_hash(body, orjson.dumps(notes)), body, notes)
    return Seen(key, record, _live(document, metadata, notes) if kind.is_told else None)


def key_of(kind: Kind, document: Any) -> str:
    """The key of an object that is not kept; empty when it has none."""
    try:
        return kind.key_of(_metadata(kind, document))
    except ValueError:
        return ""


def _metadata(kind: Kind, document: Any) -> dict[str, Any]:
    """The metadata of an object that can be called by its name. ValueError, with a sentence, for any other."""
    if not isinstance(document, dict):
        raise ValueError(f"one of the {kind.plural} is {unlike(document, 'an object')}")  # noqa: TRY004
    metadata = document.get("metadata")
    if not isinstance(metadata, dict):
        raise ValueError(f"one of the {kind.plural} has no name: metadata is {unlike(metadata, 'a mapping')}")  # noqa: TRY004
    everywhere = metadata.get("namespace") in (None, "")
    wrong = wrong_names({**metadata, "namespace": "everywhere"} if everywhere else metadata)
    if wrong:
        raise ValueError(f"one of the {kind.plural} cannot be named: {'; '.join(wrong)}")
    return metadata


def _content(kind: Kind, document: dict[str, Any], metadata: dict[str, Any]) -> dict[str, JSON]:
    kept: dict[str, JSON] = {field: metadata[field] for field in _METADATA if field in metadata}
    for field, its in _NOTED.items():  # else the translator says what is wrong with it
        if metadata.get(field) is not None and type(metadata[field]) is not its:
            kept[field] = metadata[field]
    annotations = metadata.get("annotations") if kind.annotated else None
    if isinstance(annotations, dict):
        annotations = {field: text for field, text in annotations.items() if field != _KUBECTLS_COPY}
    if annotations:
        kept["annotations"] = annotations
    version = f"{kind.group}/{kind.version}" if kind.group else kind.version
    return {**kind.content(document), "apiVersion": version, "kind": kind.name, "metadata": kept}


def _live(document: dict[str, Any], metadata: dict[str, Any], notes: dict[str, JSON]) -> Record:
    status = _status(document.get("status") or {})
    version = str(metadata.get("resourceVersion") or "")
    return Record(f"{version}:{_hash(status, b'')}", status, {**notes, "resourceVersion": version})


def _status(value: dict[str, Any]) -> bytes:
    """One that is nested too deeply is none of ours: whoever writes statuses finds none, and writes its own."""
    try:
        return canonical(value)
    except orjson.JSONEncodeError:
        return canonical({})


def _hash(body: bytes, more: bytes) -> str:
    return blake2b(body + b"\0" + more, digest_size=8).hexdigest()
