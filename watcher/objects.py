"""Documents as Kubernetes objects: their key in the snapshot, their canonical bytes, and what is wrong with the rest.

Only what every object has is looked at here (apiVersion, kind, metadata); the fields of each kind are the
translator's business. https://kubernetes.io/docs/concepts/overview/working-with-objects/
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Final

import orjson

from snapshot import JSON
from watcher.flat import is_flat, unfolded
from watcher.limits import MAX_OBJECT, mib

MAX_KEY: Final = 511
"""Bytes of a key of the snapshot."""

_API_VERSION: Final = re.compile(r"(?:(?P<group>[a-z0-9][-a-z0-9.]{0,252})/)?[a-z][a-z0-9]{0,62}")
_KIND: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{0,62}")
_NAME: Final = re.compile(r"[^\s/\x00-\x1f\x7f]{1,253}")

_MOVED: Final = {("extensions", "Ingress"): "networking.k8s.io"}
"""Kinds that were of another group once: the API server has them as one object in both."""

_DEEPEST: Final = 250
"""Levels of an object, at most: what makes JSON of it, and what reads it, take not many more."""

_SHOWN: Final = 8
"""Steps of a path that are shown."""

_DEEPEST_LIST: Final = 8
"""Lists in lists that are looked into."""


@dataclass(frozen=True, slots=True)
class Made:
    """An object: its key `group/Kind/namespace/name` and itself as canonical JSON (sorted keys)."""

    key: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why a document, or an item of a list in it, is no object; `value` is that document or item."""

    message: str
    value: JSON = None


def canonical(value: JSON) -> bytes:
    """A value as JSON with sorted keys. orjson.JSONEncodeError when it has no such form.

    It is a copy: the bytes that orjson gives keep hold of a kilobyte, however short they are.
    """
    return bytes(memoryview(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)))


def objects_of(value: JSON, namespace: str) -> Iterator[Made | Rejected]:
    """The objects of a document: none when it is empty, one, or the items of a `List`, however nested.

    `namespace` is for the objects that name none.
    """
    if value is not None:
        yield from _objects(value, namespace, "", _DEEPEST_LIST)


def version_of(body: bytes, source: str) -> str:
    """The version of a record that holds this body and came from this source: equal ones need no writing.

    The source counts, since a record tells of it; its layout and comments do not.
    """
    return blake2b(body, digest_size=8, key=blake2b(source.encode(), digest_size=8).digest()).hexdigest()


def _objects(value: JSON, namespace: str, where: str, deepest: int) -> Iterator[Made | Rejected]:
    if isinstance(value, dict) and isinstance(kind := value.get("kind"), str) and kind.endswith("List"):
        items = value.get("items")
        if isinstance(items, list) and not deepest:
            yield Rejected(f"{where}items is a list in a list, and so on: there are too many of them")
            return
        if isinstance(items, list):
            for number, item in enumerate(items):
                typed = _typed(item, kind.removesuffix("List"), value.get("apiVersion"))
                yield from _objects(typed, namespace, f"{where}items[{number}].", deepest - 1)
            return
    made = _object(value, namespace, where)
    yield replace(made, value=value) if isinstance(made, Rejected) else made


def _typed(item: JSON, kind: str, api_version: JSON) -> JSON:
    """An item of a `SecretList` need not say that it is a Secret."""
    if not isinstance(item, dict) or not kind:
        return item
    return {"kind": kind, "apiVersion": api_version, **item}


def _object(value: JSON, namespace: str, where: str) -> Made | Rejected:
    if not isinstance(value, dict):
        return Rejected(
            f"{where.rstrip('.') or 'it'} is {_said(value)}, not an object with apiVersion, kind and metadata"
        )
    if is_flat(value):
        value = unfolded(value)
    metadata = value.get("metadata")
    if not isinstance(metadata, dict):
        metadata, wrong = {}, [f"{where}metadata is {unlike(metadata, 'a mapping')}"]
    else:
        given = metadata.get("namespace")
        metadata = {key: item for key, item in metadata.items() if key != "managedFields"}
        metadata["namespace"] = namespace if given in (None, "") else given
        wrong = wrong_names(metadata, where)
    api_version, kind = value.get("apiVersion"), value.get("kind")
    wrong = [*_wrong(api_version, _API_VERSION, f"{where}apiVersion"), *_wrong(kind, _KIND, f"{where}kind"), *wrong]
    if wrong:
        return Rejected("; ".join(wrong))
    found = _API_VERSION.fullmatch(str(api_version))
    group = (found and found["group"]) or "core"
    group = _MOVED.get((group, str(kind)), group)
    key = f"{group}/{kind}/{metadata['namespace']}/{metadata['name']}"
    if len(key.encode(errors="replace")) > MAX_KEY:
        return Rejected(f"{where}metadata: group, kind, namespace and name have more than {MAX_KEY} bytes together")
    return _made(key, {**value, "metadata": metadata}, where)


def wrong_names(metadata: Mapping[str, JSON], where: str = "") -> list[str]:
    """Why an object cannot be called what its metadata says; each with the path of the field, which `where` begins."""
    return [
        *_wrong(metadata.get("name"), _NAME, f"{where}metadata.name"),
        *_wrong(metadata.get("namespace"), _NAME, f"{where}metadata.namespace"),
    ]


def is_name(value: JSON) -> bool:
    """Whether a value can be a name or a namespace."""
    return isinstance(value, str) and not _wrong(value, _NAME, "")


def _made(key: str, value: dict[str, JSON], where: str) -> Made | Rejected:
    value.pop("status", None)
    try:
        body = canonical(value)
    except orjson.JSONEncodeError:
        return Rejected(f"{key}: {where}{not_json(value)}")
    if len(body) > MAX_OBJECT:
        return Rejected(f"{key} is larger than {mib(MAX_OBJECT)} as JSON, as no object in Kubernetes is")
    return Made(key, body)


def not_json(value: JSON) -> str:
    """Which field of a value has no form in JSON as everybody reads it, and why; for a value that has none."""
    for path, item in _fields(value):
        if len(path) > _DEEPEST:
            return f"{_written(path)} is nested more than {_DEEPEST} levels deep"
        if isinstance(item, int) and not -(2**63) <= item < 2**64:
            return f"{_written(path)} is a number of {item.bit_length()} bits; JSON's have 64 at most"
        if isinstance(item, str) and not _is_whole(item):
            return f"{_written(path)} is text with half a character in it"
    return "it has no form in JSON"


def _fields(value: JSON) -> Iterator[tuple[list[str | int], JSON]]:
    """Every field with its path, and every key with its own; none deeper than it takes to see that it is too deep.

    The path is one list, for who looks at it at once: there may be as many fields as there are bytes.
    """
    path: list[str | int] = []
    yield path, value
    around = [_items(value)]
    while around:
        found = next(around[-1], None)
        if found is None:
            around.pop()
            del path[-1:]
            continue
        key, item = found
        path.append(key)
        yield path, key
        yield path, item
        if isinstance(item, dict | list) and len(path) <= _DEEPEST:
            around.append(_items(item))
        else:
            path.pop()


def _items(value: JSON) -> Iterator[tuple[str | int, JSON]]:
    if isinstance(value, dict):
        return iter(value.items())
    return iter(enumerate(value)) if isinstance(value, list) else iter(())


def _written(path: list[str | int]) -> str:
    steps = [f"[{step}]" if isinstance(step, int) else f".{step[:80]}" for step in path[:_SHOWN]]
    return "".join(steps).removeprefix(".") + ("..." if len(path) > _SHOWN else "") or "it"


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _wrong(value: JSON, pattern: re.Pattern[str], path: str) -> list[str]:
    if not isinstance(value, str):
        hint = ": write it in quotes" if isinstance(value, bool | int | float) else ""
        return [f"{path} is {unlike(value, 'text')}{hint}"]
    if not value:
        return [f"{path} is empty"]
    return [] if pattern.fullmatch(value) and value.isprintable() else [f"{path} cannot be {value[:80]!r}"]


def unlike(value: JSON, wanted: str) -> str:
    """That a value is not what is wanted, in words: `a list, not a mapping`."""
    return "missing" if value is None else f"{_said(value)}, not {wanted}"


def _said(value: JSON) -> str:
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        return "text"
    if isinstance(value, int) and abs(value) >= 2**64:
        return f"a number of {value.bit_length()} bits"
    return str(value).lower() if isinstance(value, bool) else f"the number {value}"
