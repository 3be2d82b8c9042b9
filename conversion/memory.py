"""What the other version cannot say is kept in an annotation of the object, and taken out again on the way back.

    getambassador.io/written-as: {"v2": {"ambassador_id": {"ambassador_id": "mine"}}}

says that the object was written in v2 (or v1, which has the same fields), where its `ambassador_id` was that. Whoever
edits the annotation, or copies an object with it, harms nothing: a memory that does not fit what it is about is not
believed (see `conversion.parts`). Where there is no room for it, the object does without: it then comes back in other
words. A single object with more annotations than Kubernetes lets pass would fail every list that it is in.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from conversion.parts import Fields

ANNOTATION: Final = "getambassador.io/written-as"
MOST: Final = 256 << 10
"""Bytes of all annotations of an object, names and values, as Kubernetes counts them (ValidateAnnotations)."""
_EMPTY: Final = "annotations"


def recalled(metadata: Fields, version: str) -> tuple[Fields, dict[str, Fields]]:
    """Metadata without the annotation, and what it remembers of this version, by part."""
    annotations = metadata.get("annotations")
    if not isinstance(annotations, dict) or ANNOTATION not in annotations:
        return metadata, {}
    rest = {name: value for name, value in annotations.items() if name != ANNOTATION}
    memory = _read(annotations[ANNOTATION])
    parts = memory.get(version)
    found = {name: part for name, part in parts.items() if isinstance(part, dict)} if isinstance(parts, dict) else {}
    metadata = {**metadata, "annotations": rest}
    if not rest:
        del metadata["annotations"]
        if _EMPTY in memory and not memory[_EMPTY]:
            metadata["annotations"] = memory[_EMPTY]
    return metadata, found


def remembering(metadata: Fields, version: str, originals: Mapping[str, Fields]) -> Fields:
    """Metadata with the annotation, when there is something to remember and room for it."""
    if not originals:
        return metadata
    memory: dict[str, Any] = {version: dict(originals)}
    annotations = metadata.get("annotations")
    if not annotations and "annotations" in metadata:
        memory[_EMPTY] = annotations  # null and {} are not the same as nothing
    text = orjson.dumps(memory, option=orjson.OPT_SORT_KEYS).decode()
    together = {**(annotations or {}), ANNOTATION: text}
    return {**metadata, "annotations": together} if _size(together) <= MOST else metadata


def _size(annotations: Mapping[str, Any]) -> int:
    texts = (text for pair in annotations.items() for text in pair if isinstance(text, str))
    return sum(len(text.encode(errors="replace")) for text in texts)


def _read(text: object) -> dict[str, Any]:
    try:
        memory = orjson.loads(text) if isinstance(text, str) else None
    except orjson.JSONDecodeError:
        return {}
    return memory if isinstance(memory, dict) else {}
