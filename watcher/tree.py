"""What lies in a folder: which files count, and how to tell that one changed without reading it."""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

SUFFIXES: Final = (".yaml", ".yml", ".json")

MAX_FOLDERS: Final = 20_000
"""Links to folders that hold links to folders could make an endless walk of a few files."""


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
    """What was found below a path: files that count, folders, and folders that could not be listed, with the reason."""

    files: dict[str, Identity] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    unlisted: dict[str, str] = field(default_factory=dict)


def counts(name: str) -> bool:
    """Whether a file of this name may hold objects. Editors' backups end differently or are hidden."""
    return name.endswith(SUFFIXES) and not name.startswith(".")


def within(path: str, folder: str) -> bool:
    """Whether a path is the folder or lies in it."""
    return path == folder or path.startswith(f"{folder}/")


def identity_of(found: os.stat_result) -> Identity:
    """A file's identity."""
    return Identity(found.st_ctime_ns, found.st_mtime_ns, found.st_size, found.st_ino, found.st_dev)


def folders_above(path: str, root: str) -> frozenset[tuple[int, int]] | None:
    """Device and inode of each folder from the root to the one that `path` is in.

    None when one of them occurs twice or is missing: the path is no part of the tree.
    """
    above: set[tuple[int, int]] = set()
    folders = [str(folder) for folder in Path(path).parents if within(str(folder), root)]
    for folder in folders:
        try:
            found = os.stat(folder)  # noqa: PTH116
        except OSError:
            return None
        above.add((found.st_dev, found.st_ino))
    return frozenset(above) if len(above) == len(folders) else None


def survey(
    folder: str,
    on_folder: Callable[[str], None] = lambda _: None,
    above: frozenset[tuple[int, int]] = frozenset(),
) -> Survey:
    """Walk a folder, symbolic links included; `on_folder` is called with each before it is listed.

    `above` are the folders that it lies in, as `folders_above` gives them.

    Hidden names are left out. Kubernetes' ConfigMap volumes consist of links through a hidden `..data`: these are
    followed like any other. A link to a folder that it lies in is not. What vanishes meanwhile was not there.
    """
    found = Survey()
    pending = [(folder, above)]
    while pending:
        path, above = pending.pop()
        if len(found.folders) == MAX_FOLDERS:
            found.unlisted[folder] = (
                f"the folder {folder} has more than {MAX_FOLDERS} folders, counting each link to one"
            )
            break
        try:
            here = os.stat(path)  # noqa: PTH116 -- strings: a large folder is walked again and again
            own = (here.st_dev, here.st_ino)
            if own in above:
                continue
            on_folder(path)
            with os.scandir(path) as entries:
                subfolders = [entry.path for entry in entries if _enter(entry, found)]
        except FileNotFoundError:
            if path == folder:
                found.unlisted[path] = f"the folder {path} does not exist"
            continue
        except OSError as error:
            found.unlisted[path] = f"the folder {path} cannot be listed: {error.strerror}"
            continue
        found.folders.add(path)
        pending += ((subfolder, above | {own}) for subfolder in subfolders)
    return found


def _enter(entry: os.DirEntry[str], found: Survey) -> bool:
    """Note a file that counts; whether the entry is a folder to be walked."""
    name = entry.name
    if name.startswith("."):
        return False
    try:
        if not counts(name):
            return entry.is_dir()
        status = entry.stat()
    except FileNotFoundError:
        return False
    except OSError:
        if counts(name):
            found.files[entry.path] = UNKNOWN  # reading it will say why
        return False
    if stat.S_ISREG(status.st_mode):
        found.files[entry.path] = identity_of(status)
    return stat.S_ISDIR(status.st_mode)
