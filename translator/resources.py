"""What the translator gives Envoy: resources, each with a version that is the hash of its content.

Equal content has an equal version in every process and after every restart, so that nothing is ever sent twice.
"""

from collections.abc import Mapping
from dataclasses import field
from hashlib import blake2b
from typing import Literal

from translator.values import dataclass

ResourceType = Literal["cluster", "endpoint", "extension", "listener", "route", "runtime", "scope", "secret"]

RESOURCE_TYPES: tuple[ResourceType, ...] = (
    "cluster",
    "endpoint",
    "secret",
    "runtime",
    "extension",
    "scope",
    "listener",
    "route",
)


@dataclass(frozen=True, slots=True)
class Resource:
    """One xDS resource: the message's bytes, and the objects that it was made from (keys)."""

    version: str
    body: bytes
    notes: Mapping[str, str] = field(default_factory=dict)


def resource(body: bytes, **notes: str) -> Resource:
    """The resource of `body`, with the version that its content gives it."""
    return Resource(version=blake2b(body, digest_size=8).hexdigest(), body=bytes(body), notes=notes)
