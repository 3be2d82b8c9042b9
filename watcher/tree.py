"""What lies in a folder: which files count, how to tell that one changed without reading it, and what is outside.

Links are followed as long as they stay in the folder: Kubernetes' ConfigMap volumes consist of links through a hidden
`..data`. What a link leads to elsewhere is neither read nor listed.
"""

import heapq
import os
from collections import deque
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from watcher.limits import MAX_FILES, MAX_FOLDERS, MAX_LINKED, MAX_NAMES, MAX_UNLISTED_TOLD

SUFFIXES: Final = (".yaml", ".yml", ".json")

_HERE: Final = "/proc/self/fd"
_DELETED: Final = " (deleted)"
"""What the kernel says behind the path of what has been removed meanwhile."""


class OutsideError(Exception):
    """A path that leads out of its folder; the message says so."""

    def __init__(self, real: str) -> None:
        super().__init__(f"it is a link that leads out of the folder, to {real[:200]}: not followed")


class Identity(NamedTuple):
    """A file that has the same identity has the same content, but for writes within the clock's grain."""

    ctime_ns: int
    mtime_ns: int
    size: int
    inode: int
    device: int


UNKNOWN: Final = Identity(-1, -1, -1, -1, -1)
"""Of a file that cannot be looked at."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found below a path: files that count, folders, and folders that could not be listed, with the reason.

    Without a reason it is not to be told, since many are. `cut`: folders that were listed, but not all of whose files
    are among those that were found.
    """

    files: dict[str, Identity] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    unlisted: dict[str, str] = field(default_factory=dict)
    cut: dict[str, str] = field(default_factory=dict)

    def hides(self, path: str) -> bool:
        """Whether a path that was not found may be there nevertheless."""
        return path.rpartition("/")[0] in self.cut or lies_in(path, self.unlisted)


@dataclass(frozen=True, slots=True)
class Room:
    """How many files and folders may be found."""

    files: int = MAX_FILES
    folders: int = MAX_FOLDERS


def counts(name: str) -> bool:
    """Whether a file of this name may hold objects. Editors' backups end differently or are hidden."""
    return name.endswith(SUFFIXES) and not name.startswith(".")


def within(path: str, folder: str) -> bool:
    """Whether a path is the folder or lies in it."""
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def lies_in(path: str, folders: Container[str]) -> bool:
    """Whether a path lies in one of the folders, or is one."""
    while path:
        if path in folders:
            return True
        path = path.rpartition("/")[0]
    return "/" in folders


def identity_of(found: os.stat_result) -> Identity:
    """A file's identity."""
    return Identity(found.st_ctime_ns, found.st_mtime_ns, found.st_size, found.st_ino, found.st_dev)


def identity_at(path: str, root: str) -> Identity:
    """The identity of what is at a path; of a link that leads out of the root, its own. FileNotFoundError: nothing."""
    try:
        return identity_of(os.stat(resolve(path, root)))  # noqa: PTH116 -- strings: a large folder is walked often
    except OutsideError:
        return identity_of(os.lstat(path))
    except FileNotFoundError:
        raise
    except OSError:
        return UNKNOWN


def resolve(path: str, root: str) -> str:
    """What a path leads to, without links. OutsideError when that is not in the root, OSError when there is nothing."""
    for _ in range(2):  # the root itself may be a link that is swapped between the two
        home, real = _real(root), _real(path)
        if within(real, home):
            return real
    raise OutsideError(real)


def _real(path: str) -> str:
    """A path without links. OSError as of `os.path.realpath`, which asks for each part of it; the kernel knows it."""
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # perhaps for want of descriptors, which says nothing of the path
        return os.path.realpath(path, strict=True)
    try:
        real = os.readlink(f"{_HERE}/{descriptor}")  # noqa: PTH115 -- strings: a large folder is walked often
    except FileNotFoundError:
        real = ""
    finally:
        os.close(descriptor)
    is_known = real.startswith("/") and not real.endswith(_DELETED)
    return real if is_known else os.path.realpath(path, strict=True)


@contextmanager
def opened(path: str, root: str, flags: int = 0) -> Iterator[int]:
    """A descriptor of what a path leads to, if that is in the root; it is what was checked that is open.

    OutsideError and OSError as of `resolve`. Nothing blocks, and nothing outside is even opened, unless links are
    swapped at that very moment: then the descriptor itself says where it leads, and what was there counts as gone.
    """
    real = resolve(path, root)
    descriptor = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC | os.O_NOFOLLOW | flags)
    try:
        if not within(_place_of(descriptor, path, root), _real(root)):
            raise FileNotFoundError(path)
        yield descriptor
    finally:
        os.close(descriptor)


def _place_of(descriptor: int, path: str, root: str) -> str:
    """Where a descriptor leads; without /proc, where the path does, if that is the same."""
    try:
        return str(Path(_HERE, str(descriptor)).readlink())
    except FileNotFoundError:
        again = resolve(path, root)
        if not os.path.samestat(os.lstat(again), os.fstat(descriptor)):
            raise
        return again


def folders_above(path: str, root: str) -> frozenset[tuple[int, int]] | None:
    """Device and inode of each folder from the root to the one that `path` is in.

    None when one of them occurs twice, is missing or outside: the path is no part of the tree.
    """
    above: set[tuple[int, int]] = set()
    folders: list[str] = []
    folder = os.path.dirname(path)  # noqa: PTH120 -- strings, as above
    while path != root and within(folder, root):
        folders.append(folder)
        if folder == root:
            break
        folder = os.path.dirname(folder)  # noqa: PTH120
    for folder in folders:
        try:
            found = os.stat(resolve(folder, root))  # noqa: PTH116
        except (OSError, OutsideError):
            return None
        above.add((found.st_dev, found.st_ino))
    return frozenset(above) if len(above) == len(folders) else None


def survey(
    folder: str,
    root: str,
    on_folder: Callable[[str], None] = lambda _: None,
    above: frozenset[tuple[int, int]] = frozenset(),
    room: Room = Room(),
) -> Survey:
    """Walk a folder of a root, symbolic links included; `on_folder` is called with each before it is listed.

    `above` are the folders that it lies in, as `folders_above` gives them.

    Hidden names are left out. A link to a folder that it lies in, or out of the root, is not followed. What vanishes
    meanwhile was not there. Where there is more than there is room for, links yield to folders, and the folders with
    the most files to the others.
    """
    return _Walk(root, on_folder, room).walk(folder, above)


class _Pending(NamedTuple):
    """A folder to be listed, the folders it lies in, and whether the way there leads through a link."""

    path: str
    above: frozenset[tuple[int, int]]
    linked: bool


class _Walk:
    """A survey under way."""

    def __init__(self, root: str, on_folder: Callable[[str], None], room: Room) -> None:
        self._root = root
        self._on_folder = on_folder
        self._room = room
        self._found = Survey()
        self._names: dict[str, list[str]] = {}
        self._links: set[str] = set()
        self._counted = 0
        self._linked = 0

    def walk(self, folder: str, above: frozenset[tuple[int, int]]) -> Survey:
        """Everything below a folder."""
        plain, linked = deque([_Pending(folder, above, linked=False)]), deque[_Pending]()
        while plain or linked:
            here = (plain or linked).popleft()
            if reason := self._no_room(here):
                self._leave(here.path, reason)
                continue
            try:
                with opened(here.path, self._root, os.O_DIRECTORY) as descriptor:
                    status = os.fstat(descriptor)
                    own = (status.st_dev, status.st_ino)
                    if own in here.above:
                        continue
                    self._on_folder(here.path)
                    for path, is_link in self._list(here.path, descriptor):
                        through = here.linked or is_link
                        (linked if through else plain).append(_Pending(path, here.above | {own}, through))
            except FileNotFoundError:
                if here.path == folder:
                    self._leave(folder, f"the folder {folder} does not exist")
                continue
            except OutsideError as error:
                self._leave(here.path, str(error))
                continue
            except OSError as error:
                self._leave(here.path, f"the folder {here.path} cannot be listed: {error.strerror}")
                continue
            self._found.folders.add(here.path)
            self._linked += here.linked
        self._choose()
        return self._found

    def _leave(self, path: str, reason: str) -> None:
        """It is not listed. Of very many, not each is told."""
        untold = len(self._found.unlisted) >= MAX_UNLISTED_TOLD
        self._found.unlisted[path] = "" if untold else reason

    def _no_room(self, here: _Pending) -> str | None:
        if len(self._found.folders) >= self._room.folders:
            return f"it is not listed: there are more than {MAX_FOLDERS} folders, counting each link to one"
        if here.linked and self._linked >= MAX_LINKED:
            return f"it is not listed: there are more than {MAX_LINKED} folders below links, counting each way to one"
        return None

    def _list(self, path: str, descriptor: int) -> Iterator[tuple[str, bool]]:
        """Note the files that count, and give the folders, and whether each is a link."""
        names: list[str] = []
        with os.scandir(descriptor) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                is_link = entry.is_symlink()
                if entry.is_dir(follow_symlinks=False) or (is_link and _leads_to_folder(entry)):
                    yield f"{path}/{entry.name}", is_link
                elif counts(entry.name):
                    names.append(entry.name)
                    if is_link:
                        self._links.add(f"{path}/{entry.name}")
        if self._counted + len(names) > MAX_NAMES:
            self._found.cut[path] = f"its files are not read: there are more than {MAX_NAMES} files in all folders"
            return
        self._counted += len(names)
        self._names[path] = names

    def _choose(self) -> None:
        """Look at the files that there is room for."""
        most = _share([len(names) for names in self._names.values()], self._room.files)
        for folder, names in self._names.items():
            chosen = names
            if len(names) > most:
                chosen = heapq.nsmallest(most, names)
                self._found.cut[folder] = (
                    f"only the first {most} of its files are read, in the order of their names: "
                    f"there are more than {MAX_FILES} files in all folders"
                )
            for name in chosen:
                self._look_at(f"{folder}/{name}")

    def _look_at(self, path: str) -> None:
        try:
            is_link = path in self._links
            self._found.files[path] = identity_at(path, self._root) if is_link else identity_of(os.lstat(path))
        except FileNotFoundError:
            return
        except OSError:
            self._found.files[path] = UNKNOWN  # reading it will say why


def _leads_to_folder(link: os.DirEntry[str]) -> bool:
    try:
        return link.is_dir()
    except OSError:
        return False


def _share(numbers: list[int], room: int) -> int:
    """The most that each may have, so that all together have no more than there is room for."""
    if sum(numbers) <= room:
        return room
    low, high = 0, room
    while low < high:
        middle = (low + high + 1) // 2
        if sum(min(number, middle) for number in numbers) <= room:
            low = middle
        else:
            high = middle - 1
    return low
