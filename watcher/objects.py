"""Documents as Kubernetes objects: their key in the snapshot, their canonical bytes, and what is wrong with the rest.

Only what every object has is looked at here (apiVersion, kind, metadata); the fields of each kind are the
translator's business. https://kubernetes.io/docs/concepts/overview/working-with-objects/
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import orjson

from snapshot import JSON
from watcher.limits import MAX_OBJECT, mib

MAX_KEY: Final = 511
"""Bytes of a key of the snapshot."""

_API_VERSION: Final = re.compile(r"(?:(?P<group>[a-z0-9][-a-z0-9.]{0,252})/)?[a-z][a-z0-9]{0,62}")
_KIND: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{0,62}")
_NAME: Final = re.compile(r"[^\s/\x00-\x1f\x7f]{1,253}")


@dataclass(frozen=True, slots=True)
class Made:
    """An object: its key `group/Kind/namespace/name` and itself as canonical JSON (sorted keys)."""

    key: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why a document, or an item of a list in it, is no object."""

    message: str


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
        yield from _objects(value, namespace, "")


def version_of(body: bytes, source: str) -> str:
    """The version of a record that holds this body and came from this source: equal ones need no writing.

    The source counts, since a record tells of it; its layout and comments do not.
    """
    return blake2b(body, digest_size=8, key=blake2b(source.encode(), digest_size=8).digest()).hexdigest()


def _objects(value: JSON, namespace: str, where: str) -> Iterator[Made | Rejected]:
    if isinstance(value, dict) and isinstance(kind := value.get("kind"), str) and kind.endswith("List"):
        items = value.get("items")
        if isinstance(items, list):
            for number, item in enumerate(items):
                typed = _typed(item, kind.removesuffix("List"), value.get("apiVersion"))
                yield from _objects(typed, namespace, f"{where}items[{number}].")
            return
    yield _object(value, namespace, where)


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
    metadata = value.get("metadata")
    if not isinstance(metadata, dict):
        metadata, wrong = {}, [f"{where}metadata is {_unlike(metadata, 'a mapping')}"]
    else:
        given = metadata.get("namespace")
        metadata = {key: item for key, item in metadata.items() if key != "managedFields"}
        metadata["namespace"] = namespace if given in (None, "") else given
        wrong = [
            *_wrong(metadata.get("name"), _NAME, f"{where}metadata.name"),
            *_wrong(metadata["namespace"], _NAME, f"{where}metadata.namespace"),
        ]
    api_version, kind = value.get("apiVersion"), value.get("kind")
    wrong = [*_wrong(api_version, _API_VERSION, f"{where}apiVersion"), *_wrong(kind, _KIND, f"{where}kind"), *wrong]
    if wrong:
        return Rejected("; ".join(wrong))
    found = _API_VERSION.fullmatch(str(api_version))
    group = (found and found["group"]) or "core"
    key = f"{group}/{kind}/{metadata['namespace']}/{metadata['name']}"
    if len(key.encode(errors="replace")) > MAX_KEY:
        return Rejected(f"{where}metadata: group, kind, namespace and name have more than {MAX_KEY} bytes together")
    return _made(key, {**value, "metadata": metadata}, where)


def _made(key: str, value: dict[str, JSON], where: str) -> Made | Rejected:
    value.pop("status", None)
    what = where.rstrip(".") or "it"
    try:
        body = canonical(value)
    except orjson.JSONEncodeError as error:
        return Rejected(f"{what} has no JSON form: {error}")
    if len(body) > MAX_OBJECT:
        return Rejected(f"{what} is larger than {mib(MAX_OBJECT)} as JSON, as no object in Kubernetes is")
    return Made(key, body)


def _wrong(value: JSON, pattern: re.Pattern[str], path: str) -> list[str]:
    if not isinstance(value, str):
        hint = ": write it in quotes" if isinstance(value, bool | int | float) else ""
        return [f"{path} is {_unlike(value, 'text')}{hint}"]
    if not value:
        return [f"{path} is empty"]
    return [] if pattern.fullmatch(value) else [f"{path} cannot be {value[:80]!r}"]


def _unlike(value: JSON, wanted: str) -> str:
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
    return str(value).lower() if isinstance(value, bool) else f"the number {value}"
