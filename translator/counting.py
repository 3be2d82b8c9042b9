"""Whose requests Envoy counts by route, and under which name: by namespace, since each costs Envoy memory. Pure.

The name is the object's, so that rules of one object are counted together: what people look for is an object of theirs.
The bootstrap makes labels of it (`stats_tags`): Envoy's own metrics then say kind, namespace and name.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from translator.derived import owner_of
from translator.ir import ObjectKey

EVERY: Final = "*"

Named = Callable[[ObjectKey], str | None]
"""Under which name the requests for an object are counted; None: they are not."""


def counting(namespaces: frozenset[str]) -> Named | None:
    """How objects of these namespaces are counted; None: none is."""
    return partial(_named, namespaces) if namespaces else None


def _named(namespaces: frozenset[str], key: ObjectKey) -> str | None:
    _, kind, namespace, name = owner_of(key).split("/", 3)
    return f"{kind}/{namespace}/{name}" if EVERY in namespaces or namespace in namespaces else None
