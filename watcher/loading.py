"""A folder read once, as the watcher reads it, for whoever does not follow it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from snapshot import Record
from watcher.folder import Folder
from watcher.limits import Limits
from watcher.parsing import Work
from watcher.roots import Root
from watcher.sources import Event
from watcher.state import LocatedProblem, State


@dataclass(frozen=True, slots=True)
class Loaded:
    """A folder's objects as records by key (without records of problems), and what is wrong with its files."""

    objects: Mapping[str, Record]
    problems: tuple[LocatedProblem, ...]


def roots_of(folder: Path, more: Iterable[Path]) -> tuple[Root, ...]:
    """A folder and further ones, the names of whose files begin with their own."""
    return (Root.at(folder), *(Root.at(each, f"({each})/") for each in more))


def load(
    folder: Path,
    namespace: str = "default",
    limits: Limits = Limits(),  # noqa: B008 -- frozen
    do: Callable[[Work], None] = Work.do,
    more: Iterable[Path] = (),
) -> Loaded:
    """Read a folder once, and `more` of them. Raises nothing: what cannot be read is among the problems.

    `do` does the work of reading a file's documents.
    """
    roots = roots_of(folder, more)
    files, state = Folder(roots, namespace, limits=limits), State()
    events: list[Event | None] = []
    for look in [files.look(root.path) for root in roots]:
        events += look.events
        for path in look.files:
            begun = files.begin(files.read(path))
            if isinstance(begun, Work):
                do(begun)
                begun = files.finish(begun)
            events.append(begun)
    changes = state.step(event for event in events if event)
    objects = {
        key: record for key, record in changes.records.items() if record and not key.startswith("dragoman/File//")
    }
    return Loaded(objects, state.problems)
