"""Where objects come from, and what is said of them there: a file of a folder, a kind of an API server."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final, Literal, TypeAlias

from process.text import printable
from snapshot import Record

FILE = "File"

_MAX_NAME = 400

LONGEST_MESSAGE: Final = 1000
"""Characters of a problem's sentence, about, whatever it quotes."""


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """Where objects come from. Sources are ordered by rank, then by name; `kind` is the word for what it is.

    `yields`: what it has is for when nobody else has it, so that it is no problem if somebody does.
    """

    rank: int
    name: str
    kind: str = FILE
    yields: bool = field(default=False, compare=False)

    @property
    def key(self) -> str:
        """The snapshot's key for the record that tells of this source's problems."""
        encoded = self.name.encode(errors="backslashreplace")
        if len(encoded) > _MAX_NAME:
            digest = blake2b(encoded, digest_size=8).hexdigest()
            return f"dragoman/{self.kind}//{encoded[:_MAX_NAME].decode(errors='ignore')}...{digest}"
        return f"dragoman/{self.kind}//{encoded.decode()}"


Sort: TypeAlias = Literal["Unread", "Text", "Object", "Twice", "Excess"]
"""What is wrong, for programs: it cannot be read at all, is no YAML or JSON, is no object, is an object that is there
already, or is more than there may be."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a person should mend: the document, line and column (counted from 1), where there are such.

    `about`: the key of the object that it is about, where it is about one. Problems that differ only in what comes
    behind the line are the same: that is for those who look closer.
    """

    message: str
    document: int | None = None
    line: int | None = None
    sort: Sort = field(default="Unread", compare=False)
    column: int | None = field(default=None, compare=False)
    about: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        """Bound the sentence here, since it may quote a file, or an API server."""
        object.__setattr__(self, "message", printable(self.message, LONGEST_MESSAGE))


@dataclass(frozen=True, slots=True)
class SourceListed:
    """All that a source has. If not `whole`, what it had and does not name here stays: it may be in the unread part."""

    source: Source
    objects: Mapping[str, Record]
    problems: tuple[Problem, ...] = ()
    whole: bool = True


@dataclass(frozen=True, slots=True)
class SourceFailed:
    """A source could not be asked: what it said last stays; it still has to be listed before the first view."""

    source: Source
    problem: Problem


@dataclass(frozen=True, slots=True)
class SourceGone:
    """A source is no more, and its objects with it."""

    source: Source


@dataclass(frozen=True, slots=True)
class ObjectChanged:
    """A source has a new object, or a new version of one."""

    source: Source
    key: str
    record: Record


@dataclass(frozen=True, slots=True)
class ObjectGone:
    """A source no longer has an object."""

    source: Source
    key: str


@dataclass(frozen=True, slots=True)
class SourceRecovered:
    """A source can be asked, and has what it said last: there are no more problems than these."""

    source: Source
    problems: tuple[Problem, ...] = ()


Event: TypeAlias = SourceListed | SourceFailed | SourceRecovered | SourceGone | ObjectChanged | ObjectGone
