"""The folders that are read, in their order: which of them a path is in, and as which source its objects are known."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from watcher.sources import Source
from watcher.tree import within


@dataclass(frozen=True, slots=True)
class Root:
    """A folder to be read.

    `label` goes before its files' names; what a labelled one has yields to the others', unless it is their `peer`. Our
    own one may be missing, and a file that was read there is meant to stay: if it is lost, it is put back.
    """

    path: str
    label: str = ""
    own: bool = False
    peer: bool = False

    @classmethod
    def at(cls, path: Path, label: str = "", *, own: bool = False) -> "Root":
        """A root; the path is made absolute, links in it stay."""
        return cls(str(path.absolute()), label, own)


class Roots:
    """All of them. Of two that a path is in the first counts."""

    def __init__(self, roots: Iterable[Root]) -> None:
        self.every = tuple(roots)
        self.required = frozenset(root.path for root in self.every if not root.own)
        self.optional = frozenset(root.path for root in self.every if root.own)

    def above(self, path: str) -> Root:
        """The root that a path is in. StopIteration where it is in none."""
        return next(root for root in self.every if within(path, root.path))

    def path_above(self, path: str) -> str | None:
        """The path of the root that a path is in; None where it is in none."""
        return next((root.path for root in self.every if within(path, root.path)), None)

    def source_of(self, path: str) -> Source:
        """The source that a path is."""
        rank, root = next((rank, root) for rank, root in enumerate(self.every) if within(path, root.path))
        inner = path[len(root.path) :].lstrip("/")
        name = root.label + (os.fsencode(inner).decode(errors="backslashreplace") or ".")
        return Source(rank, name, yields=bool(root.label) and not root.peer)

    def path_of(self, source: Source) -> str:
        """The path of a source."""
        root = self.every[source.rank]
        return f"{root.path}/{source.name.removeprefix(root.label)}"

    def share_of(self, path: str) -> str:
        """The folder right below a root that a file is in; empty for a file in the root itself."""
        root = self.path_above(path) or path
        first, below, _ = path[len(root) :].lstrip("/").partition("/")
        return f"{root}/{first}" if below else ""
