"""Which Secrets an object of ours refers to: pure.

Only these are read where nothing more is allowed, and only these are published. Rather one too many than one too few: a
field counts by its name, wherever it stands, and a name with a dot in it is also read as `name.namespace`.
"""

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import orjson

SecretName: TypeAlias = tuple[str, str]
"""Namespace and name."""

KINDS: Final = frozenset(("Host", "TLSContext", "Module"))

_FIELDS: Final = frozenset(("secret", "tlssecret", "casecret", "crlsecret", "privatekeysecret"))


def secrets_of(namespace: str, body: bytes) -> frozenset[SecretName]:
    """The Secrets that an object in this namespace may mean."""
    return frozenset(_named(orjson.loads(body).get("spec"), namespace))


def _named(value: Any, namespace: str) -> Iterator[SecretName]:
    if isinstance(value, list):
        for item in value:
            yield from _named(item, namespace)
    if not isinstance(value, dict):
        return
    for field, item in value.items():
        if field.replace("_", "").lower() in _FIELDS:
            yield from _meant(item, namespace)
        yield from _named(item, namespace)


def _meant(value: Any, namespace: str) -> Iterator[SecretName]:
    if isinstance(value, dict) and isinstance(name := value.get("name"), str):
        value, namespace = name, str(value.get("namespace") or namespace)
    if isinstance(value, str) and value:
        yield namespace, value
        name, dot, other = value.rpartition(".")
        if dot and name and other:
            yield other, name
