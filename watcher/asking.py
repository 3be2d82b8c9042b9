"""The requests by which all objects of a target, and what changes in them, are asked for: pure.

https://kubernetes.io/docs/reference/using-api/api-concepts/ says what each parameter means.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from watcher.kinds import Target
from watcher.outage import Random

PAGE: Final = 500
WATCH_SECONDS: Final = (300, 600)
"""A watch is asked to end after a time between these, by chance, so that the server's load spreads."""

_WATCH: Final = {"watch": "true", "allowWatchBookmarks": "true"}
_ALL_FIRST: Final = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}


@dataclass(frozen=True, slots=True)
class Ask:
    """A request: GET the target's path with these parameters."""

    params: Mapping[str, str]
    stream: bool


def stream_of_all(target: Target, random: Random) -> Ask:
    """All objects, by a stream that goes on with what changes."""
    return Ask(target.params | _WATCH | _seconds(random) | _ALL_FIRST, stream=True)


def changes_since(target: Target, version: str, random: Random) -> Ask:
    """What changes since a resourceVersion."""
    return Ask(target.params | _WATCH | _seconds(random) | {"resourceVersion": version}, stream=True)


def page(target: Target, token: str) -> Ask:
    """Some of all objects: the first ones, or those from where the token of the page before says."""
    return Ask(target.params | {"limit": str(PAGE)} | ({"continue": token} if token else {}), stream=False)


def everything(target: Target) -> Ask:
    """All objects in one answer."""
    return Ask(target.params, stream=False)


def _seconds(random: Random) -> dict[str, str]:
    shortest, longest = WATCH_SECONDS
    return {"timeoutSeconds": str(int(shortest + random() * (longest - shortest)))}
