"""Files and folders read once, by the watcher's own reader, with what it takes to say where in a file an object is."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from snapshot import Record
from watcher.folder import Folder
from watcher.limits import Limits
from watcher.parsing import Work
from watcher.roots import Root
from watcher.sources import Event, Problem
from watcher.state import State

MARK: Final = b"dragoman: ignore"
"""What every comment that silences something has in it."""


@dataclass(frozen=True, slots=True)
class Document:
    """Where a document of a file is: in which piece of it, as which of the piece's, and at which line (from 1)."""

    piece: int
    index: int
    line: int
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class File:
    """A file that was read: its path, as the user would name it, and its documents in their order."""

    path: Path
    shown: str
    documents: tuple[Document, ...]
    has_comments: bool
    """Whether something in it looks like a comment that silences."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is wrong with a file, or a folder."""

    path: Path
    shown: str
    problem: Problem


@dataclass(frozen=True, slots=True)
class Read:
    """All that was read: objects by key, files by the name that the objects' records have for them, and problems."""

    objects: Mapping[str, Record] = field(default_factory=dict)
    files: Mapping[str, File] = field(default_factory=dict)
    problems: tuple[Told, ...] = ()

    def place_of(self, key: str) -> tuple[File, int] | None:
        """The file that an object is in, and the number of its document there (from 1)."""
        record = self.objects.get(key)
        name, _, number = str(record.notes.get("source", "")).rpartition("#") if record else ("", "", "")
        file = self.files.get(name)
        return (file, int(number)) if file is not None else None


def here(works: Iterable[Work]) -> Iterator[Work]:
    """Do the work of reading files' documents in this process, one after the other."""
    for work in works:
        work.do()
        yield work


def read(
    paths: Iterable[Path],
    namespace: str,
    limits: Limits,
    do: Callable[[Iterable[Work]], Iterable[Work]] = here,
    on_file: Callable[[int, int], None] = lambda _, __: None,
) -> Read:
    """Read files and folders as one configuration; of an object that two of them have the first counts.

    Args:
        paths: that exist. A file is read as one of its folder.
        namespace: of the objects that name none.
        limits: what files may have.
        do: does the work of reading files' documents; gives them in any order.
        on_file: is told how many files are read, and how many there are.
    """
    roots, looks = _roots(paths)
    folder, state = Folder(roots, namespace, limits=limits), State()
    files: dict[str, File] = {}
    events: list[Event | None] = []
    looked = [folder.look(path) for path in looks]
    wanted = list(dict.fromkeys(path for look in looked for path in look.files))
    for look in looked:
        events += look.events
    commented: set[str] = set()

    def begun() -> Iterator[Work]:
        for path in wanted:
            work = folder.begin(folder.read(path))
            if not isinstance(work, Work):
                events.append(work)
                continue
            if any(MARK in piece for batch in work.batches for piece in batch.pieces):
                commented.add(path)
            yield work

    for count, work in enumerate(do(begun()), 1):
        path = work.path
        files[folder.source_of(path).name] = File(Path(path), shown(path), _documents(work), path in commented)
        events.append(folder.finish(work))
        on_file(count, len(wanted))
    records = state.step(event for event in events if event).records
    objects = {key: record for key, record in records.items() if record and not key.startswith("dragoman/File//")}
    problems = tuple(
        Told(Path(folder.path_of(told.source)), shown(folder.path_of(told.source)), told.problem)
        for told in state.problems
    )
    return Read(objects, dict(sorted(files.items())), problems)


def shown(path: str) -> str:
    """A path as a person who is here would write it."""
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative


def _roots(paths: Iterable[Path]) -> tuple[list[Root], list[str]]:
    """The folders to be read in, and the paths to look at; each once, and none that lies in another."""
    absolute = list(dict.fromkeys(path.absolute() for path in paths))
    folders = [path for path in absolute if path.is_dir()]
    looks = [path for path in absolute if not any(path.is_relative_to(one) for one in folders if one != path)]
    homes = list(dict.fromkeys(path if path.is_dir() else path.parent for path in looks))
    homes.sort(key=lambda home: len(home.parts), reverse=True)  # a path belongs to the first that it lies in
    labels = ["" if len(homes) == 1 else f"({home})/" for home in homes]
    return [Root(str(home), label, peer=True) for home, label in zip(homes, labels, strict=True)], [*map(str, looks)]


def _documents(work: Work) -> tuple[Document, ...]:
    found: list[Document] = []
    line = 1
    for piece, (digest, lines) in enumerate(work.pieces):
        for index, parsed in enumerate(work.known.get(digest, ())):
            keys = tuple(key for key, _, _ in parsed.objects)
            found.append(Document(piece, index, line + parsed.line, keys))
        line += lines
    return tuple(found)
