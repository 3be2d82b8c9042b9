"""What a reflector learns of its objects, by what the API server said or did not say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from watcher.trimming import Seen


@dataclass(frozen=True, slots=True)
class Listed:
    """All objects there are, and what is wrong with those that cannot be kept, by their keys."""

    objects: Mapping[str, Seen]
    problems: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Changed:
    """A new object, or a new version of one."""

    seen: Seen


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An object is there, as no version of it that could be kept; the key is empty when not even that can be read."""

    key: str
    message: str


@dataclass(frozen=True, slots=True)
class Gone:
    """An object is no more."""

    key: str


@dataclass(frozen=True, slots=True)
class Forbidden:
    """The server does not let us see them; it says what it does not let us do."""

    message: str


@dataclass(frozen=True, slots=True)
class Missing:
    """The server has no such kind."""


@dataclass(frozen=True, slots=True)
class Failing:
    """They cannot be asked for now: what was known stays. `failures` in a row."""

    message: str
    failures: int


@dataclass(frozen=True, slots=True)
class Recovered:
    """After trouble, the watch goes on from where it was."""


WatchEvent: TypeAlias = Listed | Changed | Unreadable | Gone | Forbidden | Missing | Failing | Recovered
