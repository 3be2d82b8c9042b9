"""What a folder and each of its files may hold, so that one of them never costs the others more than a short wait.

One number bounds a file, another one all files together: bytes, in which a value counts as 16 and a document or object
as 512 at least, however short they are written. So the same numbers bound the time and the memory that a file takes
here, in the snapshot, and in whatever reads that.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from process.settings import Settings

MIB: Final = 1 << 20

VALUE: Final = 16
"""Bytes that a value (a scalar, a list, a mapping) counts as, at least: Kubernetes' objects have 15 to 40."""

DOCUMENT: Final = 512
"""Bytes that a document, or an object, counts as, at least; a small Mapping has some 300 to 500."""

MAX_OBJECT: Final = 3 * MIB // 2
"""Bytes of an object as JSON: Kubernetes stores no larger ones. So no scalar is longer either."""

MAX_ALIASED: Final = MIB
"""Characters that a file's aliases may add to it, written out."""

MAX_DEPTH: Final = 100
"""Collections inside each other; Kubernetes' own objects stay under 30."""

MAX_TOLD: Final = 19
"""Problems of a file that are told one by one; the rest is counted."""

MAX_FILES: Final = 10_000
"""Files that are read; each folder has the same right to them."""

MAX_NAMES: Final = 200_000
"""Names of files that are looked at, before it is chosen which ones are read."""

MAX_FOLDERS: Final = 5_000
"""Folders that are listed and watched: each takes a watch of the kernel, of which a user has some thousands."""

MAX_UNLISTED_TOLD: Final = 100
"""Folders that are not listed and told one by one."""

MAX_LINKED: Final = 1_000
"""Of these, those below links: links to folders that hold links could make an endless walk of a few."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What people may change: bytes of a file, and of all files together."""

    file: int = 8 * MIB
    total: int = 32 * MIB

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """The limits that the settings say."""
        return cls(settings.config_file_mib * MIB, settings.config_sum_mib * MIB)

    @property
    def values(self) -> int:
        """Values of a file, its aliases written out."""
        return self.file // VALUE

    @property
    def documents(self) -> int:
        """Documents of a file; also objects."""
        return self.file // DOCUMENT

    def too_large(self, what: str) -> str:
        """Why a file is refused; `what` it has too much of."""
        return f"it has more than {what} (DRAGOMAN_CONFIG_FILE_MIB is {self.file // MIB})"

    def file_too_large(self) -> str:
        """Why a file is not read at all."""
        return f"it is larger than {mib(self.file)} (DRAGOMAN_CONFIG_FILE_MIB)"

    def objects_too_large(self) -> str:
        """Why objects of a file are refused: they are more than the file may have."""
        return self.too_large(f"{mib(self.file)} of objects, each counted as {DOCUMENT} bytes or more")


def weigh(body: bytes) -> int:
    """What an object counts as."""
    size = len(body)
    return size if size > DOCUMENT else DOCUMENT  # noqa: FURB136 -- for each object of a file, at each change of it


def mib(size: int) -> str:
    """A number of bytes for people."""
    return f"{size / MIB:g} MiB"


class Ledger:
    """What each file holds of the room for all together; who asks for more than is left is refused, and remembered.

    What is held is never taken away. The last quarter of the room is neither for files above a megabyte nor for those
    of a folder that has half of the room, so that whoever has much leaves the others the room for their changes.

    Args:
        total: the room.
        folder_of: the folder that a file counts for, empty where it counts for none.
    """

    def __init__(self, total: int, folder_of: Callable[[str], str] = lambda _: "") -> None:
        self.total = total
        self._folder_of = folder_of
        self._held: dict[str, int] = {}
        self._sum = 0
        self._by_folder: dict[str, int] = {}
        self._refused: dict[str, int] = {}
        self._freed = False

    def held(self, path: str) -> int:
        """What a file holds."""
        return self._held.get(path, 0)

    def hold(self, path: str, weight: int) -> bool:
        """Whether the file may hold this; then it does. Less than it holds already may it always."""
        before = self.held(path)
        if weight > before and not self._has_room(path, weight):
            return False
        self._refused.pop(path, None)
        self._put(path, weight)
        return True

    def refuse(self, path: str, weight: int) -> None:
        """There is no room for this: it is to be asked for again when there is."""
        self._refused[path] = weight

    def restore(self, path: str, weight: int) -> None:
        """What a file has held in an earlier process, room or not."""
        self._put(path, weight)

    def drop(self, path: str) -> None:
        """The file is no more."""
        self._refused.pop(path, None)
        self._put(path, 0)
        self._held.pop(path, None)

    def welcome(self) -> list[str]:
        """The refused ones that there is room for by now; each is to be read again."""
        if not self._freed:
            return []
        self._freed = False
        found = [path for path, weight in self._refused.items() if self._has_room(path, weight)]
        for path in found:
            del self._refused[path]
        return found

    def _put(self, path: str, weight: int) -> None:
        grown = weight - self.held(path)
        self._held[path] = weight
        self._sum += grown
        self._freed = self._freed or grown < 0
        folder = self._folder_of(path)
        if folder:
            self._by_folder[folder] = self._by_folder.get(folder, 0) + grown
            if not self._by_folder[folder]:
                del self._by_folder[folder]

    def _has_room(self, path: str, weight: int) -> bool:
        grown = weight - self.held(path)
        of_folder = self._by_folder.get(self._folder_of(path), 0) + grown
        is_much = weight > MIB or (bool(self._folder_of(path)) and of_folder > self.total // 2)
        return self._sum + grown <= (self.total * 3 // 4 if is_much else self.total)
