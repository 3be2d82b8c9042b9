"""A folder read once, as the watcher reads it, for whoever does not follow it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from snapshot import Record
from watcher.folder import Folder, Root
from watcher.limits import Limits
from watcher.parsing import Work
from watcher.sources import Event
from watcher.state import State, Told


@dataclass(frozen=True, slots=True)
class Loaded:
    """A folder's objects as records by key (without records of problems), and what is wrong with its files."""

    objects: Mapping[str, Record]
    problems: tuple[Told, ...]


def load(
    folder: Path,
    namespace: str = "default",
    limits: Limits = Limits(),  # noqa: B008 -- frozen
    do: Callable[[Work], None] = Work.do,
) -> Loaded:
    """Read a folder once. Raises nothing: what cannot be read is among the problems, the folder itself included.

    `do` does the work of reading a file's documents.
    """
    root = Root.at(folder)
    files, state = Folder([root], namespace, limits=limits), State()
    look = files.look(root.path)
    events: list[Event | None] = [*look.events]
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
