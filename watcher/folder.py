"""Folders as sources of objects: each file is one. What to look at is decided elsewhere; here it is looked at.

A look has steps, so that whoever drives it can see between them whether a file changed while it was read, and can do
something else while documents are read: `look` (which files of a path have changed), `read` (its bytes), `begin` (what
there is to do with them), `finish` (what that means, as an event).
"""

import os
import stat
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from snapshot import Record
from watcher import parsing
from watcher.files import Reading, read_file
from watcher.limits import MAX_FILES, MAX_FOLDERS, Ledger, Limits, mib, weigh
from watcher.parsing import Memo, Work
from watcher.roots import Root, Roots
from watcher.sources import Event, Problem, Sort, Source, SourceGone, SourceListed
from watcher.tree import (
    Identity,
    OutsideError,
    Room,
    Survey,
    counts,
    folders_above,
    lies_in,
    resolve,
    survey,
    within,
)


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
    source: Source | None = None
    memo: Memo = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    """What each object counts as that the file has, or had when it could last be read whole."""


class Folder:
    """What was seen of the roots. Of two files with the same object the first counts: by root, then by path.

    `remembered` is what files (as sources) had that an earlier process has published objects of.
    """

    def __init__(
        self,
        roots: Iterable[Root],
        namespace: str,
        remembered: Mapping[Source, Mapping[str, Record]] | None = None,
        limits: Limits = Limits(),  # noqa: B008 -- frozen
    ) -> None:
        self._roots = Roots(roots)
        self._namespace = namespace
        self._limits = limits
        self._ledger = Ledger(limits.total, self._roots.share_of)
        self._files: dict[str, _Known] = {}
        self._paths: list[str] = []
        self._folders: set[str] = set()
        self._unlisted: dict[str, str] = {}
        self._sighted: dict[str, Identity | str | None] = {}
        for source, objects in (remembered or {}).items():
            if source.rank < len(self._roots.every):
                path = self.path_of(source)
                self._know(path).held = {key: weigh(record.body) for key, record in objects.items()}
                self._ledger.restore(path, sum(map(weigh, (record.body for record in objects.values()))))

    def source_of(self, path: str) -> Source:
        """The source that a path is."""
        known = self._files.get(path)
        if known is None:
            return self._roots.source_of(path)
        if known.source is None:
            known.source = self._roots.source_of(path)
        return known.source

    def path_of(self, source: Source) -> str:
        """The path of a source."""
        return self._roots.path_of(source)

    def knows(self, path: str) -> bool:
        """Whether a file is known here: it may have objects, and if it is gone, they go."""
        return path in self._files

    def look(self, path: str, on_folder: Callable[[str], None] = lambda _: None) -> Look:
        """What has changed at a path, or below it if it is a folder. A file named itself is read in any case."""
        root = self._roots.path_above(path)
        if root is None:
            return Look()
        above = folders_above(path, root)
        try:
            mode = os.stat(resolve(path, root)).st_mode if above is not None else 0  # noqa: PTH116
        except FileNotFoundError:
            mode = 0
        except OutsideError:
            mode = stat.S_IFDIR if Path(path).is_dir() else stat.S_IFLNK
        except OSError:
            return Look([path]) if counts(Path(path).name) else Look()
        if above is not None and (stat.S_ISDIR(mode) or path in self._roots.required):
            return self._look_below(path, above, on_folder)
        has_room = path in self._files or len(self._files) < MAX_FILES  # else a poll says so
        files = [path] if mode and counts(Path(path).name) and has_room else []
        missing = [known for known in self._below(path) if known not in files]
        return Look(files, missing, self._healed(path, {}), self._forget_folders(path, set()))

    def read(self, path: str) -> Reading:
        """The file's bytes as they are now, one more than allowed if there are too many."""
        return read_file(path, self._roots.path_above(path) or path, self._limits.file)

    def begin(self, reading: Reading) -> Event | Work | None:
        """What a reading means, or what there is to do to know it; None when it means nothing."""
        path = reading.path
        if reading.data is None and reading.reason is None:
            return self._gone(path)
        source, known = self.source_of(path), self._know(path)
        known.identity, known.settled = reading.identity, reading.settled
        if reading.data is None:
            return _refused(source, str(reading.reason))
        if not _is_text(path):
            return _refused(source, "its name is not UTF-8")
        size = len(reading.data)
        if size > self._limits.file:
            return _refused(source, self._limits.file_too_large(), "Excess")
        if not self._ledger.hold(path, max(size, self._ledger.held(path))):
            return self._no_room(path, size)
        work = parsing.begin(source.name, reading.data, self._namespace, known.memo, self._limits)
        work.path = path
        return work

    def _gone(self, path: str) -> Event | None:
        if self._is_to_stay(path):
            return SourceListed(self.source_of(path), {}, whole=False)
        return SourceGone(self.source_of(path)) if self._drop(path) else None

    def finish(self, work: Work) -> Event | None:
        """What a file says that has been read to its end; None if it is no more."""
        path = work.path
        known = self._files.get(path)
        if known is None:
            return None
        content = work.content()
        known.memo = content.memo
        held = {key: weigh(record.body) for key, record in content.objects.items()}
        if not content.whole:
            held = known.held | held
        weight = max(work.size, content.takes, sum(held.values()))
        if sum(held.values()) > self._limits.file:
            self._ledger.hold(path, sum(known.held.values()))
            return _refused(
                self.source_of(path), "with what it had before, " + self._limits.objects_too_large(), "Excess"
            )
        if not self._ledger.hold(path, weight):
            self._ledger.hold(path, sum(known.held.values()))
            return self._no_room(path, weight)
        known.held = held
        return SourceListed(self.source_of(path), content.objects, content.problems, content.whole)

    def take(self, reading: Reading) -> Event | None:
        """What a reading means, at once."""
        begun = self.begin(reading)
        if not isinstance(begun, Work):
            return begun
        begun.do()
        return self.finish(begun)

    def welcome(self) -> list[str]:
        """The files that there was no room for, and is now."""
        return self._ledger.welcome()

    def poll(self, on_folder: Callable[[str], None] = lambda _: None) -> list[str]:
        """Walk everything; the paths that have changed, alike in this poll and the last one, so that they are calm."""
        sighted: dict[str, Identity | str | None] = {}
        for root in self._roots.every:
            found = survey(root.path, root.path, on_folder, room=self._room(root.path))
            sighted |= {path: identity for path, identity in found.files.items() if self._is_news(path, identity)}
            missing = (path for path in self._below(root.path) if path not in found.files)
            sighted |= {path: None for path in missing if not found.hides(path)}
            unlisted = self._said_of(found, root.path)
            known = {path: said for path, said in self._unlisted.items() if within(path, root.path)}
            news = (path for path in unlisted.keys() ^ known.keys())
            sighted |= {
                path: unlisted.get(path) for path in news if not lies_in(path.rpartition("/")[0], found.unlisted)
            }
        calm = [path for path, seen in sighted.items() if path in self._sighted and self._sighted[path] == seen]
        self._sighted = {path: seen for path, seen in sighted.items() if path not in calm}
        return calm

    @property
    def wavering(self) -> bool:
        """Whether the last poll saw changes that another one has to confirm."""
        return bool(self._sighted)

    def _look_below(self, path: str, above: frozenset[tuple[int, int]], on_folder: Callable[[str], None]) -> Look:
        found = survey(path, self._roots.path_above(path) or path, on_folder, above, self._room(path))
        unlisted = self._said_of(found, path)
        events = self._healed(path, unlisted)
        self._unlisted |= unlisted
        events += (_refused(self.source_of(folder), reason) for folder, reason in unlisted.items())
        missing = [known for known in self._below(path) if known not in found.files]
        hidden = {known for known in missing if found.hides(known)}
        for known in hidden:
            if not self._files[known].identity:
                events.append(SourceListed(self.source_of(known), {}, whole=False))
        changed = [file for file, identity in found.files.items() if self._is_news(file, identity)]
        changed.sort(key=lambda file: (file not in self._files, found.files[file].size, file))
        missing = [known for known in missing if known not in hidden]
        gone = [] if found.unlisted else self._forget_folders(path, found.folders)
        self._folders |= found.folders
        return Look(changed, missing, events, gone)

    def _said_of(self, found: Survey, path: str) -> dict[str, str]:
        """What is to be told of the folders that were found."""
        unlisted = {} if path in self._roots.optional and path in found.unlisted else found.unlisted
        return {folder: reason for folder, reason in {**found.cut, **unlisted}.items() if reason}

    def _room(self, path: str) -> Room:
        """What may be found at a path or below it, beside what there is elsewhere."""
        folders = sum(not within(folder, path) for folder in self._folders)
        return Room(MAX_FILES - len(self._files) + len(self._below(path)), MAX_FOLDERS - folders)

    def _no_room(self, path: str, weight: int) -> Event:
        self._ledger.refuse(path, weight)
        total = mib(self._ledger.total)
        return _refused(
            self.source_of(path),
            f"what it had before stays: with it all files have more than {total} together, or more than three quarters "
            f"of that, and it is above 1 MiB or in a folder that has half of that (DRAGOMAN_CONFIG_SUM_MIB)",
            "Excess",
        )

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
        if path not in self._folders:  # then none below is, either
            return []
        gone = [folder for folder in self._folders if folder not in still and within(folder, path)]
        self._folders.difference_update(gone)
        return gone

    def _is_to_stay(self, path: str) -> bool:
        known = self._files.get(path)
        return self._roots.above(path).own and known is not None and known.identity is not None

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
        self._ledger.drop(path)
        del self._paths[bisect_left(self._paths, path)]
        return True


def _refused(source: Source, reason: str, sort: Sort = "Unread") -> SourceListed:
    return SourceListed(source, {}, (Problem(reason, sort=sort),), whole=False)


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
