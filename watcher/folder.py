"""Folders as sources of objects: each file is one. What to look at is decided elsewhere; here it is looked at.

A look has three steps, so that whoever drives it can see between the second and the third whether a file changed while
it was read: `look` (which files of a path have changed), `read` (its bytes), `take` (what that means, as an event).
"""

import os
import stat
import time
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from snapshot import Record
from watcher.parsing import MAX_BYTES, Memo, parse
from watcher.sources import Event, Problem, Source, SourceGone, SourceListed
from watcher.state import State, Told
from watcher.tree import UNKNOWN, Identity, counts, folders_above, identity_of, survey, within

GRAIN: Final = 100_000_000
"""Nanoseconds: a file read so soon after its last write may be written again without its time changing."""


@dataclass(frozen=True, slots=True)
class Root:
    """A folder to be read. `label` goes before its files' names.

    Our own one may be missing, and a file that was read there is meant to stay: if it is lost, it is put back.
    """

    path: str
    label: str = ""
    own: bool = False

    @classmethod
    def at(cls, path: Path, label: str = "", *, own: bool = False) -> "Root":
        """A root; the path is made absolute, links in it stay."""
        return cls(str(path.absolute()), label, own)


@dataclass(frozen=True, slots=True)
class Reading:
    """A file's bytes; None when it is missing, or cannot be read for a `reason`."""

    path: str
    data: bytes | None = None
    identity: Identity | None = None
    reason: str | None = None
    settled: bool = False
    """Whether its identity can be trusted to change with the next write."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a look found: files to be read, known ones that are missing, other events, folders that are no more."""

    files: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    gone_folders: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Known:
    """What is known of a file; without identity it has to be read again."""

    identity: Identity | None = None
    settled: bool = False
    memo: Memo = field(default_factory=dict)


class Folder:
    """What was seen of the roots. Of two files with the same object the first counts: by root, then by path.

    `remembered` are the files (as sources) that an earlier process has published objects of.
    """

    def __init__(self, roots: Iterable[Root], namespace: str, remembered: Iterable[Source] = ()) -> None:
        self._roots = tuple(roots)
        self._namespace = namespace
        self._files: dict[str, _Known] = {}
        self._paths: list[str] = []
        self._folders: set[str] = set()
        self._unlisted: dict[str, str] = {}
        self._sighted: dict[str, Identity | str | None] = {}
        for source in remembered:
            if source.rank < len(self._roots):
                self._know(self.path_of(source))

    def source_of(self, path: str) -> Source:
        """The source that a path is."""
        rank, root = next((rank, root) for rank, root in enumerate(self._roots) if within(path, root.path))
        inner = path[len(root.path) :].lstrip("/")
        return Source(rank, root.label + (os.fsencode(inner).decode(errors="backslashreplace") or "."))

    def path_of(self, source: Source) -> str:
        """The path of a source."""
        root = self._roots[source.rank]
        return f"{root.path}/{source.name.removeprefix(root.label)}"

    def knows(self, path: str) -> bool:
        """Whether a file is known here: it may have objects, and if it is gone, they go."""
        return path in self._files

    def look(self, path: str, on_folder: Callable[[str], None] = lambda _: None) -> Look:
        """What has changed at a path, or below it if it is a folder. A file named itself is read in any case."""
        root = next((root for root in self._roots if within(path, root.path)), None)
        if root is None:
            return Look()
        above = folders_above(path, root.path)
        try:
            mode = Path(path).stat().st_mode if above is not None else 0
        except FileNotFoundError:
            mode = 0
        except OSError:
            return Look([path]) if counts(Path(path).name) else Look()
        if above is not None and (stat.S_ISDIR(mode) or path in self._required()):
            return self._look_below(path, above, on_folder)
        files = [path] if stat.S_ISREG(mode) and counts(Path(path).name) else []
        missing = [known for known in self._below(path) if known not in files]
        return Look(files, missing, self._healed(path, {}), self._forget_folders(path, set()))

    def read(self, path: str) -> Reading:
        """The file's bytes as they are now, one more than allowed if there are too many."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return Reading(path)
        except OSError as error:
            return Reading(
                path, identity=_identity_at(path), reason=f"it cannot be read: {error.strerror}", settled=True
            )
        try:
            with open(descriptor, "rb") as file:  # noqa: PTH123 -- a descriptor: a pipe must not hold us up
                found = os.fstat(descriptor)
                if not stat.S_ISREG(found.st_mode):
                    return Reading(path)
                data = file.read(min(found.st_size, MAX_BYTES) + 1)
        except OSError as error:
            return Reading(path, reason=f"it cannot be read: {error.strerror}")
        settled = abs(time.time_ns() - found.st_ctime_ns) > GRAIN
        return Reading(path, data, identity_of(found), settled=settled)

    def take(self, reading: Reading) -> Event | None:
        """What a reading means; None when it means nothing."""
        path = reading.path
        if reading.data is None and reading.reason is None:
            if self._is_to_stay(path):
                return SourceListed(self.source_of(path), {}, whole=False)
            return SourceGone(self.source_of(path)) if self._drop(path) else None
        source, known = self.source_of(path), self._know(path)
        known.identity, known.settled = reading.identity, reading.settled
        if reading.data is None:
            return SourceListed(source, {}, (Problem(str(reading.reason)),), whole=False)
        if not _is_text(path):
            return SourceListed(source, {}, (Problem("its name is not UTF-8"),), whole=False)
        content = parse(source.name, reading.data, self._namespace, known.memo)
        known.memo = content.memo
        return SourceListed(source, content.objects, content.problems, content.whole)

    def poll(self, on_folder: Callable[[str], None] = lambda _: None) -> list[str]:
        """Walk everything; the paths that have changed, alike in this poll and the last one, so that they are calm."""
        sighted: dict[str, Identity | str | None] = {}
        for root in self._roots:
            found = survey(root.path, on_folder)
            sighted |= {path: identity for path, identity in found.files.items() if self._is_news(path, identity)}
            sighted |= {path: None for path in self._below(root.path) if path not in found.files}
            unlisted = {} if root.own and root.path in found.unlisted else found.unlisted
            known = {path: said for path, said in self._unlisted.items() if within(path, root.path)}
            sighted |= {path: unlisted.get(path) for path in unlisted.keys() ^ known.keys()}
            for folder in unlisted:
                sighted = {path: seen for path, seen in sighted.items() if path == folder or not within(path, folder)}
        calm = [path for path, seen in sighted.items() if path in self._sighted and self._sighted[path] == seen]
        self._sighted = {path: seen for path, seen in sighted.items() if path not in calm}
        return calm

    @property
    def wavering(self) -> bool:
        """Whether the last poll saw changes that another one has to confirm."""
        return bool(self._sighted)

    def _look_below(self, path: str, above: frozenset[tuple[int, int]], on_folder: Callable[[str], None]) -> Look:
        found = survey(path, on_folder, above)
        unlisted = {} if path in self._optional() and path in found.unlisted else found.unlisted
        events = self._healed(path, unlisted)
        self._unlisted |= unlisted
        for folder, reason in unlisted.items():
            events.append(SourceListed(self.source_of(folder), {}, (Problem(reason),), whole=False))
        missing = [known for known in self._below(path) if known not in found.files]
        hidden = [known for known in missing if any(within(known, folder) for folder in unlisted)]
        for known in hidden:
            if not self._files[known].identity:
                events.append(SourceListed(self.source_of(known), {}, whole=False))
        changed = [file for file, identity in found.files.items() if self._is_news(file, identity)]
        missing = [known for known in missing if known not in hidden]
        gone = [] if unlisted else self._forget_folders(path, found.folders)
        self._folders |= found.folders
        return Look(sorted(changed), missing, events, gone)

    def _is_news(self, path: str, identity: Identity) -> bool:
        known = self._files.get(path)
        return known is None or known.identity != identity or not known.settled

    def _healed(self, path: str, unlisted: Mapping[str, str]) -> list[Event]:
        """The folders below that could not be listed and now can, or are no more."""
        healed = [folder for folder in self._unlisted if within(folder, path) and folder not in unlisted]
        for folder in healed:
            del self._unlisted[folder]
        return [SourceGone(self.source_of(folder)) for folder in healed]

    def _forget_folders(self, path: str, still: set[str]) -> list[str]:
        gone = [folder for folder in self._folders if folder not in still and within(folder, path)]
        self._folders.difference_update(gone)
        return gone

    def _is_to_stay(self, path: str) -> bool:
        known = self._files.get(path)
        root = next(root for root in self._roots if within(path, root.path))
        return root.own and known is not None and known.identity is not None

    def _required(self) -> set[str]:
        return {root.path for root in self._roots if not root.own}

    def _optional(self) -> set[str]:
        return {root.path for root in self._roots if root.own}

    def _below(self, path: str) -> list[str]:
        """The known files at a path or below it."""
        start, end = bisect_left(self._paths, f"{path}/"), bisect_left(self._paths, f"{path}0")  # "0" follows "/"
        return [*([path] if path in self._files else []), *self._paths[start:end]]

    def _know(self, path: str) -> _Known:
        if path not in self._files:
            insort(self._paths, path)
            self._files[path] = _Known()
        return self._files[path]

    def _drop(self, path: str) -> bool:
        if self._files.pop(path, None) is None:
            return False
        del self._paths[bisect_left(self._paths, path)]
        return True


@dataclass(frozen=True, slots=True)
class Loaded:
    """A folder's objects as records by key (without records of problems), and what is wrong with its files."""

    objects: Mapping[str, Record]
    problems: tuple[Told, ...]


def load(folder: Path, namespace: str = "default") -> Loaded:
    """Read a folder once. Raises nothing: what cannot be read is among the problems, the folder itself included."""
    root = Root.at(folder)
    files, state = Folder([root], namespace), State()
    look = files.look(root.path)
    events = [files.take(files.read(path)) for path in look.files]
    changes = state.step([*look.events, *(event for event in events if event)])
    objects = {
        key: record for key, record in changes.records.items() if record and not key.startswith("dragoman/File//")
    }
    return Loaded(objects, changes.appeared)


def _identity_at(path: str) -> Identity:
    try:
        return identity_of(Path(path).stat())
    except OSError:
        return UNKNOWN


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
