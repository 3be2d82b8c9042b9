"""The run directory's upkeep: what somebody removed, replaced or took the rights of is put back while all of it serves.

A folder or a text is made again. A socket cannot be: who listens there still does, but nobody finds them any more. So
the kernel's handle of each socket is kept (O_PATH), and where the name is lost, a link to the handle takes its place,
`/proc/PID/fd/N`: whoever connects to it reaches the same listener. The same goes for the pipes of the log. The
adsserver and the bells look after their own sockets.
"""

import contextlib
import errno
import os
import shutil
import socket
import stat
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from entrypoint.rundir import FALLBACK, FOLDERS, LOCK, SNAPSHOT, take_lock

WHOLE_LOOK = 5.0
"""Seconds after which everything is looked at in any case: the rights of a file, say, are told by no folder's time."""

ADMIN_SOCKET = "admin.sock"
OTHERS = ("envoy.json", "supervisord.pid", "vitals.json", f"generated/{FALLBACK}")
"""Files that others write, and which are put back as they were last."""
SOCKETS = (ADMIN_SOCKET, "supervisor.sock")

_FOLDER, _FILE = 0o700, 0o600


class Upkeep:
    """Of one run directory. `look` is called now and then; it says what was mended.

    `pipes` are the named pipes by their paths, with a descriptor of each; `texts` what files hold that nobody else
    writes.
    """

    def __init__(self, run_dir: Path, pipes: Mapping[Path, int], texts: Mapping[Path, bytes]) -> None:
        self._run_dir = run_dir
        self._folders = (run_dir, *(run_dir / name for name in FOLDERS))
        self._pipes = pipes
        self._texts = texts
        self._learned: dict[Path, tuple[int, bytes] | None] = {run_dir / name: None for name in OTHERS}
        self._sockets: dict[Path, int | None] = {run_dir / name: None for name in SOCKETS}
        self._lock = (run_dir / LOCK).stat()
        self._seen: list[_Sign] = []
        self._due = 0.0
        self.file_in_a_pipes_place = False
        """Whether the last look met one: supervisord may have it open, and write to it what nobody reads."""

    def look(self) -> list[str]:
        """Put back what is lost, and say what it was; what cannot be put back is left for the next look.

        While the folders' own times are what they were, no name came or went in them, and nothing else is looked at.
        """
        self.file_in_a_pipes_place = False
        now, folders = time.monotonic(), [_sign_of(folder) for folder in self._folders]
        if folders == self._seen and now < self._due and not self.awaits:
            return []
        self._seen, self._due = folders, now + WHOLE_LOOK
        work: list[tuple[Path, Callable[[Path], bool]]] = [
            *((path, self._keep_folder) for path in self._folders),
            *((path, self._keep_pipe) for path in self._pipes),
            *((path, self._keep_socket) for path in self._sockets),
            *((path, self._keep_text) for path in self._texts),
            *((path, self._keep_learned) for path in self._learned),
            (self._run_dir / LOCK, self._keep_lock),
            (self._run_dir / SNAPSHOT, self._keep_snapshot),
        ]
        mended = []
        for path, keep in work:
            with contextlib.suppress(OSError):
                if keep(path):
                    mended.append(str(path.relative_to(self._run_dir)))
        return mended

    def forget(self, name: str) -> None:
        """Who listened at this socket is gone, and the next one makes it anew."""
        self._let_go(self._run_dir / name)

    @property
    def awaits(self) -> bool:
        """Whether a socket is yet to be made: the sooner it is seen, the less likely it is that it was lost before."""
        return None in self._sockets.values()

    def close(self) -> None:
        """Let all handles go."""
        for path in self._sockets:
            self._let_go(path)

    def _keep_folder(self, path: Path) -> bool:
        here = _status(path)
        if here and stat.S_ISDIR(here.st_mode):
            # The run directory may be a volume: what others may do there is not ours to say.
            others = here.st_mode & 0o077 if path == self._run_dir else 0
            return _with_rights(path, here, _FOLDER | others)
        _remove(path)
        path.mkdir(_FOLDER, parents=True)
        return True

    def _keep_pipe(self, path: Path) -> bool:
        pipe = self._pipes[path]
        here = _status(path)
        if here and (_is_link_to(path, here, pipe) or _same(here, os.fstat(pipe))):
            return False if stat.S_ISLNK(here.st_mode) else _with_rights(path, here, _FILE)
        self.file_in_a_pipes_place |= here is not None
        _link(path, pipe)
        return True

    def _keep_socket(self, path: Path) -> bool:
        here, handle = _status(path), self._sockets[path]
        if here and stat.S_ISSOCK(here.st_mode):
            if handle is None or not _same(here, os.fstat(handle)):
                self._take_handle(path)
            return _with_rights(path, here, _FILE)
        if handle is None or (here and _is_link_to(path, here, handle)):
            return False
        _link(path, handle)
        return True

    def _keep_text(self, path: Path) -> bool:
        here = _status(path)
        if here and stat.S_ISREG(here.st_mode):
            return _with_rights(path, here, _FILE)
        _write(path, self._texts[path])
        return True

    def _keep_learned(self, path: Path) -> bool:
        here, learned = _status(path), self._learned[path]
        if here and stat.S_ISREG(here.st_mode):
            mended = _with_rights(path, here, _FILE)
            if learned is None or learned[0] != here.st_mtime_ns:
                self._learned[path] = here.st_mtime_ns, path.read_bytes()
            return mended
        if learned is None:
            return False
        _write(path, learned[1])
        return True

    def _keep_lock(self, path: Path) -> bool:
        here = _status(path)
        if here and _same(here, self._lock):
            return _with_rights(path, here, _FILE)
        if here and not stat.S_ISREG(here.st_mode):
            _remove(path)
        lock = take_lock(self._run_dir)
        if lock is None:  # another dragoman began here meanwhile
            return False
        self._lock = os.fstat(lock)  # it stays open, as the lost one does, until this process ends
        return True

    def _keep_snapshot(self, path: Path) -> bool:
        """Only the rights: what is lost of it its users make again, or all begin anew with an empty one."""
        if not path.is_dir():
            return False
        mended = [_with_rights(path, path.lstat(), _FOLDER)]
        mended += [_with_rights(file, file.lstat(), _FILE) for file in path.iterdir() if file.is_file()]
        return any(mended)

    def _take_handle(self, path: Path) -> None:
        """Of a socket that somebody listens at; one that is dead was left behind and will be made anew."""
        self._let_go(path)
        handle = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
            if probe.connect_ex(_handle(handle)) == errno.ECONNREFUSED:
                os.close(handle)
            else:
                self._sockets[path] = handle

    def _let_go(self, path: Path) -> None:
        handle, self._sockets[path] = self._sockets[path], None
        if handle is not None:
            os.close(handle)


_Sign: TypeAlias = tuple[int, int, int] | None


def _sign_of(folder: str | Path) -> _Sign:
    """What is different when a name came or went in a folder, or the folder is another one."""
    try:
        here = os.stat(folder)  # noqa: PTH116 -- each second
    except OSError:
        return None
    return here.st_ino, here.st_mode, here.st_mtime_ns


def _write(path: Path, text: bytes) -> None:
    beside = path.with_name(f".{path.name}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _FILE)
    with open(descriptor, "wb") as file:  # noqa: PTH123 -- it is open already
        file.write(text)
    _remove(path)
    beside.replace(path)


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _with_rights(path: Path, here: os.stat_result, wanted: int) -> bool:
    """Give it the rights that it should have; whether it had others."""
    if here.st_mode & 0o777 == wanted:
        return False
    path.chmod(wanted)
    return True


def _same(one: os.stat_result, other: os.stat_result) -> bool:
    return (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)


def _handle(descriptor: int) -> str:
    return f"/proc/{os.getpid()}/fd/{descriptor}"


def _is_link_to(path: Path, here: os.stat_result, descriptor: int) -> bool:
    return stat.S_ISLNK(here.st_mode) and os.readlink(path) == _handle(descriptor)  # noqa: PTH115 -- once a second


def _link(path: Path, descriptor: int) -> None:
    _remove(path)
    path.symlink_to(_handle(descriptor))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
