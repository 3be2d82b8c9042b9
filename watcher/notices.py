"""The kernel's notices (inotify) as signs for the agenda.

A watch is on a folder, not on a path: the same folder may be reached by several paths (links), and a path may get
another folder (a swapped link), so both directions are kept. Where the kernel has no more watches to give, or the
filesystem makes no notices, polling alone must do.
"""

import errno
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

from asyncinotify import Event, Inotify, Mask, Watch

from process import logs
from watcher.agenda import Sign
from watcher.tree import counts

_WRITTEN: Final = Mask.CLOSE_WRITE | Mask.MODIFY | Mask.ATTRIB
_NAMES: Final = Mask.CREATE | Mask.DELETE | Mask.MOVED_FROM | Mask.MOVED_TO
_ITSELF: Final = Mask.DELETE_SELF | Mask.MOVE_SELF
_ENDED: Final = Mask.IGNORED | Mask.UNMOUNT
_CACHED: Final = 200
"""Events read in one go."""

log = logs.get()


class Notice(NamedTuple):
    """A sign of a path; the path is None when notices were lost and everything has to be looked at."""

    path: str | None
    sign: Sign


class _Place(NamedTuple):
    """A watched folder by one of its paths; `only` names the one entry that matters, if not all do."""

    folder: str
    only: str | None


class Notices:
    """The watches on a set of folders. A context manager; `fd` is readable when there is something to `drain`."""

    def __init__(self) -> None:
        try:
            self._inotify: Inotify | None = Inotify(cache_size=_CACHED, sync_timeout=0)
        except OSError as error:
            self._inotify = None
            log.warning("no notices of changed files", reason=error.strerror, instead="polling")
        self._watches: dict[int, Watch] = {}
        self._places: dict[int, set[_Place]] = {}
        self._numbers: dict[_Place, int] = {}
        self._complained = False

    @property
    def fd(self) -> int | None:
        """The file descriptor that says when there are notices; None when the kernel gives none."""
        return self._inotify.fd if self._inotify else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all watches; a second call does nothing."""
        if self._inotify:
            self._inotify.close()

    def watch_root(self, root: str) -> None:
        """Notice when the root itself is made, removed or swapped, of which its parent knows."""
        parent, _, name = root.rpartition("/")
        self._watch(_Place(parent or "/", name), _NAMES)

    def watch(self, folder: str) -> None:
        """Watch a folder; to be called again whenever it is walked, since the path may have another folder by now."""
        self._watch(_Place(folder, None), _WRITTEN | _NAMES | _ITSELF)

    def unwatch(self, folder: str) -> None:
        """Forget a folder that was watched under this path."""
        place = _Place(folder, None)
        number = self._numbers.pop(place, None)
        if number is not None:
            self._forget(number, place)

    def drain(self) -> Iterator[Notice]:
        """What was noticed since the last time, in order; does not wait."""
        while True:
            event = self._inotify.sync_get() if self._inotify else None
            if event is None:
                return
            yield from self._notices(event)

    def _watch(self, place: _Place, mask: Mask) -> None:
        if not self._inotify:
            return
        try:
            watch = self._inotify.add_watch(place.folder, mask | Mask.MASK_ADD | Mask.ONLYDIR)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.ENOMEM) and not self._complained:
                self._complained = True
                log.warning("no more watches", folder=place.folder, reason=error.strerror, instead="polling")
            self.unwatch(place.folder)
            return
        former = self._numbers.get(place)
        if former is not None and former != watch.wd:
            self._forget(former, place)
        self._numbers[place] = watch.wd
        self._watches[watch.wd] = watch
        self._places.setdefault(watch.wd, set()).add(place)

    def _forget(self, number: int, place: _Place) -> None:
        places = self._places.get(number, set())
        places.discard(place)
        if not places:
            self._places.pop(number, None)
            watch = self._watches.pop(number, None)
            if watch is not None and self._inotify:
                with suppress(OSError):  # the kernel removed it with its folder
                    self._inotify.rm_watch(watch)

    def _notices(self, event: Event) -> Iterator[Notice]:
        if event.mask & Mask.Q_OVERFLOW:
            yield Notice(None, Sign.COMPLETE)
            return
        if event.watch is None:
            return
        number = event.watch.wd
        places = tuple(self._places.get(number, ()))
        if event.mask & _ENDED:
            for place in places:
                self._numbers.pop(place, None)
            self._places.pop(number, None)
            self._watches.pop(number, None)
        for place in places:
            notice = _notice(place, event)
            if notice is not None and (place.only or self._may_have_objects(str(notice.path), event.mask)):
                yield notice

    def _may_have_objects(self, path: str, mask: Mask) -> bool:
        """Whether a path, or what is below it, may have objects; a file beside, to be moved into place, has none."""
        if mask & (Mask.ISDIR | _ITSELF | _ENDED) or counts(path.rpartition("/")[2]):
            return True
        return _Place(path, None) in self._numbers or Path(path).is_symlink()


def _notice(place: _Place, event: Event) -> Notice | None:
    """What an event means for one of the paths of its folder."""
    name = str(event.name or "")
    if place.only is not None:
        return Notice(f"{place.folder.rstrip('/')}/{name}", Sign.COMPLETE) if name == place.only else None
    if not name:
        return Notice(place.folder, Sign.GONE) if event.mask & (_ITSELF | _ENDED) else None
    if name.startswith(".."):
        return Notice(place.folder, Sign.COMPLETE)  # a ConfigMap's `..data`: every link here leads elsewhere now
    path = f"{place.folder}/{name}"
    sign = None if name.startswith(".") else _sign(path, event.mask)
    if sign in (Sign.GROWING, Sign.TOUCHED) and not counts(name):
        return None
    return Notice(path, sign) if sign else None


def _sign(path: str, mask: Mask) -> Sign:
    """What an event says of the entry of this path."""
    if mask & (Mask.DELETE | Mask.MOVED_FROM):
        return Sign.GONE
    if mask & (Mask.ISDIR | Mask.CLOSE_WRITE | Mask.MOVED_TO):
        return Sign.COMPLETE
    if mask & Mask.ATTRIB:
        return Sign.TOUCHED
    return Sign.COMPLETE if mask & Mask.CREATE and _made_at_once(path) else Sign.GROWING


def _made_at_once(path: str) -> bool:
    """Whether what was created here is a link, hard or symbolic: nobody will write and close it."""
    try:
        found = Path(path).lstat()
    except OSError:
        return False
    return stat.S_ISLNK(found.st_mode) or found.st_nlink > 1
