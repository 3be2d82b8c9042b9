"""From a path to an open, sound file, whoever else opens it at the same time and whatever a crash left there.

The folder holds, beside LMDB's two files:

    open.lock          held (flock) while a process opens, so that one at a time creates, checks or replaces
    user.*.lock        held while a process has the file open; one that nobody holds tells of a crash
    writer.<db>.lock   held while a process writes a database (snapshot.writer)

The file is checked from end to end when somebody crashed with it open or nobody has it open, and believed when
live processes share it and none has crashed. When nobody has it open it is compacted too: so it shrinks again, and
a damaged list of free pages goes.
"""

import fcntl
import json
import os
import shutil
import signal
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

import lmdb

from snapshot.check import header_problem
from snapshot.errors import SnapshotBrokenError, SnapshotError, SnapshotFullError, SnapshotReplacedError
from snapshot.file import COPY, DATA, LOCK, LOCK_BYTES, NO_ROOM, File
from snapshot.layout import DATABASES, FORMAT_HEADER, PAST

OPEN_PATIENCE = 60.0
"""Seconds to wait for another process that opens the file; it needs milliseconds, unless it is stopped."""

CHECK_PATIENCE = 30.0
"""Seconds for the check of a file; ten thousand records need 0.05."""

_CRASHES = {signal.SIGBUS, signal.SIGSEGV, signal.SIGABRT, signal.SIGFPE, signal.SIGILL}

_TRIES = 5

_OPEN_HERE: set[Path] = set()


@dataclass(frozen=True, slots=True)
class Users:
    """The processes that have the file open: how many live, and the marks of those that crashed."""

    live: int
    crashed: tuple[Path, ...]


def open_file(path: Path, map_size: int) -> tuple[File, str | None, ExitStack]:
    """The file, why the former one was replaced (None: it was not), and what there is to undo when it is closed.

    Where its folder is removed while it is opened, it is opened again.

    Raises as `Snapshot.open` says.
    """
    for _ in range(_TRIES - 1):
        with suppress(SnapshotReplacedError):
            return _open_file(path, map_size)
    return _open_file(path, map_size)


def _open_file(path: Path, map_size: int) -> tuple[File, str | None, ExitStack]:
    path = Path(os.path.realpath(path))
    with ExitStack() as undo:
        _claim(path, undo)
        try:
            problem = _prepare(path)
            with _alone_opening(path):
                users = _users(path)
                undo.enter_context(_mark(path))
                problem = _settle(path, users, map_size) or problem
                file, found = _open(path, map_size)
                undo.callback(_close, file)
                for left in users.crashed:
                    left.unlink(missing_ok=True)
        except OSError as error:
            if error.errno in NO_ROOM:
                raise SnapshotFullError(f"{path}: no room for a snapshot file: {error}") from error
            raise SnapshotError(f"{path}: the snapshot cannot be opened: {error}") from error
        return file, problem or found, undo.pop_all()


def _claim(path: Path, undo: ExitStack) -> None:
    if path in _OPEN_HERE:
        raise SnapshotError(f"{path}: this process has the snapshot open already; share that one")
    _OPEN_HERE.add(path)
    undo.callback(_OPEN_HERE.discard, path)


def _prepare(path: Path) -> str | None:
    """Make the folder, for its owner only; what stood in its place, if anything did."""
    problem = None
    if path.exists() and not path.is_dir():
        problem = "it was not a folder"
        with suppress(OSError):  # another process was faster
            path.unlink()
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if stat.S_IMODE(path.stat().st_mode) != 0o700:
        path.chmod(0o700)
    return problem


@contextmanager
def _alone_opening(path: Path) -> Iterator[None]:
    lock = os.open(path / "open.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        give_up = monotonic() + OPEN_PATIENCE
        while not _try_lock(lock):
            if monotonic() > give_up:
                raise SnapshotError(f"{path}: another process has been opening the snapshot for {OPEN_PATIENCE:.0f} s")
            sleep(0.002)
        yield
    finally:
        os.close(lock)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _users(path: Path) -> Users:
    live, crashed = 0, []
    for mark in path.iterdir():
        if not (mark.name.startswith("user.") and mark.suffix == ".lock"):
            continue
        try:
            descriptor = os.open(mark, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:  # its process has just closed the snapshot
            continue
        if _try_lock(descriptor):
            crashed.append(mark)
        else:
            live += 1
        os.close(descriptor)
    return Users(live, tuple(crashed))


@contextmanager
def _mark(path: Path) -> Iterator[None]:
    mark = path / f"user.{os.getpid()}-{os.urandom(4).hex()}.lock"  # a pid may be another container's too
    descriptor = os.open(mark, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)
        os.close(descriptor)


def _close(file: File) -> None:
    file.close()
    if file.broken:  # a mark that nobody holds: the next to open the file shall check it
        (file.path / "user.broken.lock").touch(mode=0o600)


def _settle(path: Path, users: Users, map_size: int) -> str | None:
    """Leave a sound file or none; why one had to go, if one had to."""
    data, lock, copy = path / DATA, path / LOCK, path / COPY
    if not users.live:
        _remove(lock)
        _remove(copy)
    if not os.path.lexists(data):
        _remove(lock)
        return "it was removed while processes used it" if users.live else None
    problem = header_problem(data)
    if problem is None and users.live and not lock.is_file():
        problem = "its lock file was removed while processes used it"
    if problem is None and (users.crashed or not users.live):
        _reserve_lock(lock)
        problem, copied = _check(path, map_size, compact=not users.live)
        if copied:
            copy.replace(data)
            _remove(lock)
    if problem is not None:
        _remove(data)
        _remove(lock)
    return problem


def _open(path: Path, map_size: int) -> tuple[File, str | None]:
    """The open file, and why one that looked sound was replaced after all (None: it was not)."""
    problem = None
    if (path / DATA).exists():
        try:
            return _opened(path, map_size, File.open_tables), None
        except SnapshotBrokenError as error:
            problem = str(error)
            _remove(path / DATA)
            _remove(path / LOCK)
    try:
        return _opened(path, map_size, File.create_tables), problem
    except SnapshotReplacedError:  # what is there is somebody else's
        raise
    except SnapshotError:
        _remove(path / DATA)
        raise


def _opened(path: Path, map_size: int, find_tables: Callable[[File], None]) -> File:
    _reserve_lock(path / LOCK)
    file = File(path, map_size)
    try:
        find_tables(file)
    except BaseException:
        file.close()
        raise
    return file


def _reserve_lock(lock: Path) -> None:
    """Give LMDB's lock file all its memory at once: on a full filesystem, touching it would kill the process later."""
    if not lock.exists():
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, LOCK_BYTES)
        except OSError:
            lock.unlink()
            raise
        finally:
            os.close(descriptor)


def _check(path: Path, map_size: int, *, compact: bool) -> tuple[str | None, bool]:
    """What is wrong with the file (None: nothing), and whether a compact copy of it was made.

    SnapshotError when that could not be found out: a file is not thrown away for a lack of memory or descriptors.
    """
    import subprocess  # noqa: PLC0415 -- 10 ms that a start without a crash does not need

    asked = {
        "path": str(path),
        "site": str(Path(lmdb.__file__).parent.parent),
        "databases": DATABASES,
        "past": PAST,
        "format": FORMAT_HEADER,
        "map_size": map_size,
        "compact": compact,
    }
    command = [sys.executable, "-I", "-S", str(Path(__file__).with_name("check.py")), json.dumps(asked)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=CHECK_PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return f"reading it takes more than {CHECK_PATIENCE:.0f} s", False
    if -done.returncode in _CRASHES:
        return f"a process that read it died of {signal.Signals(-done.returncode).name}", False
    if done.returncode:
        told = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise SnapshotError(f"{path}: the file could not be checked: exit code {done.returncode}: {told}")
    answer = json.loads(done.stdout)
    return answer["problem"], answer["compacted"]


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
